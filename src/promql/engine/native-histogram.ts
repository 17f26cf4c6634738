/** What a histogram's sample says about a counter reset before it. */
export type ResetHint = "gauge" | "none" | "reset" | "unknown";

/** The populated buckets on one side of zero, by rising index. */
export interface SparseBuckets {
  readonly indexes: readonly number[];
  readonly counts: readonly number[];
}

/**
 * A native histogram at one instant. The bucket `i` of schema `s` reaches from `2^((i-1)/2^s)` to `2^(i/2^s)`; with
 * custom bounds (schema -53) it reaches to `bounds[i]`, and the last one to infinity.
 *
 * @see Prometheus, "Native Histograms" specification
 */
export interface NativeHistogram {
  readonly schema: number;
  readonly count: number;
  readonly sum: number;
  /** How many observations lie within `zeroThreshold` of zero. */
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: SparseBuckets;
  readonly negative: SparseBuckets;
  /** Empty but for schema -53. */
  readonly bounds: readonly number[];
  readonly hint: ResetHint;
}

export const CUSTOM_BOUNDS = -53;
export const NO_BUCKETS: SparseBuckets = Object.freeze({ indexes: [], counts: [] });

export const hasCustomBounds = ({ schema }: NativeHistogram): boolean => schema === CUSTOM_BOUNDS;

/** The upper bound of a bucket on the positive side. */
export function upperBound(index: number, { schema, bounds }: Pick<NativeHistogram, "bounds" | "schema">): number {
  if (schema === CUSTOM_BOUNDS) {
    if (index < 0) return Number.NEGATIVE_INFINITY;
    return index < bounds.length ? (bounds[index] as number) : Number.POSITIVE_INFINITY;
  }
  const exponent = index * 2 ** -schema;
  // The last bucket of finite numbers ends with the last of them; the one behind it holds the infinite.
  if (exponent === 1024) return Number.MAX_VALUE;
  const whole = Math.floor(exponent);
  return whole > 1023 ? Number.POSITIVE_INFINITY : 2 ** (exponent - whole) * 2 ** whole;
}

/** The same, but for what it says about a reset: a storage knows that of each sample but the first. */
export const withHint = (histogram: NativeHistogram, hint: ResetHint): NativeHistogram => ({ ...histogram, hint });

/** Whether both can be joined: custom bounds and exponential ones have no buckets in common. */
export const isCompatible = (a: NativeHistogram, b: NativeHistogram): boolean =>
  hasCustomBounds(a) === hasCustomBounds(b);

/** Whether both have the same custom bounds, or none. */
export const sameBounds = (a: NativeHistogram, b: NativeHistogram): boolean =>
  a.bounds.length === b.bounds.length && a.bounds.every((bound, i) => bound === b.bounds[i]);

/** What two samples together say about a reset. */
export function jointHint(a: ResetHint, b: ResetHint): ResetHint {
  if (a === b) return a;
  return a === "gauge" || b === "gauge" ? "gauge" : "unknown";
}

/** Whether one says that a counter was reset, and the other that it was not. */
export const collide = (a: NativeHistogram, b: NativeHistogram): boolean =>
  (a.hint === "reset" && b.hint === "none") || (a.hint === "none" && b.hint === "reset");

/** Whether both are the same histogram, whatever they say about resets. */
export const isEqual = (a: NativeHistogram, b: NativeHistogram): boolean =>
  a.schema === b.schema &&
  sameBounds(a, b) &&
  [
    [a.count, b.count],
    [a.sum, b.sum],
    [a.zeroCount, b.zeroCount],
    [a.zeroThreshold, b.zeroThreshold],
  ].every(([x, y]) => Object.is(x, y)) &&
  sameBuckets(a.positive, b.positive) &&
  sameBuckets(a.negative, b.negative);

const sameBuckets = (a: SparseBuckets, b: SparseBuckets): boolean =>
  a.indexes.length === b.indexes.length &&
  a.indexes.every((index, i) => index === b.indexes[i] && Object.is(a.counts[i], b.counts[i]));

const scaledBuckets = ({ indexes, counts }: SparseBuckets, change: (count: number) => number): SparseBuckets => ({
  indexes,
  counts: counts.map(change),
});

function changed(histogram: NativeHistogram, change: (x: number) => number, isNegative: boolean): NativeHistogram {
  return {
    ...histogram,
    count: change(histogram.count),
    sum: change(histogram.sum),
    zeroCount: change(histogram.zeroCount),
    positive: scaledBuckets(histogram.positive, change),
    negative: scaledBuckets(histogram.negative, change),
    hint: isNegative ? "gauge" : histogram.hint,
  };
}

/** Every count and the sum, times a factor. */
export const times = (histogram: NativeHistogram, factor: number): NativeHistogram =>
  changed(histogram, (x) => x * factor, factor < 0);

/** Every count and the sum, divided; by zero no bucket is left. */
export function dividedBy(histogram: NativeHistogram, divisor: number): NativeHistogram {
  const divided = changed(histogram, (x) => x / divisor, divisor < 0);
  return divisor === 0 ? { ...divided, positive: NO_BUCKETS, negative: NO_BUCKETS } : divided;
}

/** Without the buckets that hold nothing. */
export const compacted = (histogram: NativeHistogram): NativeHistogram => ({
  ...histogram,
  positive: populated(histogram.positive),
  negative: populated(histogram.negative),
});

function populated(buckets: SparseBuckets): SparseBuckets {
  const { indexes, counts } = buckets;
  if (!counts.includes(0)) return buckets;
  const places = [...counts.keys()].filter((i) => counts[i] !== 0);
  return { indexes: places.map((i) => indexes[i] as number), counts: places.map((i) => counts[i] as number) };
}

/** The same observations in the wider buckets of a lower schema. */
export function reduced(histogram: NativeHistogram, schema: number): NativeHistogram {
  if (schema >= histogram.schema) return histogram;
  return {
    ...histogram,
    schema,
    positive: merged(histogram.positive, histogram.schema - schema),
    negative: merged(histogram.negative, histogram.schema - schema),
  };
}

function merged({ indexes, counts }: SparseBuckets, by: number): SparseBuckets {
  const wider: number[] = [];
  const sums: number[] = [];
  for (const [i, index] of indexes.entries()) {
    const target = Math.floor((index - 1) / 2 ** by) + 1;
    if (wider[wider.length - 1] === target)
      sums[sums.length - 1] = (sums[sums.length - 1] as number) + (counts[i] as number);
    else {
      wider.push(target);
      sums.push(counts[i] as number);
    }
  }
  return { indexes: wider, counts: sums };
}

/** A bucket with its bounds. */
export interface BoundBucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** All buckets by rising bounds, that around zero among them where it holds anything. */
export function allBuckets(histogram: NativeHistogram): BoundBucket[] {
  const { positive, negative, zeroCount, zeroThreshold } = histogram;
  const buckets: BoundBucket[] = [];
  for (let i = negative.indexes.length - 1; i >= 0; i--) {
    const index = negative.indexes[i] as number;
    const upper = -upperBound(index - 1, histogram);
    const lower = -upperBound(index, histogram);
    buckets.push({
      lower,
      upper: upper > -zeroThreshold ? -zeroThreshold : upper,
      count: negative.counts[i] as number,
    });
  }
  if (zeroCount > 0) buckets.push({ lower: -zeroThreshold, upper: zeroThreshold, count: zeroCount });
  for (const [i, index] of positive.indexes.entries()) {
    const lower = upperBound(index - 1, histogram);
    const upper = upperBound(index, histogram);
    const isWithin = lower > 0 && lower < zeroThreshold;
    buckets.push({ lower: isWithin ? zeroThreshold : lower, upper, count: positive.counts[i] as number });
  }
  return buckets;
}

/** A bucket that holds something, with its bounds and which of them belong to it. */
export interface PopulatedBucket extends BoundBucket {
  readonly bounds: "both" | "left" | "none" | "right";
}

/**
 * The buckets of a native histogram that hold anything, by rising bounds.
 *
 * @example
 * const [histogram] = parseSeries("a {{schema:0 count:3 sum:5 offset:1 buckets:[3]}}").histograms ?? [];
 * histogram && histogramBuckets(histogram) // [{ lower: 1, upper: 2, count: 3, bounds: "right" }]
 */
export const histogramBuckets = (histogram: NativeHistogram): PopulatedBucket[] =>
  allBuckets(histogram)
    .filter(({ count }) => count !== 0)
    .map((bucket) => ({ ...bucket, bounds: boundsOf(bucket, hasCustomBounds(histogram)) }));

/** A bucket holds the one of its bounds that is further from zero; around zero it holds both. */
function boundsOf({ lower, upper }: BoundBucket, isCustom: boolean): PopulatedBucket["bounds"] {
  if (isCustom) return lower === Number.NEGATIVE_INFINITY ? "both" : "right";
  if (lower <= 0 && upper >= 0) return "both";
  return upper < 0 ? "left" : "right";
}

/**
 * The zero bucket widened to at least `threshold`: what lies within it goes to its count. A threshold within a populated
 * bucket is moved to that bucket's end.
 */
export function withZeroThreshold(histogram: NativeHistogram, threshold: number): NativeHistogram {
  if (threshold === histogram.zeroThreshold) return histogram;
  let wanted = threshold;
  for (const { indexes, counts } of [histogram.positive, histogram.negative]) {
    for (const [i, index] of indexes.entries()) {
      const upper = upperBound(index, histogram);
      if (upperBound(index - 1, histogram) < wanted && upper > wanted && counts[i] !== 0) wanted = upper;
    }
  }
  let { zeroCount } = histogram;
  const outside = ({ indexes, counts }: SparseBuckets): SparseBuckets => {
    const places = [...indexes.keys()].filter((i) => upperBound((indexes[i] as number) - 1, histogram) >= wanted);
    for (const [i, count] of counts.entries()) if (!places.includes(i)) zeroCount += count;
    return { indexes: places.map((i) => indexes[i] as number), counts: places.map((i) => counts[i] as number) };
  };
  const positive = outside(histogram.positive);
  const negative = outside(histogram.negative);
  return { ...histogram, positive, negative, zeroThreshold: wanted, zeroCount };
}

/** Both with the same resolution and the same zero bucket, which is the wider one of each. */
export function aligned(a: NativeHistogram, b: NativeHistogram): readonly [NativeHistogram, NativeHistogram] {
  const schema = Math.min(a.schema, b.schema);
  let left = a;
  let right = b;
  while (left.zeroThreshold !== right.zeroThreshold) {
    const threshold = Math.max(left.zeroThreshold, right.zeroThreshold);
    left = withZeroThreshold(left, threshold);
    right = withZeroThreshold(right, Math.max(threshold, left.zeroThreshold));
  }
  return [reduced(left, schema), reduced(right, schema)];
}

/** Bucket by bucket, `combine(count of a, count of b)`; a bucket that one lacks holds 0 there. */
export function joined(a: SparseBuckets, b: SparseBuckets, combine: (x: number, y: number) => number): SparseBuckets {
  const indexes: number[] = [];
  const counts: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.indexes.length || j < b.indexes.length) {
    const x = a.indexes[i] ?? Number.POSITIVE_INFINITY;
    const y = b.indexes[j] ?? Number.POSITIVE_INFINITY;
    indexes.push(Math.min(x, y));
    counts.push(combine(x <= y ? (a.counts[i] as number) : 0, y <= x ? (b.counts[j] as number) : 0));
    if (x <= y) i++;
    if (y <= x) j++;
  }
  return { indexes, counts };
}

/** The sum or, with `sign` -1, the difference of two compatible histograms, in the buckets that both have bounds for. */
export function plus(a: NativeHistogram, b: NativeHistogram, sign: -1 | 1): NativeHistogram {
  const combine = (x: number, y: number): number => x + sign * y;
  const hint = jointHint(a.hint, b.hint);
  if (!sameBounds(a, b)) {
    const bounds = sharedBounds(a, b);
    const counts = new Float64Array(bounds.length + 1);
    for (const [place, count] of placed(a, bounds)) counts[place] = (counts[place] as number) + count;
    for (const [place, count] of placed(b, bounds)) counts[place] = combine(counts[place] as number, count);
    const positive = populated({ indexes: [...counts.keys()], counts: [...counts] });
    return { ...a, bounds, count: combine(a.count, b.count), sum: combine(a.sum, b.sum), positive, hint };
  }
  const [left, right] = aligned(a, b);
  return {
    ...left,
    hint,
    count: combine(left.count, right.count),
    sum: combine(left.sum, right.sum),
    zeroCount: combine(left.zeroCount, right.zeroCount),
    positive: joined(left.positive, right.positive, combine),
    negative: joined(left.negative, right.negative, combine),
  };
}

/** The custom bounds that both have. */
export const sharedBounds = (a: NativeHistogram, b: NativeHistogram): readonly number[] =>
  a.bounds.filter((bound) => b.bounds.includes(bound));

/** Each count of a histogram with custom bounds, and in which of the wider buckets with `bounds` it lies. */
export function* placed(
  histogram: NativeHistogram,
  bounds: readonly number[],
): Iterable<readonly [place: number, count: number]> {
  const { indexes, counts } = histogram.positive;
  for (const [i, index] of indexes.entries()) {
    const upper = upperBound(index, histogram);
    const place = bounds.findIndex((bound) => bound >= upper);
    yield [place < 0 ? bounds.length : place, counts[i] as number];
  }
}

/** The same observations in the wider buckets of some of its custom bounds. */
function widened(histogram: NativeHistogram, bounds: readonly number[]): NativeHistogram {
  const counts = new Float64Array(bounds.length + 1);
  for (const [place, count] of placed(histogram, bounds)) counts[place] = (counts[place] as number) + count;
  return { ...histogram, bounds, positive: { indexes: [...counts.keys()], counts: [...counts] } };
}

/** Whether a counter was reset between two samples of it. */
export function isReset(before: NativeHistogram, after: NativeHistogram): boolean {
  if (after.hint === "reset" || after.hint === "none") return after.hint === "reset";
  if (after.count < before.count) return true;
  if (hasCustomBounds(after) && !hasCustomBounds(before)) return true;
  if (hasCustomBounds(after)) {
    const bounds = sharedBounds(before, after);
    return hasLess(widened(before, bounds).positive, widened(after, bounds).positive);
  }
  if (after.schema > before.schema || after.zeroThreshold < before.zeroThreshold) return true;
  const previous = withZeroThreshold(before, after.zeroThreshold);
  if (previous.zeroThreshold !== after.zeroThreshold || after.zeroCount < previous.zeroCount) return true;
  const wider = reduced(previous, after.schema);
  return hasLess(wider.positive, after.positive) || hasLess(wider.negative, after.negative);
}

function hasLess(before: SparseBuckets, after: SparseBuckets): boolean {
  let less = false;
  joined(before, after, (x, y) => {
    less ||= y < x;
    return 0;
  });
  return less;
}
