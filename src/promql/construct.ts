import { QueryError } from "../errors.ts";
import { LONGEST_MS, shown } from "../time.ts";
import type {
  Aggregation,
  Binary,
  BinaryOp,
  Call,
  ComparisonOp,
  Expr,
  Grouping,
  Matcher,
  Matching,
  MatchOp,
  MatrixSelector,
  NumberLiteral,
  SetOp,
  StringLiteral,
  Subquery,
  TimeShift,
  Unary,
  VectorSelector,
} from "./ast.ts";
import type { ValueType } from "./functions.ts";
import {
  AGGREGATIONS,
  type AggregationOp,
  FUNCTIONS,
  type FunctionName,
  type Parameter,
  type Signature,
} from "./functions.ts";
import { isWellFormed } from "./quote.ts";
import { typeOf } from "./types.ts";

/** A number; `Infinity` and `NaN` are numbers too. */
export function number(value: number): NumberLiteral {
  if (typeof value !== "number") throw new QueryError("promql", `a number is wanted, not ${shown(value)}`);
  return Object.freeze({ kind: "number", value });
}

/**
 * A string literal.
 *
 * @throws {QueryError} `code: "string"` when it is no text that UTF-8 can hold
 */
export function string(value: string): StringLiteral {
  checkText(value, "a string");
  return Object.freeze({ kind: "string", value });
}

/**
 * One condition on a label. The value of `=~` and `!~` is RE2 syntax and is not checked here.
 *
 * @throws {QueryError} `code: "label"` for the empty name, `"string"` for what is no text
 */
export function matcher(label: string, op: MatchOp, value: string): Matcher {
  checkLabel(label, "a matcher");
  if (!MATCH_OPS.has(op)) throw new QueryError("promql", `a matcher compares by = != =~ or !~, not by ${shown(op)}`);
  checkText(value, `the value of ${label}`);
  return Object.freeze({ label, op, value });
}

const MATCH_OPS: ReadonlySet<MatchOp> = new Set<MatchOp>(["=", "!=", "=~", "!~"]);

/**
 * A selector of series.
 *
 * @param name the metric's name; `undefined` selects by matchers alone, and a single `__name__="x"` among them counts as the name
 * @throws {QueryError} `code: "promql"` when nothing at all, or nothing but empty matches, is selected on
 */
export function selector(
  name: string | undefined,
  matchers: readonly Matcher[] = [],
  shift: TimeShift = {},
): VectorSelector {
  const named = matchers.filter((m) => m.label === "__name__");
  if (name !== undefined) {
    if (name === "") throw new QueryError("name", "a metric's name is never empty; leave it out to select by labels");
    checkText(name, "a metric name");
    if (named.length > 0)
      throw new QueryError("name", `the metric's name is set twice: ${name} and a __name__ matcher`);
    return frozenSelector(name, matchers, shift);
  }
  const only = named.length === 1 ? named[0] : undefined;
  if (only?.op === "=" && only.value !== "") {
    return frozenSelector(
      only.value,
      matchers.filter((m) => m !== only),
      shift,
    );
  }
  if (!matchers.some(isSelective)) {
    throw new QueryError("promql", "a selector needs a metric name or one matcher that does not match the empty value");
  }
  return frozenSelector(undefined, matchers, shift);
}

function frozenSelector(name: string | undefined, matchers: readonly Matcher[], shift: TimeShift): VectorSelector {
  return Object.freeze({
    kind: "vector",
    name,
    matchers: Object.freeze([...matchers]),
    ...frozenShift(shift),
  });
}

/** Whether a matcher may refuse the empty value, which Prometheus asks of at least one. */
function isSelective({ op, value }: Matcher): boolean {
  switch (op) {
    case "=":
      return value !== "";
    case "!=":
      return value === "";
    case "=~":
      return matchesEmpty(value) !== true;
    case "!~":
      return matchesEmpty(value) !== false;
  }
}

/** `undefined` for a pattern in RE2's own syntax, of which the server decides. */
function matchesEmpty(pattern: string): boolean | undefined {
  try {
    return new RegExp(`^(?:${pattern})$`, "s").test("");
  } catch {
    return undefined;
  }
}

/**
 * The samples of a selector over the last `rangeMs` milliseconds: `x[5m]`.
 *
 * @throws {QueryError} `code: "promql"` when that is no whole number above 0
 */
export function matrix(vector: VectorSelector, rangeMs: number): MatrixSelector {
  checkSpan(rangeMs, "a range");
  return Object.freeze({ kind: "matrix", selector: vector, rangeMs });
}

/**
 * An expression evaluated over the last `rangeMs` milliseconds, every `stepMs` or as often as the server sees fit.
 *
 * @throws {QueryError} `code: "promql"` when a length is no whole number above 0, or the expression is no instant vector
 */
export function subquery(expr: Expr, rangeMs: number, stepMs?: number, shift: TimeShift = {}): Subquery {
  checkSpan(rangeMs, "a subquery's range");
  if (stepMs !== undefined) checkSpan(stepMs, "a subquery's step");
  checkType(expr, ["vector"], "a subquery");
  return Object.freeze({ kind: "subquery", expr, rangeMs, stepMs, ...frozenShift(shift) });
}

/**
 * A function call.
 *
 * @throws {QueryError} `code: "promql"` when the number or the types of the arguments are not the function's
 */
export function call(func: FunctionName, ...args: readonly Expr[]): Call {
  if (!Object.hasOwn(FUNCTIONS, func)) throw new QueryError("promql", `PromQL has no function ${shown(func)}`);
  const signature: Signature = FUNCTIONS[func];
  const most = signature.args.length;
  const least = most - (signature.optional ?? 0);
  if (args.length < least || (args.length > most && signature.variadic !== true)) {
    const wanted =
      signature.variadic === true ? `at least ${least}` : least === most ? `${most}` : `${least} to ${most}`;
    throw new QueryError(
      "promql",
      `${func}() takes ${wanted} argument${wanted === "1" ? "" : "s"}, not ${args.length}`,
    );
  }
  for (const [i, arg] of args.entries()) {
    const wanted = signature.args[Math.min(i, most - 1)];
    if (wanted !== undefined) checkType(arg, [wanted], `argument ${i + 1} of ${func}()`);
  }
  return Object.freeze({ kind: "call", func, args: Object.freeze([...args]) });
}

/**
 * An aggregation such as `sum by (le) (…)`.
 *
 * @throws {QueryError} `code: "promql"` when the parameter is missing, unwanted or of the wrong type
 */
export function aggregate(
  op: AggregationOp,
  expr: Expr,
  options: { readonly grouping?: Grouping | undefined; readonly param?: Expr | undefined } = {},
): Aggregation {
  const { grouping, param } = options;
  if (!Object.hasOwn(AGGREGATIONS, op)) throw new QueryError("promql", `PromQL has no aggregation ${shown(op)}`);
  const { param: wanted }: Parameter = AGGREGATIONS[op];
  checkType(expr, ["vector"], `${op}()`);
  if (wanted === undefined && param !== undefined) throw new QueryError("promql", `${op}() takes no parameter`);
  if (wanted !== undefined) {
    if (param === undefined) throw new QueryError("promql", `${op}() needs a parameter: a ${wanted}`);
    checkType(param, [wanted], `the parameter of ${op}()`);
  }
  const keepsAll = grouping === undefined || (grouping.kind === "by" && grouping.labels.length === 0);
  for (const label of grouping?.labels ?? []) checkLabel(label, `${op} ${grouping?.kind}`);
  return Object.freeze({
    kind: "aggregation",
    op,
    expr,
    param,
    grouping: keepsAll
      ? undefined
      : Object.freeze({ kind: grouping.kind, labels: Object.freeze([...grouping.labels]) }),
  });
}

/** `by (…labels)`. */
export const by = (...labels: readonly string[]): Grouping =>
  Object.freeze({ kind: "by", labels: Object.freeze(labels) });

/** `without (…labels)`. */
export const without = (...labels: readonly string[]): Grouping =>
  Object.freeze({ kind: "without", labels: Object.freeze(labels) });

const COMPARISONS: ReadonlySet<BinaryOp> = new Set<BinaryOp>(["==", "!=", "<", "<=", ">", ">="]);
const SETS: ReadonlySet<BinaryOp> = new Set<BinaryOp>(["and", "or", "unless"]);
const ARITHMETIC: ReadonlySet<BinaryOp> = new Set<BinaryOp>(["%", "*", "+", "-", "/", "^", "atan2"]);

export const isComparison = (op: BinaryOp): op is ComparisonOp => COMPARISONS.has(op);
export const isSetOp = (op: BinaryOp): op is SetOp => SETS.has(op);

/**
 * Two expressions joined by an operator.
 *
 * @throws {QueryError} `code: "promql"` for what Prometheus refuses: set operators on scalars, a scalar comparison
 * without `bool`, matching between anything but vectors, grouping of a set operator
 */
export function binary(
  op: BinaryOp,
  left: Expr,
  right: Expr,
  options: { readonly bool?: boolean | undefined; readonly matching?: Matching | undefined } = {},
): Binary {
  const { bool = false, matching } = options;
  if (!ARITHMETIC.has(op) && !isComparison(op) && !isSetOp(op)) {
    throw new QueryError("promql", `PromQL has no operator ${shown(op)}`);
  }
  const bothVectors = typeOf(left) === "vector" && typeOf(right) === "vector";
  const bothScalars = typeOf(left) === "scalar" && typeOf(right) === "scalar";
  checkType(left, ["scalar", "vector"], `the left side of ${op}`);
  checkType(right, ["scalar", "vector"], `the right side of ${op}`);
  if (bool && !isComparison(op)) throw new QueryError("promql", `bool goes with a comparison, not with ${op}`);
  if (isComparison(op) && bothScalars && !bool) {
    throw new QueryError("promql", `a comparison of two scalars needs bool: 1 ${op} bool 2`);
  }
  if (isSetOp(op) && !bothVectors) throw new QueryError("promql", `${op} joins two vectors, no scalars`);
  if (matching !== undefined && !bothVectors)
    throw new QueryError("promql", `on and ignoring need vectors on both sides`);
  if (matching?.group !== undefined && isSetOp(op)) {
    throw new QueryError("promql", `${op} matches many with many; it takes no group_left or group_right`);
  }
  const shared = matching?.kind === "on" ? matching.group?.include.find((l) => matching.labels.includes(l)) : undefined;
  if (shared !== undefined)
    throw new QueryError("promql", `label ${shared} is in on() and in group_${matching?.group?.side}()`);
  for (const label of matching?.labels ?? []) checkLabel(label, `${matching?.kind} of ${op}`);
  for (const label of matching?.group?.include ?? []) checkLabel(label, `group_${matching?.group?.side} of ${op}`);
  return Object.freeze({ kind: "binary", op, left, right, bool, matching: frozenMatching(matching) });
}

/** `ignoring ()` without a group is what Prometheus does by itself, so it is not kept. */
function frozenMatching(matching: Matching | undefined): Matching | undefined {
  if (matching === undefined) return undefined;
  const { kind, labels, group } = matching;
  if (kind === "ignoring" && labels.length === 0 && group === undefined) return undefined;
  return Object.freeze({
    kind,
    labels: Object.freeze([...labels]),
    ...(group && { group: Object.freeze({ side: group.side, include: Object.freeze([...group.include]) }) }),
  });
}

/** A sign before an expression; before a number it becomes part of the number, as in Prometheus. */
export function unary(op: "+" | "-", expr: Expr): NumberLiteral | Unary {
  if (expr.kind === "number") return op === "-" ? number(-expr.value) : expr;
  checkType(expr, ["scalar", "vector"], `the operand of ${op}`);
  return Object.freeze({ kind: "unary", op, expr });
}

function frozenShift({ offsetMs, at }: TimeShift): TimeShift {
  if (offsetMs !== undefined && !(Number.isSafeInteger(offsetMs) && Math.abs(offsetMs) <= LONGEST_MS)) {
    throw new QueryError(
      "promql",
      `an offset is a whole number of milliseconds within 292 years, not ${shown(offsetMs)}`,
    );
  }
  if (at !== undefined && at !== "start" && at !== "end" && !Number.isSafeInteger(at)) {
    throw new QueryError("promql", `@ takes "start", "end" or a whole number of epoch milliseconds, not ${shown(at)}`);
  }
  return { ...(offsetMs && { offsetMs }), ...(at !== undefined && { at }) };
}

function checkSpan(ms: number, what: string): void {
  if (!Number.isSafeInteger(ms) || ms <= 0 || ms > LONGEST_MS) {
    throw new QueryError(
      "promql",
      `${what} is a whole number of milliseconds above 0 and within 292 years, not ${shown(ms)}`,
    );
  }
}

function checkType(expr: Expr, wanted: readonly ValueType[], what: string): void {
  const type = typeOf(expr);
  if (!wanted.includes(type)) throw new QueryError("promql", `${what} is a ${wanted.join(" or a ")}, not a ${type}`);
}

function checkLabel(name: string, what: string): void {
  if (name === "") throw new QueryError("label", `${what} needs a label name; the empty name "" is none`);
  checkText(name, "a label name");
}

function checkText(text: string, what: string): void {
  if (typeof text !== "string") throw new QueryError("string", `${what} is text, not ${typeof text}`);
  if (!isWellFormed(text)) {
    throw new QueryError(
      "string",
      `${what} holds half a surrogate pair, which no UTF-8 text can; check how it was cut`,
    );
  }
}
