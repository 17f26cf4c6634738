import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { QueryError } from "../../src/errors.ts";
import type { LogqlExpr } from "../../src/logs/logql/ast.ts";
import {
  aggregate,
  and,
  by,
  duration,
  json,
  labelFilter,
  lineFilter,
  logfmt,
  noError,
  number,
  or,
  overLines,
  overNumbers,
  selection,
  streamMatcher,
  text,
  unwrap,
  without,
} from "../../src/logs/logql/construct.ts";
import { print } from "../../src/logs/logql/printer.ts";
import { escapePattern, quote } from "../../src/logs/logql/quote.ts";
import { unquote } from "../promql/go-string.ts";

const web = [streamMatcher("app", "=", "web")];
const lines = selection(web);
const fields = selection(web, json, noError);
const MINUTE = 60_000;

/** Every text here was taken by a Loki 2.2.1. */
const PRINTED: readonly (readonly [LogqlExpr, string])[] = [
  [lines, '{app="web"}'],
  [
    selection([
      ...web,
      streamMatcher("pod", "=~", "web-.+"),
      streamMatcher("ns", "!=", ""),
      streamMatcher("c", "!~", "x|y"),
    ]),
    '{app="web",pod=~"web-.+",ns!="",c!~"x|y"}',
  ],
  [selection(web, lineFilter("|=", "GET"), lineFilter("!=", "/healthz")), '{app="web"} |= "GET" != "/healthz"'],
  [selection(web, lineFilter("|~", " 5\\d\\d "), lineFilter("!~", "a|b")), '{app="web"} |~ " 5\\\\d\\\\d " !~ "a|b"'],
  [selection(web, lineFilter("|=", '"} or {a="'), logfmt), '{app="web"} |= "\\"} or {a=\\"" | logfmt'],
  [
    selection(web, lineFilter("|=", "a\n\t\r\0\x7f\ufeff\ufffd`#é🕸")),
    '{app="web"} |= "a\\n\\t\\r\\u0000\\u007f\\ufeff\\ufffd`#é🕸"',
  ],
  [selection(web, json, labelFilter(number("code", ">=", 500))), '{app="web"} | json | code >= 500'],
  [selection(web, json, labelFilter(number("x", "==", 1e21))), '{app="web"} | json | x == 1e+21'],
  [selection(web, json, labelFilter(number("x", "!=", 1.5e-7))), '{app="web"} | json | x != 1.5e-7'],
  [selection(web, json, labelFilter(number("x", "<", -0))), '{app="web"} | json | x < 0'],
  [selection(web, logfmt, labelFilter(duration("took", ">", 1_500_000_000n))), '{app="web"} | logfmt | took > 1500ms'],
  [
    selection(web, logfmt, labelFilter(duration("took", "<=", 7_200_000_000_000n))),
    '{app="web"} | logfmt | took <= 2h',
  ],
  [selection(web, logfmt, labelFilter(duration("took", "<", 1_001n))), '{app="web"} | logfmt | took < 1001ns'],
  [selection(web, logfmt, labelFilter(duration("took", "==", 0n))), '{app="web"} | logfmt | took == 0h'],
  [
    selection(
      web,
      json,
      labelFilter(or(and(text("m", "=", "GET"), number("code", ">", 1)), text("flags", "!~", "-|"))),
    ),
    '{app="web"} | json | (m="GET" and code > 1) or flags!~"-|"',
  ],
  [
    selection(web, json, labelFilter(and(text("a", "!=", "1"), or(text("b", "=~", "2"), text("c", "=", ""))))),
    '{app="web"} | json | a!="1" and (b=~"2" or c="")',
  ],
  [overLines("count_over_time", lines, 90 * MINUTE), 'count_over_time({app="web"}[90m])'],
  [overLines("rate", lines, 1_500), 'rate({app="web"}[1500ms])'],
  [overLines("bytes_over_time", lines, 24 * 60 * MINUTE), 'bytes_over_time({app="web"}[24h])'],
  [
    aggregate("sum", overLines("count_over_time", fields, 5 * MINUTE), by("code", "method")),
    'sum by (code, method) (count_over_time({app="web"} | json | __error__=""[5m]))',
  ],
  [aggregate("sum", overLines("rate", lines, MINUTE)), 'sum(rate({app="web"}[1m]))'],
  [aggregate("max", overLines("rate", lines, MINUTE), by()), 'max by () (rate({app="web"}[1m]))'],
  [aggregate("avg", overLines("rate", lines, MINUTE), without("pod")), 'avg without (pod) (rate({app="web"}[1m]))'],
  [aggregate("topk", overLines("rate", lines, MINUTE), by("app"), 3), 'topk by (app) (3, rate({app="web"}[1m]))'],
  [
    overNumbers("quantile_over_time", selection(web, json), unwrap("duration"), 5 * MINUTE, {
      quantile: 0.99,
      grouping: by("code"),
    }),
    'quantile_over_time(0.99, {app="web"} | json | unwrap duration | __error__="" [5m]) by (code)',
  ],
  [
    overNumbers("quantile_over_time", selection(web, logfmt), unwrap("took", "duration"), MINUTE, {
      quantile: 1,
      grouping: without("pod"),
    }),
    'quantile_over_time(1, {app="web"} | logfmt | unwrap duration(took) | __error__="" [1m]) without (pod)',
  ],
  [
    aggregate("sum", overNumbers("sum_over_time", selection(web, json), unwrap("sent"), MINUTE)),
    'sum(sum_over_time({app="web"} | json | unwrap sent | __error__="" [1m]))',
  ],
];

describe("printing", () => {
  test.each(PRINTED.map(([expr, printed]) => [printed, expr] as const))("%s", (printed, expr) => {
    expect(print(expr)).toBe(printed);
  });

  test("trees are frozen throughout", () => {
    const frozen = (value: unknown): boolean =>
      typeof value !== "object" || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(PRINTED.filter(([expr]) => !frozen(expr))).toEqual([]);
  });
});

const LONE = "a\ud800";
describe("refused is", () => {
  test.each<readonly [string, () => unknown, string, RegExp]>([
    ["half a surrogate pair in a matcher", () => streamMatcher("a", "=", LONE), "string", /half a surrogate pair/],
    ["half a surrogate pair in a line filter", () => lineFilter("|=", LONE), "string", /half a surrogate pair/],
    ["half a surrogate pair in a label filter", () => text("a", "=", LONE), "string", /half a surrogate pair/],
    [
      "half a surrogate pair in a tree made by hand",
      () => print({ ...lines, matchers: [{ label: "a", op: "=", value: LONE }] }),
      "string",
      /half/,
    ],
    ["what is no text", () => lineFilter("|=", 5 as never), "string", /text is wanted, not 5/],
    ["a label with a dash", () => streamMatcher("a-b", "=", "x"), "label", /"a-b" is no label/],
    ["a label that would end the selector", () => by("a) (x"), "label", /is no label/],
    ["an empty label", () => unwrap(""), "label", /is no label/],
    ["a keyword", () => text("json", "=", "x"), "label", /no keyword/],
    ["an operator of other kinds", () => text("a", ">" as never, "x"), "label", /compared by = != =~ !~/],
    ["a number's operator", () => number("a", "=" as never, 1), "label", /compared by == !=/],
    ["a line's operator", () => lineFilter("=" as never, "x"), "pattern", /\|= != \|~ or !~/],
    ["a negative number", () => number("a", ">", -1), "label", /0 or more/],
    ["NaN", () => number("a", ">", Number.NaN), "label", /0 or more/],
    ["a negative duration", () => duration("a", ">", -1n), "label", /0 or more/],
    ["a duration in milliseconds", () => duration("a", ">", 5 as never), "label", /bigint/],
    ["a conversion that is not known", () => unwrap("a", "x) or (" as never), "label", /"duration" and "bytes"/],
    ["a selection of everything", () => selection([streamMatcher("a", "!=", "x")]), "label", /one label/],
    ["a selection by the empty value", () => selection([streamMatcher("a", "=", "")]), "label", /one label/],
    ["no range", () => overLines("rate", lines, 0), "window", /positive/],
    ["half a millisecond", () => overLines("rate", lines, 0.5), "window", /whole/],
    [
      "a quantile above 1",
      () => overNumbers("quantile_over_time", lines, unwrap("a"), 1, { quantile: 99 }),
      "quantile",
      /between 0 and 1/,
    ],
    ["no quantile", () => overNumbers("quantile_over_time", lines, unwrap("a"), 1), "quantile", /needs one/],
    [
      "a quantile of a sum",
      () => overNumbers("sum_over_time", lines, unwrap("a"), 1, { quantile: 0.5 }),
      "quantile",
      /is for quantile_over_time/,
    ],
    [
      "a grouped sum_over_time",
      () => overNumbers("sum_over_time", lines, unwrap("a"), 1, { grouping: by("b") }),
      "grouping",
      /sum its series/,
    ],
    [
      "a number grouped by nothing",
      () => overNumbers("avg_over_time", lines, unwrap("a"), 1, { grouping: by() }),
      "grouping",
      /name a label/,
    ],
    ["topk without a count", () => aggregate("topk", overLines("rate", lines, 1)), "grouping", /count is wanted/],
    ["sum with a count", () => aggregate("sum", overLines("rate", lines, 1), by(), 3), "grouping", /no count/],
  ])("%s", (_, make, code, says) => {
    expect(make).toThrow(QueryError);
    expect(make).toThrow(says);
    expect(make).toThrow(expect.objectContaining({ code }));
  });
});

const anyText = fc.string({ unit: "binary", maxLength: 40 });
const nasty = fc.string({
  unit: fc.constantFrom('"', "\\", "`", "\n", "\0", "{", "}", "|", "#", "=", "a", "\ufeff", "\u2028", "🕸"),
  maxLength: 20,
});
const texts = fc.oneof(anyText, nasty);
const seed = { seed: 20261124, numRuns: 2_000 };

describe("any text", () => {
  test("stands in a literal that Go reads as the very same text", () => {
    fc.assert(
      fc.property(texts, (value) => unquote(quote(value)) === value),
      seed,
    );
  });

  test("changes nothing of a query but its literals", () => {
    const skeleton = (query: string) => query.replace(/"(?:[^"\\]|\\.)*"/gs, '""');
    const literals = (query: string) => (query.match(/"(?:[^"\\]|\\.)*"/gs) ?? []).map(unquote);
    fc.assert(
      fc.property(texts, texts, texts, (a, b, c) => {
        const query = print(
          aggregate(
            "sum",
            overLines(
              "count_over_time",
              selection(
                [streamMatcher("app", "=", "x"), streamMatcher("pod", "!=", a)],
                lineFilter("|=", b),
                json,
                labelFilter(or(text("f", "=", c), number("n", ">", 1))),
              ),
              1_000,
            ),
          ),
        );
        expect(skeleton(query)).toBe('sum(count_over_time({app="",pod!=""} |= "" | json | f="" or n > 1[1s]))');
        expect(literals(query)).toEqual(["x", a, b, c]);
      }),
      seed,
    );
  });

  test("escaped as a pattern matches itself and nothing longer", () => {
    fc.assert(
      fc.property(texts, (value) => {
        const pattern = new RegExp(`^(?:${escapePattern(value)})$`, "u");
        expect(pattern.test(value)).toBe(true);
        expect(pattern.test(`${value}x`)).toBe(false);
      }),
      seed,
    );
  });
});
