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
import { boundMatcher, type KnownHistograms } from "./histograms.ts";
import { METRICS } from "./istio.ts";

/** The traffic that a signal is read from: what selects its series, and which of them failed. */
export interface Traffic {
  readonly matchers: readonly Matcher[];
  readonly failures: readonly (readonly Matcher[])[];
  readonly histograms: KnownHistograms;
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
  const buckets = durationHistogram(traffic, windowMs);
  // Without observations the quantile is NaN, which no comparison keeps.
  return (grouping) => binary(">=", call("histogram_quantile", number(quantile), buckets(grouping)), number(0));
};

/** The durations of requests per second, as a native histogram or as series of buckets. */
export const durationHistogram = ({ matchers, histograms }: Traffic, windowMs: number): Build => {
  return histograms === "native"
    ? (grouping) => total("rate", METRICS.duration, matchers, windowMs, grouping)
    : (grouping) => total("rate", `${METRICS.duration}_bucket`, matchers, windowMs, withBound(grouping));
};

/** The mean of request durations in milliseconds; no value without traffic. */
export const meanDuration = (traffic: Traffic, windowMs: number): Build => {
  return (grouping) => {
    const count = observations(traffic, windowMs, grouping);
    return binary("/", sizes(traffic, METRICS.duration, windowMs, grouping), binary(">", count, number(0)));
  };
};

/** The share of requests that took no longer than a bound in milliseconds, from 0 to 1; no value without traffic. */
export const fastShare = (traffic: Traffic, boundMs: number, windowMs: number): Build => {
  return (grouping) => {
    if (traffic.histograms === "native") {
      const all = total("rate", METRICS.duration, traffic.matchers, windowMs, grouping);
      // Without observations the share is NaN, which no comparison keeps.
      return binary(">=", call("histogram_fraction", number(0), number(boundMs), all), number(0));
    }
    const bucket = [...traffic.matchers, boundMatcher(boundMs)];
    const fast = total("rate", `${METRICS.duration}_bucket`, bucket, windowMs, grouping);
    return binary("/", fast, binary(">", observations(traffic, windowMs, grouping), number(0)));
  };
};

/** What a histogram's observations come to per second, such as bytes. */
export const histogramSum = (traffic: Traffic, metric: string, windowMs: number): Build => {
  return (grouping) => sizes(traffic, metric, windowMs, grouping);
};

function sizes(traffic: Traffic, metric: string, windowMs: number, grouping: Grouping | undefined): Expr {
  const { matchers, histograms } = traffic;
  if (histograms === "classic") return total("rate", `${metric}_sum`, matchers, windowMs, grouping);
  return call("histogram_sum", total("rate", metric, matchers, windowMs, grouping));
}

function observations({ matchers, histograms }: Traffic, windowMs: number, grouping: Grouping | undefined): Expr {
  if (histograms === "classic") return total("rate", `${METRICS.duration}_count`, matchers, windowMs, grouping);
  return call("histogram_count", total("rate", METRICS.duration, matchers, windowMs, grouping));
}

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
