import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Condition, LogqlExpr, LogSelection, MetricExpr, Stage } from "../../../src/logs/logql/ast.ts";
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
} from "../../../src/logs/logql/construct.ts";
import { print } from "../../../src/logs/logql/printer.ts";
import { isLabel } from "../../../src/logs/logql/quote.ts";
import { parseLogql } from "../../../src/testing/server/loki/logql-parser.ts";

const texts = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('"', "\\", "`", "\n", "\0", "{", "|", "#", "\ufeff", "🕸"), maxLength: 8 }),
);
const labels = fc.oneof(
  fc.constantFrom("app", "code", "sum", "rate", "topk", "duration", "bytes", "__error__", "count_over_time"),
  fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/).filter(isLabel),
);
const matchOps = fc.constantFrom("=" as const, "!=" as const, "=~" as const, "!~" as const);
const compareOps = fc.constantFrom(...(["==", "!=", "<", "<=", ">", ">="] as const));
const numbers = fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }));

const comparison = fc.oneof(
  fc.tuple(labels, matchOps, texts).map(([label, op, value]) => text(label, op, value)),
  fc.tuple(labels, compareOps, numbers).map(([label, op, value]) => number(label, op, value)),
  fc
    .tuple(labels, compareOps, fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }))
    .map(([label, op, ns]) => duration(label, op, ns)),
);
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    comparison,
    fc.tuple(tie("condition"), tie("condition")).map(([left, right]) => and(left, right)),
    fc.tuple(tie("condition"), tie("condition")).map(([left, right]) => or(left, right)),
  ),
}));
const stage: fc.Arbitrary<Stage> = fc.oneof(
  fc.tuple(fc.constantFrom(...(["|=", "!=", "|~", "!~"] as const)), texts).map(([op, value]) => lineFilter(op, value)),
  fc.constantFrom<Stage>(json, logfmt, noError),
  condition.map(labelFilter),
);
const matcher = fc.tuple(labels, matchOps, texts).map(([label, op, value]) => streamMatcher(label, op, value));
const lines: fc.Arbitrary<LogSelection> = fc
  .tuple(fc.array(matcher, { maxLength: 3 }), fc.array(stage, { maxLength: 4 }))
  .map(([matchers, stages]) => selection([streamMatcher("app", "=", "web"), ...matchers], ...stages));
const grouping = fc
  .tuple(fc.boolean(), fc.array(labels, { minLength: 1, maxLength: 3 }))
  .map(([isBy, names]) => (isBy ? by(...names) : without(...names)));
const rangeMs = fc.integer({ min: 1, max: 10_000_000_000 });
const field = fc
  .tuple(
    labels,
    fc.constantFrom(undefined, "bytes" as const, "duration" as const),
    fc.array(condition, { maxLength: 2 }),
  )
  .map(([label, conversion, filters]) => ({ ...unwrap(label, conversion), filters: filters.map(labelFilter) }));

const range: fc.Arbitrary<MetricExpr> = fc.oneof(
  fc
    .tuple(fc.constantFrom(...(["count_over_time", "rate", "bytes_over_time", "bytes_rate"] as const)), lines, rangeMs)
    .map(([func, selected, ms]) => overLines(func, selected, ms)),
  fc
    .tuple(
      fc.constantFrom(
        ...(["avg_over_time", "max_over_time", "min_over_time", "stddev_over_time", "stdvar_over_time"] as const),
      ),
      lines,
      field,
      rangeMs,
      fc.option(grouping, { nil: undefined }),
    )
    .map(([func, selected, of, ms, groups]) => overNumbers(func, selected, of, ms, { grouping: groups })),
  fc
    .tuple(lines, field, rangeMs, fc.double({ min: 0, max: 1, noNaN: true }), fc.option(grouping, { nil: undefined }))
    .map(([selected, of, ms, q, groups]) =>
      overNumbers("quantile_over_time", selected, of, ms, { quantile: q === 0 ? 0 : q, grouping: groups }),
    ),
  fc.tuple(lines, field, rangeMs).map(([selected, of, ms]) => overNumbers("sum_over_time", selected, of, ms)),
);
const { metric } = fc.letrec<{ metric: MetricExpr }>((tie) => ({
  metric: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    range,
    fc
      .tuple(
        fc.constantFrom(...(["sum", "avg", "max", "min", "count", "stddev", "stdvar"] as const)),
        tie("metric"),
        fc.option(fc.oneof(grouping, fc.constant(by())), { nil: undefined }),
      )
      .map(([op, expr, groups]) => aggregate(op, expr, groups)),
    fc
      .tuple(fc.constantFrom("topk" as const, "bottomk" as const), tie("metric"), fc.integer({ min: 1, max: 99 }))
      .map(([op, expr, count]) => aggregate(op, expr, undefined, count)),
  ),
}));

describe("LogQL that the library prints", () => {
  test("reads as the tree that it was printed from", () => {
    fc.assert(
      fc.property(fc.oneof<fc.Arbitrary<LogqlExpr>[]>(lines, metric), (expr) => {
        expect(parseLogql(print(expr))).toEqual(expr);
      }),
      { seed: 20261125, numRuns: 3_000 },
    );
  });
});

const web = streamMatcher("app", "=", "web");

describe("LogQL that others write", () => {
  test.each<readonly [string, LogqlExpr]>([
    ['  { app = "web" }', selection([web])],
    ['{app="web"}\n  |= `a\\d"` # a comment\n', selection([web], lineFilter("|=", 'a\\d"'))],
    [
      '{app="web"} | json | a="1", b="2"',
      selection([web], json, labelFilter(and(text("a", "=", "1"), text("b", "=", "2")))),
    ],
    ['{app="web"} | a=5', selection([web], labelFilter(number("a", "==", 5)))],
    ['{app="web"} | a > 1h30m', selection([web], labelFilter(duration("a", ">", 5_400_000_000_000n)))],
    ['{app="web"} | a > 1.5s', selection([web], labelFilter(duration("a", ">", 1_500_000_000n)))],
    ['sum(rate({app="web"}[1m])) by (pod)', aggregate("sum", overLines("rate", selection([web]), 60_000), by("pod"))],
    [
      '{app="web"} | a="1" or b="2" and c="3"',
      selection([web], labelFilter(or(text("a", "=", "1"), and(text("b", "=", "2"), text("c", "=", "3"))))),
    ],
  ])("%s", (query, tree) => {
    expect(parseLogql(query)).toEqual(tree);
  });

  test.each<readonly [string, RegExp]>([
    ["", /^parse error at line 1, col 1: syntax error: unexpected \$end$/],
    ["{app=web}", /^parse error at line 1, col 6: syntax error: unexpected IDENTIFIER$/],
    ['{app="web"', /^parse error at line 1, col 11: syntax error: unexpected \$end$/],
    ['{app="web"} extra', /^parse error at line 1, col 13: syntax error: unexpected IDENTIFIER$/],
    ['{app="web"}\n| json |', /^parse error at line 2, col 9: syntax error: unexpected \$end$/],
    ['{app="web"} |= "\\q"', /^parse error at line 1, col 16: invalid char literal$/],
    ['{app="web"} % 5', /^parse error at line 1, col 13: syntax error: unexpected "% 5"$/],
    ['{app=~".*"}', /^parse error : queries require at least one regexp or equality matcher/],
    ["{}", /^parse error : queries require at least one regexp or equality matcher/],
    ['{app!="web"}', /^parse error : queries require at least one regexp or equality matcher/],
    ['rate({app="web"})', /^parse error at line 1, col 17: syntax error: unexpected \)$/],
    ['rate({app="web"} | unwrap a [5m])', /^parse error at line 1, col 1: invalid aggregation rate with unwrap$/],
    [
      'avg_over_time({app="web"}[5m])',
      /^parse error at line 1, col 1: invalid aggregation avg_over_time without unwrap$/,
    ],
    ['nothing({app="web"}[5m])', /^parse error at line 1, col 1: syntax error: unexpected IDENTIFIER$/],
    ['topk(rate({app="web"}[5m]))', /^parse error at line 1, col 1: topk: a whole, positive count/],
    ['{app="web"} | a > "5"', /^parse error at line 1, col 15: syntax error: unexpected >$/],
    ['{app="web"} | a =~ 5', /^parse error at line 1, col 15: syntax error: unexpected =~$/],
    ['{json="web"}', /^parse error at line 1, col 2: "json" is no label/],
  ])("%s is refused", (query, message) => {
    expect(() => parseLogql(query)).toThrow(message);
  });
});
