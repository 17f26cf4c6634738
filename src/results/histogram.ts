import { QueryError } from "../errors.ts";
import { shown } from "../time.ts";
import { plainNumber } from "./column.ts";
import { printValue } from "./text.ts";

/** One bucket of a histogram: how many observations lie between its bounds. */
export interface HistogramBucket {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
  /** Which ends belong to the bucket. */
  readonly bounds: "both" | "left" | "none" | "right";
}

/** What a {@link Histogram} is made of. */
export interface HistogramParts {
  readonly count: number;
  /** `undefined` where it is not known. */
  readonly sum: number | undefined;
  /** By rising bounds. */
  readonly buckets: readonly HistogramBucket[];
}

/** A {@link Histogram} as plain data; NaN and infinities are `"NaN"`, `"+Inf"` and `"-Inf"`. */
export interface HistogramJson {
  readonly count: number | string;
  readonly sum?: number | string | undefined;
  readonly buckets: readonly {
    readonly lower: number | string;
    readonly upper: number | string;
    readonly count: number | string;
    readonly bounds: HistogramBucket["bounds"];
  }[];
}

/**
 * How observations are spread, whether it was kept as a native histogram or as series of buckets. Counts are whatever
 * they are of: observations, or observations per second.
 */
export class Histogram implements HistogramParts {
  readonly count: number;
  readonly sum: number | undefined;
  readonly buckets: readonly HistogramBucket[];
  /**
   * How values are spread within a bucket: evenly, or evenly over their logarithms, as in the buckets of a native
   * histogram, each of which is wider than the one before it by the same factor.
   */
  readonly scale: "exponential" | "linear";

  constructor({ count, sum, buckets }: HistogramParts) {
    this.count = count;
    this.sum = sum;
    this.buckets = Object.freeze(buckets);
    this.scale = scaleOf(buckets);
    Object.freeze(this);
  }

  /** The mean of what was observed; `undefined` without observations or where their sum is not known. */
  get mean(): number | undefined {
    return this.sum === undefined || !(this.count > 0) ? undefined : this.sum / this.count;
  }

  /**
   * The value that a share `q` of the observations does not exceed, interpolated within its bucket as PromQL's
   * `histogram_quantile` does; `undefined` without observations.
   *
   * @param q from 0 to 1
   * @throws {QueryError} `code: "quantile"` when it is not
   * @see Prometheus, "histogram_quantile()"
   */
  quantile(q: number): number | undefined {
    if (typeof q !== "number" || !(q >= 0 && q <= 1)) {
      throw new QueryError("quantile", `quantile(${shown(q)}): a quantile is a number from 0 to 1`);
    }
    // Of a native histogram the upper half is counted from above, where a gap between buckets makes a difference.
    const fromAbove = this.scale === "exponential" && q >= 0.5 && !Number.isNaN(this.sum ?? Number.NaN);
    const shaped = this.#shaped();
    const buckets = fromAbove ? [...shaped].reverse() : shaped;
    const rank = (fromAbove ? 1 - q : q) * this.count;
    let passed = 0;
    let last: HistogramBucket | undefined;
    for (const bucket of buckets) {
      const { count } = bucket;
      if (count === 0) continue;
      last = bucket;
      if (passed + count >= rank) return this.#within(bucket, fromAbove ? passed + count - rank : rank - passed);
      passed += count;
    }
    // Counts are sums of rates, whose last bit may be lost; observations that are no numbers are in no bucket.
    return last === undefined ? undefined : this.#within(last, fromAbove ? 0 : last.count);
  }

  /** The share of the observations between two values, interpolated as `histogram_fraction` does; `undefined` without any. */
  fraction(lower: number, upper: number): number | undefined {
    if (!(this.count > 0) || Number.isNaN(lower) || Number.isNaN(upper)) return undefined;
    return lower >= upper ? 0 : (this.#below(upper) - this.#below(lower)) / this.count;
  }

  /** `"120 observations, mean 14.2, 50 % within 11.3, 99 % within 87"`. */
  toString(): string {
    return this.print("1");
  }

  /** The same with the unit of what was observed. */
  print(unit: string): string {
    if (!(this.count > 0)) return "no observations";
    const of = (q: number) => printValue(this.quantile(q), unit);
    const mean = this.mean === undefined ? "" : `mean ${printValue(this.mean, unit)}, `;
    return `${printValue(this.count, "1")} observations, ${mean}50 % within ${of(0.5)}, 99 % within ${of(0.99)}`;
  }

  /** As plain data, infinite bounds as text. */
  toJSON(): HistogramJson {
    const buckets = this.buckets.map(({ lower, upper, count, bounds }) => ({
      lower: plainNumber(lower),
      upper: plainNumber(upper),
      count: plainNumber(count),
      bounds,
    }));
    return { count: plainNumber(this.count), sum: this.sum === undefined ? undefined : plainNumber(this.sum), buckets };
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** The buckets, of which one around zero ends there where nothing lies on its other side. */
  #shaped(): readonly HistogramBucket[] {
    if (this.scale === "linear") return this.buckets;
    const isAround = ({ lower, upper }: HistogramBucket) => lower <= 0 && upper >= 0;
    const others = this.buckets.filter((bucket) => !isAround(bucket));
    if (others.length === 0) return this.buckets;
    const isPositive = others.every(({ lower }) => lower > 0);
    const isNegative = others.every(({ upper }) => upper < 0);
    return this.buckets.map((bucket) => {
      if (!isAround(bucket)) return bucket;
      if (isPositive) return { ...bucket, lower: 0 };
      return isNegative ? { ...bucket, upper: 0 } : bucket;
    });
  }

  #within({ lower, upper, count }: HistogramBucket, rank: number): number {
    if (upper === Number.POSITIVE_INFINITY) return lower;
    if (lower === Number.NEGATIVE_INFINITY) return upper;
    const share = rank / count;
    if (this.scale === "linear" || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * share;
    const [low, high] = [Math.log2(Math.abs(lower)), Math.log2(Math.abs(upper))];
    return lower > 0 ? 2 ** (low + (high - low) * share) : -(2 ** (high + (low - high) * (1 - share)));
  }

  /** How many observations lie below a value. */
  #below(value: number): number {
    let below = 0;
    for (const { lower, upper, count } of this.#shaped()) {
      if (lower >= value) return below;
      if (upper > value) {
        if (lower === Number.NEGATIVE_INFINITY) return below + count;
        if (upper === Number.POSITIVE_INFINITY) return below;
        const isLinear = this.scale === "linear" || (lower <= 0 && upper >= 0);
        const [from, to, at] = isLinear
          ? [lower, upper, value]
          : [lower, upper, value].map((one) => Math.sign(one) * Math.log2(Math.abs(one)));
        return below + (count * ((at ?? 0) - (from ?? 0))) / ((to ?? 1) - (from ?? 0));
      }
      below += count;
    }
    return this.count;
  }
}

/** Whether bounds are those of exponential buckets: powers of 2^(2^-n), for one n from -4 to 8. */
function scaleOf(buckets: readonly HistogramBucket[]): "exponential" | "linear" {
  const zero = buckets.find(({ lower, upper }) => lower <= 0 && upper >= 0);
  const sides = buckets.filter(({ lower, upper }) => lower > 0 || upper < 0);
  // What is counted as zero may cut the bucket beside it short.
  const uncut = sides.filter(({ lower, upper }) => lower !== zero?.upper && upper !== zero?.lower);
  const outer = uncut.length > 0 ? uncut : sides;
  if (outer.some(({ lower, upper }) => !Number.isFinite(lower) || !Number.isFinite(upper))) return "linear";
  const [first] = outer;
  if (first === undefined) return "linear";
  const width = widthOf(first);
  const isWidth = (one: number) => Math.abs(one / width - 1) < 1e-6;
  const schema = -Math.log2(width);
  const isSchema = Math.abs(schema - Math.round(schema)) < 1e-6 && schema > -5 && schema < 9;
  return isSchema && outer.every((bucket) => isWidth(widthOf(bucket)) && isOnGrid(bucket, width))
    ? "exponential"
    : "linear";
}

const widthOf = ({ lower, upper }: HistogramBucket): number =>
  Math.abs(Math.log2(Math.abs(upper)) - Math.log2(Math.abs(lower)));

function isOnGrid({ upper }: HistogramBucket, width: number): boolean {
  const steps = Math.log2(Math.abs(upper)) / width;
  return Math.abs(steps - Math.round(steps)) < 1e-4;
}
