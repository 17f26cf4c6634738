import { describe, expect, test } from "vitest";
import { EvaluationError, QueryError } from "../../../src/errors.ts";
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

  test("a native histogram is refused by name", () => {
    expect(() => parseSeries("a {{schema:0 count:1}}")).toThrow(
      expect.objectContaining({ code: "unsupported", message: expect.stringContaining("native histograms") }),
    );
    expect(() => parseSeries("a {{schema:0 count:1}}")).toThrow(EvaluationError);
  });
});
