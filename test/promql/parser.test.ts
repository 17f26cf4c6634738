import { describe, expect, test } from "vitest";
import { PromqlSyntaxError, QueryError } from "../../src/errors.ts";
import type { Expr } from "../../src/promql/ast.ts";
import {
  aggregate,
  binary,
  by,
  call,
  matcher,
  matrix,
  number,
  parse,
  print,
  selector,
  string,
  subquery,
  unary,
} from "../../src/promql/index.ts";
import { childrenOf } from "../../src/promql/walk.ts";

const MINUTE = 60_000;

/** Texts with the text that says the same in the printer's words; nothing where it is the same. */
function reads(cases: readonly (readonly [string, string?])[]): void {
  test.each(cases.map(([text, printed = text]) => ({ text, printed })))("$text", ({ text, printed }) => {
    const printedOnce = print(parse(text));
    expect(printedOnce).toBe(printed);
    expect(print(parse(printedOnce))).toBe(printedOnce);
  });
}

function refusalOf(text: string): PromqlSyntaxError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof PromqlSyntaxError) return error;
    throw error;
  }
  throw new Error(`taken: ${text}`);
}

describe("a text is read as the tree that the constructors build", () => {
  const a = selector("a");
  test.each<[string, Expr]>([
    ["1", number(1)],
    ["'x'", string("x")],
    ['a{b="c"}', selector("a", [matcher("b", "=", "c")])],
    ["a[5m]", matrix(a, 5 * MINUTE)],
    ["a[5m:] offset 1m", subquery(a, 5 * MINUTE, undefined, { offsetMs: MINUTE })],
    ["rate(a[5m])", call("rate", matrix(a, 5 * MINUTE))],
    ["topk by (x) (3, a)", aggregate("topk", a, { param: number(3), grouping: by("x") })],
    ["-a", unary("-", a)],
    [
      "a == bool on (x) group_left (y) b",
      binary("==", a, selector("b"), {
        bool: true,
        matching: { kind: "on", labels: ["x"], group: { side: "left", include: ["y"] } },
      }),
    ],
  ])("%s", (text, expr) => {
    expect(parse(text)).toEqual(expr);
  });
});

describe("a number", () => {
  test.each([
    ["0", 0],
    ["-0", -0],
    ["007", 7],
    ["017", 15],
    ["08", 8],
    ["0_7", 7],
    ["019.5", 19.5],
    ["0x1F", 31],
    ["0X_1f", 31],
    ["1_000_000", 1e6],
    ["1_0.5", 10.5],
    [".5", 0.5],
    ["5.", 5],
    ["1e3", 1000],
    ["1.5E-3", 0.0015],
    ["1e-400", 0],
    ["9007199254740993", 9007199254740992],
    ["0x7fffffffffffffff", 2 ** 63],
    ["01777777777777777777777", Number("1777777777777777777777")],
    ["Inf", Number.POSITIVE_INFINITY],
    ["-iNf", Number.NEGATIVE_INFINITY],
    ["+inf", Number.POSITIVE_INFINITY],
    ["nan", Number.NaN],
    ["5m", 300],
    ["1h30m", 5400],
    ["1y2w3d4h5m6s7ms", 31536000 + 1209600 + 259200 + 14400 + 300 + 6.007],
    ["-1s", -1],
    ["(2)", 2],
    ["-(2)", -2],
  ])("%s is %d", (text, value) => {
    expect(parse(text)).toEqual(number(value));
  });

  test.each([
    "0b11",
    "0o17",
    "0x",
    "0x1p4",
    "0x1e",
    "0x1.8",
    "0x8000000000000000",
    "1__0",
    "1_",
    "_1_ 1",
    "1e",
    "1e+",
    "1.2.3",
    "1e400",
    "5m1h",
    "1m1m",
    "5.5m",
    "5mm",
    "300y",
    "1x",
    "infinity + ",
  ])("%s is none", (text) => {
    expect(() => parse(text)).toThrow(PromqlSyntaxError);
  });
});

describe("a string", () => {
  test.each([
    [`"a"`, "a"],
    [`'a"b'`, 'a"b'],
    ["`a\\n\nb`", "a\\n\nb"],
    [`"\\a\\b\\f\\n\\r\\t\\v\\\\\\""`, '\x07\b\f\n\r\t\v\\"'],
    [`'\\''`, "'"],
    [`"\\x41\\101\\u0041\\U00000041"`, "AAAA"],
    [`"\\xc3\\xa9\\303\\251\\u00e9é"`, "éééé"],
    [`"\\xf0\\x9f\\x98\\x80\\U0001F600"`, "😀😀"],
    [`"\\ufffd"`, "\ufffd"],
    [`"# no comment"`, "# no comment"],
    ['""', ""],
  ])("%s", (text, value) => {
    expect(parse(text)).toEqual(string(value));
  });

  test.each([
    [`"a`, 'the string is not closed; add "'],
    ["`a", "the string is not closed; add `"],
    [`"a\nb"`, "has a line break in it; write \\n"],
    [`"\\'"`, "\\' is no escape between \""],
    [`"\\z"`, "\\z is no escape"],
    [`"\\x4"`, "\\x4 is no escape"],
    [`"\\400"`, "\\400 is more than a byte"],
    [`"\\ud800"`, "\\ud800 is no Unicode character"],
    [`"\\U00110000"`, "\\U00110000 is no Unicode character"],
    [`"\\xff"`, "are no UTF-8, and so no text"],
    [`"\\xc3x"`, "are no UTF-8, and so no text"],
    [`"\ufffd"`, "write \\ufffd where it is meant"],
    [`"\ud800"`, "half a surrogate pair"],
  ])("%j is none", (text, message) => {
    expect(refusalOf(text).message).toContain(message);
  });
});

describe("operators bind as in Prometheus", () => {
  reads([
    ["1+2*3", "1 + 2 * 3"],
    ["(1+2)*3", "(1 + 2) * 3"],
    ["a-b-c", "a - b - c"],
    ["a-(b-c)", "a - (b - c)"],
    ["a^b^c", "a ^ b ^ c"],
    ["(a^b)^c", "(a ^ b) ^ c"],
    ["-a^b", "-(a ^ b)"],
    ["-1^2", "-(1 ^ 2)"],
    ["2^-1^2", "2 ^ (-(1 ^ 2))"],
    ["2^-a*b", "2 ^ (-a) * b"],
    ["-a*b", "-a * b"],
    ["--a", "--a"],
    ["a atan2 b % c", "a atan2 b % c"],
    ["a or b and c unless d", "a or b and c unless d"],
    ["a and b or c", "a and b or c"],
    ["a == b > c", "a == b > c"],
    ["a </ b >/ c", "a </ b >/ c"],
    ["1 > bool 2 + 3", "1 > bool 2 + 3"],
    ["a AND b OR c ATAN2 d", "a and b or c atan2 d"],
    ["-a offset 5m", "-a offset 5m"],
    ["a + b offset 5m", "a + b offset 5m"],
    ["a offset 5m + 3m", "a offset 5m + 180"],
    ["a offset -5m ^ 2", "a offset -5m ^ 2"],
  ]);
});

describe("what belongs to an operator", () => {
  reads([
    ["a/on(x)b", "a / on (x) b"],
    ["a / ON (x,) Group_Left b", "a / on (x) group_left () b"],
    ["a * ignoring(x,y) group_right(z,) b", "a * ignoring (x, y) group_right (z) b"],
    ["a / ignoring () b", "a / b"],
    ['a / on ("x", "a.b", sum, bool, and, a:b) b', 'a / on (x, "a.b", sum, bool, and, "a:b") b'],
    ["a == BOOL on() b", "a == bool on () b"],
    // Prometheus takes these, and forgets them.
    ["a + on () 1", "a + 1"],
    ["1 + ignoring () group_left (x) 2", "1 + 2"],
    ["a and on (x) b", "a and on (x) b"],
  ]);
});

describe("a selector", () => {
  reads([
    ["a{}", "a"],
    ["a{b='c',}", 'a{b="c"}'],
    ['a{b!="1",c=~"2",d!~"3"}'],
    ['{"a.b"}'],
    ['{"a.b", "c.d"=`e`}', '{"a.b","c.d"="e"}'],
    ['{b="c","a"}', 'a{b="c"}'],
    ['{__name__="a"}', "a"],
    ['{"a","b"}', '{__name__="a",__name__="b"}'],
    ['{"sum"}', '{__name__="sum"}'],
    ['{by="x",on="y",inf="z"}'],
    ["job:rate:sum"],
    [":a"],
    ["a:b{c='d'}", 'a:b{c="d"}'],
    ["sum", '{__name__="sum"}'],
    ["SUM + by", '{__name__="SUM"} + {__name__="by"}'],
    ["offset offset 5m", '{__name__="offset"} offset 5m'],
    ["start{a='b'}", '{__name__="start",a="b"}'],
    ["or or or", '{__name__="or"} or {__name__="or"}'],
    ["fill + fill_left", '{__name__="fill"} + {__name__="fill_left"}'],
    ["rate", "rate"],
    ["rate[5m]", "rate[5m]"],
  ]);
});

describe("ranges, subqueries and shifts", () => {
  reads([
    ["a[300]", "a[5m]"],
    ["a[1.5]", "a[1s500ms]"],
    ["a [ 5m ] ", "a[5m]"],
    ["a[5m*2]", "a[10m]"],
    ["a[(1h + 30m) / 2]", "a[45m]"],
    ["a[max_of(5m, 1h) - min_of(1m, 60)]", "a[59m]"],
    ["a[2^3]", "a[8s]"],
    ["a[-5m + 10m]", "a[5m]"],
    ["a[7 % 4]", "a[3s]"],
    ["a{b='c'}[5m] offset 1m @ 3", 'a{b="c"}[5m] @ 3 offset 1m'],
    ["a @ start() offset 1m", "a @ start() offset 1m"],
    ["a @ END ( )", "a @ end()"],
    ["a @ -1.0005", "a @ -1.001"],
    ["a @ 1h", "a @ 3600"],
    ["a offset -5m", "a offset -5m"],
    ["a offset +5m", "a offset 5m"],
    ["a offset 300", "a offset 5m"],
    ["a offset (2m + 3m)", "a offset 5m"],
    ["a offset -(5m) * 2", "a offset -5m * 2"],
    ["a offset (5m) * 2", "a offset 10m"],
    ["a offset - - 5m * 2", "a offset 10m"],
    ["a offset 0s offset 5m", "a offset 5m"],
    ["a offset 5m[10m:1m]", "(a offset 5m)[10m:1m]"],
    ["a[5m:1m] @ 5 offset 1m", "a[5m:1m] @ 5 offset 1m"],
    ["a[5m : 1m]", "a[5m:1m]"],
    ["max_over_time(rate(a[1m])[5m:])[1h:1m]", "max_over_time(rate(a[1m])[5m:])[1h:1m]"],
    ["(a)[5m:]", "a[5m:]"],
    ["a[5m] anchored", "a[5m] anchored"],
    ["a smoothed [5m] offset 1m", "a[5m] smoothed offset 1m"],
    ["a anchored @ 5", "a anchored @ 5"],
    ["a smoothed[5m:]", "(a smoothed)[5m:]"],
  ]);
});

describe("calls and aggregations", () => {
  reads([
    ["time ( )", "time()"],
    ["sum(a)by(b)", "sum by (b) (a)"],
    ["SUM BY (b,) (a)", "sum by (b) (a)"],
    ["sum without()(a)", "sum without () (a)"],
    ["sum by () (a)", "sum(a)"],
    ["quantile(0.5,a) without (x)", "quantile without (x) (0.5, a)"],
    ['count_values("x", a)', 'count_values("x", a)'],
    ["sum by (on, bool, atan2, start, le) (a)", "sum by (on, bool, atan2, start, le) (a)"],
    ["label_join(a,'x',',')", 'label_join(a, "x", ",")'],
    ["holt_winters(a[5m],0.1,0.2)", "holt_winters(a[5m], 0.1, 0.2)"],
  ]);
});

describe("comments and white space", () => {
  reads([
    ["# first\na # second\n+# third\r\n\tb # last", "a + b"],
    ["sum(#\na#\n)#\nby#\n(#\nx#\n)", "sum by (x) (a)"],
    ['a{#\nb#\n=#\n"c"#\n}', 'a{b="c"}'],
    ["a[5m # behind\n]", "a[5m]"],
  ]);

  test("a comment stands in no bracket before the first number, as in Prometheus", () => {
    expect(refusalOf("a[# before\n5m]").message).toContain('"#" has no meaning here');
  });
});

describe("experiments of Prometheus", () => {
  test.each([
    ["limitk(1, a)", "limitk() is experimental"],
    ["mad_over_time(a[5m])", "mad_over_time() is experimental"],
    ["start()", "start() is experimental"],
    ["max_of(1, 2)", "max_of() is experimental"],
    ["a + fill (0) b", "fill is experimental"],
  ])("%s is taken where they are allowed", (text, message) => {
    const error = refusalOf(text);
    expect(error).toMatchObject({ code: "experimental", reason: message });
    expect(error.hint).toContain("{ experimental: true }");
    expect(print(parse(text, { experimental: true }))).toBe(text);
  });

  test("info takes a selector of labels alone", () => {
    const reading = (text: string) => print(parse(text, { experimental: true }));
    expect(reading('info(a, {__name__="target_info",b=~".*"})')).toBe('info(a, {__name__="target_info",b=~".*"})');
    expect(reading("info(a, {})")).toBe("info(a, {})");
    for (const text of ["info(a, b)", "info(a, ({b='c'}))", "info(a, {b='c'} + c)", "info(a, {}[5m:])"]) {
      expect(() => reading(text)).toThrow(PromqlSyntaxError);
    }
  });

  test.each([
    ["a + fill(0) b", { left: 0, right: 0 }, "a + fill (0) b"],
    ["a + on (x) group_left (y) fill_left(-1) b", { left: -1 }, "a + on (x) group_left (y) fill_left (-1) b"],
    [
      "a == bool fill_right(+5m) fill_left(Inf) b",
      { left: Number.POSITIVE_INFINITY, right: 300 },
      "a == bool fill_left (Inf) fill_right (300) b",
    ],
    ["a + fill_left(1) fill_right(1) b", { left: 1, right: 1 }, "a + fill (1) b"],
    ["a + ignoring () fill(NaN) b", { left: Number.NaN, right: Number.NaN }, "a + fill (NaN) b"],
    ["a + fill", undefined, 'a + {__name__="fill"}'],
  ])("values are filled in: %s", (text, fill, printed) => {
    const expr = parse(text, { experimental: true });
    expect(expr).toMatchObject({ kind: "binary" });
    expect(expr.kind === "binary" && expr.matching?.fill).toEqual(fill);
    expect(print(expr)).toBe(printed);
    expect(parse(printed, { experimental: true })).toEqual(expr);
  });

  test.each([
    "a + fill() b",
    "a + fill(b) b",
    "a + fill(0",
    "1 + fill(0) b",
    "a and fill(0) b",
    "a + fill(0) fill_left(1) b",
  ])("%s is no filling", (text) => {
    expect(() => parse(text, { experimental: true })).toThrow(PromqlSyntaxError);
  });

  test("step() and range() are durations where the query is known", () => {
    const query = { stepMs: 30_000, rangeMs: 3_600_000 };
    expect(print(parse("rate(a[step() * 4] offset range())", { query }))).toBe("rate(a[2m] offset 1h)");
    expect(() => parse("a[step()]", { query: { stepMs: 0, rangeMs: 0 } })).toThrow("longer than 0");
  });

  test.each([
    ["a[step()]", "step() as a duration"],
    ["a offset -range()", "range() as a duration"],
  ])("%s is refused by name", (text, message) => {
    expect(refusalOf(text)).toMatchObject({ code: "unsupported" });
    expect(refusalOf(text).message).toContain(message);
  });
});

describe("a text that is no PromQL is refused with the place and what to write", () => {
  test.each<[string, PromqlSyntaxError["code"], string]>([
    ["", "syntax", "PromQL 1:1: there is no expression; write one such as up\n  \n  ^"],
    [
      "sum(rates(a[5m]))",
      "name",
      "PromQL 1:5: rates is no function; did you mean rate?\n  sum(rates(a[5m]))\n      ^^^^^",
    ],
    [
      "rate(up)",
      "type",
      "PromQL 1:6: argument 1 of rate() is a matrix, not a vector; give it a range, such as up[5m]\n  rate(up)\n       ^^",
    ],
    [
      "a +\n  sum(b[5m])",
      "type",
      "PromQL 2:7: sum() is a vector, not a matrix; give the range to a function such as rate() or avg_over_time() first\n    sum(b[5m])\n        ^^^^^",
    ],
    ["\ta{b=c}", "syntax", 'PromQL 1:6: a string is wanted here, not c; write b="…", in quotes\n  \ta{b=c}\n  \t    ^'],
    [
      "'é😀' == 1",
      "type",
      "PromQL 1:1: the left side of == is a scalar or a vector, not a string\n  'é😀' == 1\n  ^^^^",
    ],
    ["a b", "syntax", "PromQL 1:3: an operator or the end is wanted here, not b\n  a b\n    ^"],
    [
      "a[5m",
      "syntax",
      "PromQL 1:5: ] is wanted here, not the end of the text; close the bracket behind the range, or behind the step of a subquery\n  a[5m\n      ^",
    ],
    ["1 == 2", "type", "PromQL 1:1: a comparison of two scalars needs bool: 1 == bool 2\n  1 == 2\n  ^^^^^^"],
  ])("%j", (text, code, message) => {
    const error = refusalOf(text);
    expect(error.message).toBe(message);
    expect(error).toMatchObject({ name: "PromqlSyntaxError", code, query: text, retryable: false });
    expect(message).toContain(`PromQL ${error.line}:${error.column}: ${error.reason}`);
  });

  test.each([
    ["a{", "the braces are not closed"],
    ["a{b}", "write b="],
    ["a{,}", "a label name is wanted here, not ,"],
    ["a{b='c' d='e'}", "matchers are separated by commas"],
    ["a{b=='c'}", "a string is wanted here, not ="],
    ["a{b='c'", "the braces are not closed"],
    ["{}", "a selector needs a metric name or one matcher that does not match the empty value"],
    ["{a=~'.*'}", 'add a name, or a matcher such as job=~".+"'],
    ["a{__name__='b'}", "the metric's name is set twice"],
    ["a{'b'}", "the metric's name is set twice"],
    ["a = b", "two values are compared by =="],
    ["a =~ b", "=~ stands between a label and its value"],
    ["a ! b", "unless to leave series out"],
    ["sum(a,)", "drop the comma before it"],
    ["sum()", "sum() takes 1 argument, not 0; it takes (vector)"],
    ["sum(1, a)", "sum() takes 1 argument, not 2"],
    ["topk(a)", "topk() needs a parameter: a scalar"],
    ["topk(a, b)", "the parameter of topk() is a scalar, not a vector; make it a scalar with scalar(…)"],
    ["sum by (1) (a)", "a label name is wanted here, not 1"],
    ["sum by (inf) (a)", "a label name is wanted here, not inf"],
    ["sum by (a b) (c)", "labels are separated by commas"],
    ["sum by a (b)", "write by (label, …)"],
    ["a by (b)", "a grouping follows an aggregation only"],
    ["sum(a))", "there is one ) too many"],
    ["(a", ") is wanted here, not the end of the text"],
    ["a[5m][5m]", "a range follows a selector only"],
    ["(a)[5m]", "a range follows a selector only"],
    ["abs(a)[5m]", "write a subquery such as […:1m]"],
    ["a[5m][5m:]", "a subquery is a vector, not a matrix"],
    ["a offset 5m[5m]", "offset does not stand before a range"],
    ["a @ 5[5m]", "@ does not stand before a range"],
    ["a[0s]", "a range or step is longer than 0"],
    ["a[-5m]", "a range or step is longer than 0"],
    ["a[5m:0]", "a range or step is longer than 0"],
    ["a[0.0001]", "no range or step is shorter than a millisecond"],
    ["a[300y]", "300y is no duration"],
    ["a[1e10]", "no duration is longer than 292 years"],
    ["a[5m / 0]", "a duration is divided by zero"],
    ["a[b]", "b is no duration; write one such as 5m or 1h30m"],
    ["a[[5m]]", "a bracket opens within brackets"],
    ["a[5m[", "a bracket opens within brackets"],
    ["a['5m']", "a duration is wanted here"],
    ["a offset 5m offset 1m", "offset is written twice"],
    ["a @ 1 @ 2", "@ is written twice"],
    ["a @ inf", "@ takes an instant that milliseconds can tell exactly"],
    ["a @ start", "write @ start()"],
    ["a @ b", "an instant is wanted here, not b"],
    ["a offset b", "a duration is wanted here, not b"],
    ["(a) offset 5m", "offset follows a selector or a subquery only"],
    ["rate(a[5m]) @ 5", "@ follows a selector or a subquery only"],
    ["a[5m:] anchored", "a subquery cannot be anchored"],
    ["a anchored smoothed", "a selector is either anchored or smoothed"],
    ["bool", "bool belongs behind an operator"],
    ["a + bool b", "bool goes with a comparison, not with +"],
    ["a and 1", "and joins two vectors, no scalars"],
    ["a and on (x) group_left b", "and matches many with many"],
    ["a * on (x) group_left (x) b", "label x is in on() and in group_left()"],
    ["a + on (x) 1", "on and ignoring need vectors on both sides"],
    ["a + on b", "write on (label, …)"],
    ["-a[5m]", "the operand of - is a scalar or a vector, not a matrix"],
    ["RATE(a[5m])", "did you mean rate?"],
    ["histogram_quantil(0.9, a)", "did you mean histogram_quantile?"],
    ["median(a)", "median is no function"],
    ["constructor(a)", "constructor is no function"],
    ["größe", '"ö" has no meaning here'],
    ["a $ b", '"$" has no meaning here'],
    ["by(a)", "a metric is followed by {…} or […]"],
    ["a:b(c)", "a metric is followed by {…} or […]"],
    ["a\u00a0", "has no meaning here"],
  ])("%s", (text, message) => {
    const error = refusalOf(text);
    expect(error.message).toContain(message);
    expect(error.start).toBeLessThanOrEqual(error.end);
    expect(error.end).toBeLessThanOrEqual(text.length);
  });

  test.each([
    ["(", "missing closing )"],
    ["[a", "missing closing ]"],
    ["*", "missing argument to repetition operator"],
    ["a**", "invalid nested repetition operator"],
    ["a{1001}", "invalid repeat count"],
    ["(?=a)", "which has no look-around"],
    ["(a)\\\\1", "invalid escape sequence: \\1"],
    ["[z-a]", "invalid character class range"],
  ])("a pattern %s that is none", (pattern, message) => {
    const error = refusalOf(`up * a{b!~"${pattern}"}`);
    expect(error).toMatchObject({ code: "pattern", start: 10 });
    expect(error.reason).toContain(message);
    expect(parse(`a{b="${pattern}"}`).kind).toBe("vector");
  });

  test.each([
    "(?i)a|b",
    "(?s-i:.)",
    "\\\\d+",
    "[[:alpha:]]",
    "\\\\Qa*\\\\E",
    "(?P<n>a)",
    "\\\\pL",
    "a{2,3}?",
    ".+?",
    "a\\\\.b",
  ])("a pattern %s of RE2 is one", (pattern) => {
    expect(parse(`a{b=~"${pattern}"}`).kind).toBe("vector");
  });

  test("a long line is cut around the place", () => {
    const error = refusalOf(`${"a + ".repeat(100)}rates(b)${" + a".repeat(100)}`);
    const [, line = "", carets = ""] = error.message.split("\n");
    expect(line.length).toBeLessThan(120);
    expect(line.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1)).toBe("rates");
  });

  test("anything but text is the caller's mistake", () => {
    expect(() => parse(1 as never)).toThrow(QueryError);
  });
});

describe("a node's span", () => {
  const text = ` (sum by (x) (rate(a{b="c"} [5m] offset 1m))) / -b  `;

  test("is the text it was read from, without parentheses around it", () => {
    const found: string[] = [];
    const visit = (node: Expr): void => {
      const { start, end } = node.span ?? { start: 0, end: 0 };
      found.push(`${node.kind}: ${text.slice(start, end)}`);
      for (const child of childrenOf(node)) visit(child);
    };
    visit(parse(text));
    expect(found).toEqual([
      `binary: (sum by (x) (rate(a{b="c"} [5m] offset 1m))) / -b`,
      `aggregation: sum by (x) (rate(a{b="c"} [5m] offset 1m))`,
      `call: rate(a{b="c"} [5m] offset 1m)`,
      `matrix: a{b="c"} [5m] offset 1m`,
      `vector: a{b="c"}`,
      "unary: -b",
      "vector: b",
    ]);
  });

  test("is that of a matcher too", () => {
    const node = parse('a{b="c", d != "e"}');
    expect(node.kind === "vector" && node.matchers.map((m) => m.span)).toEqual([
      { start: 2, end: 7 },
      { start: 9, end: 17 },
    ]);
  });

  test("is nothing that a comparison, a copy or JSON sees", () => {
    const read = parse("sum(rate(a[5m])) > 1");
    expect(read).toEqual(parse("sum ( rate ( a [ 5m ] ) )>1"));
    expect(JSON.stringify(read)).not.toContain("span");
    expect({ ...read }).not.toHaveProperty("span");
    expect(selector("a").span).toBeUndefined();
  });

  test("reaches over what stands around the operands", () => {
    const nested = parse("((a)) + (b)");
    expect(nested.span).toEqual({ start: 0, end: 11 });
    expect(nested.kind === "binary" && nested.left.span).toEqual({ start: 2, end: 3 });
  });
});

describe("depth", () => {
  test.each([
    ["parentheses", (n: number) => `${"(".repeat(n)}a${")".repeat(n)}`],
    ["signs", (n: number) => `${"-".repeat(n)}a`],
    ["calls", (n: number) => `${"abs(".repeat(n)}a${")".repeat(n)}`],
    ["powers", (n: number) => `${"a ^ ".repeat(n)}a`],
  ])("of %s is refused where it would exhaust the stack", (_, text) => {
    expect(print(parse(text(400)))).toContain("a");
    expect(refusalOf(text(100_000))).toMatchObject({ code: "too-deep" });
  });

  test.each([
    ["operators", (n: number) => `a${" or a".repeat(n)}`],
    ["subqueries", (n: number) => `a${"[5m:]".repeat(n)}`],
  ])("of chained %s too", (kind, text) => {
    if (kind === "operators") expect(print(parse(text(999)))).toBe(text(999));
    expect(["too-deep", "type"]).toContain(refusalOf(text(100_000)).code);
  });
});
