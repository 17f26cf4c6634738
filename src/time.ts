import type { Dayjs } from "dayjs";
import { QueryError } from "./errors.ts";

/**
 * A length of time in PromQL's form: `y w d h m s ms` in that order, each at most once, such as `"5m"` or `"1h30m"`.
 *
 * As in PromQL a day has 24 hours, a week 7 days and a year 365 days.
 */
export type Duration = string;

/**
 * An instant: a `Date`, a dayjs object, epoch milliseconds, or ISO 8601 text. Text without a zone is read as UTC.
 */
export type Instant = Date | Dayjs | number | string;

const UNITS = [
  ["y", 365 * 24 * 3_600_000],
  ["w", 7 * 24 * 3_600_000],
  ["d", 24 * 3_600_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
] as const;

const DURATION = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** Prometheus keeps durations as signed 64-bit nanoseconds, a little over 292 years. */
export const LONGEST_MS = Math.floor(2 ** 63 / 1e6);

/**
 * The milliseconds of a PromQL duration, or `undefined` when the text is none. `"0s"` is a duration; `""` is not.
 */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null || text === "") return undefined;
  let ms = 0;
  let place = 1;
  for (const [, factor] of UNITS) {
    const digits = match[place++];
    if (digits !== undefined) ms += Number(digits) * factor;
  }
  return ms <= LONGEST_MS ? ms : undefined;
}

/**
 * A duration in the form Prometheus itself prints: the largest units first, zero units left out, `"1h30m"`.
 *
 * @param ms whole milliseconds, zero or more
 */
export function formatDuration(ms: number): Duration {
  if (ms === 0) return "0s";
  let rest = ms;
  let text = "";
  for (const [unit, factor] of UNITS) {
    // Years and weeks only where they divide evenly, as Prometheus does: 8d is clearer than 1w1d.
    const whole = factor >= 7 * 24 * 3_600_000;
    if (whole && rest % factor !== 0) continue;
    const n = Math.floor(rest / factor);
    if (n === 0) continue;
    text += `${n}${unit}`;
    rest -= n * factor;
  }
  return text;
}

/** Milliseconds of a positive duration that a caller wrote; `what` names the argument in the error. */
export function durationMs(
  text: unknown,
  what: string,
  code: "range" | "step" | "timeout" | "window" = "window",
): number {
  const ms = typeof text === "string" ? parseDuration(text) : undefined;
  if (ms === undefined || ms === 0) {
    throw new QueryError(code, `${what}: ${shown(text)} is not a positive PromQL duration; write "5m" or "1h30m"`);
  }
  return ms;
}

const ISO =
  /^(\d{4}|[+-]\d{6})-(\d{2})-(\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?) ?(?:Z|([+-](?:[01]\d|2[0-3])):?([0-5]\d))?)?$/i;
/** The farthest instant a JavaScript date holds. */
const FARTHEST_MS = 8.64e15;

/** Epoch milliseconds of an instant that a caller wrote; `what` names the argument in the error. */
export function instantMs(instant: Instant, what: string): number {
  const ms = readInstant(instant);
  if (!Number.isFinite(ms) || Math.abs(ms) > FARTHEST_MS) {
    throw new QueryError(
      "time",
      `${what}: ${shown(instant)} is not an instant; write a Date, epoch milliseconds or ISO text such as "2026-11-20T10:00:00Z"`,
    );
  }
  return ms;
}

/** Told by the mark that every dayjs object bears, whichever copy of dayjs made it; so dayjs itself need not be loaded. */
const isDayjs = (value: unknown): value is Dayjs =>
  typeof value === "object" && value !== null && "$isDayjsObject" in value && value.$isDayjsObject === true;

function readInstant(instant: Instant): number {
  if (typeof instant === "number") return instant;
  if (instant instanceof Date) return instant.getTime();
  if (isDayjs(instant)) return instant.valueOf();
  if (typeof instant !== "string") return Number.NaN;
  const [iso, year, month, day, time = "00:00", zoneHours = "+00", zoneMinutes = "00"] = ISO.exec(instant) ?? [];
  if (iso === undefined) return Number.NaN;
  const date = `${year}-${month}-${day}`;
  // A day that its month does not have would be read as one of the next month.
  if (new Date(`${date}T00:00Z`).getUTCDate() !== Number(day)) return Number.NaN;
  return Date.parse(`${date}T${time.replace(",", ".")}${zoneHours}:${zoneMinutes}`);
}

/** ISO text of an instant in UTC, with milliseconds only where there are any: `2026-11-20T10:00:00Z`. */
export function formatInstant(ms: number): string {
  if (!(Math.abs(ms) <= FARTHEST_MS)) return `${ms} ms`;
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** A span of time: the last so much, or from one instant to another (`to` is now when it is left out). */
export type TimeSpan =
  | { readonly last: Duration; readonly from?: never; readonly to?: never }
  | { readonly from: Instant; readonly to?: Instant | undefined; readonly last?: never };

/** Both ends of a span as epoch milliseconds. */
export interface ResolvedSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The ends of `span`, with `nowMs` for what it leaves open. */
export function resolveSpan(span: TimeSpan, nowMs: number, what: string): ResolvedSpan {
  if (typeof span !== "object" || span === null) {
    throw new QueryError("range", `${what}: ${shown(span)} is not a range; write { last: "6h" } or { from, to }`);
  }
  if (span.last !== undefined) {
    if (span.from !== undefined || span.to !== undefined) {
      throw new QueryError(
        "range",
        `${what}: "last" and "from" exclude each other; write { last: "6h" } or { from, to }`,
      );
    }
    return { fromMs: nowMs - durationMs(span.last, `${what}: last`, "range"), toMs: nowMs };
  }
  if (span.from === undefined) {
    throw new QueryError("range", `${what}: the range has no beginning; write { last: "6h" } or { from, to }`);
  }
  const fromMs = instantMs(span.from, `${what}: from`);
  const toMs = span.to === undefined ? nowMs : instantMs(span.to, `${what}: to`);
  if (toMs < fromMs) {
    throw new QueryError(
      "range",
      `${what}: the range ends (${formatInstant(toMs)}) before it begins (${formatInstant(fromMs)}); swap from and to`,
    );
  }
  return { fromMs, toMs };
}

/** Options that every question takes last. */
export interface AskOptions {
  /** Ends the wait; the signal's reason is thrown as it is. */
  readonly signal?: AbortSignal | undefined;
  /** Overall deadline in milliseconds, retries included; the backend's own when left out. */
  readonly timeoutMs?: number | undefined;
}

/** A value as it reads in a message: quoted text, cut where it is long. */
export function shown(value: unknown): string {
  const text = textOf(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function textOf(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null || value instanceof RegExp) return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid Date" : formatInstant(value.getTime());
  if (isDayjs(value)) return value.isValid() ? formatInstant(value.valueOf()) : "an invalid dayjs object";
  return Array.isArray(value) ? "an array" : "an object";
}
