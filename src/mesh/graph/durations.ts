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

/** Observations per second. */
export const countOf = ({ histograms }: Durations): number =>
  histograms.reduce((sum, histogram) => sum + (histogram.get(Number.POSITIVE_INFINITY) ?? 0), 0);

/** The mean in milliseconds. */
export function meanOf(durations: Durations): number | undefined {
  const count = countOf(durations);
  return count > 0 ? durations.sumMs / count : undefined;
}

/** The variance in square milliseconds, as if durations were spread evenly within their buckets; 0 without any. */
export function varianceOf({ histograms }: Durations): number {
  let [count, sum, squares] = [0, 0, 0];
  for (const histogram of histograms) {
    let [lower, below] = [0, 0];
    for (const upper of Float64Array.from(histogram.keys()).sort()) {
      const upTo = Math.max(below, histogram.get(upper) ?? 0);
      // Of what took longer than the last bound no more is known.
      const end = Number.isFinite(upper) ? upper : lower;
      count += upTo - below;
      sum += ((lower + end) / 2) * (upTo - below);
      squares += ((lower ** 2 + lower * end + end ** 2) / 3) * (upTo - below);
      [lower, below] = [end, upTo];
    }
  }
  return count > 0 ? Math.max(0, squares / count - (sum / count) ** 2) : 0;
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
