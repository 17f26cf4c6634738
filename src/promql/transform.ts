import { QueryError, unreachable } from "../errors.ts";
import { shown } from "../time.ts";
import type { Expr, Matcher, SelectorOptions, TimeShift, VectorSelector } from "./ast.ts";
import {
  buildAggregation,
  buildBinary,
  buildCall,
  buildLabelSelector,
  buildMatrix,
  buildSelector,
  buildSubquery,
  buildUnary,
} from "./build.ts";
import { matcher } from "./construct.ts";

/**
 * The expression that comes about when `change` is asked for every node, the parts first. Where it returns the node it
 * was given, the nodes above stay the same objects too, so an expression in which nothing changes is returned itself.
 *
 * What is put together anew stands in no text: it has no `span`.
 *
 * @throws {QueryError} `code: "promql"` when the new parts do not go together
 * @example
 * print(transform(parse("rate(a[1m])"), (node) => (node.kind === "matrix" ? matrix(node.selector, 300_000) : node)))
 * // rate(a[5m])
 */
export function transform(expr: Expr, change: (node: Expr) => Expr): Expr {
  return change(mapParts(expr, (part) => transform(part, change)));
}

/** The same node with each of its parts replaced by what `map` makes of it; the node itself where none changes. */
function mapParts(expr: Expr, map: (part: Expr) => Expr): Expr {
  switch (expr.kind) {
    case "number":
    case "string":
    case "vector":
      return expr;
    case "matrix": {
      const selector = map(expr.selector);
      if (selector === expr.selector) return expr;
      if (selector.kind === "vector") return buildMatrix(selector, expr.rangeMs);
      throw new QueryError(
        "promql",
        `the selector of a range is replaced by another one only, not by a ${selector.kind}`,
      );
    }
    case "subquery": {
      const inner = map(expr.expr);
      return inner === expr.expr ? expr : buildSubquery(inner, expr.rangeMs, expr.stepMs, expr);
    }
    case "call": {
      const args = expr.args.map(map);
      return args.every((arg, i) => arg === expr.args[i]) ? expr : buildCall(expr.func, args);
    }
    case "aggregation": {
      const param = expr.param && map(expr.param);
      const inner = map(expr.expr);
      if (inner === expr.expr && param === expr.param) return expr;
      return buildAggregation(expr.op, inner, param, expr.grouping);
    }
    case "binary": {
      const left = map(expr.left);
      const right = map(expr.right);
      if (left === expr.left && right === expr.right) return expr;
      return buildBinary(expr.op, left, right, expr.bool, expr.matching);
    }
    case "unary": {
      const inner = map(expr.expr);
      return inner === expr.expr ? expr : buildUnary(expr.op, inner);
    }
    default:
      return unreachable(expr);
  }
}

/**
 * The same expression with every selector replaced by what `change` makes of it. Where `change` returns the node it
 * was given, the nodes above stay the same objects too.
 */
export function mapSelectors(expr: Expr, change: (selector: VectorSelector) => VectorSelector): Expr {
  return transform(expr, (node) => (node.kind === "vector" ? change(node) : node));
}

/** The same expression, looking `offsetMs` further back in time. A subquery moves as a whole, with its steps. */
export function shiftBack(expr: Expr, offsetMs: number): Expr {
  const back = (shift: TimeShift): TimeShift => ({ at: shift.at, offsetMs: (shift.offsetMs ?? 0) + offsetMs });
  if (expr.kind === "vector") return reselect(expr, expr.matchers, { ...back(expr), extended: expr.extended });
  if (expr.kind === "subquery") return buildSubquery(expr.expr, expr.rangeMs, expr.stepMs, back(expr));
  return mapParts(expr, (part) => shiftBack(part, offsetMs));
}

/**
 * The same expression with `@ start()` and `@ end()` written as the instants that they mean for a range from `startMs`
 * to `endMs`, so that it gives the same when a part of that range is asked about.
 *
 * @example
 * print(pinEnds(parse("a / a @ start()"), 60_000, 120_000)) // a / a @ 60
 */
export function pinEnds(expr: Expr, startMs: number, endMs: number): Expr {
  const pinned = ({ at, offsetMs }: TimeShift): TimeShift => ({ at: at === "start" ? startMs : endMs, offsetMs });
  return transform(expr, (node) => {
    if ((node.kind !== "vector" && node.kind !== "subquery") || typeof node.at !== "string") return node;
    if (node.kind === "subquery") return buildSubquery(node.expr, node.rangeMs, node.stepMs, pinned(node));
    return reselect(node, node.matchers, { ...pinned(node), extended: node.extended });
  });
}

/**
 * The same expression over those series alone that also fulfil `matchers`: the safe way to scope any query to a tenant,
 * a cluster or a namespace.
 *
 * Every selector gets them beside its own, also where its own say something about the same label: an expression reads
 * the same series as before or fewer, never others. A selector that has them already stays the same object.
 *
 * @throws {QueryError} `code: "promql"` for `info` without a second argument, which reads series of its own choice
 * @example
 * print(addMatchers(parse('rate(a{cluster="eu"}[5m]) / b'), matcher("cluster", "=", "us")))
 * // rate(a{cluster="eu",cluster="us"}[5m]) / b{cluster="us"}
 */
export function addMatchers(expr: Expr, ...matchers: readonly Matcher[]): Expr {
  for (const one of matchers) {
    if (typeof one !== "object" || one === null) {
      throw new QueryError(
        "promql",
        `addMatchers() takes matchers, not ${shown(one)}; write matcher("cluster", "=", "eu")`,
      );
    }
  }
  const wanted = matchers.map(({ label, op, value }) => matcher(label, op, value));
  return transform(expr, (node) => {
    if (node.kind === "vector") return narrowed(node, wanted);
    if (node.kind === "call" && node.func === "info" && node.args.length < 2 && wanted.length > 0) {
      throw new QueryError(
        "promql",
        "info() without a second argument reads series that no matcher can be added to; write info(v, {…}) with the labels it shall add",
      );
    }
    return node;
  });
}

function narrowed(node: VectorSelector, wanted: readonly Matcher[]): VectorSelector {
  const { name, matchers } = node;
  const more = wanted.filter(
    (one) => !matchers.some(({ label, op, value }) => label === one.label && op === one.op && value === one.value),
  );
  if (more.length === 0) return node;
  if (name === undefined || !more.some(isName)) {
    return reselect(node, [...matchers, ...more], node);
  }
  // A name before the braces takes no second one within.
  return buildSelector(undefined, [matcher("__name__", "=", name), ...matchers, ...more], node);
}

/** A selector of the same sort: what has its name among the matchers, as `info` wants it, keeps it there. */
function reselect(node: VectorSelector, matchers: readonly Matcher[], options: SelectorOptions): VectorSelector {
  const { name } = node;
  if (name === undefined && (node.matchers.some(isName) || !matchers.some(isName))) {
    return buildLabelSelector(matchers, options);
  }
  return buildSelector(name, matchers, options);
}

const isName = ({ label }: Matcher): boolean => label === "__name__";
