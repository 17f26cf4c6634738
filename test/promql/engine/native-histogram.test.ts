import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { histogramNotation, histogramText } from "../../../src/promql/engine/histogram-text.ts";
import {
  allBuckets,
  compacted,
  isReset,
  type NativeHistogram,
  plus,
  reduced,
  upperBound,
} from "../../../src/promql/engine/native-histogram.ts";
import { evaluate, histogramBuckets, memoryStorage, parseSeries } from "../../../src/promql/index.ts";

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

function remarks(query: string, notation: string, at = 0): readonly string[] {
  const storage = memoryStorage();
  storage.load(notation, { step: "1m" });
  const { warnings, infos } = evaluate(query, { at }, storage);
  return [...warnings, ...infos];
}

test.each([
  "a {{count:3 sum:4.5 z_bucket:1 z_bucket_w:0.5 offset:-2 buckets:[2 0 0 1] n_offset:1 n_buckets:[2]}}",
  "a {{schema:3 count:1e+06 sum:Inf counter_reset_hint:gauge buckets:[1]}}",
  "a {{schema:-53 count:3 sum:4 custom_values:[1 2] buckets:[1 0 2]}}",
  "a {{count:0 sum:0}}",
])("the notation of a histogram reads back as the same one: %s", (notation) => {
  const [histogram] = parseSeries(notation).histograms ?? [];
  const written = histogram && histogramNotation(histogram);
  const [again] = parseSeries(`a ${written}`).histograms ?? [];
  expect(again && compacted(again)).toEqual(histogram && compacted(histogram));
});

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

  test("they say which of their bounds are theirs, around zero both even where those are one", () => {
    const text = (width: number) => `z_bucket:1 z_bucket_w:${width} buckets:[1] offset:1 n_buckets:[3] n_offset:2`;
    const bounds = (width: number) => histogramBuckets(noted(text(width))).map((bucket) => bucket.bounds);
    expect([bounds(0.5), bounds(0)]).toEqual([
      ["left", "both", "right"],
      ["left", "both", "right"],
    ]);
    const custom = noted("schema:-53 custom_values:[1 2] buckets:[1 0 2]");
    expect(histogramBuckets(custom).map((bucket) => bucket.bounds)).toEqual(["both", "right"]);
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

  test("a mix of custom bounds and others has no value, and is remarked", () => {
    const mix = 'a{x="1"} {{count:1}}\na{x="2"} {{schema:-53 custom_values:[1] count:1 buckets:[1]}}';
    expect(asked("histogram_count(sum(a))", mix)).toEqual([]);
    expect(remarks("histogram_count(sum(a))", mix).join()).toContain("exponential and custom buckets schemas");
  });
});

describe("as results", () => {
  const HISTOGRAM = "{{count:4 sum:6 buckets:[2 2] offset:1}}";
  const GROWING = `a{x="1"} ${HISTOGRAM}+${HISTOGRAM}x9\na{x="2"} ${HISTOGRAM}x9`;
  const shown = (query: string, notation = GROWING, at = 300_000): string[] => {
    const storage = memoryStorage();
    storage.load(notation, { step: "1m" });
    const found = evaluate(query, { at }, storage, { experimental: true });
    if (found.kind !== "vector") throw new Error(`no vector: ${found.kind}`);
    return found.labels.map(({ x = "" }, i) => {
      const histogram = found.histograms?.[i];
      if (histogram === undefined) return `${x} ${found.values[i]}`;
      expect(found.values[i]).toBeNaN();
      return `${x} ${histogramText(histogram)}`;
    });
  };

  test.each([
    ["a", ["1 {count:24, sum:36, (1,2]:12, (2,4]:12}", "2 {count:4, sum:6, (1,2]:2, (2,4]:2}"]],
    ["sum(a)", [" {count:28, sum:42, (1,2]:14, (2,4]:14}"]],
    ['a{x="1"} - a{x="1"} offset 1m', ["1 {count:4, sum:6, (1,2]:2, (2,4]:2}"]],
    ["-a{x='2'}", ["2 {count:-4, sum:-6, (1,2]:-2, (2,4]:-2}"]],
    ["a == a", ["1 {count:24, sum:36, (1,2]:12, (2,4]:12}", "2 {count:4, sum:6, (1,2]:2, (2,4]:2}"]],
    ["a != bool a", ["1 0", "2 0"]],
    ["a </ 2", ["1 {count:12, sum:16.970562748477143, (1,2]:12}", "2 {count:2, sum:2.8284271247461903, (1,2]:2}"]],
    ["count(a)", [" 2"]],
    ["count_over_time(a[3m])", ["1 3", "2 3"]],
    ["changes(a[3m])", ["1 2", "2 0"]],
    [
      "irate(a[3m])",
      [
        "1 {count:0.06666666666666667, sum:0.1, (1,2]:0.03333333333333333, (2,4]:0.03333333333333333}",
        "2 {count:0, sum:0}",
      ],
    ],
    ["avg_over_time(a[3m])", ["1 {count:20, sum:30, (1,2]:10, (2,4]:10}", "2 {count:4, sum:6, (1,2]:2, (2,4]:2}"]],
    ["last_over_time(a[3m:2m])", ["1 {count:20, sum:30, (1,2]:10, (2,4]:10}", "2 {count:4, sum:6, (1,2]:2, (2,4]:2}"]],
    ["limitk(1, a)", ["1 {count:24, sum:36, (1,2]:12, (2,4]:12}"]],
    ["timestamp(a)", ["1 300", "2 300"]],
    ["abs(a) or max_over_time(a[5m]) or topk(2, a) or max(a)", []],
    ["absent(a)", []],
  ])("%s", (query, expected) => {
    expect(shown(query)).toEqual(expected);
  });

  test("over a range they stand beside numbers, each in its place", () => {
    const storage = memoryStorage();
    storage.load("a 1 {{count:2}} _ 3", { step: "1m" });
    const [series] = evaluate("a", { from: 0, to: 180_000, step: "1m" }, storage, { lookback: "1m" }).series;
    expect([...(series?.timesMs ?? [])]).toEqual([0, 60_000, 180_000]);
    expect([...(series?.values ?? [])]).toEqual([1, Number.NaN, 3]);
    expect(series?.histograms?.map((one) => one?.count)).toEqual([undefined, 2, undefined]);
  });

  test.each([
    ["sum(a)", "encountered a mix of histograms and floats for aggregation"],
    ["rate(b[5m])", 'encountered a mix of histograms and floats for metric name "b"'],
    ["max_over_time(b[5m])", 'ignored histograms in a range containing both floats and histograms for metric name "b"'],
    ["max(a)", "ignored histogram in max aggregation"],
    ["a * a", 'incompatible sample types encountered for binary operator "*": histogram * histogram'],
    ["b + 1", 'incompatible sample types encountered for binary operator "+": histogram + float'],
  ])("what does not go together is remarked: %s", (query, remark) => {
    const notation = `a{x="1"} 1\na{x="2"} ${HISTOGRAM}\nb 1 ${HISTOGRAM}`;
    expect(remarks(query, notation, query.includes("b") ? 60_000 : 0).join()).toContain(remark);
  });

  test("with other bounds they are joined in those that both have", () => {
    const notation =
      'a{x="1"} {{schema:-53 custom_values:[1 2 3] count:6 sum:9 buckets:[1 2 3]}}\n' +
      'a{x="2"} {{schema:-53 custom_values:[1 3] count:5 sum:8 buckets:[2 2 1]}}';
    expect(shown("sum(a)", notation, 0)).toEqual([" {count:11, sum:17, [-Inf,1]:3, (1,3]:7, (3,+Inf]:1}"]);
    expect(remarks("sum(a)", notation)).toEqual([
      "PromQL info: mismatched custom buckets were reconciled during aggregation (1:5)",
    ]);
  });

  test("anchored and smoothed they are refused by name", () => {
    const storage = memoryStorage();
    storage.load(GROWING, { step: "1m" });
    expect(() => evaluate("rate(a[5m] anchored)", { at: 300_000 }, storage, { experimental: true })).toThrow(
      expect.objectContaining({ code: "unsupported", message: expect.stringContaining("native histogram") }),
    );
  });
});
