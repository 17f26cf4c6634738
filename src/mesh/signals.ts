import { QueryError } from "../errors.ts";
import {
  aggregate,
  binary,
  by,
  call,
  type Expr,
  type Grouping,
  type Matcher,
  matrix,
  number,
  selector,
  without,
} from "../promql/index.ts";
import { shown } from "../time.ts";
import { METRICS } from "./istio.ts";

/** The traffic that a signal is read from: what selects its series, and which of them failed. */
export interface Traffic {
  readonly matchers: readonly Matcher[];
  readonly failures: readonly (readonly Matcher[])[];
}

type Build = (grouping: Grouping | undefined) => Expr;

/** The per-second increase of a counter over the window. */
export const counterRate = (traffic: Traffic, metric: string, windowMs: number): Build => {
  return (grouping) => total("rate", metric, traffic.matchers, windowMs, grouping);
};

/** The increase of a counter over the window. */
export const counterIncrease = (traffic: Traffic, metric: string, windowMs: number): Build => {
  return (grouping) => total("increase", metric, traffic.matchers, windowMs, grouping);
};

/** Failed requests per second; 0 where there are requests and none failed. */
export const failureRate = (traffic: Traffic, windowMs: number): Build => {
  return (grouping) => failed(traffic, windowMs, grouping);
};

/** The share of requests that did not fail, from 0 to 1; no value without traffic. */
export const successRatio = (traffic: Traffic, windowMs: number): Build => {
  return (grouping) => {
    const requests = total("rate", METRICS.requests, traffic.matchers, windowMs, grouping);
    const share = binary("/", failed(traffic, windowMs, grouping), binary(">", requests, number(0)));
    // Where all failed, the two sums may differ in their last bit: their order is not the same.
    return call("clamp_min", binary("-", number(1), share), number(0));
  };
};

/** The quantile of request durations in milliseconds, interpolated within its bucket; no value without traffic. */
export const durationQuantile = (traffic: Traffic, quantile: number, windowMs: number): Build => {
  if (typeof quantile !== "number" || !(quantile >= 0 && quantile <= 1)) {
    const meant = quantile > 1 && quantile <= 100 ? `; write ${quantile / 100}` : "";
    throw new QueryError("quantile", `latency(${shown(quantile)}): a quantile is a number from 0 to 1${meant}`);
  }
  return (grouping) => {
    const buckets = total("rate", `${METRICS.duration}_bucket`, traffic.matchers, windowMs, withBound(grouping));
    // Without observations the quantile is NaN, which no comparison keeps.
    return binary(">=", call("histogram_quantile", number(quantile), buckets), number(0));
  };
};

/** The mean of request durations in milliseconds; no value without traffic. */
export const meanDuration = (traffic: Traffic, windowMs: number): Build => {
  return (grouping) => {
    const sum = total("rate", `${METRICS.duration}_sum`, traffic.matchers, windowMs, grouping);
    const count = total("rate", `${METRICS.duration}_count`, traffic.matchers, windowMs, grouping);
    return binary("/", sum, binary(">", count, number(0)));
  };
};

function total(
  func: "increase" | "rate",
  metric: string,
  matchers: readonly Matcher[],
  windowMs: number,
  grouping: Grouping | undefined,
): Expr {
  return aggregate("sum", call(func, matrix(selector(metric, matchers), windowMs)), { grouping });
}

/** A series that fails in two ways is one series: `or` keeps it once. */
function failed({ matchers, failures }: Traffic, windowMs: number, grouping: Grouping | undefined): Expr {
  const rates: Expr[] = failures.map((failure) =>
    call("rate", matrix(selector(METRICS.requests, [...matchers, ...failure]), windowMs)),
  );
  const union = rates.reduce((left, right) => binary("or", left, right));
  const none = binary("*", number(0), total("rate", METRICS.requests, matchers, windowMs, grouping));
  return binary("or", aggregate("sum", union, { grouping }), none);
}

/** The same grouping with the histogram's bucket bound kept. */
function withBound(grouping: Grouping | undefined): Grouping {
  if (grouping === undefined) return by("le");
  const labels = grouping.labels.filter((label) => label !== "le");
  return grouping.kind === "by" ? by("le", ...labels) : without(...labels);
}
