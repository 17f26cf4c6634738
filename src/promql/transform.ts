import { unreachable } from "../errors.ts";
import type { Expr, VectorSelector } from "./ast.ts";
import { aggregate, binary, call, matrix, selector, subquery, unary } from "./construct.ts";

/**
 * The same expression with every selector replaced by what `change` makes of it. Where `change` returns the node it
 * was given, the nodes above stay the same objects too.
 */
export function mapSelectors(expr: Expr, change: (selector: VectorSelector) => VectorSelector): Expr {
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
    case "subquery": {
      const inner = mapSelectors(expr.expr, change);
      return inner === expr.expr ? expr : subquery(inner, expr.rangeMs, expr.stepMs, expr);
    }
    case "call": {
      const args = expr.args.map((arg) => mapSelectors(arg, change));
      return args.every((arg, i) => arg === expr.args[i]) ? expr : call(expr.func, ...args);
    }
    case "aggregation": {
      const inner = mapSelectors(expr.expr, change);
      const param = expr.param && mapSelectors(expr.param, change);
      if (inner === expr.expr && param === expr.param) return expr;
      return aggregate(expr.op, inner, { grouping: expr.grouping, param });
    }
    case "binary": {
      const left = mapSelectors(expr.left, change);
      const right = mapSelectors(expr.right, change);
      return left === expr.left && right === expr.right ? expr : binary(expr.op, left, right, expr);
    }
    case "unary": {
      const inner = mapSelectors(expr.expr, change);
      return inner === expr.expr ? expr : unary(expr.op, inner);
    }
    default:
      return unreachable(expr);
  }
}

/** The same expression, looking `offsetMs` further back in time. */
export function shiftBack(expr: Expr, offsetMs: number): Expr {
  return mapSelectors(expr, (s) => selector(s.name, s.matchers, { at: s.at, offsetMs: (s.offsetMs ?? 0) + offsetMs }));
}
