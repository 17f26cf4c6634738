import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PromqlSyntaxError, QueryError } from "../../src/errors.ts";
import { call, type Hole, matcher, matrix, parse, print, promql, selector, unary } from "../../src/promql/index.ts";

describe("a hole", () => {
  test.each<[string, () => unknown, string]>([
    ["of text is a quoted literal", () => promql`up{job=${'a"b\n'}}`, 'up{job="a\\"b\\n"}'],
    [
      "of text is an argument",
      () => promql`label_replace(up, ${"a"}, ${"$1"}, ${"b"}, ${"(.*)"})`,
      'label_replace(up, "a", "$1", "b", "(.*)")',
    ],
    ["of text is a label's name", () => promql`sum by (${"job"}) (up)`, "sum by (job) (up)"],
    ["of text behind =~ is matched literally", () => promql`up{job=~${"a.b|c"}}`, 'up{job=~"a\\\\.b\\\\|c"}'],
    ["of texts behind !~ is any of them", () => promql`up{job!~${["a", "b.c"]}}`, 'up{job!~"a|b\\\\.c"}'],
    ["in brackets is a duration", () => promql`rate(up[${"90s"}])`, "rate(up[1m30s])"],
    [
      "in the brackets of a subquery is a duration",
      () => promql`max_over_time(up[${"1h"}:${"1m"}])`,
      "max_over_time(up[1h:1m])",
    ],
    [
      "behind offset is a duration",
      () => promql`up offset ${"5m"} - up offset -${"5m"}`,
      "up offset 5m - up offset -5m",
    ],
    [
      "behind @ is an instant",
      () => promql`up @ ${new Date(1_500)} + up @ ${2_000} + up @ ${"1970-01-01T00:00:03Z"}`,
      "up @ 1.5 + up @ 2 + up @ 3",
    ],
    ["of a number is that number", () => promql`up > ${0.5} < ${Number.POSITIVE_INFINITY}`, "up > 0.5 < Inf"],
    ["of a negative number is in parentheses", () => promql`2 ^ ${-2}`, "2 ^ -2"],
    [
      "of a selector may have a range",
      () => promql`rate(${selector("up", [matcher("a", "=", "b")])}[5m])`,
      'rate(up{a="b"}[5m])',
    ],
    ["of an expression is a whole", () => promql`${parse("a + b")} * ${parse("c or d")}`, "(a + b) * (c or d)"],
    ["of a sign is a whole", () => promql`${unary("-", selector("a"))} ^ 2`, "(-a) ^ 2"],
    [
      "of a query is its expression",
      () => promql`${{ expr: call("rate", matrix(selector("a"), 1_000)) }} / 2`,
      "rate(a[1s]) / 2",
    ],
    [
      "of text stands behind other literals",
      () => promql`up{a="x\"y\\",b='{',c=\`[\`,job=${"z"}}`,
      'up{a="x\\"y\\\\",b="{",c="[",job="z"}',
    ],
  ])("%s", (_, make, text) => {
    expect(make()).toEqual(parse(text));
  });

  test.each<[string, () => unknown, RegExp]>([
    ["inside quotes", () => promql`up{job="${"a"}"}`, /stands inside quotes; leave the quotes out/],
    ["inside quotes, beside text", () => promql`up{job="a${',b=~".*'}"}`, /stands inside quotes/],
    ["inside single quotes", () => promql`up{job='${"a"}'}`, /stands inside quotes/],
    ["inside backquotes", () => promql`up{job=\`${"a"}\`}`, /stands inside quotes/],
    ["inside a comment", () => promql`up # ${"a"}`, /stands inside a comment/],
    ["of a list where a text belongs", () => promql`up{job=${["a"]}}`, /is a list, which stands behind =~ or !~ only/],
    ["of a number where a pattern belongs", () => promql`up{job=~${1}}`, /is no text/],
    ["of no duration where one belongs", () => promql`up[${"5 minutes"}]`, /is not a positive PromQL duration/],
    ["of no instant where one belongs", () => promql`up @ ${"soon"}`, /is not an instant/],
    ["of nothing", () => promql`up + ${undefined as unknown as Hole}`, /cannot stand here/],
    ["of another object", () => promql`up + ${{} as unknown as Hole}`, /cannot stand here/],
  ])("%s is refused", (_, make, message) => {
    expect(make).toThrow(message);
  });

  test("does not run together with what stands beside it", () => {
    expect(() => promql`${selector("up")}_total`).toThrow(PromqlSyntaxError);
    expect(() => promql`rate(up[1${"5m"}])`).toThrow(PromqlSyntaxError);
    expect(() => promql`1${5}`).toThrow(PromqlSyntaxError);
  });

  test("holds no syntax, whatever its text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), fc.string({ unit: "grapheme" }), (a, b) => {
        fc.pre(a.isWellFormed() && b.isWellFormed());
        const expr = promql`up{job=${a},other=${b}}`;
        expect(expr).toMatchObject({ kind: "vector", matchers: [{ value: a }, { value: b }] });
      }),
      { seed: 8, numRuns: 2_000 },
    );
  });
});

test("text without holes is parsed, with what is wrong at its place", () => {
  expect(print(promql`sum(up)`)).toBe("sum(up)");
  expect(() => promql`sum(up`).toThrow(expect.objectContaining({ name: "PromqlSyntaxError", column: 7 }));
  expect(() => promql`up{job=${"a"}`).toThrow(PromqlSyntaxError);
  expect(() => promql`up{job="${"a"}"}`).toThrow(QueryError);
});
