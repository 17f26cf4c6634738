import { httpDateMs } from "./header.ts";

const BASE_MS = 200;
const LONGEST_MS = 10_000;

/** Statuses that say "not now" rather than "no". */
const WORTH_A_RETRY: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Whether the same request may well be answered a little later. */
export function isRetryWorthy(status: number): boolean {
  return WORTH_A_RETRY.has(status);
}

/**
 * The pause before the next try, in milliseconds: exponential backoff with full jitter, and never less than the
 * server asked for.
 *
 * @param tries how many tries were made so far, at least one
 * @param random a number in [0, 1)
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(tries: number, random: number, askedMs = 0): number {
  const ceiling = Math.min(LONGEST_MS, BASE_MS * 2 ** (tries - 1));
  return Math.max(askedMs, Math.round(random * ceiling));
}

const SECONDS = /^\d{1,9}$/;

/**
 * Milliseconds of a `Retry-After` header, seconds or HTTP date; `undefined` where there is none to understand.
 *
 * A date is meant by the clock of who wrote it, which the answer's own `Date` shows; that here is taken where it has none.
 */
export function retryAfterMs(
  { "retry-after": header = "", date }: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): number | undefined {
  const text = header.trim();
  if (SECONDS.test(text)) return Number(text) * 1_000;
  const untilMs = httpDateMs(text);
  return untilMs === undefined ? undefined : Math.max(0, untilMs - (httpDateMs(date) ?? nowMs));
}
