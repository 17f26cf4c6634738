import { describe, expect, test } from "vitest";
import { parse, pretty, print } from "../../src/promql/index.ts";

/** Texts as they are laid out in 30 columns. */
const LAYOUTS: readonly (readonly string[])[] = [
  ["sum(rate(a[5m]))"],
  ["sum by (job) (", "  rate(requests_total[5m])", ")"],
  ["histogram_quantile(", "  0.99,", "  sum by (le) (", "    rate(b_bucket[5m])", "  )", ")"],
  ["topk by (x) (", "  3,", "  some_rather_long_name", ")"],
  ["requests_total{", '  job="a",', '  instance="b"', "}[5m] offset 1h"],
  ["{", '  "requests.total",', '  instance="b"', "}"],
  ["  requests_total", "+", "  responses_total", "-", "  others_total"],
  ["  requests_total", "- on (x)", "  (", "      responses_total", "    -", "      others_total", "  )"],
  ["  requests_total", "> bool on (x) group_left (y)", "  responses_total"],
  ["  requests_total", "+", "    responses_total", "  *", "    others_total"],
  ["(", "    requests_total", "  +", "    others_total", ")[5m:1m] offset 1d"],
  ["-(", "    requests_total", "  +", "    others_total", ")"],
  ["-sum(", "  requests_total_of_all_sorts", ")"],
  ["max_over_time(", "  rate(requests[1m])[5m:1m]", ")"],
  ["sum(", "  requests_total_of_all_sorts", ")[5m:1m]"],
  ["a_name_that_is_longer_than_a_line_may_be"],
  ['"a string that is longer than a line may be"'],
  ["clamp(", "  requests_total,", "  0,", "  scalar(limits_total)", ")"],
];

describe("what does not fit on a line is broken at its operators, parentheses and commas", () => {
  test.each(LAYOUTS.map((lines) => [lines.join("\n")]))("%s", (text) => {
    const expr = parse(text);
    expect(pretty(expr, { width: 30 })).toBe(text);
    expect(parse(pretty(expr, { width: 30 }))).toEqual(expr);
  });
});

test("a line has 80 characters unless another width is given", () => {
  const fits = parse(`sum(${"a".repeat(75)})`);
  expect(pretty(fits)).toBe(print(fits));
  const not = parse(`sum(${"a".repeat(76)})`);
  expect(pretty(not)).toBe(`sum(\n  ${"a".repeat(76)}\n)`);
});

test("the widest line is one text, the narrowest breaks everywhere", () => {
  const expr = parse('sum(rate(a{b="c"}[5m])) / 2');
  expect(pretty(expr, { width: Number.POSITIVE_INFINITY })).toBe(print(expr));
  expect(pretty(expr, { width: 1 })).toBe(
    '  sum(\n    rate(\n      a{\n        b="c"\n      }[5m]\n    )\n  )\n/\n  2',
  );
});
