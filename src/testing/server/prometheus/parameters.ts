import { parseDuration } from "../../../time.ts";
import { goFloat, goInteger, goQuoted, rfc3339Ns } from "../go-text.ts";

/** The types of Prometheus's errors that come about here. */
export type ErrorType = "bad_data" | "execution" | "internal";

/** A refusal in Prometheus's words. */
export class ApiFault extends Error {
  readonly type: ErrorType;

  constructor(type: ErrorType, message: string) {
    super(message);
    this.type = type;
  }
}

export const invalidParameter = (name: string, reason: string): ApiFault =>
  new ApiFault("bad_data", `invalid parameter ${goQuoted(name)}: ${reason}`);

/** Epoch milliseconds of a time that must be there. */
export function requiredTime(form: URLSearchParams, name: string): number {
  const text = form.get(name) ?? "";
  const ms = timeMs(text);
  if (ms === undefined) throw invalidParameter(name, `cannot parse ${goQuoted(text)} to a valid timestamp`);
  return ms;
}

/** Epoch milliseconds of a time that may be left out. */
export function optionalTime(form: URLSearchParams, name: string, otherwiseMs: number): number {
  const text = form.get(name) ?? "";
  if (text === "") return otherwiseMs;
  const ms = timeMs(text);
  if (ms !== undefined) return ms;
  const reason = `cannot parse ${goQuoted(text)} to a valid timestamp`;
  throw invalidParameter(name, `invalid time value for '${name}': ${reason}`);
}

/** Seconds are rounded to milliseconds, and what RFC 3339 gives beyond them is cut off. */
function timeMs(text: string): number | undefined {
  const seconds = goFloat(text);
  if (seconds !== undefined) {
    if (!Number.isFinite(seconds)) return undefined;
    const whole = Math.trunc(seconds);
    const fraction = (seconds - whole) * 1000;
    return whole * 1000 + Math.sign(fraction) * Math.round(Math.abs(fraction));
  }
  const ns = rfc3339Ns(text);
  return ns === undefined ? undefined : Number(ns / 1_000_000n);
}

/** Nanoseconds of a duration: a number of seconds, or PromQL's form. */
export function durationNs(text: string): number {
  const seconds = goFloat(text);
  if (seconds !== undefined) {
    const ns = Math.trunc(seconds * 1e9);
    if (Number.isNaN(ns) || ns >= 2 ** 63 || ns < -(2 ** 63)) {
      throw new ApiFault("bad_data", `cannot parse ${goQuoted(text)} to a valid duration. It overflows int64`);
    }
    return ns;
  }
  const ms = parseDuration(text);
  if (ms === undefined) throw new ApiFault("bad_data", `cannot parse ${goQuoted(text)} to a valid duration`);
  return ms * 1e6;
}

/** {@link durationNs} of a parameter. */
export function durationParameter(form: URLSearchParams, name: string): number {
  try {
    return durationNs(form.get(name) ?? "");
  } catch (error) {
    throw error instanceof ApiFault ? invalidParameter(name, error.message) : error;
  }
}

/** How many results are wanted at most; 0 for all. */
export function limitParameter(form: URLSearchParams): number {
  const text = form.get("limit") ?? "";
  if (text === "") return 0;
  const limit = goInteger(text);
  if (typeof limit === "string") throw invalidParameter("limit", limit);
  if (limit < 0) throw invalidParameter("limit", "limit must be non-negative");
  return limit;
}
