import {
  type BoundBucket,
  compacted,
  hasCustomBounds,
  type NativeHistogram,
  type SparseBuckets,
  upperBound,
} from "./native-histogram.ts";
import { shareBelow } from "./native-quantile.ts";

/** What is left of a bucket, and the value that each observation in it is taken for. */
interface Rest {
  readonly count: number;
  readonly middle: number;
}

const NOTHING: Rest = { count: 0, middle: 0 };

/**
 * A native histogram without the observations above (`isUpper`) or below `limit`. Within the bucket that the limit lies
 * in it is reckoned how many those are, and the sum is then that of the buckets' middles.
 *
 * @see Prometheus, `model/histogram/float_histogram.go`, `TrimBuckets`
 */
export function trimmed(histogram: NativeHistogram, limit: number, isUpper: boolean): NativeHistogram {
  const isLinear = hasCustomBounds(histogram);
  let count = 0;
  let sum = 0;
  let isTrimmed = false;
  const keep = (before: number, rest: Rest): number => {
    count += rest.count;
    sum += rest.middle * rest.count;
    if (rest.count !== before) isTrimmed = true;
    return rest.count;
  };
  const side = ({ indexes, counts }: SparseBuckets, isPositive: boolean): SparseBuckets => ({
    indexes,
    counts: counts.map((before, i) => {
      if (before === 0) return 0;
      const bucket = bucketOf(histogram, indexes[i] as number, before, isPositive);
      return keep(before, restOf(bucket, limit, isUpper, isPositive, isLinear));
    }),
  });
  const positive = side(histogram.positive, true);
  const negative = side(histogram.negative, false);
  let { zeroCount } = histogram;
  if (zeroCount > 0) {
    const hasPositive = histogram.positive.counts.some((one) => one !== 0);
    const hasNegative = histogram.negative.counts.some((one) => one !== 0);
    const zero = {
      lower: hasPositive && !hasNegative ? 0 : -histogram.zeroThreshold,
      upper: hasNegative && !hasPositive ? 0 : histogram.zeroThreshold,
      count: zeroCount,
    };
    zeroCount = keep(zeroCount, restOfZero(zero, limit, isUpper));
  }
  return isTrimmed ? compacted({ ...histogram, positive, negative, zeroCount, count, sum }) : histogram;
}

function bucketOf(histogram: NativeHistogram, index: number, count: number, isPositive: boolean): BoundBucket {
  const [near, far] = [upperBound(index - 1, histogram), upperBound(index, histogram)];
  return isPositive ? { lower: near, upper: far, count } : { lower: -far, upper: -near, count };
}

function restOf(bucket: BoundBucket, limit: number, isUpper: boolean, isPositive: boolean, isLinear: boolean): Rest {
  const { lower, upper, count } = bucket;
  if (isUpper ? upper <= limit : lower >= limit) return { count, middle: middleOf(lower, upper, isPositive, isLinear) };
  if (isUpper ? lower >= limit : upper <= limit) return NOTHING;
  if (lower === Number.NEGATIVE_INFINITY || upper === Number.POSITIVE_INFINITY)
    return restOfOpen(bucket, limit, isUpper);
  const below = count * shareBelow(limit, lower, upper, isLinear);
  return isUpper
    ? { count: below, middle: middleOf(lower, limit, isPositive, isLinear) }
    : { count: count - below, middle: middleOf(limit, upper, isPositive, isLinear) };
}

/** Of a bucket with an infinite end: how its observations are spread is known only where it may as well begin at zero. */
function restOfOpen({ lower, upper, count }: BoundBucket, limit: number, isUpper: boolean): Rest {
  if (lower !== Number.NEGATIVE_INFINITY) {
    return isUpper ? NOTHING : limit >= lower ? { count, middle: limit } : NOTHING;
  }
  const beginsAtZero = upper > 0 && upper !== Number.POSITIVE_INFINITY;
  if (isUpper) {
    if (limit > 0 && beginsAtZero) return { count: (count * limit) / upper, middle: limit / 2 };
    return upper <= 0 ? { count, middle: limit } : NOTHING;
  }
  if (limit >= 0 && beginsAtZero) return { count: count * (1 - limit / upper), middle: (limit + upper) / 2 };
  return NOTHING;
}

function restOfZero({ lower, upper, count }: BoundBucket, limit: number, isUpper: boolean): Rest {
  const whole = { count, middle: (lower + upper) / 2 };
  if (limit <= lower) return isUpper ? NOTHING : whole;
  if (limit >= upper) return isUpper ? whole : NOTHING;
  return isUpper
    ? { count: (count * (limit - lower)) / (upper - lower), middle: (lower + limit) / 2 }
    : { count: (count * (upper - limit)) / (upper - lower), middle: (limit + upper) / 2 };
}

function middleOf(lower: number, upper: number, isPositive: boolean, isLinear: boolean): number {
  if (!Number.isFinite(lower)) return Number.isFinite(upper) ? (upper > 0 ? upper / 2 : upper) : 0;
  if (!Number.isFinite(upper)) return lower;
  if (isLinear) return (lower + upper) / 2;
  const middle = Math.sqrt(Math.abs(lower * upper));
  return isPositive ? middle : -middle;
}
