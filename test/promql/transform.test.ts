import { describe, expect, test } from "vitest";
import { QueryError } from "../../src/errors.ts";
import {
  addMatchers,
  aggregate,
  binary,
  by,
  call,
  type Expr,
  mapSelectors,
  matcher,
  matrix,
  number,
  parse,
  pinEnds,
  print,
  selector,
  shiftBack,
  string,
  subquery,
  transform,
  unary,
} from "../../src/promql/index.ts";

const a = selector("a");
const b = selector("b");
const MINUTE = 60_000;

describe("every selector is reached", () => {
  const team = matcher("team", "=", "x");
  test.each<[string, Expr]>([
    ['a{team="x"}', a],
    ['rate(a{team="x"}[5m])', call("rate", matrix(a, 5 * MINUTE))],
    [
      'rate(a{team="x"}[5m])[1h:1m] offset 1m',
      subquery(call("rate", matrix(a, 5 * MINUTE)), 60 * MINUTE, MINUTE, { offsetMs: MINUTE }),
    ],
    [
      'topk by (x) (scalar(b{team="x"}), a{team="x"})',
      aggregate("topk", a, { param: call("scalar", b), grouping: by("x") }),
    ],
    [
      'a{team="x"} > bool on (y) group_left (z) -b{team="x"}',
      binary(">", a, unary("-", b), {
        bool: true,
        matching: { kind: "on", labels: ["y"], group: { side: "left", include: ["z"] } },
      }),
    ],
    ['label_join(a{team="x"}, "y", ",")', call("label_join", a, string("y"), string(","))],
    ["1 + 2", binary("+", number(1), number(2))],
    ["time()", call("time")],
  ])("%s", (text, expr) => {
    const changed = mapSelectors(expr, (s) => selector(s.name, [...s.matchers, team], s));
    expect(print(changed)).toBe(text);
  });
});

test("what holds no changed selector stays the same object beside what does", () => {
  const kept = call("rate", matrix(a, MINUTE));
  const changed = mapSelectors(binary("+", kept, b), (s) => (s === b ? selector("c") : s));
  expect(changed).toMatchObject({ kind: "binary", right: { name: "c" } });
  expect(changed.kind === "binary" && changed.left).toBe(kept);
});

test("an error of the change passes through", () => {
  expect(() =>
    mapSelectors(aggregate("sum", a), () => {
      throw new RangeError("mine");
    }),
  ).toThrow(new RangeError("mine"));
});

describe("an expression shifted back", () => {
  test.each<[string, Expr]>([
    ["a offset 1h", a],
    ["a offset 1h5m", selector("a", [], { offsetMs: 5 * MINUTE })],
    ["a", selector("a", [], { offsetMs: -60 * MINUTE })],
    ["a offset -1h", selector("a", [], { offsetMs: -120 * MINUTE })],
    ["a @ 5 offset 1h", selector("a", [], { at: 5000 })],
    ["rate(a[5m] offset 1h)", call("rate", matrix(a, 5 * MINUTE))],
    ["sum(a offset 1h) / sum(b offset 1h)", binary("/", aggregate("sum", a), aggregate("sum", b))],
    ["1 + 2", binary("+", number(1), number(2))],
    // A subquery's steps are multiples of the step: it gives the same samples only when it is moved as a whole.
    ["rate(a[5m])[1h:7m] offset 1h", subquery(call("rate", matrix(a, 5 * MINUTE)), 60 * MINUTE, 7 * MINUTE)],
    [
      "max_over_time(a[1h:7m] offset 1h30m)",
      call("max_over_time", subquery(a, 60 * MINUTE, 7 * MINUTE, { offsetMs: 30 * MINUTE })),
    ],
  ])("%s", (text, expr) => {
    expect(print(shiftBack(expr, 60 * MINUTE))).toBe(text);
  });

  test("by nothing prints the same", () => {
    const expr = call("rate", matrix(a, MINUTE));
    expect(print(shiftBack(expr, 0))).toBe(print(expr));
  });

  test("by a part of a millisecond is refused", () => {
    expect(() => shiftBack(a, 0.5)).toThrow("an offset is a whole number of milliseconds");
  });
});

describe("a transformation", () => {
  test("sees every node once, its parts first", () => {
    const seen: string[] = [];
    const expr = parse("sum(rate(a[5m])) + topk(2, abs(-b))");
    expect(
      transform(expr, (node) => {
        seen.push(print(node));
        return node;
      }),
    ).toBe(expr);
    expect(seen).toEqual([
      "a",
      "a[5m]",
      "rate(a[5m])",
      "sum(rate(a[5m]))",
      "2",
      "b",
      "-b",
      "abs(-b)",
      "topk(2, abs(-b))",
      "sum(rate(a[5m])) + topk(2, abs(-b))",
    ]);
  });

  test("builds anew what is above a change, and nothing else", () => {
    const expr = parse("rate(a[1m]) / rate(b[5m])");
    const changed = transform(expr, (node) =>
      node.kind === "matrix" && node.rangeMs === MINUTE ? matrix(node.selector, 2 * MINUTE) : node,
    );
    expect(print(changed)).toBe("rate(a[2m]) / rate(b[5m])");
    expect(changed.kind === "binary" && expr.kind === "binary" && changed.right === expr.right).toBe(true);
    expect(changed.span).toBeUndefined();
    expect(changed.kind === "binary" && changed.right.span).toEqual({ start: 14, end: 25 });
  });

  test("is held against the rules", () => {
    expect(() => transform(parse("rate(a[5m])"), (node) => (node.kind === "matrix" ? number(1) : node))).toThrow(
      "argument 1 of rate() is a matrix, not a scalar",
    );
    expect(() => transform(parse("rate(a[5m])"), (node) => (node.kind === "vector" ? number(1) : node))).toThrow(
      "the selector of a range is replaced by another one only, not by a number",
    );
  });
});

describe("matchers are added to every selector", () => {
  const cluster = matcher("cluster", "=", "eu");
  test.each([
    ["a", 'a{cluster="eu"}'],
    ['a{cluster="us"}', 'a{cluster="us",cluster="eu"}'],
    ['a{cluster=~".*"} or a', 'a{cluster=~".*",cluster="eu"} or a{cluster="eu"}'],
    ["rate(a[5m] offset 1m)", 'rate(a{cluster="eu"}[5m] offset 1m)'],
    ["a[5m] smoothed @ 5", 'a{cluster="eu"}[5m] smoothed @ 5'],
    ["max_over_time(a[5m:1m])", 'max_over_time(a{cluster="eu"}[5m:1m])'],
    ['{__name__=~"a|b"}', '{__name__=~"a|b",cluster="eu"}'],
    ["absent(a) + on () scalar(b) * c", 'absent(a{cluster="eu"}) + on () scalar(b{cluster="eu"}) * c{cluster="eu"}'],
    ['{"a.b"}', '{"a.b",cluster="eu"}'],
    ["vector(1)", "vector(1)"],
    ['info(a, {b="c"})', 'info(a{cluster="eu"}, {b="c",cluster="eu"})'],
    ['info(a, {__name__="b"})', 'info(a{cluster="eu"}, {__name__="b",cluster="eu"})'],
  ])("%s", (text, scoped) => {
    const expr = parse(text, { experimental: true });
    expect(print(addMatchers(expr, cluster))).toBe(scoped);
    const again = addMatchers(parse(scoped, { experimental: true }), cluster);
    expect(print(again)).toBe(scoped);
  });

  test("an expression that has them already stays the same object", () => {
    const expr = parse('rate(a{cluster="eu",b="c"}[5m]) / {cluster="eu"}');
    expect(addMatchers(expr, cluster)).toBe(expr);
    expect(addMatchers(expr)).toBe(expr);
  });

  test("a name narrows the name", () => {
    expect(print(addMatchers(parse('a{b="c"}'), matcher("__name__", "=", "d")))).toBe(
      '{__name__="a",b="c",__name__="d"}',
    );
    expect(print(addMatchers(parse('{b="c"}'), matcher("__name__", "=", "d")))).toBe('d{b="c"}');
  });

  test("text within a value stays text", () => {
    const hostile = '"} or secret{a="';
    const scoped = print(addMatchers(parse("a"), matcher("tenant", "=", hostile)));
    expect(parse(scoped)).toEqual(selector("a", [matcher("tenant", "=", hostile)]));
  });

  test("info that chooses its series itself is refused", () => {
    const expr = parse("info(a)", { experimental: true });
    expect(() => addMatchers(expr, cluster)).toThrow(QueryError);
    expect(() => addMatchers(expr, cluster)).toThrow("write info(v, {…})");
  });

  test("what is no matcher is refused", () => {
    expect(() => addMatchers(parse("a"), "cluster=eu" as never)).toThrow('write matcher("cluster", "=", "eu")');
    expect(() => addMatchers(parse("a"), { label: "x", op: "==", value: "y" } as never)).toThrow("not by");
  });
});

test("a shift keeps what else a selector has", () => {
  expect(print(shiftBack(parse("a[5m] smoothed"), MINUTE))).toBe("a[5m] smoothed offset 1m");
  const info = parse('info(a, {__name__="b"})', { experimental: true });
  expect(print(shiftBack(info, MINUTE))).toBe('info(a offset 1m, {__name__="b"} offset 1m)');
});

describe("the ends of a range", () => {
  test.each<[string, string]>([
    ["a @ start()", "a @ 60"],
    ["a @ end()", "a @ 120.5"],
    ["rate(a[5m] @ end() offset 1m)", "rate(a[5m] @ 120.5 offset 1m)"],
    ["max_over_time((a @ start())[5m:1m] @ end())", "max_over_time(a @ 60[5m:1m] @ 120.5)"],
    ["a @ 7 + sum by (x) (b @ start())", "a @ 7 + sum by (x) (b @ 60)"],
    ["rate(a[5m] anchored @ start())", "rate(a[5m] anchored @ 60)"],
  ])("of %s are the instants they mean", (text, pinned) => {
    expect(print(pinEnds(parse(text), 60_000, 120_500))).toBe(print(parse(pinned)));
  });

  test("that nothing depends on leave the expression the object it is", () => {
    const expr = parse("rate(a[5m] @ 7) + b");
    expect(pinEnds(expr, 1, 2)).toBe(expr);
  });
});
