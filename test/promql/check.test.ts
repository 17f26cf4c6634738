import { describe, expect, test } from "vitest";
import { QueryError } from "../../src/errors.ts";
import { check, type Expr, number, parse, print, selector } from "../../src/promql/index.ts";

describe("a tree that came as JSON", () => {
  test.each([
    "1",
    '"x"',
    'rate(a{b="c",d!~"e"}[5m] offset 1m) > bool 1',
    "sum by (x) (max_over_time((-a)[5m:1m] @ end()))",
    "a / on (x) group_left (y) b",
    "topk without (x) (3, a @ 5)",
    "rate(a[5m] smoothed)",
    'info(a, {__name__="b"})',
    "info(a, {})",
  ])("is the tree again: %s", (text) => {
    const expr = parse(text, { experimental: true });
    const checked = check(JSON.parse(JSON.stringify(expr)) as Expr);
    expect(checked).toEqual(expr);
    expect(Object.isFrozen(checked)).toBe(true);
    expect(print(checked)).toBe(print(expr));
  });
});

describe("a tree that no text gives is refused", () => {
  const a = selector("a");
  test.each<[string, unknown]>([
    ["by the kind", { kind: "vectors", name: "a" }],
    ["is no node", null],
    ["is no node", "a"],
    ["a number is wanted, not null", { kind: "number", value: null }],
    ["matchers of a selector are a list", { kind: "vector", name: "a" }],
    ["arguments of a call are a list", { kind: "call", func: "rate", args: {} }],
    ["PromQL has no function", { kind: "call", func: "rates", args: [] }],
    ["argument 1 of rate() is a matrix", { kind: "call", func: "rate", args: [a] }],
    ["sum() takes no parameter", { kind: "aggregation", op: "sum", expr: a, param: number(1) }],
    ["PromQL has no operator", { kind: "binary", op: "&&", left: a, right: a, bool: false }],
    ["and joins two vectors", { kind: "binary", op: "and", left: a, right: number(1), bool: false }],
    ["is no node", { kind: "matrix", selector: number(1), rangeMs: 5 }],
    ["a range is a whole number", { kind: "matrix", selector: a, rangeMs: -5 }],
    ["a matcher compares by", { kind: "vector", name: "a", matchers: [{ label: "b", op: "==", value: "c" }] }],
    ['"anchored" or "smoothed"', { kind: "vector", name: "a", matchers: [], extended: "both" }],
    ["only + and -", { kind: "unary", op: "!", expr: a }],
  ])("%s", (message, tree) => {
    expect(() => check(tree as Expr)).toThrow(QueryError);
    expect(() => check(tree as Expr)).toThrow(message);
  });
});
