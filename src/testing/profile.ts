import {
  type Attempt,
  type Exchange,
  isSeenByDestination,
  isSeenBySource,
  type Outcome,
  type Span,
  spanUs,
} from "./exchange.ts";
import type { RequestKind } from "./kinds.ts";
import type { Workload } from "./topology.ts";

/** What one proxy reports of one exchange: a line, and what its metrics count. */
export interface Report {
  readonly exchange: Exchange;
  readonly reporter: "destination" | "source";
  /** Whose proxy reports. */
  readonly writer: Workload;
  readonly outcome: Outcome;
  readonly start: Span;
  readonly length: Span;
}

/** The upper bounds of the buckets of Istio's histograms, the last of which holds everything. */
export const BOUNDS = [
  0.5,
  1,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1_000,
  2_500,
  5_000,
  10_000,
  30_000,
  60_000,
  300_000,
  600_000,
  1_800_000,
  3_600_000,
  Number.POSITIVE_INFINITY,
] as const;

/** The place of the bucket that holds a value. */
export const bucketOf = (value: number): number => BOUNDS.findIndex((bound) => value <= bound);

/** Requests of one kind differ in so many ways, one after the other. */
export const TURNS = 64;
const REQUEST_HEADERS = 820;
const RESPONSE_HEADERS = 310;

/** What differs between the requests of one kind, which never takes a number of theirs into another bucket. */
export class Profile {
  readonly reports: readonly Report[];
  readonly #xs: Float64Array;
  readonly #ys: Float64Array;

  constructor(kind: RequestKind) {
    this.reports = kind.exchanges.flatMap(reportsOf);
    this.#xs = turns(
      0.75,
      1.35,
      this.reports.map(({ length }) => [length, 1_000, 0]),
    );
    // Connections have bytes, of which there are no histograms.
    const observed = kind.exchanges.filter(({ service }) => service.protocol !== "tcp");
    const bodies = observed.flatMap(({ requestBytes, responseBytes }) => [
      [{ fixed: 0, scaled: requestBytes }, 1, REQUEST_HEADERS] as const,
      [{ fixed: 0, scaled: responseBytes }, 1, RESPONSE_HEADERS] as const,
    ]);
    this.#ys = turns(0.7, 1.3, bodies);
  }

  /** What durations are multiplied with in the request of that number. */
  x(seed: number, number: number): number {
    return this.#xs[turnOf(number, 37, seed)] ?? 1;
  }

  /** The most that durations are multiplied with. */
  get most(): number {
    return this.#xs.at(-1) ?? 1;
  }

  /** What sizes are multiplied with. */
  y(seed: number, number: number): number {
    return this.#ys[turnOf(number, 23, seed >>> 8)] ?? 1;
  }
}

const turnOf = (number: number, stride: number, offset: number): number =>
  ((number % TURNS) * stride + (offset % TURNS)) % TURNS;

/** Factors about 1, each of which leaves every amount in its bucket: an amount in units, and what is added to it. */
function turns(
  least: number,
  most: number,
  amounts: readonly (readonly [amount: Span, unit: number, added: number])[],
): Float64Array {
  let low = least;
  let high = most;
  for (const [{ fixed, scaled }, unit, added] of amounts) {
    if (scaled <= 0) continue;
    const bucket = bucketOf(Math.floor(Math.round(fixed + scaled) / unit) + added);
    const below = Math.floor(BOUNDS[bucket - 1] ?? -1) + 1 - added;
    const above = Math.floor(BOUNDS[bucket] ?? 0) + 1 - added;
    low = Math.max(low, Math.min(1, (below * unit + 1 - fixed) / scaled));
    high = Math.min(high, Math.max(1, (above * unit - 1 - fixed) / scaled));
  }
  return Float64Array.from({ length: TURNS }, (_, i) => low + ((high - low) * (i + 0.5)) / TURNS);
}

function reportsOf(exchange: Exchange): readonly Report[] {
  const { caller, callee, outcome, timing, attempts } = exchange;
  const reports: Report[] = [];
  if (isSeenBySource(exchange)) {
    const { start, length } = timing;
    reports.push({ exchange, reporter: "source", writer: caller, outcome, start, length });
  }
  if (callee !== undefined && isSeenByDestination(exchange)) {
    const report = ({ outcome: seen, start, length }: Attempt): Report => {
      return { exchange, reporter: "destination", writer: callee, outcome: seen, start, length };
    };
    reports.push(...attempts.map(report));
  }
  return reports;
}

/** Envoy's duration, in whole milliseconds. */
export const durationMsOf = ({ length }: Report, x: number): number => Math.floor(spanUs(length, x) / 1_000);

/** The bodies of a request and its answer, in bytes. */
export function bodiesOf(
  { exchange, outcome }: Report,
  y: number,
): { readonly request: number; readonly response: number } {
  const { requestBytes, responseBytes, attempts } = exchange;
  const request = Math.round(requestBytes * y);
  const { code, grpcStatus, details } = outcome;
  const last = attempts.at(-1)?.outcome.details ?? details;
  if (exchange.service.protocol === "tcp") {
    return outcome.flags === "-" ? { request, response: Math.round(responseBytes * y) } : NOTHING;
  }
  if (code === 0) return { request, response: 0 };
  if (grpcStatus !== undefined && grpcStatus !== 0) return { request, response: 0 };
  if (code < 400) return { request, response: Math.round(responseBytes * y) };
  return {
    request,
    response: REFUSALS.find(([start]) => (code === 504 ? details : last).startsWith(start))?.[1] ?? 62,
  };
}

const NOTHING = { request: 0, response: 0 };
/** What proxies answer by themselves: `RBAC: access denied`, `local_rate_limited` and so on. */
const REFUSALS = [
  ["rbac_access_denied", 19],
  ["local_rate_limited", 18],
  ["response_timeout", 24],
  ["upstream_reset", 98],
] as const;

/** Sizes as Istio's metrics count them: with the headers. */
export function sizesOf(report: Report, y: number): { readonly request: number; readonly response: number } {
  const { request, response } = bodiesOf(report, y);
  return {
    request: request + REQUEST_HEADERS,
    response: response + (report.outcome.code === 0 ? 0 : RESPONSE_HEADERS),
  };
}
