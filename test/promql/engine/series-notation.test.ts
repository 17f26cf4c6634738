import { describe, expect, test } from "vitest";
import { QueryError } from "../../../src/errors.ts";
import { isStaleAt, wordsOf } from "../../../src/promql/engine/staleness.ts";
import { parseSeries } from "../../../src/promql/index.ts";

function values(text: string): (number | string)[] {
  const noted = parseSeries(text);
  const words = wordsOf(noted.values);
  return Array.from(noted.values, (value, i) => {
    if (noted.omitted[i] === 1) return "_";
    return isStaleAt(words, i) ? "stale" : value;
  });
}

describe("values, a step apart", () => {
  test.each([
    ["a 1 2.5 -3 1e3 Inf -Inf", [1, 2.5, -3, 1000, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ["a NaN", [Number.NaN]],
    ["a 0+10x3", [0, 10, 20, 30]],
    ["a 5-1.5x2", [5, 3.5, 2]],
    ["a 1x2", [1, 1, 1]],
    ["a 7x0", [7]],
    ["a _ 1 _x2 2", ["_", 1, "_", "_", 2]],
    ["a 1 stale 2", [1, "stale", 2]],
    ["a stalex1", ["stale", "stale"]],
    ["a", []],
    ["  a   1\t2  ", [1, 2]],
  ])("%s", (text, expected) => {
    expect(values(text)).toEqual(expected);
  });
});

describe("the metric", () => {
  test.each([
    ['http_requests{job="a",code="200"} 1', { __name__: "http_requests", job: "a", code: "200" }],
    ['{"größe","host.name"="x y"} 1', { __name__: "größe", "host.name": "x y" }],
    ['a{b="} 2"} 1', { __name__: "a", b: "} 2" }],
    ["a {} 1", { __name__: "a" }],
    ["{} 1", {}],
  ])("%s", (text, expected) => {
    expect(parseSeries(text).labels).toEqual(expected);
  });
});

describe("what is no series is refused", () => {
  test.each([
    "a x",
    "a 1xx",
    'a{b!="c"} 1',
    'a{b="c",b="d"} 1',
    "a[5m] 1",
    "a 1+x3",
    "a _+1x3",
    "a 1x99999999",
    "1 + 1",
  ])("%s", (text) => {
    expect(() => parseSeries(text)).toThrow(QueryError);
  });
});

describe("native histograms", () => {
  const histograms = (text: string) => parseSeries(text).histograms;

  test("with their buckets from an offset on, on both sides of zero", () => {
    const text =
      "a {{schema:1 sum:5.5 count:9 z_bucket:2 z_bucket_w:0.001 buckets:[1 0 3] offset:-1 n_buckets:[3] n_offset:2}}";
    expect(histograms(text)).toEqual([
      {
        schema: 1,
        sum: 5.5,
        count: 9,
        zeroCount: 2,
        zeroThreshold: 0.001,
        positive: { indexes: [-1, 0, 1], counts: [1, 0, 3] },
        negative: { indexes: [2], counts: [3] },
        bounds: [],
        hint: "unknown",
      },
    ]);
  });

  test("with bounds and hints, beside numbers and gaps", () => {
    const found = histograms(
      "a 1 _ {{schema:-53 custom_values:[0.1 2] buckets:[1 1 1] count:3 counter_reset_hint:gauge}} 2",
    );
    expect(found).toMatchObject([undefined, undefined, { schema: -53, bounds: [0.1, 2], hint: "gauge" }, undefined]);
  });

  test("repeated, and added to", () => {
    expect(histograms("a {{count:1}}x2")).toMatchObject([{ count: 1 }, { count: 1 }, { count: 1 }]);
    const grown = histograms("a {{count:1 buckets:[1]}}+{{count:2 sum:1 buckets:[1 1]}}x2");
    expect(grown?.map((one) => one && [one.count, one.sum, one.positive.counts])).toEqual([
      [1, 0, [1]],
      [3, 1, [2, 1]],
      [5, 2, [3, 2]],
    ]);
    expect(histograms("a {{count:5}}-{{count:2}}x1")).toMatchObject([{ count: 5 }, { count: 3 }]);
  });

  test.each([
    "a {{schema:9}}",
    "a {{what:1}}",
    "a {{count:1",
    "a {{count:x}}y",
    "a {{buckets:[1 x]}}",
    "a {{count:1}}+{{count:1}}",
    "a {{}}+{{schema:-53}}x2",
    "a {{counter_reset_hint:no}}",
  ])("%s is none", (text) => {
    expect(() => parseSeries(text)).toThrow(QueryError);
  });
});
