import type {
  Aggregation,
  Binary,
  BinaryOp,
  Call,
  Expr,
  Grouping,
  Matcher,
  Matching,
  MatchOp,
  MatrixSelector,
  NumberLiteral,
  SelectorOptions,
  StringLiteral,
  Subquery,
  TimeShift,
  Unary,
  VectorSelector,
} from "./ast.ts";
import {
  buildAggregation,
  buildBinary,
  buildCall,
  buildLabelSelector,
  buildMatcher,
  buildMatrix,
  buildNumber,
  buildSelector,
  buildString,
  buildSubquery,
  buildUnary,
} from "./build.ts";
import type { AggregationOp, FunctionName } from "./functions.ts";

/** A number; `Infinity` and `NaN` are numbers too. */
export const number = (value: number): NumberLiteral => buildNumber(value);

/**
 * A string literal.
 *
 * @throws {QueryError} `code: "string"` when it is no text that UTF-8 can hold
 */
export const string = (value: string): StringLiteral => buildString(value);

/**
 * One condition on a label. The value of `=~` and `!~` is RE2 syntax and is not checked here.
 *
 * @throws {QueryError} `code: "label"` for the empty name, `"string"` for what is no text
 */
export const matcher = (label: string, op: MatchOp, value: string): Matcher => buildMatcher(label, op, value);

/**
 * A selector of series.
 *
 * @param name the metric's name; `undefined` selects by matchers alone, and a single `__name__="x"` among them counts as the name
 * @throws {QueryError} `code: "promql"` when nothing at all, or nothing but empty matches, is selected on
 */
export const selector = (
  name: string | undefined,
  matchers: readonly Matcher[] = [],
  options: SelectorOptions = {},
): VectorSelector => buildSelector(name, [...matchers], options);

/**
 * The matchers that `info` takes as its second argument: which labels it adds, and from which metric by `__name__`.
 *
 * @throws {QueryError} `code: "promql"` for an offset or instant that is none
 */
export const labelSelector = (matchers: readonly Matcher[], options: SelectorOptions = {}): VectorSelector =>
  buildLabelSelector([...matchers], options);

/**
 * The samples of a selector over the last `rangeMs` milliseconds: `x[5m]`.
 *
 * @throws {QueryError} `code: "promql"` when that is no whole number above 0
 */
export const matrix = (vector: VectorSelector, rangeMs: number): MatrixSelector => buildMatrix(vector, rangeMs);

/**
 * An expression evaluated over the last `rangeMs` milliseconds, every `stepMs` or as often as the server sees fit.
 *
 * @throws {QueryError} `code: "promql"` when a length is no whole number above 0, or the expression is no instant vector
 */
export const subquery = (expr: Expr, rangeMs: number, stepMs?: number, shift: TimeShift = {}): Subquery =>
  buildSubquery(expr, rangeMs, stepMs, shift);

/**
 * A function call.
 *
 * @throws {QueryError} `code: "promql"` when the number or the types of the arguments are not the function's
 */
export const call = (func: FunctionName, ...args: readonly Expr[]): Call => buildCall(func, [...args]);

/**
 * An aggregation such as `sum by (le) (…)`.
 *
 * @throws {QueryError} `code: "promql"` when the parameter is missing, unwanted or of the wrong type
 */
export const aggregate = (
  op: AggregationOp,
  expr: Expr,
  options: { readonly grouping?: Grouping | undefined; readonly param?: Expr | undefined } = {},
): Aggregation => buildAggregation(op, expr, options.param, options.grouping);

/** `by (…labels)`. */
export const by = (...labels: readonly string[]): Grouping =>
  Object.freeze({ kind: "by", labels: Object.freeze(labels) });

/** `without (…labels)`. */
export const without = (...labels: readonly string[]): Grouping =>
  Object.freeze({ kind: "without", labels: Object.freeze(labels) });

/**
 * Two expressions joined by an operator.
 *
 * @throws {QueryError} `code: "promql"` for what Prometheus refuses: set operators on scalars, a scalar comparison
 * without `bool`, matching between anything but vectors, grouping of a set operator
 */
export const binary = (
  op: BinaryOp,
  left: Expr,
  right: Expr,
  options: { readonly bool?: boolean | undefined; readonly matching?: Matching | undefined } = {},
): Binary => buildBinary(op, left, right, options.bool ?? false, options.matching);

/** A sign before an expression; before a number it becomes part of the number, as in Prometheus. */
export const unary = (op: "+" | "-", expr: Expr): NumberLiteral | Unary => buildUnary(op, expr);
