import { unreachable } from "../errors.ts";
import type { Expr } from "./ast.ts";
import { FUNCTIONS, type ValueType } from "./functions.ts";
import { knownType } from "./nodes.ts";

/**
 * The type of a well-formed expression's value.
 *
 * @example
 * typeOf(parse("rate(http_requests_total[5m])")) // "vector"
 */
export function typeOf(expr: Expr): ValueType {
  return knownType(expr) ?? typeOfCopy(expr);
}

function typeOfCopy(expr: Expr): ValueType {
  switch (expr.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "vector":
    case "aggregation":
      return "vector";
    case "matrix":
    case "subquery":
      return "matrix";
    case "call":
      return FUNCTIONS[expr.func].returns;
    case "unary":
      return typeOf(expr.expr);
    case "binary":
      return typeOf(expr.left) === "scalar" && typeOf(expr.right) === "scalar" ? "scalar" : "vector";
    default:
      return unreachable(expr);
  }
}
