import { QueryError, type QueryErrorCode } from "../errors.ts";
import { LONGEST_MS, shown } from "../time.ts";
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
  Placed,
  SelectorOptions,
  StringLiteral,
  Subquery,
  TimeShift,
  Unary,
  VectorSelector,
} from "./ast.ts";
import {
  AGGREGATIONS,
  type AggregationOp,
  FUNCTIONS,
  type FunctionName,
  type Parameter,
  type Signature,
  type ValueType,
} from "./functions.ts";
import {
  AggregationNode,
  BinaryNode,
  CallNode,
  MatcherNode,
  MatrixNode,
  NOWHERE,
  NumberNode,
  StringNode,
  SubqueryNode,
  UnaryNode,
  VectorNode,
} from "./nodes.ts";
import { isBinaryOp, isComparison, isSetOp } from "./operators.ts";
import { matchesEmpty } from "./pattern.ts";
import { isWellFormed } from "./quote.ts";
import { typeOf } from "./types.ts";

/*
 * The one place that makes nodes and knows what Prometheus refuses. The constructors build trees that stand nowhere,
 * the parser builds them where they stand in its text.
 */

/** What breaks a rule, where that is less than the whole node, and what to write instead. */
export interface Blame {
  readonly culprit?: Placed | undefined;
  readonly hint?: string | undefined;
}

const blames = new WeakMap<QueryError, Blame>();

/** What a rule that was broken has to say beside its message. */
export const blameOf = (error: QueryError): Blame => blames.get(error) ?? {};

function refuse(code: QueryErrorCode, message: string, blame: Blame = {}): never {
  const error = new QueryError(code, message);
  blames.set(error, blame);
  throw error;
}

export function buildNumber(value: number, start = NOWHERE, end = NOWHERE): NumberLiteral {
  if (typeof value !== "number") refuse("promql", `a number is wanted, not ${shown(value)}`);
  return new NumberNode(value, start, end);
}

export function buildString(value: string, start = NOWHERE, end = NOWHERE): StringLiteral {
  checkText(value, "a string");
  return new StringNode(value, start, end);
}

export function buildMatcher(label: string, op: MatchOp, value: string, start = NOWHERE, end = NOWHERE): Matcher {
  checkLabel(label, "a matcher");
  if (!MATCH_OPS.has(op)) refuse("promql", `a matcher compares by = != =~ or !~, not by ${shown(op)}`);
  checkText(value, label, "the value of ");
  return new MatcherNode(label, op, value, start, end);
}

const MATCH_OPS: ReadonlySet<MatchOp> = new Set<MatchOp>(["=", "!=", "=~", "!~"]);

export function buildSelector(
  name: string | undefined,
  matchers: readonly Matcher[],
  options: SelectorOptions,
  start = NOWHERE,
  end = NOWHERE,
): VectorSelector {
  checkShift(options);
  checkExtension(options);
  if (name !== undefined) {
    if (name === "") refuse("name", "a metric's name is never empty; leave it out to select by labels");
    checkText(name, "a metric name");
    const again = matchers.find(isName);
    if (again !== undefined) {
      refuse("name", `the metric's name is set twice: ${name} and a __name__ matcher`, { culprit: again });
    }
    return new VectorNode(name, matchers, options, options.extended, start, end);
  }
  const named = matchers.filter(isName);
  const only = named.length === 1 ? named[0] : undefined;
  if (only?.op === "=" && only.value !== "") {
    const rest = matchers.filter((m) => m !== only);
    return new VectorNode(only.value, rest, options, options.extended, start, end);
  }
  if (!matchers.some(isSelective)) {
    refuse("promql", "a selector needs a metric name or one matcher that does not match the empty value", {
      hint: matchers.length === 0 ? undefined : 'add a name, or a matcher such as job=~".+"',
    });
  }
  return new VectorNode(undefined, matchers, options, options.extended, start, end);
}

/** The second argument of `info`: nothing but matchers, which may all match the empty value, a name among them. */
export function buildLabelSelector(
  matchers: readonly Matcher[],
  options: SelectorOptions,
  start = NOWHERE,
  end = NOWHERE,
): VectorSelector {
  checkShift(options);
  checkExtension(options);
  return new VectorNode(undefined, matchers, options, options.extended, start, end);
}

const isName = ({ label }: Matcher): boolean => label === "__name__";

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

export function buildMatrix(vector: VectorSelector, rangeMs: number, start = NOWHERE, end = NOWHERE): MatrixSelector {
  checkSpan(rangeMs, "a range");
  return new MatrixNode(vector, rangeMs, start, end);
}

export function buildSubquery(
  expr: Expr,
  rangeMs: number,
  stepMs: number | undefined,
  shift: TimeShift,
  start = NOWHERE,
  end = NOWHERE,
): Subquery {
  checkSpan(rangeMs, "a subquery's range");
  if (stepMs !== undefined) checkSpan(stepMs, "a subquery's step");
  checkType(expr, "vector", "a subquery", "");
  checkShift(shift);
  return new SubqueryNode(expr, rangeMs, stepMs, shift, start, end);
}

export function buildCall(func: FunctionName, args: readonly Expr[], start = NOWHERE, end = NOWHERE): Call {
  if (!Object.hasOwn(FUNCTIONS, func)) refuse("promql", `PromQL has no function ${shown(func)}`);
  const signature: Signature = FUNCTIONS[func];
  checkCount(func, signature, args);
  const last = signature.args.length - 1;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    const wanted = signature.args[i < last ? i : last];
    if (arg !== undefined && wanted !== undefined && typeOf(arg) !== wanted) {
      checkType(arg, wanted, `argument ${i + 1} of ${func}()`, "");
    }
  }
  const labels = func === "info" ? args[1] : undefined;
  if (labels !== undefined && (labels.kind !== "vector" || labels.name !== undefined)) {
    refuse("promql", `argument 2 of info() is matchers in braces alone, without a metric name before them`, {
      culprit: labels,
      hint: 'write info(up, {k8s_cluster_name=~".+"})',
    });
  }
  return new CallNode(func, args, signature.returns, start, end);
}

function checkCount(func: FunctionName, signature: Signature, args: readonly Expr[]): void {
  const named = signature.args.length;
  const least = named - (signature.optional ?? 0);
  const most = signature.most ?? (signature.variadic === true ? Number.POSITIVE_INFINITY : named);
  if (args.length >= least && args.length <= most) return;
  const wanted =
    most === Number.POSITIVE_INFINITY ? `at least ${least}` : least === most ? `${most}` : `${least} to ${most}`;
  refuse("promql", `${func}() takes ${wanted} argument${wanted === "1" ? "" : "s"}, not ${args.length}`, {
    hint: `it takes (${signature.args.map((type, i) => (i < least ? type : `${type}?`)).join(", ")}${signature.variadic === true ? ", …" : ""})`,
  });
}

export function buildAggregation(
  op: AggregationOp,
  expr: Expr,
  param: Expr | undefined,
  grouping: Grouping | undefined,
  start = NOWHERE,
  end = NOWHERE,
): Aggregation {
  if (!Object.hasOwn(AGGREGATIONS, op)) refuse("promql", `PromQL has no aggregation ${shown(op)}`);
  const { param: wanted }: Parameter = AGGREGATIONS[op];
  checkType(expr, "vector", op, "()");
  if (wanted === undefined && param !== undefined) refuse("promql", `${op}() takes no parameter`, { culprit: param });
  if (wanted !== undefined) {
    if (param === undefined) refuse("promql", `${op}() needs a parameter: a ${wanted}`);
    checkType(param, wanted, "the parameter of ", `${op}()`);
  }
  if (grouping !== undefined) {
    for (const label of grouping.labels) checkLabel(label, `${op} ${grouping.kind}`);
  }
  return new AggregationNode(op, expr, param, keptGrouping(grouping), start, end);
}

/** `by ()` is what an aggregation does by itself, so it is not kept. */
function keptGrouping(grouping: Grouping | undefined): Grouping | undefined {
  if (grouping === undefined || (grouping.kind === "by" && grouping.labels.length === 0)) return undefined;
  return Object.freeze({ kind: grouping.kind, labels: frozenCopy(grouping.labels) });
}

export function buildBinary(
  op: BinaryOp,
  left: Expr,
  right: Expr,
  bool: boolean,
  matching: Matching | undefined,
  start = NOWHERE,
  end = NOWHERE,
): Binary {
  if (!isBinaryOp(op)) refuse("promql", `PromQL has no operator ${shown(op)}`);
  const leftType = typeOf(left);
  const rightType = typeOf(right);
  checkOperand(left, leftType, "left", op);
  checkOperand(right, rightType, "right", op);
  const bothScalars = leftType === "scalar" && rightType === "scalar";
  if (bool && !isComparison(op)) refuse("promql", `bool goes with a comparison, not with ${op}`);
  if (bothScalars && !bool && isComparison(op)) {
    refuse("promql", `a comparison of two scalars needs bool: 1 ${op} bool 2`);
  }
  const bothVectors = leftType === "vector" && rightType === "vector";
  if (!bothVectors && isSetOp(op)) refuse("promql", `${op} joins two vectors, no scalars`);
  if (matching !== undefined) checkMatching(op, matching, bothVectors);
  const type = bothScalars ? "scalar" : "vector";
  return new BinaryNode(op, left, right, bool, matching && keptMatching(matching), type, start, end);
}

function checkOperand(expr: Expr, type: ValueType, side: "left" | "right", op: BinaryOp): void {
  if (type === "vector" || type === "scalar") return;
  refuse("promql", `the ${side} side of ${op} is a scalar or a vector, not a ${type}`, {
    culprit: expr,
    hint: type === "matrix" ? RANGE_HINT : undefined,
  });
}

function checkMatching(op: BinaryOp, { kind, labels, group, fill }: Matching, bothVectors: boolean): void {
  if (!bothVectors)
    refuse("promql", `${fill === undefined ? "on and ignoring need" : "fill needs"} vectors on both sides`);
  if (fill !== undefined && isSetOp(op)) refuse("promql", `${op} has no values to fill in`);
  for (const value of [fill?.left, fill?.right]) {
    if (value !== undefined && typeof value !== "number") refuse("promql", `fill takes a number, not ${shown(value)}`);
  }
  if (group !== undefined && isSetOp(op)) {
    refuse("promql", `${op} matches many with many; it takes no group_left or group_right`);
  }
  const shared = kind === "on" ? group?.include.find((l) => labels.includes(l)) : undefined;
  if (shared !== undefined) refuse("promql", `label ${shared} is in on() and in group_${group?.side}()`);
  for (const label of labels) checkLabel(label, `${kind} of ${op}`);
  for (const label of group?.include ?? []) checkLabel(label, `group_${group?.side} of ${op}`);
}

/** `ignoring ()` without a group is what Prometheus does by itself, so it is not kept. */
function keptMatching({ kind, labels, group, fill }: Matching): Matching | undefined {
  const fills = fill?.left !== undefined || fill?.right !== undefined;
  if (kind === "ignoring" && labels.length === 0 && group === undefined && !fills) return undefined;
  return Object.freeze({
    kind,
    labels: frozenCopy(labels),
    ...(group && { group: Object.freeze({ side: group.side, include: frozenCopy(group.include) }) }),
    ...(fills && { fill: Object.freeze({ ...fill }) }),
  });
}

const frozenCopy = <T>(items: readonly T[]): readonly T[] =>
  Object.isFrozen(items) ? items : Object.freeze([...items]);

export function buildUnary(op: "+" | "-", expr: Expr, start = NOWHERE, end = NOWHERE): NumberLiteral | Unary {
  if (op !== "+" && op !== "-") refuse("promql", `only + and - stand before an expression as signs, not ${shown(op)}`);
  if (expr.kind === "number") return new NumberNode(op === "-" ? -expr.value : expr.value, start, end);
  const type = typeOf(expr);
  if (type !== "vector" && type !== "scalar") {
    refuse("promql", `the operand of ${op} is a scalar or a vector, not a ${type}`, {
      culprit: expr,
      hint: type === "matrix" ? RANGE_HINT : undefined,
    });
  }
  return new UnaryNode(op, expr, type, start, end);
}

const RANGE_HINT = "give the range to a function such as rate() or avg_over_time() first";

function checkShift({ offsetMs, at }: TimeShift): void {
  if (offsetMs !== undefined && !(Number.isSafeInteger(offsetMs) && Math.abs(offsetMs) <= LONGEST_MS)) {
    refuse("promql", `an offset is a whole number of milliseconds within 292 years, not ${shown(offsetMs)}`);
  }
  if (at !== undefined && at !== "start" && at !== "end" && !Number.isSafeInteger(at)) {
    refuse("promql", `@ takes "start", "end" or a whole number of epoch milliseconds, not ${shown(at)}`);
  }
}

function checkExtension({ extended }: SelectorOptions): void {
  if (extended !== undefined && extended !== "anchored" && extended !== "smoothed") {
    refuse("promql", `a selector is "anchored" or "smoothed", not ${shown(extended)}`);
  }
}

function checkSpan(ms: number, what: string): void {
  if (!Number.isSafeInteger(ms) || ms <= 0 || ms > LONGEST_MS) {
    refuse("promql", `${what} is a whole number of milliseconds above 0 and within 292 years, not ${shown(ms)}`);
  }
}

/** Two pieces of words, which are joined only where there is something to say. */
function checkType(expr: Expr, wanted: ValueType, what: string, more: string): void {
  const type = typeOf(expr);
  if (type === wanted) return;
  refuse("promql", `${what}${more} is a ${wanted}, not a ${type}`, {
    culprit: expr,
    hint: conversion(expr, type, wanted),
  });
}

function conversion(expr: Expr, type: ValueType, wanted: ValueType): string | undefined {
  if (wanted === "matrix" && type === "vector") {
    return expr.kind === "vector" ? "give it a range, such as up[5m]" : "make it a subquery, such as (…)[5m:1m]";
  }
  if (wanted === "vector" && type === "matrix") return RANGE_HINT;
  if (wanted === "vector" && type === "scalar") return "make it a vector with vector(…)";
  if (wanted === "scalar" && type === "vector") return "make it a scalar with scalar(…)";
  return undefined;
}

function checkLabel(name: string, what: string): void {
  if (name === "") refuse("label", `${what} needs a label name; the empty name "" is none`);
  checkText(name, "a label name");
}

function checkText(text: string, what: string, before = ""): void {
  if (typeof text !== "string") refuse("string", `${before}${what} is text, not ${typeof text}`);
  if (!isWellFormed(text)) {
    refuse("string", `${before}${what} holds half a surrogate pair, which no UTF-8 text can; check how it was cut`);
  }
}
