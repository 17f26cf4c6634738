import { expect, test } from "vitest";
import { type Expr, parse, print, selectors, walk } from "../../src/promql/index.ts";

const expr = parse('sum by (x) (rate(a{b="c"}[5m])) / on (x) topk(2, max_over_time(d[5m:1m]))');

test("a walk shows every node before its parts, with those around it", () => {
  const seen: string[] = [];
  walk(expr, (node, around) => {
    seen.push(`${" ".repeat(around.length)}${node.kind}`);
  });
  expect(seen).toEqual([
    "binary",
    " aggregation",
    "  call",
    "   matrix",
    "    vector",
    " aggregation",
    "  number",
    "  call",
    "   subquery",
    "    vector",
  ]);
});

test("the innermost node around comes last", () => {
  const parents: (Expr["kind"] | undefined)[] = [];
  walk(parse("abs(-a)"), (_, around) => {
    parents.push(around.at(-1)?.kind);
  });
  expect(parents).toEqual([undefined, "call", "unary"]);
});

test("a walk goes round the parts of a node for which false is given", () => {
  const seen: string[] = [];
  walk(expr, (node) => {
    seen.push(node.kind);
    return node.kind !== "aggregation";
  });
  expect(seen).toEqual(["binary", "aggregation", "aggregation"]);
});

test("all selectors are found in the order of the text", () => {
  expect(selectors(expr).map(print)).toEqual(['a{b="c"}', "d"]);
  expect(selectors(parse("1 + time()"))).toEqual([]);
  expect(selectors(parse("a"))).toEqual([parse("a")]);
});
