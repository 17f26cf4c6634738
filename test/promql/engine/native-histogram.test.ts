import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  allBuckets,
  compacted,
  isReset,
  type NativeHistogram,
  plus,
  reduced,
  upperBound,
} from "../../../src/promql/engine/native-histogram.ts";
import { evaluate, memoryStorage, parseSeries } from "../../../src/promql/index.ts";

function noted(text: string): NativeHistogram {
  const histogram = parseSeries(`a {{${text}}}`).histograms?.[0];
  if (histogram === undefined) throw new Error(`no histogram: ${text}`);
  return histogram;
}

function asked(query: string, notation: string, at = 0): string[] {
  const storage = memoryStorage();
  storage.load(notation, { step: "1m" });
  const found = evaluate(query, { at }, storage);
  if (found.kind !== "vector") throw new Error(`no vector: ${found.kind}`);
  return found.labels.map((labels, i) => `${JSON.stringify(labels)} ${found.values[i]}`);
}

describe("buckets", () => {
  test("their bounds are powers of two, divided by the schema", () => {
    const bounds = (schema: number, ...indexes: number[]) => indexes.map((i) => upperBound(i, { schema, bounds: [] }));
    expect(bounds(0, -1, 0, 1, 2, 1023, 1024, 1025)).toEqual([
      0.5,
      1,
      2,
      4,
      2 ** 1023,
      Number.MAX_VALUE,
      Number.POSITIVE_INFINITY,
    ]);
    expect(bounds(-2, -1, 0, 1)).toEqual([2 ** -4, 1, 16]);
    expect(bounds(1, 1, 2)).toEqual([Math.SQRT2, 2]);
    expect([-1, 0, 1, 2].map((i) => upperBound(i, { schema: -53, bounds: [0.5, 2] }))).toEqual([
      Number.NEGATIVE_INFINITY,
      0.5,
      2,
      Number.POSITIVE_INFINITY,
    ]);
  });

  test("they rise from below zero to above it", () => {
    const text = "count:7 z_bucket:1 z_bucket_w:0.5 buckets:[1 2] offset:1 n_buckets:[3] n_offset:2";
    expect(allBuckets(noted(text))).toEqual([
      { lower: -4, upper: -2, count: 3 },
      { lower: -0.5, upper: 0.5, count: 1 },
      { lower: 1, upper: 2, count: 1 },
      { lower: 2, upper: 4, count: 2 },
    ]);
  });

  test("a lower schema merges them", () => {
    expect(reduced(noted("schema:1 buckets:[1 2 4 8] offset:1"), 0).positive).toEqual({
      indexes: [1, 2],
      counts: [3, 12],
    });
  });
});

const histograms = fc
  .record({
    schema: fc.integer({ min: 0, max: 3 }),
    counts: fc.dictionary(fc.constantFrom("-3", "1", "2", "5", "9"), fc.integer({ min: 1, max: 99 })),
  })
  .map(({ schema, counts }): NativeHistogram => {
    const indexes = Object.keys(counts)
      .map(Number)
      .sort((a, b) => a - b);
    const all = indexes.map((i) => counts[i] ?? 0);
    const count = all.reduce((sum, x) => sum + x, 0);
    return { ...noted(""), schema, count, sum: count / 2, positive: { indexes, counts: all } };
  });

test("a sum holds what both hold, and less the one it is the other, in the wider buckets", () => {
  fc.assert(
    fc.property(histograms, histograms, (a, b) => {
      const sum = plus(a, b, 1);
      expect(sum.schema).toBe(Math.min(a.schema, b.schema));
      expect(sum.positive.counts.reduce((total, x) => total + x, 0)).toBe(a.count + b.count);
      expect(compacted(plus(sum, b, -1))).toEqual(compacted(reduced(a, sum.schema)));
      expect(isReset(a, sum)).toBe(false);
      expect(isReset(sum, reduced(a, sum.schema))).toBe(b.count > 0);
    }),
    { seed: 11 },
  );
});

describe("evaluated, where a function makes numbers of them", () => {
  const HISTOGRAM = "{{count:4 sum:6 buckets:[2 2] offset:1}}";
  const GROWING = `a{x="1"} ${HISTOGRAM}+${HISTOGRAM}x9\na{x="2"} ${HISTOGRAM}x9`;

  test.each([
    ["histogram_count(a)", ['{"x":"1"} 24', '{"x":"2"} 4']],
    ["histogram_sum(sum(a))", ["{} 42"]],
    ["histogram_avg(avg(a))", ["{} 1.5"]],
    ["histogram_count(a * 2)", ['{"x":"1"} 48', '{"x":"2"} 8']],
    ['histogram_count(increase(a{x="1"}[5m]))', ['{"x":"1"} 20']],
    ['histogram_sum(rate(a{x="1"}[5m]))', ['{"x":"1"} 0.1']],
    ['histogram_quantile(0.75, a{x="2"})', ['{"x":"2"} 2.82842712474619']],
    ["histogram_quantile(0.5, sum(rate(a[5m])))", ["{} 2"]],
    ["histogram_fraction(2, 4, sum(a))", ["{} 0.5"]],
    ['histogram_stdvar(a{x="2"})', [`{"x":"2"} ${((Math.SQRT2 - 1.5) ** 2 + (2 * Math.SQRT2 - 1.5) ** 2) / 2}`]],
  ])("%s", (query, expected) => {
    expect(asked(query, GROWING, 5 * 60_000)).toEqual(expected);
  });

  test("a counter's reset is grown over", () => {
    const notation =
      "a {{count:5 buckets:[5]}} {{count:9 buckets:[9]}} {{count:2 buckets:[2]}} {{count:4 buckets:[4]}}";
    expect(asked("histogram_count(increase(a[4m]))", notation, 180_000)).toEqual([`{} ${(8 * 240) / 180}`]);
  });

  test("with bounds, by straight lines", () => {
    const notation = "a {{schema:-53 custom_values:[1 3] count:4 sum:6 buckets:[2 2]}}";
    expect(asked("histogram_quantile(0.75, a)", notation)).toEqual(["{} 2"]);
    expect(asked("histogram_fraction(0, 2, a)", notation)).toEqual(["{} 0.75"]);
  });

  test("the end of a series counts for them too", () => {
    expect(asked("histogram_count(a)", "a {{count:1}} stale", 60_000)).toEqual([]);
  });

  test.each([
    "a",
    "a + a",
    "count(a)",
    "max_over_time(a[5m])",
    "irate(a[5m])",
    "rate(a[5m])",
    "sum(a)",
    "histogram_count(a - a)",
    "histogram_count(2 / a)",
    "rate(a[5m:1m])",
    "a[5m]",
  ])("elsewhere they are refused by name: %s", (query) => {
    expect(() => asked(query, GROWING, 300_000)).toThrow(
      expect.objectContaining({ code: "unsupported", message: expect.stringContaining("native histogram") }),
    );
  });

  test("so is a series that changes its kind, and what does not go together", () => {
    expect(() => asked("histogram_count(rate(a[5m]))", "a 1 {{count:1}}", 60_000)).toThrow("by turns");
    const mix = 'a{x="1"} {{count:1}}\na{x="2"} {{schema:-53 custom_values:[1] count:1 buckets:[1]}}';
    expect(() => asked("histogram_count(sum(a))", mix)).toThrow("custom bounds");
  });
});
