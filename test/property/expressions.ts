import fc from "fast-check";
import type { Expr, Grouping, Matcher, Matching, TimeShift, VectorSelector } from "../../src/promql/ast.ts";
import {
  aggregate,
  binary,
  by,
  call,
  matcher,
  matrix,
  number,
  selector,
  string,
  subquery,
  unary,
  without,
} from "../../src/promql/construct.ts";
import {
  AGGREGATIONS,
  type AggregationOp,
  FUNCTIONS,
  type FunctionName,
  type Parameter,
  type Signature,
  type ValueType,
} from "../../src/promql/functions.ts";
import { escapePattern } from "../../src/promql/quote.ts";

/** Which expressions a server of a given version and configuration takes. */
export interface Dialect {
  /** Names of any alphabet (Prometheus 3); classic names only where false. */
  readonly utf8: boolean;
  /** Whether selectors and subqueries may look at other times (`offset`, `@`). */
  readonly shifts: boolean;
  /** Functions that are never called. */
  readonly without: readonly FunctionName[];
  /** Whether experimental functions and aggregations are called too. */
  readonly experimental?: boolean;
}

/** What every Prometheus since 2.33 takes, in the classic alphabet. */
export const CLASSIC: Dialect = {
  utf8: false,
  shifts: true,
  without: ["first_over_time", "holt_winters", "histogram_avg", "histogram_stddev", "histogram_stdvar"],
};

/** What Prometheus 3 takes. */
export const MODERN: Dialect = { utf8: true, shifts: true, without: ["holt_winters"] };

/** What Prometheus 3 takes with `--enable-feature=promql-experimental-functions`. */
export const EXPERIMENTAL: Dialect = { ...MODERN, without: ["holt_winters", "info"], experimental: true };

/** Well-typed expressions of every kind of node that a server of `dialect` parses. */
export function expressions(dialect: Dialect): fc.Arbitrary<Expr> {
  const { vector, scalar, matrix } = trees(dialect);
  return fc.oneof({ weight: 6, arbitrary: vector }, { weight: 2, arbitrary: scalar }, { weight: 1, arbitrary: matrix });
}

/** Any text that can be UTF-8, with a lean to what quoting must take care of. */
export const texts: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom(
      '"',
      "\\",
      "'",
      "`",
      "\n",
      "\r",
      "\t",
      "\0",
      "\u007f",
      "\ufffd",
      "\u2028",
      "{",
      "}",
      "$",
      "😀",
    ),
    maxLength: 8,
  }),
);

interface Trees {
  readonly vector: fc.Arbitrary<Expr>;
  readonly scalar: fc.Arbitrary<Expr>;
  readonly matrix: fc.Arbitrary<Expr>;
}

function trees(dialect: Dialect): Trees {
  const selectors = selectorsOf(dialect);
  const labels = fc.uniqueArray(labelNames(dialect), { maxLength: 3 });
  return fc.letrec<{ vector: Expr; scalar: Expr; matrix: Expr }>((tie) => {
    const typed = { vector: tie("vector"), scalar: tie("scalar"), matrix: tie("matrix"), string: texts.map(string) };
    return {
      vector: fc.oneof(
        { maxDepth: 5, withCrossShrink: true },
        selectors,
        callsTo("vector", dialect, typed),
        aggregations(labels, dialect, typed.vector, typed.scalar),
        vectorBinaries(labels, typed.vector, typed.scalar, dialect),
        typed.vector.chain((inner) => signs.map((sign) => unary(sign, inner))),
      ),
      scalar: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        numbers.map(number),
        callsTo("scalar", dialect, typed),
        fc.tuple(fc.constantFrom(...ARITHMETIC), typed.scalar, typed.scalar).map(([op, l, r]) => binary(op, l, r)),
        fc
          .tuple(fc.constantFrom(...COMPARISONS), typed.scalar, typed.scalar)
          .map(([op, l, r]) => binary(op, l, r, { bool: true })),
        fc.tuple(signs, typed.scalar).map(([sign, inner]) => unary(sign, inner)),
      ),
      matrix: fc.oneof(
        { maxDepth: 3 },
        fc.tuple(selectors, spans).map(([inner, rangeMs]) => matrix(inner, rangeMs)),
        fc
          .tuple(typed.vector, spans, fc.option(spans, { nil: undefined }), shiftsOf(dialect))
          .map(([inner, rangeMs, stepMs, shift]) => subquery(inner, rangeMs, stepMs, shift)),
      ),
    };
  });
}

const ARITHMETIC = ["%", "*", "+", "-", "/", "^", "atan2"] as const;
const COMPARISONS = ["!=", "<", "<=", "==", ">", ">="] as const;
const SETS = ["and", "or", "unless"] as const;
const signs = fc.constantFrom("+" as const, "-" as const);
const numbers = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e21, 5e-324),
);
const spans = fc.oneof(
  fc.constantFrom(1, 999, 90_000, 300_000, 8 * 86_400_000, 7 * 86_400_000, 365 * 86_400_000),
  fc.integer({ min: 1, max: 2_000_000_000 }),
);
const shiftsOf = ({ shifts }: Dialect): fc.Arbitrary<TimeShift> => (shifts ? anyShift : fc.constant({}));
const anyShift: fc.Arbitrary<TimeShift> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        offsetMs: fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }),
        at: fc.oneof(
          fc.constantFrom("start" as const, "end" as const),
          fc.integer({ min: -10_000_000, max: 2_000_000_000_000 }),
        ),
      },
      { requiredKeys: [] },
    ),
  },
);

const KEYWORDS = [
  "by",
  "on",
  "sum",
  "inf",
  "NaN",
  "bool",
  "offset",
  "start",
  "group_left",
  "and",
  "rate",
  "time",
  "le",
];

function labelNames({ utf8 }: Dialect): fc.Arbitrary<string> {
  const classic = fc.oneof(
    fc.constantFrom("job", "instance", "_x1", "__a__", ...KEYWORDS.filter((k) => utf8 || !/^(?:inf|nan)$/i.test(k))),
  );
  return utf8 ? fc.oneof(classic, anyName) : classic;
}

function metricNames({ utf8 }: Dialect): fc.Arbitrary<string> {
  const classic = fc.constantFrom("up", "http_requests_total", "job:rate:sum", ":a", "_", ...KEYWORDS);
  return utf8 ? fc.oneof(classic, anyName) : classic;
}

const anyName = texts.filter((name) => name !== "" && name !== "__name__");

function selectorsOf(dialect: Dialect): fc.Arbitrary<VectorSelector> {
  const labels = labelNames(dialect);
  const shifts = shiftsOf(dialect);
  const matchers: fc.Arbitrary<Matcher> = fc.oneof(
    fc.tuple(labels, fc.constantFrom("=" as const, "!=" as const), texts).map(([l, op, v]) => matcher(l, op, v)),
    fc
      .tuple(labels, fc.constantFrom("=~" as const, "!~" as const), texts)
      .map(([l, op, v]) => matcher(l, op, `${escapePattern(v)}|a.*`)),
  );
  const selective = labels.map((label) => matcher(label, "!=", ""));
  return fc.oneof(
    fc
      .tuple(metricNames(dialect), fc.array(matchers, { maxLength: 3 }), shifts)
      .map(([name, conditions, shift]) => selector(name, conditions, shift)),
    fc
      .tuple(selective, fc.array(matchers, { maxLength: 2 }), shifts)
      .map(([first, rest, shift]) => selector(undefined, [first, ...rest], shift)),
  );
}

type Typed = Readonly<Record<ValueType, fc.Arbitrary<Expr>>>;

/** Calls whose text arguments are ones that the function can work with. */
function callsTo(returns: ValueType, dialect: Dialect, typed: Typed): fc.Arbitrary<Expr> {
  const names = (Object.keys(FUNCTIONS) as FunctionName[]).filter((name) => {
    const signature: Signature = FUNCTIONS[name];
    const taken = signature.experimental !== true || dialect.experimental === true;
    return signature.returns === returns && taken && !dialect.without.includes(name);
  });
  return fc.constantFrom(...names).chain((name): fc.Arbitrary<Expr> => {
    if (name === "label_replace") {
      return typed.vector.map((v) =>
        call(name, v, string("dst"), string("a$1 \\ $$"), string("job"), string("(.*)\\.\"'")),
      );
    }
    if (name === "label_join") {
      return fc.tuple(typed.vector, typed.string).map(([v, s]) => call(name, v, string("dst"), s, string("job")));
    }
    const { args, optional = 0 }: Signature = FUNCTIONS[name];
    const count = fc.integer({ min: args.length - optional, max: args.length });
    return count
      .chain((n) => fc.tuple(...args.slice(0, n).map((type) => typed[type])))
      .map((all) => call(name, ...all));
  });
}

function aggregations(
  labels: fc.Arbitrary<string[]>,
  dialect: Dialect,
  vector: fc.Arbitrary<Expr>,
  scalar: fc.Arbitrary<Expr>,
): fc.Arbitrary<Expr> {
  const groupings: fc.Arbitrary<Grouping | undefined> = fc.oneof(
    fc.constant(undefined),
    labels.map((names) => by(...names)),
    labels.map((names) => without(...names)),
  );
  const ops = (Object.keys(AGGREGATIONS) as AggregationOp[]).filter((op) => {
    const parameter: Parameter = AGGREGATIONS[op];
    return parameter.experimental !== true || dialect.experimental === true;
  });
  return fc.tuple(fc.constantFrom(...ops), groupings, vector).chain(([op, grouping, expr]): fc.Arbitrary<Expr> => {
    const { param }: Parameter = AGGREGATIONS[op];
    if (param === undefined) return fc.constant(aggregate(op, expr, { grouping }));
    const params = param === "string" ? labelNames({ ...dialect, utf8: false }).map(string) : scalar;
    return params.map((value) => aggregate(op, expr, { grouping, param: value }));
  });
}

/** A server has no JSON for the others where it tells of a tree. */
const finite = numbers.filter(Number.isFinite);

/** The same with values for samples that one side lacks. */
const filled = (joins: fc.Arbitrary<Matching | undefined>): fc.Arbitrary<Matching> =>
  fc
    .tuple(joins, fc.record({ left: finite, right: finite }, { requiredKeys: [] }), fc.boolean())
    .map(([matching, fill, isSame]) => ({
      ...(matching ?? { kind: "ignoring", labels: [] }),
      fill: isSame && fill.left !== undefined ? { left: fill.left, right: fill.left } : fill,
    }));

function vectorBinaries(
  labels: fc.Arbitrary<string[]>,
  vector: fc.Arbitrary<Expr>,
  scalar: fc.Arbitrary<Expr>,
  dialect: Dialect,
): fc.Arbitrary<Expr> {
  const matchings: fc.Arbitrary<Matching> = fc
    .tuple(fc.constantFrom("ignoring" as const, "on" as const), labels)
    .map(([kind, names]) => ({ kind, labels: names }));
  const grouped: fc.Arbitrary<Matching> = fc
    .tuple(matchings, fc.constantFrom("left" as const, "right" as const), labels)
    .map(([matching, side, names]) => ({
      ...matching,
      group: { side, include: names.filter((name) => matching.kind === "ignoring" || !matching.labels.includes(name)) },
    }));
  const none = fc.constant(undefined);
  const plain = fc.oneof(none, matchings, grouped);
  const joins = dialect.experimental === true ? fc.oneof(plain, filled(plain)) : plain;
  return fc.oneof(
    fc
      .tuple(fc.constantFrom(...ARITHMETIC), vector, vector, joins)
      .map(([op, left, right, matching]) => binary(op, left, right, { matching })),
    fc
      .tuple(fc.constantFrom(...COMPARISONS), vector, vector, joins, fc.boolean())
      .map(([op, left, right, matching, bool]) => binary(op, left, right, { matching, bool })),
    fc
      .tuple(fc.constantFrom(...SETS), vector, vector, fc.oneof(none, matchings))
      .map(([op, left, right, matching]) => binary(op, left, right, { matching })),
    fc
      .tuple(fc.constantFrom(...ARITHMETIC, ...COMPARISONS), vector, scalar, fc.boolean())
      .map(([op, v, s, swap]) => (swap ? binary(op, s, v) : binary(op, v, s))),
  );
}
