import { allBuckets, type BoundBucket, hasCustomBounds, type NativeHistogram } from "./native-histogram.ts";

/** What a histogram's observations that are no numbers do to a result. */
export type Doubt = "nan" | "skewed";

/** A value, and what is to be said about it. */
export interface Estimate {
  readonly value: number;
  readonly doubt?: Doubt;
}

/** The buckets by rising bounds, with what is known about where those around zero begin and end. */
function shapedBuckets(histogram: NativeHistogram): BoundBucket[] {
  const { positive, negative } = histogram;
  const onlyPositive = negative.indexes.length === 0 && positive.indexes.length > 0;
  const onlyNegative = positive.indexes.length === 0 && negative.indexes.length > 0;
  return allBuckets(histogram).map((bucket) => {
    if (hasCustomBounds(histogram)) return bucket;
    if (!(bucket.lower <= 0 && bucket.upper >= 0)) return bucket;
    if (onlyPositive) return { ...bucket, lower: 0 };
    return onlyNegative ? { ...bucket, upper: 0 } : bucket;
  });
}

/**
 * The quantile of a native histogram: within a bucket by a straight line where its bounds are custom or around zero, on
 * a logarithmic scale elsewhere.
 *
 * @see Prometheus, `promql/quantile.go`, `HistogramQuantile`
 */
export function nativeQuantile(q: number, histogram: NativeHistogram): Estimate {
  if (q < 0) return { value: Number.NEGATIVE_INFINITY };
  if (q > 1) return { value: Number.POSITIVE_INFINITY };
  const { count: total, sum } = histogram;
  if (total === 0 || Number.isNaN(q)) return { value: Number.NaN };
  const rises = Number.isNaN(sum) || q < 0.5;
  const buckets = shapedBuckets(histogram);
  if (!rises) buckets.reverse();
  const rank = rises ? q * total : (1 - q) * total;
  let bucket: BoundBucket = { lower: 0, upper: 0, count: 0 };
  let seen = 0;
  let next = 0;
  while (next < buckets.length) {
    const one = buckets[next++] as BoundBucket;
    bucket = one;
    if (one.count === 0) continue;
    seen += one.count;
    if (seen >= rank) break;
  }
  if (hasCustomBounds(histogram)) {
    if (bucket.lower === Number.NEGATIVE_INFINITY) {
      if (bucket.upper <= 0) return { value: bucket.upper };
      bucket = { ...bucket, lower: 0 };
    } else if (bucket.upper === Number.POSITIVE_INFINITY) return { value: bucket.lower };
  }
  const below = Math.min(seen, total);
  if (below < rank) return Number.isNaN(sum) ? { value: Number.NaN, doubt: "nan" } : { value: bucket.upper };
  const within = rises ? rank - (below - bucket.count) : below - rank;
  const value = interpolated(bucket, within / bucket.count, hasCustomBounds(histogram));
  if (!Number.isNaN(sum)) return { value };
  const all = buckets.slice(next).reduce((count, one) => count + one.count, below);
  return all < total ? { value, doubt: "skewed" } : { value };
}

function interpolated({ lower, upper }: BoundBucket, share: number, isCustom: boolean): number {
  if (isCustom || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * share;
  const low = Math.log2(Math.abs(lower));
  const high = Math.log2(Math.abs(upper));
  return lower > 0 ? 2 ** (low + (high - low) * share) : -(2 ** (high + (low - high) * (1 - share)));
}

/**
 * The share of a native histogram's observations between two bounds.
 *
 * @see Prometheus, `promql/quantile.go`, `HistogramFraction`
 */
export function nativeFraction(lower: number, upper: number, histogram: NativeHistogram): Estimate {
  const { count: total, sum } = histogram;
  if (total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return { value: Number.NaN };
  if (lower >= upper) return { value: 0 };
  const buckets = shapedBuckets(histogram);
  const isCustom = hasCustomBounds(histogram);
  let counted = total;
  let doubt: Doubt | undefined;
  if (Number.isNaN(sum)) {
    counted = buckets.reduce((count, bucket) => count + bucket.count, 0);
    if (counted < total) doubt = "skewed";
  }
  const value = (rankOf(upper, buckets, counted, isCustom) - rankOf(lower, buckets, counted, isCustom)) / total;
  return doubt === undefined ? { value } : { value, doubt };
}

/** How many observations lie below `value`. */
function rankOf(value: number, buckets: readonly BoundBucket[], total: number, isCustom: boolean): number {
  let rank = 0;
  for (const bucket of buckets) {
    const { upper, count } = bucket;
    const lower = isCustom && bucket.lower === Number.NEGATIVE_INFINITY && upper > 0 ? 0 : bucket.lower;
    if (lower >= value) return Math.min(rank, total);
    if (upper > value) {
      if (isCustom && lower === Number.NEGATIVE_INFINITY) return Math.min(count, total);
      const isLinear = isCustom || (lower <= 0 && upper >= 0);
      return Math.min(rank + count * shareBelow(value, lower, upper, isLinear), total);
    }
    rank += count;
  }
  return total;
}

/** The share of a bucket below a value within it, on the scale of its bounds. */
export function shareBelow(value: number, lower: number, upper: number, isLinear: boolean): number {
  if (isLinear) return (value - lower) / (upper - lower);
  const low = Math.log2(Math.abs(lower));
  const high = Math.log2(Math.abs(upper));
  const at = Math.log2(Math.abs(value));
  return value > 0 ? (at - low) / (high - low) : 1 - (at - high) / (low - high);
}
