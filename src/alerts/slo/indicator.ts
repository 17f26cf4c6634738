import { QueryError } from "../../errors.ts";
import { Traffic } from "../../mesh/traffic.ts";
import type { Question } from "../../metrics/question.ts";
import { binary, call, type Expr, number, selectors } from "../../promql/index.ts";
import { Sample } from "../../results/sample.ts";
import type { Vector } from "../../results/vector.ts";
import { type AskOptions, type Duration, durationMs, shown } from "../../time.ts";
import { Decimal } from "./decimal.ts";

/** What an objective is about. */
export type IndicatorName = "availability" | "latency";

/** Events that count and those of them that are bad, each per second over a window that is given. */
export interface Events {
  /** The bad ones. */
  readonly errors: (window: Duration) => Counted;
  /** All of them. */
  readonly total: (window: Duration) => Counted;
}

/** A query that gives one number, as `sum` does. */
export type Counted = Question<string, never> | Question<string, string>;

/** How many of the requests may take longer than what. */
export interface LatencyObjective {
  /** No longer than this is fast: a bound of a bucket, where histograms are classic. */
  readonly under: Duration;
  /** The share of requests that shall be fast: `0.99` or `"99%"`. */
  readonly ratio: number | `${number}%`;
  /** The bounds of the buckets in milliseconds; Istio's own when left out. */
  readonly buckets?: readonly number[] | undefined;
}

/** What is measured, and what share of it shall be good. */
export interface Indicator {
  readonly name: IndicatorName;
  readonly objective: Decimal;
  /** The share of all that may be bad. */
  readonly budget: Decimal;
  /** The share that is bad over a window; no value without traffic. */
  ratio(window: Duration): Expr;
  /** Bad ones per second over a window; 0 where there are only good ones. */
  errors(window: Duration): Expr;
  /** All per second over a window. */
  total(window: Duration): Expr;
  /** The share that is good over a window, where that is how it is measured. */
  readonly good?: (window: Duration) => Expr;
  /** What holds where there is nothing to measure it by. */
  absent(window: Duration): Expr;
  /** The share that was bad over a window, from the backend; `undefined` without traffic. */
  ask(window: Duration, atMs: number, options: AskOptions): Promise<number | undefined>;
  /** What is wrong with it as it stands. */
  readonly warnings: readonly string[];
}

/** How many requests, or other events, of a scope failed. */
export function availability(of: Events | Traffic, given: unknown): Indicator {
  const { errors, total } = eventsOf(of);
  const bad = (window: Duration): Expr => {
    const all = total(window).expr;
    // A scope's own count is 0 where nothing failed; a query of others may have no series then.
    return of instanceof Traffic ? errors(window).expr : binary("or", errors(window).expr, binary("*", number(0), all));
  };
  return {
    name: "availability",
    ...objectiveOf(given, "objective"),
    ratio: (window) => binary("/", bad(window), binary(">", total(window).expr, number(0))),
    errors: bad,
    total: (window) => total(window).expr,
    absent: (window) => call("absent", total(window).expr),
    async ask(window, atMs, options) {
      if (of instanceof Traffic) return (await of.errors(window).dividedBy(of.rate(window)).at(atMs, options)).value;
      const [failed, all] = await Promise.all([errors(window).at(atMs, options), total(window).at(atMs, options)]);
      const requests = onlyValue(all);
      return requests !== undefined && requests > 0 ? (onlyValue(failed) ?? 0) / requests : undefined;
    },
    warnings: [],
  };
}

/** The number of an answer that has one at most. */
function onlyValue(answer: Sample | Vector<string, string>): number | undefined {
  if (answer instanceof Sample) return answer.value;
  if (answer.values.length < 2) return answer.values[0];
  throw new QueryError(
    "grouping",
    `slo: ${answer.values.length} series came where one is counted; write sum(…) around the query`,
  );
}

/** How many requests of a scope took longer than they should. */
export function latency(of: Traffic, { under, ratio, buckets = ISTIO_BOUNDS }: LatencyObjective): Indicator {
  const boundMs = durationMs(under, "slo: latency: under", "range");
  const good = (window: Duration): Expr => of.fasterThan(under, window).expr;
  const slow = (window: Duration): Expr => call("clamp_min", binary("-", number(1), good(window)), number(0));
  const total = (window: Duration): Expr => of.rate(window).expr;
  const readsBuckets = selectors(good("5m")).some(({ matchers }) => matchers.some(({ label }) => label === "le"));
  const known = !readsBuckets || buckets.includes(boundMs);
  return {
    name: "latency",
    ...objectiveOf(ratio, "latency: ratio"),
    ratio: slow,
    errors: (window) => binary("*", slow(window), total(window)),
    total,
    good,
    absent: (window) => binary("unless", binary(">", total(window), number(0)), good(window)),
    async ask(window, atMs, options) {
      const { value } = await of.fasterThan(under, window).at(atMs, options);
      return value === undefined ? undefined : Math.max(0, 1 - value);
    },
    warnings: known ? [] : [noBound(under, boundMs, buckets)],
  };
}

/** The events per second of what an SLO is over. */
export function eventsOf(of: Events | Traffic): Events {
  if (of instanceof Traffic) return { errors: (window) => of.errors(window), total: (window) => of.rate(window) };
  if (typeof of?.errors === "function" && typeof of.total === "function") return of;
  throw new QueryError(
    "config",
    `slo: of: ${shown(of)} is neither; write mesh.service("backend"), or { errors: (window) => query, total: (window) => query }`,
  );
}

/**
 * The objective as it was written and what it leaves.
 *
 * @throws {QueryError} `code: "unit"` for what is no share, and for all or none
 */
function objectiveOf(given: unknown, what: string): Pick<Indicator, "budget" | "objective"> {
  const objective = Decimal.read(given);
  if (objective !== undefined && objective.value > 0 && objective.value < 1) {
    return { objective, budget: ONE.minus(objective) };
  }
  const reason =
    objective?.value === 1 ? "leaves no budget: no burn rate can be told of it" : "is no share between 0 and 1";
  const meant = objective !== undefined && objective.value > 1 && objective.value < 100 ? `"${objective}%"` : "0.999";
  throw new QueryError("unit", `slo: ${what}: ${shown(given)} ${reason}; write ${meant}`);
}

const ONE = new Decimal(1n, 0);

/** Upper bounds of Envoy's buckets as Istio's proxies have them, in milliseconds. */
const ISTIO_BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

function noBound(under: Duration, boundMs: number, buckets: readonly number[]): string {
  const sorted = [...buckets].sort((a, b) => a - b);
  const below = sorted.filter((bound) => bound < boundMs).at(-1);
  const above = sorted.find((bound) => bound > boundMs);
  const near = [below, above].filter((bound) => bound !== undefined).map((bound) => `${bound}ms`);
  const nearest = near.length === 0 ? "" : `; nearest ${near.length > 1 ? "are" : "is"} ${near.join(" and ")}`;
  return `latency: ${under} is no bound of a bucket, so that nothing is measured${nearest}; latency.buckets says which bounds the proxies have`;
}
