import { unreachable } from "../errors.ts";
import type { Expr, VectorSelector } from "./ast.ts";

/** The parts of an expression in the order in which they are written; the selector of a range is one. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "number":
    case "string":
    case "vector":
      return [];
    case "matrix":
      return [expr.selector];
    case "subquery":
    case "unary":
      return [expr.expr];
    case "call":
      return expr.args;
    case "aggregation":
      return expr.param === undefined ? [expr.expr] : [expr.param, expr.expr];
    case "binary":
      return [expr.left, expr.right];
    default:
      return unreachable(expr);
  }
}

/**
 * Shows every node to `visit`, each before its parts, with the nodes around it, the innermost last.
 *
 * @param visit gives `false` where the parts of a node shall not be visited
 * @example
 * const functions: string[] = [];
 * walk(parse("sum(rate(a[5m])) / sum(rate(b[5m]))"), (node) => {
 *   if (node.kind === "call") functions.push(node.func);
 * });
 * functions // ["rate", "rate"]
 */
export function walk(expr: Expr, visit: (node: Expr, around: readonly Expr[]) => unknown): void {
  visitBelow(expr, [], visit);
}

function visitBelow(
  expr: Expr,
  around: readonly Expr[],
  visit: (node: Expr, around: readonly Expr[]) => unknown,
): void {
  if (visit(expr, around) === false) return;
  const children = childrenOf(expr);
  if (children.length === 0) return;
  const inner = [...around, expr];
  for (const child of children) visitBelow(child, inner, visit);
}

/**
 * Every selector of an expression in the order in which they are written, those of ranges included.
 *
 * @example
 * selectors(parse("rate(a[5m]) / b")).map((s) => s.name) // ["a", "b"]
 */
export function selectors(expr: Expr): VectorSelector[] {
  const found: VectorSelector[] = [];
  const collect = (node: Expr): void => {
    if (node.kind === "vector") found.push(node);
    else for (const child of childrenOf(node)) collect(child);
  };
  collect(expr);
  return found;
}
