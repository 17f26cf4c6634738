/** The buckets of a classic histogram at one instant: upper bounds, ascending, and how many observations lie below each. */
export interface Buckets {
  readonly bounds: Float64Array;
  readonly counts: Float64Array;
  /** How many of the columns' entries are buckets. */
  readonly size: number;
}

/** Where the counts of a histogram had to be made to rise. */
export interface Repair {
  readonly lowest: number;
  readonly highest: number;
  readonly difference: number;
}

/** Buckets of the same bound are added up; `counts` and `bounds` are written to. */
export function coalesced({ bounds, counts, size }: Buckets): Buckets {
  let last = 0;
  for (let i = 1; i < size; i++) {
    if (bounds[i] === bounds[last]) counts[last] = (counts[last] as number) + (counts[i] as number);
    else {
      last++;
      bounds[last] = bounds[i] as number;
      counts[last] = counts[i] as number;
    }
  }
  return { bounds, counts, size: size === 0 ? 0 : last + 1 };
}

/** Differences below this share are rounding errors of sums. */
const TOLERANCE = 1e-12;

/**
 * Makes counts rise with their bounds, as those of true histograms do: a count below the one before it becomes equal to
 * that, and so does one that is all but equal.
 *
 * @returns what was repaired, apart from rounding errors
 */
export function forceMonotonic({ bounds, counts, size }: Buckets): Repair | undefined {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  let difference = 0;
  let isRepaired = false;
  let previous = counts[0] as number;
  for (let i = 1; i < size; i++) {
    const count = counts[i] as number;
    if (count === previous) continue;
    if (isAlmost(previous, count)) counts[i] = previous;
    else if (count < previous) {
      counts[i] = previous;
      isRepaired = true;
      lowest = Math.min(lowest, bounds[i] as number);
      highest = Math.max(highest, bounds[i] as number);
      difference = Math.max(difference, previous - count);
    } else previous = count;
  }
  return isRepaired ? { lowest, highest, difference } : undefined;
}

const SMALLEST_NORMAL = 2 ** -1022;

function isAlmost(a: number, b: number): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < SMALLEST_NORMAL) return difference < TOLERANCE * SMALLEST_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < TOLERANCE;
}

/**
 * The quantile of a classic histogram, by straight lines within its buckets. `counts` and `bounds` are written to.
 *
 * @see Prometheus, `promql/quantile.go`, `BucketQuantile`
 */
export function bucketQuantile(
  q: number,
  given: Buckets,
): { readonly value: number; readonly repair?: Repair | undefined } {
  if (Number.isNaN(q)) return { value: Number.NaN };
  if (q < 0) return { value: Number.NEGATIVE_INFINITY };
  if (q > 1) return { value: Number.POSITIVE_INFINITY };
  if (given.size === 0 || given.bounds[given.size - 1] !== Number.POSITIVE_INFINITY) return { value: Number.NaN };
  const buckets = coalesced(given);
  const repair = forceMonotonic(buckets);
  return { value: quantileWithin(q, buckets), repair };
}

function quantileWithin(q: number, { bounds, counts, size }: Buckets): number {
  const observations = counts[size - 1] as number;
  if (size < 2 || observations === 0) return Number.NaN;
  let rank = q * observations;
  let b = 0;
  let high = size - 1;
  while (b < high) {
    const middle = (b + high) >>> 1;
    if ((counts[middle] as number) >= rank) high = middle;
    else b = middle + 1;
  }
  // In the bucket without an upper bound all that is known is its lower one.
  if (b === size - 1) return bounds[size - 2] as number;
  const end = bounds[b] as number;
  if (b === 0 && end <= 0) return end;
  let start = 0;
  let count = counts[b] as number;
  if (b > 0) {
    start = bounds[b - 1] as number;
    count -= counts[b - 1] as number;
    rank -= counts[b - 1] as number;
  }
  return start + (end - start) * (rank / count);
}

/**
 * The share of a classic histogram's observations between two bounds. `counts` and `bounds` are written to.
 *
 * @see Prometheus, `promql/quantile.go`, `BucketFraction`
 */
export function bucketFraction(lower: number, upper: number, given: Buckets): number {
  if (given.size === 0 || given.bounds[given.size - 1] !== Number.POSITIVE_INFINITY) return Number.NaN;
  const buckets = coalesced(given);
  const total = buckets.counts[buckets.size - 1] as number;
  if (total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  return (rankOf(upper, buckets, total) - rankOf(lower, buckets, total)) / total;
}

/** How many observations lie below `value`, by a straight line within its bucket. */
function rankOf(value: number, { bounds, counts, size }: Buckets, total: number): number {
  let below = 0;
  for (let i = 0; i < size; i++) {
    const first = (bounds[0] as number) > 0 ? 0 : Number.NEGATIVE_INFINITY;
    const start = i === 0 ? first : (bounds[i - 1] as number);
    const end = bounds[i] as number;
    const count = counts[i] as number;
    if (start >= value) return capped(below, total);
    if (end > value) {
      if (start === Number.NEGATIVE_INFINITY) return capped(count, total);
      return capped(below + ((count - below) * (value - start)) / (end - start), total);
    }
    below = count;
  }
  return total;
}

const capped = (rank: number, total: number): number => (rank > total ? total : rank);
