import { describe, expect, test } from "vitest";
import {
  aggregate,
  binary,
  by,
  call,
  type Expr,
  mapSelectors,
  matcher,
  matrix,
  number,
  print,
  selector,
  shiftBack,
  string,
  subquery,
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
