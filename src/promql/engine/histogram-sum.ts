import type { RemarkPlace } from "./annotations.ts";
import {
  aligned,
  compacted,
  dividedBy,
  isCompatible,
  joined,
  jointHint,
  type NativeHistogram,
  NO_BUCKETS,
  placed,
  plus,
  type SparseBuckets,
  sameBounds,
  sharedBounds,
  times,
} from "./native-histogram.ts";
import { Compensated } from "./window-sum.ts";

/** A native histogram, and of which metric it is. */
export interface NamedHistogram {
  readonly histogram: NativeHistogram;
  readonly metric: string;
}

/**
 * The sum or the mean of native histograms; nothing where some of them have custom bounds and others have not. What is
 * to be said about it is remarked.
 */
export function joinedHistograms(
  op: "avg" | "sum",
  all: readonly NamedHistogram[],
  { at, annotations }: RemarkPlace,
): NativeHistogram | undefined {
  const [first, ...rest] = all;
  if (first === undefined) return undefined;
  const total = op === "sum" ? new HistogramSum(first.histogram) : new HistogramMean(first.histogram);
  for (const { histogram, metric } of rest) {
    if (!isCompatible(first.histogram, histogram)) {
      annotations.mixedSchemas(metric, at);
      return undefined;
    }
    if (total.add(histogram)) annotations.reconciledBuckets("aggregation", at);
  }
  const hints = new Set(all.map(({ histogram }) => histogram.hint));
  if (hints.has("reset") && hints.has("none")) annotations.resetCollision("aggregation", at);
  return compacted(total.result);
}

/** A sum of native histograms, and what the additions of their counts have lost so far, in the same buckets. */
interface Total {
  readonly sum: NativeHistogram;
  readonly lost: NativeHistogram;
}

const totalOf = (sum: NativeHistogram): Total => ({ sum, lost: lostIn(sum) });
const settled = ({ sum, lost }: Total): NativeHistogram => plus(sum, { ...lost, hint: sum.hint }, 1);
const eachOf = (total: Total, change: (histogram: NativeHistogram) => NativeHistogram): Total => ({
  sum: change(total.sum),
  lost: change(total.lost),
});

class HistogramSum {
  #total: Total;

  constructor(first: NativeHistogram) {
    this.#total = totalOf(first);
  }

  /** @returns whether custom bounds differed */
  add(histogram: NativeHistogram): boolean {
    const isReconciled = !sameBounds(this.#total.sum, histogram);
    this.#total = added(this.#total, histogram);
    return isReconciled;
  }

  get result(): NativeHistogram {
    return settled(this.#total);
  }
}

/** A mean as the sum by the count, or as a running mean from where the sum would be infinite. */
class HistogramMean {
  #total: Total;
  #size = 1;
  #isRunning = false;

  constructor(first: NativeHistogram) {
    this.#total = totalOf(first);
  }

  /** @returns whether custom bounds differed */
  add(histogram: NativeHistogram): boolean {
    const isReconciled = !sameBounds(this.#total.sum, histogram);
    this.#size++;
    const size = this.#size;
    if (!this.#isRunning) {
      const next = added(this.#total, histogram);
      if (!isInfinite(next.sum)) {
        this.#total = next;
        return isReconciled;
      }
      this.#isRunning = true;
      this.#total = eachOf(this.#total, (one) => dividedBy(one, size - 1));
    }
    const share = (size - 1) / size;
    this.#total = added(
      eachOf(this.#total, (one) => times(one, share)),
      dividedBy(histogram, size),
    );
    return isReconciled;
  }

  get result(): NativeHistogram {
    return settled(this.#isRunning ? this.#total : eachOf(this.#total, (one) => dividedBy(one, this.#size)));
  }
}

const isInfinite = ({ count, sum, zeroCount, positive, negative }: NativeHistogram): boolean =>
  [count, sum, zeroCount, ...positive.counts, ...negative.counts].some(
    (x) => x === Number.POSITIVE_INFINITY || x === Number.NEGATIVE_INFINITY,
  );

function added(total: Total, given: NativeHistogram): Total {
  if (!sameBounds(total.sum, given)) return addedToShared(total, given);
  const [sum, other] = aligned(total.sum, given);
  // Rare enough to settle what has been lost at once, before the buckets change.
  const isWider = sum.schema !== total.sum.schema || sum.zeroThreshold !== total.sum.zeroThreshold;
  const before = isWider ? totalOf(aligned(settled(total), other)[0]) : total;
  return withBuckets(before, other, addedBuckets(before, other, "positive"), addedBuckets(before, other, "negative"));
}

/** Two columns of buckets: a sum, and what it has lost. */
interface BucketTotal {
  readonly sum: SparseBuckets;
  readonly lost: SparseBuckets;
}

function withBuckets(
  { sum, lost }: Total,
  other: NativeHistogram,
  positive: BucketTotal,
  negative: BucketTotal,
  bounds = sum.bounds,
): Total {
  const count = addedTo(sum.count, lost.count, other.count);
  const observed = addedTo(sum.sum, lost.sum, other.sum);
  const zero = addedTo(sum.zeroCount, lost.zeroCount, other.zeroCount);
  const hint = jointHint(sum.hint, other.hint);
  return {
    sum: {
      ...sum,
      bounds,
      count: count.sum,
      sum: observed.sum,
      zeroCount: zero.sum,
      positive: positive.sum,
      negative: negative.sum,
      hint,
    },
    lost: {
      ...lost,
      bounds,
      count: count.lost,
      sum: observed.lost,
      zeroCount: zero.lost,
      positive: positive.lost,
      negative: negative.lost,
      hint,
    },
  };
}

const lostIn = (histogram: NativeHistogram): NativeHistogram => ({
  ...histogram,
  count: 0,
  sum: 0,
  zeroCount: 0,
  positive: NO_BUCKETS,
  negative: NO_BUCKETS,
});

function addedTo(sum: number, lost: number, x: number): Compensated {
  const total = new Compensated();
  total.set(sum, lost);
  total.add(x);
  return total;
}

function addedBuckets(total: Total, histogram: NativeHistogram, side: "negative" | "positive"): BucketTotal {
  const other = histogram[side];
  // A bucket that is new takes the count as it is; so it does when it is added to nothing.
  const all = joined(total.sum[side], other, (x) => x);
  const losses = joined(all, total.lost[side], (_, y) => y).counts;
  const others = joined(all, other, (_, y) => y).counts;
  const sums: number[] = [];
  const rests: number[] = [];
  for (const [i, x] of all.counts.entries()) {
    const one = addedTo(x, losses[i] as number, others[i] as number);
    sums.push(one.sum);
    rests.push(one.lost);
  }
  return { sum: { indexes: all.indexes, counts: sums }, lost: { indexes: all.indexes, counts: rests } };
}

/** The same where custom bounds differ: in the buckets that both have bounds for. */
function addedToShared(total: Total, other: NativeHistogram): Total {
  const bounds = sharedBounds(total.sum, other);
  const counts = Array.from({ length: bounds.length + 1 }, () => new Compensated());
  for (const histogram of [total.sum, total.lost, other]) {
    for (const [place, count] of placed(histogram, bounds)) counts[place]?.add(count);
  }
  const indexes = [...counts.keys()];
  const positive = {
    sum: { indexes, counts: counts.map(({ sum }) => sum) },
    lost: { indexes, counts: counts.map(({ lost }) => lost) },
  };
  const { negative } = total.sum;
  return withBuckets(total, other, positive, { sum: negative, lost: NO_BUCKETS }, bounds);
}
