import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { QueryError } from "../../src/errors.ts";
import { allBuckets, type NativeHistogram } from "../../src/promql/engine/native-histogram.ts";
import { nativeFraction, nativeQuantile } from "../../src/promql/engine/native-quantile.ts";
import { Histogram, type HistogramBucket } from "../../src/results/histogram.ts";

const bucket = (lower: number, upper: number, count: number): HistogramBucket => ({
  lower,
  upper,
  count,
  bounds: "right",
});
const classic = new Histogram({
  count: 10,
  sum: 300,
  buckets: [bucket(0, 10, 4), bucket(10, 50, 4), bucket(50, Number.POSITIVE_INFINITY, 2)],
});
const native = new Histogram({
  count: 12,
  sum: 30,
  buckets: [{ ...bucket(-0.001, 0.001, 2), bounds: "both" }, bucket(1, 2, 4), bucket(2, 4, 4), bucket(4, 8, 2)],
});

/** Native histograms as the engine has them, which is held to a real server's quantiles. */
const sparse = (most: number) =>
  fc
    .uniqueArray(fc.integer({ min: -20, max: 20 }), { maxLength: most })
    .chain((indexes) =>
      fc
        .array(fc.integer({ min: 1, max: 6 }), { minLength: indexes.length, maxLength: indexes.length })
        .map((counts) => ({ indexes: indexes.sort((a, b) => a - b), counts })),
    );
const engines = fc
  .record({
    schema: fc.integer({ min: -2, max: 8 }),
    zeroCount: fc.nat(3),
    positive: sparse(6),
    negative: fc.oneof(fc.constant({ indexes: [], counts: [] }), sparse(3)),
  })
  .map((parts): NativeHistogram => {
    const count = [...parts.positive.counts, ...parts.negative.counts].reduce((a, b) => a + b, parts.zeroCount);
    return { ...parts, count, sum: 1, zeroThreshold: 2 ** -128, bounds: [], hint: "unknown" };
  })
  .filter(({ count }) => count > 0);

test("any native histogram has the engine's quantiles and shares, ties included", () => {
  fc.assert(
    fc.property(engines, fc.nat(24), fc.double({ min: 0, max: 1, noNaN: true }), (engine, tie, share) => {
      const buckets = allBuckets(engine).map((one): HistogramBucket => ({ ...one, bounds: "right" }));
      const ours = new Histogram({ count: engine.count, sum: engine.sum, buckets });
      for (const q of [share, Math.min(1, tie / engine.count), 0, 0.5, 1]) {
        expect(ours.quantile(q)).toBeCloseTo(nativeQuantile(q, engine).value, 8);
      }
      const [low, high] = [ours.quantile(share / 2) ?? 0, (ours.quantile(1) ?? 0) * 0.9];
      expect(ours.fraction(low, high)).toBeCloseTo(nativeFraction(low, high, engine).value, 8);
    }),
    { seed: 20_261_126, numRuns: 2_000 },
  );
});

describe("a histogram of fixed bounds", () => {
  it("has quantiles by straight lines within its buckets", () => {
    expect(classic.scale).toBe("linear");
    expect([0, 0.2, 0.4, 0.6, 0.8].map((q) => classic.quantile(q))).toEqual([0, 5, 10, 30, 50]);
    // Of the bucket without an end only its beginning is known.
    expect(classic.quantile(0.99)).toBe(50);
    expect(classic.mean).toBe(30);
  });

  it("has the shares between two values", () => {
    expect(classic.fraction(0, 10)).toBe(0.4);
    expect(classic.fraction(5, 30)).toBeCloseTo(0.4, 12);
    expect(classic.fraction(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(1);
    expect(classic.fraction(3, 3)).toBe(0);
    expect(classic.fraction(Number.NaN, 1)).toBeUndefined();
  });

  it("ends at its upper bound where the first bucket has no lower one", () => {
    const below = new Histogram({ count: 3, sum: undefined, buckets: [bucket(Number.NEGATIVE_INFINITY, -5, 3)] });
    expect(below.quantile(0.5)).toBe(-5);
    expect(below.mean).toBeUndefined();
  });
});

describe("a native histogram", () => {
  it("has quantiles by the logarithm within its buckets, and by straight lines around zero", () => {
    expect(native.scale).toBe("exponential");
    // The bucket around zero holds nothing below it, since there is nothing negative.
    expect(native.quantile(1 / 12)).toBeCloseTo(0.0005, 12);
    expect(native.quantile(4 / 12)).toBeCloseTo(Math.SQRT2, 12);
    expect(native.quantile(8 / 12)).toBeCloseTo(2 * Math.SQRT2, 12);
    expect(native.quantile(1)).toBe(8);
  });

  it("counts its upper half from above, as the server does", () => {
    const gap = new Histogram({ count: 8, sum: 1, buckets: [bucket(1, 2, 4), bucket(4, 8, 4)] });
    expect([0.49999, 0.5, 0.75].map((q) => gap.quantile(q))).toEqual([
      expect.closeTo(2, 3),
      4,
      expect.closeTo(4 * Math.SQRT2, 12),
    ]);
    // Where the sum is no number, some observations are in no bucket, and all is counted from below.
    const { buckets } = gap;
    expect(new Histogram({ count: 8, sum: Number.NaN, buckets }).quantile(0.5)).toBe(2);
  });

  it("is the same with the sign turned", () => {
    const turned = new Histogram({
      count: 12,
      sum: -30,
      buckets: [...native.buckets]
        .reverse()
        .map(({ lower, upper, ...rest }) => ({ ...rest, lower: -upper, upper: -lower })),
    });
    for (const q of [0, 0.1, 0.25, 0.5, 0.8, 1]) {
      expect(turned.quantile(1 - q)).toBeCloseTo(-(native.quantile(q) ?? Number.NaN), 10);
    }
    expect(turned.fraction(-3, -1)).toBeCloseTo(native.fraction(1, 3) ?? Number.NaN, 10);
  });

  it("is told from one of fixed bounds by the factor between them", () => {
    const of = (...buckets: readonly HistogramBucket[]) => new Histogram({ count: 1, sum: 1, buckets }).scale;
    expect(of(bucket(2 ** 0.25, 2 ** 0.5, 1), bucket(2 ** 0.75, 2, 1))).toBe("exponential");
    // What is counted as zero may cut the one beside it short.
    expect(of(bucket(-0.3, 0.3, 1), bucket(0.3, 0.5, 1), bucket(0.5, 1, 1))).toBe("exponential");
    expect(of(bucket(1, 3, 1))).toBe("linear");
    expect(of(bucket(1, 2, 1), bucket(2, 5, 1))).toBe("linear");
    expect(of(bucket(1.5, 3, 1))).toBe("linear");
  });
});

it("without observations has no quantile, share or mean", () => {
  const empty = new Histogram({ count: 0, sum: 0, buckets: [] });
  expect([empty.quantile(0.5), empty.fraction(0, 1), empty.mean]).toEqual([undefined, undefined, undefined]);
  expect(String(empty)).toBe("no observations");
});

it("refuses a quantile that is none", () => {
  for (const q of [-0.1, 1.1, Number.NaN]) expect(() => classic.quantile(q)).toThrow(QueryError);
});

it("is printed and plain data", () => {
  expect(String(classic)).toBe("10 observations, mean 30, 50 % within 20, 99 % within 50");
  expect(classic.print("ms")).toBe("10 observations, mean 30 ms, 50 % within 20 ms, 99 % within 50 ms");
  expect(JSON.parse(JSON.stringify(classic))).toEqual({
    count: 10,
    sum: 300,
    buckets: [
      { lower: 0, upper: 10, count: 4, bounds: "right" },
      { lower: 10, upper: 50, count: 4, bounds: "right" },
      { lower: 50, upper: "+Inf", count: 2, bounds: "right" },
    ],
  });
});
