import { unreachable } from "../errors.ts";
import type { Expr, Subquery, TimeShift, VectorSelector } from "./ast.ts";
import { aggregate, binary, call, matrix, selector, subquery, unary } from "./construct.ts";

/**
 * The same expression with every selector replaced by what `change` makes of it. Where `change` returns the node it
 * was given, the nodes above stay the same objects too.
 */
export function mapSelectors(expr: Expr, change: (selector: VectorSelector) => VectorSelector): Expr {
  return mapLeaves(expr, change, (node) => {
    const inner = mapSelectors(node.expr, change);
    return inner === node.expr ? node : subquery(inner, node.rangeMs, node.stepMs, node);
  });
}

/** The same expression, looking `offsetMs` further back in time. A subquery moves as a whole, with its steps. */
export function shiftBack(expr: Expr, offsetMs: number): Expr {
  const back = (shift: TimeShift): TimeShift => ({ at: shift.at, offsetMs: (shift.offsetMs ?? 0) + offsetMs });
  return mapLeaves(
    expr,
    (node) => selector(node.name, node.matchers, back(node)),
    (node) => subquery(node.expr, node.rangeMs, node.stepMs, back(node)),
  );
}

/** The same expression with what can be shifted in time replaced: selectors, and subqueries as wholes. */
function mapLeaves(
  expr: Expr,
  change: (node: VectorSelector) => VectorSelector,
  changeSubquery: (node: Subquery) => Subquery,
): Expr {
  const mapped = (part: Expr): Expr => mapLeaves(part, change, changeSubquery);
  switch (expr.kind) {
    case "number":
    case "string":
      return expr;
    case "vector":
      return change(expr);
    case "matrix": {
      const inner = change(expr.selector);
      return inner === expr.selector ? expr : matrix(inner, expr.rangeMs);
    }
    case "subquery":
      return changeSubquery(expr);
    case "call": {
      const args = expr.args.map(mapped);
      return args.every((arg, i) => arg === expr.args[i]) ? expr : call(expr.func, ...args);
    }
    case "aggregation": {
      const inner = mapped(expr.expr);
      const param = expr.param && mapped(expr.param);
      if (inner === expr.expr && param === expr.param) return expr;
      return aggregate(expr.op, inner, { grouping: expr.grouping, param });
    }
    case "binary": {
      const left = mapped(expr.left);
      const right = mapped(expr.right);
      return left === expr.left && right === expr.right ? expr : binary(expr.op, left, right, expr);
    }
    case "unary": {
      const inner = mapped(expr.expr);
      return inner === expr.expr ? expr : unary(expr.op, inner);
    }
    default:
      return unreachable(expr);
  }
}
