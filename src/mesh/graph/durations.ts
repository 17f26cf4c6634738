import { bucketQuantile } from "../../promql/engine/histogram.ts";

/** One histogram: observations per second below each bound. */
export type Histogram = ReadonlyMap<number, number>;

/** Durations of requests: histograms that may have bounds of their own, and the sum of all durations per second. */
export interface Durations {
  readonly histograms: Histogram[];
  sumMs: number;
}

export const noDurations = (): Durations => ({ histograms: [], sumMs: 0 });

export function addDurations(to: Durations, from: Durations): void {
  for (const histogram of from.histograms) to.histograms.push(histogram);
  to.sumMs += from.sumMs;
}

/** The mean in milliseconds. */
export function meanOf({ histograms, sumMs }: Durations): number | undefined {
  const count = histograms.reduce((sum, histogram) => sum + (histogram.get(Number.POSITIVE_INFINITY) ?? 0), 0);
  return count > 0 ? sumMs / count : undefined;
}

/** A quantile in milliseconds, interpolated within its bucket. */
export function quantileOf({ histograms }: Durations, quantile: number): number | undefined {
  const bounds = Float64Array.from(new Set(histograms.flatMap((histogram) => [...histogram.keys()]))).sort();
  const counts = new Float64Array(bounds.length);
  for (const histogram of histograms) addBelow(histogram, bounds, counts);
  const { value } = bucketQuantile(quantile, { bounds, counts, size: bounds.length });
  return Number.isNaN(value) ? undefined : value;
}

/**
 * Adds how many observations lie below each of `bounds`. Workloads may have buckets of their own: where a histogram
 * lacks a bound, its bucket is shared out by a straight line, since a count left out would make the sum fall.
 */
function addBelow(histogram: Histogram, bounds: Float64Array, counts: Float64Array): void {
  const own = Float64Array.from(histogram.keys()).sort();
  let next = 0;
  let start = 0;
  let below = 0;
  for (const [i, bound] of bounds.entries()) {
    while (next < own.length && (own[next] as number) <= bound) {
      start = own[next] as number;
      below = histogram.get(start) ?? 0;
      next++;
    }
    const end = own[next] ?? Number.POSITIVE_INFINITY;
    const through = Number.isFinite(end) && bound > start ? (bound - start) / (end - start) : 0;
    counts[i] = (counts[i] as number) + below + ((histogram.get(end) ?? below) - below) * through;
  }
}
