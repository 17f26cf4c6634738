import type { Placed } from "../ast.ts";
import type { Annotations } from "./annotations.ts";
import { refuseMix } from "./histogram-sum.ts";
import {
  compacted,
  isCompatible,
  isReset,
  type NativeHistogram,
  NO_BUCKETS,
  plus,
  reduced,
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
 * How much a native histogram grows over a window, extrapolated to its ends as a number is.
 *
 * @see Prometheus, `promql/functions.go`, `histogramRate`
 */
export function histogramGrowth(
  window: Window,
  histograms: readonly NativeHistogram[],
  asked: GrowthAsked,
): NativeHistogram | undefined {
  const samples = histograms.slice(window.first, window.end);
  if (samples.length < 2) return undefined;
  const first = samples[0] as NativeHistogram;
  const grown = growthOf(samples, asked);
  const factor = extrapolation(window, grown.count, first.count, asked.isCounter, asked.isRate);
  return times({ ...grown, hint: "gauge" }, factor);
}

function growthOf(samples: readonly NativeHistogram[], asked: GrowthAsked): NativeHistogram {
  const { isCounter, annotations, metric, at } = asked;
  const last = samples[samples.length - 1] as NativeHistogram;
  let previous = samples[0] as NativeHistogram;
  if (isCounter && samples.some(({ hint }) => hint === "gauge")) annotations.histogramNoCounter(metric, at);
  if (!isCounter && (previous.hint !== "gauge" || last.hint !== "gauge")) annotations.histogramNoGauge(metric, at);
  const second = samples[1] as NativeHistogram;
  // Behind a reset nothing of the first sample counts, nor do its buckets.
  if (isCounter && isReset(previous, second)) previous = emptyLike(second);
  const relevant = isCounter ? [previous, ...samples.slice(1)] : [previous, last];
  if (relevant.some((one) => !isCompatible(one, last))) refuseMix();
  const schema = Math.min(...relevant.map((one) => one.schema));
  let grown = plus(reduced(last, schema), previous, -1);
  if (isCounter) {
    for (const sample of samples.slice(1)) {
      if (isReset(previous, sample)) grown = plus(grown, previous, 1);
      previous = sample;
    }
  }
  return compacted(grown);
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
