import { EvaluationError } from "../../errors.ts";
import {
  aligned,
  compacted,
  dividedBy,
  isCompatible,
  joined,
  type NativeHistogram,
  NO_BUCKETS,
  plus,
  type ResetHint,
  type SparseBuckets,
} from "./native-histogram.ts";
import { Compensated } from "./window-sum.ts";

/** Adds native histograms up, and carries along what each addition of their counts loses. */
export class HistogramSum {
  #sum: NativeHistogram;
  /** What has been lost so far, in the same buckets as the sum. */
  #lost: NativeHistogram;
  #size = 1;
  #hasReset: boolean;
  #hasNone: boolean;

  constructor(first: NativeHistogram) {
    this.#sum = first;
    this.#lost = lostIn(first);
    this.#hasReset = first.hint === "reset";
    this.#hasNone = first.hint === "none";
  }

  /** Whether some say that a counter was reset, and others that it was not. */
  get collides(): boolean {
    return this.#hasReset && this.#hasNone;
  }

  add(given: NativeHistogram): void {
    if (!isCompatible(this.#sum, given)) refuseMix();
    const [sum, other] = aligned(this.#sum, given);
    if (sum.schema !== this.#sum.schema || sum.zeroThreshold !== this.#sum.zeroThreshold) {
      // Rare enough to settle what has been lost at once, before the buckets change.
      this.#sum = aligned(plus(this.#sum, this.#lost, 1), other)[0];
      this.#lost = lostIn(this.#sum);
    }
    const lost = this.#lost;
    const count = added(this.#sum.count, lost.count, other.count);
    const total = added(this.#sum.sum, lost.sum, other.sum);
    const zero = added(this.#sum.zeroCount, lost.zeroCount, other.zeroCount);
    const positive = addedBuckets(this.#sum.positive, lost.positive, other.positive);
    const negative = addedBuckets(this.#sum.negative, lost.negative, other.negative);
    const hint = jointHint(this.#sum.hint, other.hint);
    this.#sum = {
      ...this.#sum,
      count: count.sum,
      sum: total.sum,
      zeroCount: zero.sum,
      positive: positive.sum,
      negative: negative.sum,
      hint,
    };
    this.#lost = {
      ...lost,
      count: count.lost,
      sum: total.lost,
      zeroCount: zero.lost,
      positive: positive.lost,
      negative: negative.lost,
    };
    this.#size++;
    this.#hasReset ||= given.hint === "reset";
    this.#hasNone ||= given.hint === "none";
  }

  get total(): NativeHistogram {
    return compacted(plus(this.#sum, this.#lost, 1));
  }

  get mean(): NativeHistogram {
    if (![this.#sum.count, this.#sum.sum, this.#sum.zeroCount, ...this.#sum.positive.counts].every(Number.isFinite)) {
      throw new EvaluationError(
        "unsupported",
        "the mean of native histograms with infinite counts is not evaluated here",
      );
    }
    return compacted(plus(dividedBy(this.#sum, this.#size), dividedBy(this.#lost, this.#size), 1));
  }
}

export function refuseMix(): never {
  throw new EvaluationError(
    "unsupported",
    "native histograms with different custom bounds, or with and without such, are not evaluated together here",
  );
}

const lostIn = (histogram: NativeHistogram): NativeHistogram => ({
  ...histogram,
  count: 0,
  sum: 0,
  zeroCount: 0,
  positive: NO_BUCKETS,
  negative: NO_BUCKETS,
});

function added(sum: number, lost: number, x: number): Compensated {
  const total = new Compensated();
  total.set(sum, lost);
  total.add(x);
  return total;
}

function addedBuckets(sum: SparseBuckets, lost: SparseBuckets, other: SparseBuckets) {
  // A bucket that is new takes the count as it is; so it does when it is added to nothing.
  const all = joined(sum, other, (x) => x);
  const losses = joined(all, lost, (_, y) => y).counts;
  const others = joined(all, other, (_, y) => y).counts;
  const sums: number[] = [];
  const rests: number[] = [];
  for (const [i, x] of all.counts.entries()) {
    const total = added(x, losses[i] as number, others[i] as number);
    sums.push(total.sum);
    rests.push(total.lost);
  }
  return { sum: { indexes: all.indexes, counts: sums }, lost: { indexes: all.indexes, counts: rests } };
}

function jointHint(a: ResetHint, b: ResetHint): ResetHint {
  if (a === b) return a;
  return a === "gauge" || b === "gauge" ? "gauge" : "unknown";
}
