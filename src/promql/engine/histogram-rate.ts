import type { Placed } from "../ast.ts";
import type { Annotations } from "./annotations.ts";
import {
  compacted,
  dividedBy,
  isCompatible,
  isReset,
  type NativeHistogram,
  NO_BUCKETS,
  plus,
  reduced,
  sameBounds,
  times,
} from "./native-histogram.ts";
import { extrapolation } from "./rate.ts";
import type { Window } from "./window.ts";

/** What is asked of a series of native histograms, and where remarks about it belong. */
export interface GrowthAsked {
  readonly isCounter: boolean;
  readonly isRate: boolean;
  readonly metric: string;
  readonly at: Placed;
  readonly annotations: Annotations;
}

/**
 * How much a native histogram grows over a window, extrapolated to its ends as a number is; nothing where its buckets
 * do not go together.
 *
 * @see Prometheus, `promql/functions.go`, `histogramRate`
 */
export function histogramGrowth(
  window: Window,
  samples: readonly NativeHistogram[],
  asked: GrowthAsked,
): NativeHistogram | undefined {
  const first = samples[0];
  if (first === undefined || samples.length < 2) return undefined;
  const grown = growthOf(samples, asked);
  if (grown === undefined) return undefined;
  const factor = extrapolation(window, grown.count, first.count, asked.isCounter, asked.isRate);
  return times({ ...grown, hint: "gauge" }, factor);
}

function growthOf(samples: readonly NativeHistogram[], asked: GrowthAsked): NativeHistogram | undefined {
  const { isCounter, annotations, metric, at } = asked;
  const last = samples[samples.length - 1] as NativeHistogram;
  let previous = samples[0] as NativeHistogram;
  if (isCounter && samples.some(({ hint }) => hint === "gauge")) annotations.histogramNoCounter(metric, at);
  if (!isCounter && (previous.hint !== "gauge" || last.hint !== "gauge")) annotations.histogramNoGauge(metric, at);
  const second = samples[1] as NativeHistogram;
  // Behind a reset nothing of the first sample counts, nor do its buckets.
  if (isCounter && isReset(previous, second)) previous = emptyLike(second);
  const relevant = isCounter ? [previous, ...samples.slice(1)] : [previous, last];
  if (relevant.some((one) => !isCompatible(one, last))) {
    annotations.mixedSchemas(metric, at);
    return undefined;
  }
  const join = (a: NativeHistogram, b: NativeHistogram, sign: -1 | 1): NativeHistogram => {
    if (!sameBounds(a, b)) annotations.reconciledBuckets(sign === 1 ? "addition" : "subtraction", at);
    return plus(a, b, sign);
  };
  const schema = relevant.reduce((least, one) => Math.min(least, one.schema), last.schema);
  let grown = join(reduced(last, schema), previous, -1);
  if (isCounter) {
    for (const sample of samples.slice(1)) {
      if (isReset(previous, sample)) grown = join(grown, previous, 1);
      previous = sample;
    }
  }
  return compacted(grown);
}

/** The difference of two samples, or how much a counter grew between them in a second. */
export function lastHistogramGrowth(
  before: NativeHistogram,
  now: NativeHistogram,
  elapsedMs: number,
  { isRate, metric, at, annotations }: Omit<GrowthAsked, "isCounter">,
): NativeHistogram | undefined {
  const gauges = [before, now].filter(({ hint }) => hint === "gauge").length;
  if (isRate && gauges > 0) annotations.histogramNoCounter(metric, at);
  if (!isRate && gauges < 2) annotations.histogramNoGauge(metric, at);
  let grown = now;
  if (!isRate || !isReset(before, now)) {
    if (!isCompatible(before, now)) {
      annotations.mixedSchemas(metric, at);
      return undefined;
    }
    if (!sameBounds(before, now)) annotations.reconciledBuckets("subtraction", at);
    grown = plus(now, before, -1);
  }
  const gauge = compacted({ ...grown, hint: "gauge" });
  return isRate ? dividedBy(gauge, elapsedMs / 1000) : gauge;
}

const emptyLike = ({ schema, bounds }: NativeHistogram): NativeHistogram => ({
  schema,
  bounds,
  count: 0,
  sum: 0,
  zeroCount: 0,
  zeroThreshold: 0,
  positive: NO_BUCKETS,
  negative: NO_BUCKETS,
  hint: "unknown",
});
