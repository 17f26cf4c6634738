import type { FunctionName } from "../functions.ts";

/*
 * Dates of the proleptic Gregorian calendar in UTC, of times in seconds that may be far beyond what a JavaScript date
 * holds. Go counts seconds in 64 bits, and so does this: what has no place there is the least of them, and wraps.
 */

const DAY = 86_400;
const DAYS_IN_400_YEARS = 146_097;
/** Days from the first of March of the year 0 to 1970. */
const EPOCH = 719_468;
const LEAST = -(2n ** 63n);
/** The second from which Go counts without a sign, 292 billion years ago. */
const ZERO = -9_223_372_028_741_760_000n;

interface Time {
  /** Days since 1970. */
  readonly days: number;
  readonly secondOfDay: number;
}

function timeOf(seconds: number): Time {
  const whole = Math.trunc(seconds);
  if (Math.abs(whole) <= Number.MAX_SAFE_INTEGER) {
    const days = Math.floor(whole / DAY);
    return { days, secondOfDay: whole - days * DAY };
  }
  const exact = whole >= -(2 ** 63) && whole < 2 ** 63 ? BigInt(whole) : LEAST;
  const since = BigInt.asUintN(64, exact - ZERO);
  const day = BigInt(DAY);
  return { days: Number(since / day + ZERO / day), secondOfDay: Number(since % day) };
}

interface CivilDate {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
}

/** Years are counted from March here, so that a leap day is the last of its year. */
function civil(days: number): CivilDate {
  const shifted = days + EPOCH;
  const era = Math.floor(shifted / DAYS_IN_400_YEARS);
  const dayOfEra = shifted - era * DAYS_IN_400_YEARS;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
const DAYS_BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334] as const;

function daysInMonth({ year, month }: CivilDate): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

const dayOfYear = ({ year, month, day }: CivilDate): number =>
  (DAYS_BEFORE[month - 1] ?? 0) + day + (month > 2 && isLeap(year) ? 1 : 0);

const ofDate =
  (part: (date: CivilDate) => number) =>
  (seconds: number): number =>
    part(civil(timeOf(seconds).days));

/** The parts of the date that a value in seconds stands for. */
export const CALENDAR = {
  day_of_month: ofDate(({ day }) => day),
  // 1970 began on a Thursday.
  day_of_week: (seconds) => (((timeOf(seconds).days + 4) % 7) + 7) % 7,
  day_of_year: ofDate(dayOfYear),
  days_in_month: ofDate(daysInMonth),
  hour: (seconds) => Math.floor(timeOf(seconds).secondOfDay / 3600),
  minute: (seconds) => Math.floor((timeOf(seconds).secondOfDay % 3600) / 60),
  month: ofDate(({ month }) => month),
  year: ofDate(({ year }) => year),
} as const satisfies Partial<Record<FunctionName, (seconds: number) => number>>;

/** Whether a function takes the time of evaluation where it is given no vector. */
export const isCalendar = (func: FunctionName): func is keyof typeof CALENDAR => Object.hasOwn(CALENDAR, func);
