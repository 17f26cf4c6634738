import { describe, expect, test } from "vitest";
import { type MeshQueryError, QueryError } from "../../src/errors.ts";
import type { Expr } from "../../src/promql/ast.ts";
import {
  aggregate,
  binary,
  by,
  call,
  matcher,
  matrix,
  number,
  print,
  selector,
  string,
  subquery,
  typeOf,
  unary,
  without,
} from "../../src/promql/index.ts";

const a = selector("a");
const b = selector("b");
const range = matrix(a, 300_000);
/** What only a caller without types can pass. */
const untyped = (value: unknown) => value as never;

function thrownBy(attempt: () => unknown): MeshQueryError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof QueryError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("what Prometheus would refuse is refused before, with the reason", () => {
  test.each<[string, string, () => unknown]>([
    ["label", 'a matcher needs a label name; the empty name "" is none', () => matcher("", "=", "x")],
    ["string", "the value of job is text, not number", () => matcher("job", "=", untyped(1))],
    ["string", "a label name is text, not undefined", () => matcher(untyped(undefined), "=", "x")],
    ["promql", 'a matcher compares by = != =~ or !~, not by "=="', () => matcher("job", untyped("=="), "x")],
    ["name", "a metric's name is never empty; leave it out to select by labels", () => selector("")],
    [
      "name",
      "the metric's name is set twice: a and a __name__ matcher",
      () => selector("a", [matcher("__name__", "=", "b")]),
    ],
    [
      "promql",
      "a selector needs a metric name or one matcher that does not match the empty value",
      () => selector(undefined),
    ],
    ["promql", "does not match the empty value", () => selector(undefined, [matcher("a", "=", "")])],
    ["promql", "does not match the empty value", () => selector(undefined, [matcher("a", "!=", "x")])],
    ["promql", "does not match the empty value", () => selector(undefined, [matcher("a", "=~", ".*")])],
    ["promql", "does not match the empty value", () => selector(undefined, [matcher("a", "=~", "x|")])],
    ["promql", "does not match the empty value", () => selector(undefined, [matcher("a", "!~", "x")])],
    ["promql", "does not match the empty value", () => selector(undefined, [matcher("__name__", "=", "")])],
    ["promql", "an offset is a whole number of milliseconds", () => selector("a", [], { offsetMs: 0.5 })],
    ["promql", "an offset is a whole number of milliseconds", () => selector("a", [], { offsetMs: Number.NaN })],
    ["promql", "within 292 years, not 1000000000000000", () => selector("a", [], { offsetMs: 1e15 })],
    ["promql", '@ takes "start", "end" or a whole number', () => selector("a", [], { at: 1.5 })],
    ["promql", 'not "0) or vector(1"', () => selector("a", [], { at: untyped("0) or vector(1") })],
    ["promql", "a range is a whole number of milliseconds above 0", () => matrix(a, 0)],
    ["promql", "a range is a whole number of milliseconds above 0", () => matrix(a, -1)],
    ["promql", "a range is a whole number of milliseconds above 0", () => matrix(a, Number.POSITIVE_INFINITY)],
    ["promql", "within 292 years, not 1000000000000000", () => matrix(a, 1e15)],
    ["promql", "a subquery's range is", () => subquery(a, 0)],
    ["promql", "a subquery's step is", () => subquery(a, 1, 0)],
    ["promql", "a subquery is a vector, not a matrix", () => subquery(range, 1)],
    ["promql", "a subquery is a vector, not a scalar", () => subquery(number(1), 1)],
    ["promql", "rate() takes 1 argument, not 0", () => call("rate")],
    ["promql", "rate() takes 1 argument, not 2", () => call("rate", range, range)],
    ["promql", "argument 1 of rate() is a matrix, not a vector", () => call("rate", a)],
    ["promql", "time() takes 0 arguments, not 1", () => call("time", a)],
    ["promql", "round() takes 1 to 2 arguments, not 3", () => call("round", a, number(1), number(1))],
    ["promql", "label_join() takes at least 3 arguments, not 2", () => call("label_join", a, string("x"))],
    [
      "promql",
      "argument 5 of label_join() is a string, not a scalar",
      () => call("label_join", a, string("x"), string(","), string("y"), number(1)),
    ],
    ["promql", "argument 1 of clamp_max() is a vector, not a scalar", () => call("clamp_max", number(1), number(1))],
    ["promql", 'PromQL has no function "rates"', () => call(untyped("rates"), range)],
    ["promql", 'PromQL has no function "constructor"', () => call(untyped("constructor"), range)],
    ["promql", "sum() is a vector, not a matrix", () => aggregate("sum", range)],
    ["promql", "sum() takes no parameter", () => aggregate("sum", a, { param: number(1) })],
    ["promql", "topk() needs a parameter: a scalar", () => aggregate("topk", a)],
    ["promql", "the parameter of topk() is a scalar, not a vector", () => aggregate("topk", a, { param: b })],
    [
      "promql",
      "the parameter of count_values() is a string, not a scalar",
      () => aggregate("count_values", a, { param: number(1) }),
    ],
    ["promql", 'PromQL has no aggregation "median"', () => aggregate(untyped("median"), a)],
    ["label", 'sum by needs a label name; the empty name "" is none', () => aggregate("sum", a, { grouping: by("") })],
    ["string", "half a surrogate pair", () => aggregate("sum", a, { grouping: without("\ud800") })],
    ["promql", "bool goes with a comparison, not with +", () => binary("+", a, b, { bool: true })],
    ["promql", "needs bool: 1 < bool 2", () => binary("<", number(1), number(2))],
    ["promql", "or joins two vectors, no scalars", () => binary("or", a, number(1))],
    ["promql", "and joins two vectors, no scalars", () => binary("and", number(1), number(1))],
    ["promql", "the left side of + is a scalar or a vector, not a matrix", () => binary("+", range, a)],
    ["promql", "the right side of + is a scalar or a vector, not a string", () => binary("+", a, string("x"))],
    ["promql", 'PromQL has no operator "or vector(1) or"', () => binary(untyped("or vector(1) or"), a, b)],
    [
      "promql",
      "on and ignoring need vectors on both sides",
      () => binary("+", a, number(1), { matching: { kind: "on", labels: [] } }),
    ],
    [
      "promql",
      "unless matches many with many",
      () => binary("unless", a, b, { matching: { kind: "on", labels: [], group: { side: "left", include: [] } } }),
    ],
    [
      "promql",
      "label x is in on() and in group_left()",
      () => binary("*", a, b, { matching: { kind: "on", labels: ["x"], group: { side: "left", include: ["x"] } } }),
    ],
    ["label", "on of * needs a label name", () => binary("*", a, b, { matching: { kind: "on", labels: [""] } })],
    [
      "label",
      "group_right of * needs a label name",
      () => binary("*", a, b, { matching: { kind: "on", labels: [], group: { side: "right", include: [""] } } }),
    ],
    ["promql", "the operand of - is a scalar or a vector, not a matrix", () => unary("-", range)],
    ["promql", 'a number is wanted, not "1 or vector(1)"', () => number(untyped("1 or vector(1)"))],
    ["string", "a string is text, not object", () => string(untyped(null))],
  ])("%s: %s", (code, message, attempt) => {
    const error = thrownBy(attempt);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.retryable).toBe(false);
  });
});

describe("a selector without a name", () => {
  test.each([
    ["=", "x"],
    ["!=", ""],
    ["=~", ".+"],
    ["!~", ".*"],
    ["!~", "|x"],
    ["=~", "(?i)abc"],
    ["!~", "(?s).*"],
  ] as const)("may select by one matcher %s %j alone", (op, value) => {
    expect(print(selector(undefined, [matcher("a", op, value)]))).toBe(`{a${op}"${value}"}`);
  });
});

describe("every node", () => {
  const nodes: readonly Expr[] = [
    number(1),
    string("x"),
    selector("a", [matcher("b", "=", "c")], { at: "end", offsetMs: 1 }),
    range,
    subquery(a, 1, 1),
    call("rate", range),
    aggregate("sum", a, { grouping: by("x") }),
    binary("/", a, b, { matching: { kind: "on", labels: ["x"], group: { side: "left", include: ["y"] } } }),
    unary("-", a),
  ];

  test.each(nodes.map((node) => [node.kind, node] as const))("of kind %s is frozen to its leaves", (_, node) => {
    const thawed: unknown[] = [];
    const visit = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      if (!Object.isFrozen(value)) thawed.push(value);
      Object.values(value).forEach(visit);
    };
    visit(node);
    expect(thawed).toEqual([]);
  });

  test("keeps nothing of the arrays it was made of", () => {
    const matchers = [matcher("b", "=", "c")];
    const labels = ["x"];
    const made = [
      selector("a", matchers),
      aggregate("sum", a, { grouping: { kind: "by", labels } }),
      binary("/", a, b, { matching: { kind: "on", labels, group: { side: "left", include: labels.slice(1) } } }),
    ];
    const before = made.map(print);
    matchers.push(matcher("d", "=", "e"));
    labels.push("y");
    expect(made.map(print)).toEqual(before);
  });
});

test.each([
  ["scalar", number(1)],
  ["string", string("x")],
  ["vector", a],
  ["matrix", range],
  ["matrix", subquery(a, 1)],
  ["scalar", call("time")],
  ["scalar", call("scalar", a)],
  ["vector", call("vector", number(1))],
  ["vector", aggregate("sum", a)],
  ["scalar", binary("+", number(1), call("time"))],
  ["scalar", binary("==", number(1), number(2), { bool: true })],
  ["vector", binary("+", number(1), a)],
  ["vector", binary("and", a, b)],
  ["scalar", unary("-", call("time"))],
  ["vector", unary("-", a)],
] as const)("the type %s is known of the expression before it is sent", (type, expr) => {
  expect(typeOf(expr)).toBe(type);
});
