/** Epoch milliseconds of RFC 3339 text from `start` to `end`, digits below the millisecond dropped; NaN when it is none. */
export function rfc3339Ms(text: string, start = 0, end = text.length): number {
  if (end - start === 24 && text.charCodeAt(start + 19) === 46 && text.charCodeAt(end - 1) === 90) {
    // The form that Envoy writes unless told otherwise. Lines come in the order of time, many to the minute.
    if (text.indexOf(minute.text, start) !== start) {
      const ms = wholeSecondsMs(`${text.slice(start, start + 17)}00Z`, 0, 20);
      if (Number.isNaN(ms)) return ms;
      // A piece of a line would keep the line in memory.
      minute = { text: ` ${text.slice(start, start + 17)}`.slice(1), ms };
    }
    const seconds = two(text, start + 17);
    const hundreds = two(text, start + 20);
    const ones = text.charCodeAt(start + 22) - 48;
    if (seconds < 0 || seconds > 60 || hundreds < 0 || ones < 0 || ones > 9) return Number.NaN;
    return minute.ms + seconds * 1000 + hundreds * 10 + ones;
  }
  const secondsMs = wholeSecondsMs(text, start, end);
  const tail = fractionAndZone(text, start + 19, end);
  return tail === undefined ? Number.NaN : secondsMs - tail.offsetMs + Math.floor(tail.ns / 1e6);
}

/** The minute that was read last: `2026-11-24T03:43:`. */
let minute = { text: "1970-01-01T00:00:", ms: 0 };

/** Epoch nanoseconds of RFC 3339 text from `start` to `end`; `undefined` when it is none. */
export function rfc3339Ns(text: string, start = 0, end = text.length): bigint | undefined {
  const secondsMs = wholeSecondsMs(text, start, end);
  const tail = Number.isNaN(secondsMs) ? undefined : fractionAndZone(text, start + 19, end);
  return tail === undefined ? undefined : nanoseconds(secondsMs - tail.offsetMs, tail.ns);
}

const nanoseconds = (ms: number, ns: number): bigint => BigInt(ms) * 1_000_000n + BigInt(ns);

/** Two digits as a number; negative when they are none. */
function two(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 48;
  const ones = text.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? (tens * 10 + ones) | 0 : -1;
}

/** `2026-11-24T03:43:31` as UTC. */
function wholeSecondsMs(text: string, start: number, end: number): number {
  if (
    end - start < 20 ||
    text.charCodeAt(start + 4) !== 45 ||
    text.charCodeAt(start + 7) !== 45 ||
    (text.charCodeAt(start + 10) | 32) !== 116 ||
    text.charCodeAt(start + 13) !== 58 ||
    text.charCodeAt(start + 16) !== 58
  ) {
    return Number.NaN;
  }
  const century = two(text, start);
  const years = two(text, start + 2);
  const year = century < 0 || years < 0 ? -1 : century * 100 + years;
  const month = two(text, start + 5);
  const day = two(text, start + 8);
  return civilMs(year, month, day, two(text, start + 11), two(text, start + 14), two(text, start + 17));
}

/** Epoch milliseconds of a date and time of day in UTC; NaN when there is no such day or time, or a part is negative. */
function civilMs(year: number, month: number, day: number, hour: number, minute: number, second: number): number {
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return Number.NaN;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return Number.NaN;
  return (daysBefore(year, month) + day) * 86_400_000 + (hour * 3600 + minute * 60 + second) * 1000;
}

const leap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

const daysIn = (year: number, month: number): number =>
  month === 2 ? (leap(year) ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;

/** Days from the epoch to the day before the month's first; years counted from March, so that February's end is last. */
function daysBefore(year: number, month: number): number {
  const y = month <= 2 ? year - 1 : year;
  const m = month <= 2 ? month + 9 : month - 3;
  const centuries = (y / 100) | 0;
  return y * 365 + (y >> 2) - centuries + (centuries >> 2) + (((153 * m + 2) / 5) | 0) - 719_469;
}

/** What follows the seconds: `.123456789Z`, `Z`, `+02:00`. */
function fractionAndZone(text: string, start: number, end: number): { ns: number; offsetMs: number } | undefined {
  let at = start;
  let ns = 0;
  if (text.charCodeAt(at) === 46) {
    at++;
    let scale = 100_000_000;
    const first = at;
    for (; at < end; at++) {
      const value = text.charCodeAt(at) - 48;
      if (!(value >= 0 && value <= 9)) break;
      ns += value * Math.floor(scale);
      scale /= 10;
    }
    if (at === first) return undefined;
  }
  const offsetMs = zoneMs(text, at, end);
  return offsetMs === undefined ? undefined : { ns, offsetMs };
}

/** `Z`, `+02:00` or `+0200`. */
function zoneMs(text: string, start: number, end: number): number | undefined {
  const sign = text.charCodeAt(start);
  if ((sign | 32) === 122) return end - start === 1 ? 0 : undefined;
  if (sign !== 43 && sign !== 45) return undefined;
  const colon = end - start === 6 && text.charCodeAt(start + 3) === 58 ? 1 : 0;
  if (end - start !== 5 + colon) return undefined;
  const hours = two(text, start + 1);
  const minutes = two(text, start + 3 + colon);
  if (hours < 0 || minutes < 0) return undefined;
  const ms = (hours * 60 + minutes) * 60_000;
  return sign === 45 ? -ms : ms;
}

/** Reads times written in one format. */
export interface TimeFormat {
  /** Epoch nanoseconds; `undefined` when the text is not of the format. */
  read(text: string): bigint | undefined;
}

/**
 * Compiles the argument of `%START_TIME(…)%`: strftime's specifiers and Envoy's `%s`, `%f` and `%1f` to `%9f`.
 *
 * A format that does not fix an instant (no day, say), or has a specifier this library does not know, gives `undefined`.
 */
export function compileTimeFormat(format: string): TimeFormat | undefined {
  const parts: (Specifier | string)[] = [];
  const text = format.replaceAll("%F", "%Y-%m-%d").replaceAll("%T", "%H:%M:%S").replaceAll("%D", "%m/%d/%y");
  for (let i = 0; i < text.length; i++) {
    if (text.charAt(i) !== "%") {
      parts.push(text.charAt(i));
      continue;
    }
    const [specifier] = /^%(?:E?[1-9]?[A-Za-z%]|E[1-9]S)/.exec(text.slice(i, i + 4)) ?? [];
    if (specifier === undefined) return undefined;
    i += specifier.length - 1;
    const known = specifier === "%%" ? "%" : specifierOf(specifier.slice(1));
    if (known === undefined) return undefined;
    parts.push(known);
  }
  const names = new Set(parts.map((part) => (typeof part === "string" ? "" : part.sets)));
  if (!names.has("epoch") && !(names.has("year") && names.has("month") && names.has("day"))) return undefined;
  return { read: (written) => readParts(parts, written) };
}

type Part = "day" | "epoch" | "fraction" | "hour" | "ignored" | "minute" | "month" | "second" | "year" | "zone";
interface Specifier {
  readonly sets: Part;
  readonly pattern: RegExp;
  readonly value: (text: string) => number;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const numeric = (sets: Part, pattern: RegExp): Specifier => ({ sets, pattern, value: Number });
const zone: Specifier = {
  sets: "zone",
  pattern: /Z|UTC|GMT|[+-]\d\d:?\d\d/y,
  value: (text) => (/^[+-]/.test(text) ? (zoneMs(text, 0, text.length) ?? 0) : 0),
};
const monthName = (pattern: RegExp): Specifier => ({
  sets: "month",
  pattern,
  value: (text) => MONTHS.indexOf(text.slice(0, 3).toLowerCase()) + 1,
});

function specifierOf(name: string): Specifier | undefined {
  const digits = /^E?([1-9])([fS])$/.exec(name);
  if (digits?.[2] === "f") return fraction(new RegExp(`\\d{${digits[1]}}`, "y"));
  switch (name) {
    case "Y":
      return numeric("year", /\d{4}/y);
    case "y":
      return { sets: "year", pattern: /\d\d/y, value: (text) => (Number(text) < 69 ? 2000 : 1900) + Number(text) };
    case "m":
      return numeric("month", /\d\d/y);
    case "b":
    case "h":
      return monthName(/[A-Za-z]{3}/y);
    case "B":
      return monthName(/[A-Za-z]{3,9}/y);
    case "d":
    case "e":
      return numeric("day", /[ \d]?\d/y);
    case "H":
      return numeric("hour", /\d\d/y);
    case "M":
      return numeric("minute", /\d\d/y);
    case "S":
      return numeric("second", /\d\d/y);
    case "s":
      return numeric("epoch", /\d{1,12}/y);
    case "f":
      return fraction(/\d{1,9}/y);
    case "z":
    case "Z":
    case "Ez":
      return zone;
    case "a":
    case "A":
      return { sets: "ignored", pattern: /[A-Za-z]{3,9}/y, value: () => 0 };
    default:
      return undefined;
  }
}

const fraction = (pattern: RegExp): Specifier => ({
  sets: "fraction",
  pattern,
  value: (text) => Number(text.padEnd(9, "0")),
});

function readParts(parts: readonly (Specifier | string)[], text: string): bigint | undefined {
  const found: Partial<Record<Part, number>> = {};
  let at = 0;
  for (const part of parts) {
    if (typeof part === "string") {
      if (text.charAt(at) !== part) return undefined;
      at++;
      continue;
    }
    part.pattern.lastIndex = at;
    const [matched] = part.pattern.exec(text) ?? [];
    if (matched === undefined) return undefined;
    at += matched.length;
    found[part.sets] = part.value(matched);
  }
  if (at !== text.length) return undefined;
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, epoch } = found;
  const ms = epoch === undefined ? civilMs(year, month, day, hour, minute, second) - (found.zone ?? 0) : epoch * 1000;
  return Number.isNaN(ms) ? undefined : nanoseconds(ms, found.fraction ?? 0);
}
