import { describe, expect, test } from "vitest";
import {
  aggregate,
  type BinaryOp,
  binary,
  by,
  call,
  type Expr,
  type Matching,
  matcher,
  matrix,
  number,
  print,
  selector,
  string,
  subquery,
  unary,
  without,
} from "../../src/promql/index.ts";

const a = selector("a");
const b = selector("b");
const c = selector("c");
const DAY = 86_400_000;

function prints(cases: readonly (readonly [string, Expr])[]): void {
  test.each(cases.map(([text, expr]) => ({ text, expr })))("$text", ({ text, expr }) => {
    expect(print(expr)).toBe(text);
  });
}

describe("a number is the shortest decimal that reads back", () => {
  prints([
    ["0", number(0)],
    ["-0", number(-0)],
    ["1", number(1)],
    ["-1.5", number(-1.5)],
    ["0.1", number(0.1)],
    ["0.30000000000000004", number(0.1 + 0.2)],
    ["1e+21", number(1e21)],
    ["123456789012345680000", number(123456789012345680000)],
    ["1e-7", number(1e-7)],
    ["5e-324", number(5e-324)],
    ["1.7976931348623157e+308", number(Number.MAX_VALUE)],
    ["Inf", number(Number.POSITIVE_INFINITY)],
    ["-Inf", number(Number.NEGATIVE_INFINITY)],
    ["NaN", number(Number.NaN)],
  ]);
});

describe("a selector", () => {
  prints([
    ["a", a],
    ["job:http:rate5m", selector("job:http:rate5m")],
    [":a", selector(":a")],
    ['a{b="c"}', selector("a", [matcher("b", "=", "c")])],
    [
      'a{b="1",c!="2",d=~"3.*",e!~"4|5"}',
      selector("a", [
        matcher("b", "=", "1"),
        matcher("c", "!=", "2"),
        matcher("d", "=~", "3.*"),
        matcher("e", "!~", "4|5"),
      ]),
    ],
    ['{b="c"}', selector(undefined, [matcher("b", "=", "c")])],
    ["a", selector(undefined, [matcher("__name__", "=", "a")])],
    ['a{b=""}', selector(undefined, [matcher("b", "=", ""), matcher("__name__", "=", "a")])],
    ['{__name__=~"a|b"}', selector(undefined, [matcher("__name__", "=~", "a|b")])],
    [
      '{__name__="a",__name__!="b"}',
      selector(undefined, [matcher("__name__", "=", "a"), matcher("__name__", "!=", "b")]),
    ],
    ['a{b="",b!="x"}', selector("a", [matcher("b", "=", ""), matcher("b", "!=", "x")])],
  ]);
});

describe("a name that cannot stand by itself is quoted", () => {
  prints([
    ['{"http.requests"}', selector("http.requests")],
    ['{"http.requests",job="x"}', selector("http.requests", [matcher("job", "=", "x")])],
    ['{"1a"}', selector("1a")],
    ['{"a-b"}', selector("a-b")],
    ['{"größe"}', selector("größe")],
    ['{"a\\"b"}', selector('a"b')],
    ['a{"b.c"="d"}', selector("a", [matcher("b.c", "=", "d")])],
    ['a{"b:c"="d"}', selector("a", [matcher("b:c", "=", "d")])],
    ['a{"b\\"} or vector(1) #"="d"}', selector("a", [matcher('b"} or vector(1) #', "=", "d")])],
    ['{__name__="sum"}', selector("sum")],
    ['{__name__="SUM"}', selector("SUM")],
    ['{__name__="by",job="x"}', selector("by", [matcher("job", "=", "x")])],
    ['{__name__="inf"}', selector("inf")],
    ['{__name__="NaN"}', selector("NaN")],
    ['{__name__="offset"}', selector("offset")],
    ['{__name__="bool"}', selector("bool")],
    ['{__name__="start"}', selector("start")],
    ['{__name__="atan2"}', selector("atan2")],
    ["rate", selector("rate")],
    [
      'a{sum="x",by="y",inf="z"}',
      selector(
        "a",
        ["sum", "by", "inf"].map((n, i) => matcher(n, "=", "xyz".charAt(i))),
      ),
    ],
    ["sum by (sum, on, bool) (a)", aggregate("sum", a, { grouping: by("sum", "on", "bool") })],
    ['sum by ("inf", "NaN", "a.b") (a)', aggregate("sum", a, { grouping: by("inf", "NaN", "a.b") })],
    ['a / on ("a.b") b', binary("/", a, b, { matching: { kind: "on", labels: ["a.b"] } })],
  ]);
});

describe("a range, an offset and an instant", () => {
  prints([
    ["a[5m]", matrix(a, 300_000)],
    ["a[1m30s]", matrix(a, 90_000)],
    ["a[8d]", matrix(a, 8 * DAY)],
    ["a[1w]", matrix(a, 7 * DAY)],
    ["a[2w]", matrix(a, 14 * DAY)],
    ["a[1y]", matrix(a, 365 * DAY)],
    ["a[366d]", matrix(a, 366 * DAY)],
    ["a[1h30m]", matrix(a, 5_400_000)],
    ["a[1ms]", matrix(a, 1)],
    ["a[1d2h3m4s5ms]", matrix(a, DAY + 7_384_005)],
    ["a offset 5m", selector("a", [], { offsetMs: 300_000 })],
    ["a offset -5m", selector("a", [], { offsetMs: -300_000 })],
    ["a", selector("a", [], { offsetMs: 0 })],
    ["a @ 0", selector("a", [], { at: 0 })],
    ["a @ 1700000000", selector("a", [], { at: 1_700_000_000_000 })],
    ["a @ 1700000000.5", selector("a", [], { at: 1_700_000_000_500 })],
    ["a @ 0.001", selector("a", [], { at: 1 })],
    ["a @ -1.05", selector("a", [], { at: -1050 })],
    ["a @ start()", selector("a", [], { at: "start" })],
    ["a @ end() offset 1m", selector("a", [], { at: "end", offsetMs: 60_000 })],
    [
      'a{b="c"}[5m] @ 9 offset -1w',
      matrix(selector("a", [matcher("b", "=", "c")], { at: 9000, offsetMs: -7 * DAY }), 300_000),
    ],
  ]);
});

describe("a subquery stands after anything, in parentheses where it would say something else", () => {
  prints([
    ["a[5m:1m]", subquery(a, 300_000, 60_000)],
    ["a[5m:]", subquery(a, 300_000)],
    ["a[5m:] offset 1m", subquery(a, 300_000, undefined, { offsetMs: 60_000 })],
    ["a[5m:1s] @ end() offset -1m", subquery(a, 300_000, 1000, { offsetMs: -60_000, at: "end" })],
    ["(a offset 1m)[5m:]", subquery(selector("a", [], { offsetMs: 60_000 }), 300_000)],
    ["(a @ 1)[5m:]", subquery(selector("a", [], { at: 1000 }), 300_000)],
    ["rate(a[1m])[30m:1m]", subquery(call("rate", matrix(a, 60_000)), 1_800_000, 60_000)],
    ["sum by (x) (a)[5m:]", subquery(aggregate("sum", a, { grouping: by("x") }), 300_000)],
    ["(a + b)[5m:]", subquery(binary("+", a, b), 300_000)],
    ["(-a)[5m:]", subquery(unary("-", a), 300_000)],
    ["(a == b)[5m:]", subquery(binary("==", a, b), 300_000)],
    ["max_over_time(a[5m:])[1h:5m]", subquery(call("max_over_time", subquery(a, 300_000)), 3_600_000, 300_000)],
  ]);
});

describe("a call and an aggregation", () => {
  prints([
    ["time()", call("time")],
    ["pi()", call("pi")],
    ["vector(1)", call("vector", number(1))],
    ["round(a)", call("round", a)],
    ["round(a, 0.5)", call("round", a, number(0.5))],
    ["histogram_quantile(0.99, a)", call("histogram_quantile", number(0.99), a)],
    [
      'label_replace(a, "x", "$1", "y", "(.*)\\"\\\\d")',
      call("label_replace", a, string("x"), string("$1"), string("y"), string('(.*)"\\d')),
    ],
    ['label_join(a, "x", ",")', call("label_join", a, string("x"), string(","))],
    ['label_join(a, "x", ",", "y", "z")', call("label_join", a, ...["x", ",", "y", "z"].map(string))],
    ["clamp(a + b, -1, 1)", call("clamp", binary("+", a, b), number(-1), number(1))],
    ["sum(a)", aggregate("sum", a)],
    ["sum(a)", aggregate("sum", a, { grouping: by() })],
    ["sum without () (a)", aggregate("sum", a, { grouping: without() })],
    ["sum by (x, y) (a)", aggregate("sum", a, { grouping: by("x", "y") })],
    ["sum without (x) (a)", aggregate("sum", a, { grouping: without("x") })],
    ["topk(3, a)", aggregate("topk", a, { param: number(3) })],
    [
      "bottomk by (x) (1 + 2, a)",
      aggregate("bottomk", a, { param: binary("+", number(1), number(2)), grouping: by("x") }),
    ],
    ["quantile without (x) (0.5, a)", aggregate("quantile", a, { param: number(0.5), grouping: without("x") })],
    ['count_values("version", a)', aggregate("count_values", a, { param: string("version") })],
    ["sum(a or b)", aggregate("sum", binary("or", a, b))],
  ]);
});

describe("a sign", () => {
  prints([
    ["-a", unary("-", a)],
    ["+a", unary("+", a)],
    ["--a", unary("-", unary("-", a))],
    ["-2", unary("-", number(2))],
    ["2", unary("-", number(-2))],
    ["-2", unary("+", number(-2))],
    ["-Inf", unary("-", number(Number.POSITIVE_INFINITY))],
    ["-(a + b)", unary("-", binary("+", a, b))],
    ["-(a * b)", unary("-", binary("*", a, b))],
    ["-(a % b)", unary("-", binary("%", a, b))],
    ["-(a ^ b)", unary("-", binary("^", a, b))],
    ["-(2 ^ 3)", unary("-", binary("^", number(2), number(3)))],
    ["(-a) ^ b", binary("^", unary("-", a), b)],
    ["(-2) ^ 3", binary("^", number(-2), number(3))],
    ["(-Inf) ^ 3", binary("^", number(Number.NEGATIVE_INFINITY), number(3))],
    ["(-0) ^ 3", binary("^", number(-0), number(3))],
    ["2 ^ (-3)", binary("^", number(2), number(-3))],
    ["a ^ (-b)", binary("^", a, unary("-", b))],
    ["-a * b", binary("*", unary("-", a), b)],
    ["-a + b", binary("+", unary("-", a), b)],
    ["a * -b", binary("*", a, unary("-", b))],
    ["a - -b", binary("-", a, unary("-", b))],
    ["a - -2", binary("-", a, number(-2))],
    ["-a offset 5m", unary("-", selector("a", [], { offsetMs: 300_000 }))],
    ["-sum(a)", unary("-", aggregate("sum", a))],
  ]);
});

/** Every operator by how tightly it binds, the loosest first. */
const LEVELS: readonly (readonly BinaryOp[])[] = [
  ["or"],
  ["and", "unless"],
  ["==", "!=", "<=", "<", ">=", ">"],
  ["+", "-"],
  ["*", "/", "%", "atan2"],
  ["^"],
];
const pairs = LEVELS.flatMap((outers, outer) =>
  outers.flatMap((op) => LEVELS.flatMap((inners, inner) => inners.map((other) => ({ op, outer, other, inner })))),
);

describe("an operator over another", () => {
  test.each(pairs)("a $other b $op c groups to the left where $other binds as tightly, unless both are ^", (pair) => {
    const { op, other, outer, inner } = pair;
    const text = print(binary(op, binary(other, a, b), c));
    const bare = inner > outer || (inner === outer && op !== "^");
    expect(text).toBe(bare ? `a ${other} b ${op} c` : `(a ${other} b) ${op} c`);
  });

  test.each(pairs)("a $op b $other c groups to the right where $other binds more tightly, or both are ^", (pair) => {
    const { op, other, outer, inner } = pair;
    const text = print(binary(op, a, binary(other, b, c)));
    const bare = inner > outer || (inner === outer && op === "^");
    expect(text).toBe(bare ? `a ${op} b ${other} c` : `a ${op} (b ${other} c)`);
  });
});

describe("an operator with what belongs to it", () => {
  const on = (...labels: string[]): Matching => ({ kind: "on", labels });
  const ignoring = (...labels: string[]): Matching => ({ kind: "ignoring", labels });
  prints([
    ["a > bool b", binary(">", a, b, { bool: true })],
    ["1 == bool 2", binary("==", number(1), number(2), { bool: true })],
    ["a > 0", binary(">", a, number(0))],
    ["0 < a", binary("<", number(0), a)],
    ["a / on () b", binary("/", a, b, { matching: on() })],
    ["a / on (x, y) b", binary("/", a, b, { matching: on("x", "y") })],
    ["a / ignoring (x) b", binary("/", a, b, { matching: ignoring("x") })],
    ["a / b", binary("/", a, b, { matching: ignoring() })],
    [
      "a / ignoring () group_left () b",
      binary("/", a, b, { matching: { ...ignoring(), group: { side: "left", include: [] } } }),
    ],
    [
      "a / on (x) group_left () b",
      binary("/", a, b, { matching: { ...on("x"), group: { side: "left", include: [] } } }),
    ],
    [
      "a * on (x) group_right (y, z) b",
      binary("*", a, b, { matching: { ...on("x"), group: { side: "right", include: ["y", "z"] } } }),
    ],
    [
      "a == bool on (x) group_left (y) b",
      binary("==", a, b, { bool: true, matching: { ...on("x"), group: { side: "left", include: ["y"] } } }),
    ],
    ["a and on (x) b", binary("and", a, b, { matching: on("x") })],
    ["a unless ignoring (x) b", binary("unless", a, b, { matching: ignoring("x") })],
    ["a or on () b", binary("or", a, b, { matching: on() })],
    ["(a > b) * c", binary("*", binary(">", a, b), c)],
    ["1 - a / (b > 0)", binary("-", number(1), binary("/", a, binary(">", b, number(0))))],
    ["a - on (x) (b - on (x) c)", binary("-", a, binary("-", b, c, { matching: on("x") }), { matching: on("x") })],
  ]);
});
