/** Which expressions a Prometheus itself answers the same way each time, to the last bit. */
import type { Expr } from "../../../src/promql/index.ts";

/** The same to the last bit, the same but for rounding, or not to be relied on. */
export type Steadiness = "exact" | "near" | "open";

/** Functions that make little of a small difference in their argument. */
const SMOOTH =
  /^(?:abs|absent|clamp|clamp_max|clamp_min|deg|label_join|label_replace|last_over_time|max_over_time|min_over_time|rad|sort|sort_desc|sqrt|timestamp)$/;

/**
 * A server gathers what most functions and operators give in a hash map, and goes on in the order of that, which is
 * another one each time: over a range always, at an instant for histograms and `count_values`. Sums then differ in
 * their last bits, and of equal values another one is chosen.
 */
export function steadinessOf(expr: Expr, isRange: boolean): Steadiness {
  const children = childrenOf(expr);
  const inner = children.map((child) => steadinessOf(child, isRange || expr.kind === "subquery"));
  if (inner.includes("open")) return "open";
  const isNear = inner.includes("near");
  switch (expr.kind) {
    case "aggregation": {
      if (expr.op === "count" || expr.op === "group" || expr.op === "limit_ratio") return isNear ? "near" : "exact";
      const shuffled = !isOrdered(expr.expr, isRange);
      const isChoice = expr.op === "topk" || expr.op === "bottomk" || expr.op === "limitk";
      if (expr.op === "stddev" || expr.op === "stdvar") return isNear || shuffled ? "open" : "exact";
      if (expr.op === "count_values") return isNear ? "open" : "exact";
      if (isChoice) return isNear || shuffled ? "open" : "exact";
      if (expr.op !== "sum" && expr.op !== "avg") return isNear ? "near" : "exact";
      if (shuffled && hasHuge(expr)) return "open";
      return isNear || shuffled ? "near" : "exact";
    }
    case "call":
      // Which matcher of a label is the last depends on whether the storage was asked at all.
      if (expr.func.startsWith("absent") && matchesTwice(expr.args[0])) return "open";
      return !isNear ? "exact" : SMOOTH.test(expr.func) ? "near" : "open";
    case "binary":
      return !isNear ? "exact" : /^(?:\*|\/|and|or|unless)$/.test(expr.op) ? "near" : "open";
    default:
      return isNear ? "near" : "exact";
  }
}

/** Whether its series come in the order of a server's storage. */
function isOrdered(expr: Expr, isRange: boolean): boolean {
  switch (expr.kind) {
    case "vector":
    case "matrix":
      return true;
    case "subquery":
      return isOrdered(expr.expr, true);
    case "unary":
      return isOrdered(expr.expr, isRange);
    case "aggregation": {
      if (expr.op === "count_values") return false;
      const isChoice = expr.op === "topk" || expr.op === "bottomk" || expr.op === "limitk" || expr.op === "limit_ratio";
      return !(isChoice && isRange) && isOrdered(expr.expr, isRange);
    }
    case "call":
      if (expr.func.startsWith("histogram_") || expr.func === "info") return false;
      if (isRange && !expr.args.some(({ kind }) => kind === "matrix" || kind === "subquery")) return false;
      return expr.args.every((arg) => isOrdered(arg, isRange));
    case "binary":
      return !isRange && isOrdered(expr.left, isRange) && isOrdered(expr.right, isRange);
    default:
      return true;
  }
}

function matchesTwice(expr: Expr | undefined): boolean {
  const selector = expr?.kind === "matrix" ? expr.selector : expr;
  if (selector?.kind !== "vector") return false;
  return new Set(selector.matchers.map(({ label }) => label)).size < selector.matchers.length;
}

const hasHuge = (expr: Expr): boolean =>
  (expr.kind === "vector" && (expr.name === undefined || expr.name === "huge" || expr.name === "odd")) ||
  childrenOf(expr).some(hasHuge);

function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "call":
      return expr.args;
    case "aggregation":
      return expr.param === undefined ? [expr.expr] : [expr.expr, expr.param];
    case "binary":
      return [expr.left, expr.right];
    case "matrix":
      return [expr.selector];
    case "subquery":
    case "unary":
      return [expr.expr];
    default:
      return [];
  }
}
