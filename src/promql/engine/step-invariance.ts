import { unreachable } from "../../errors.ts";
import type { Expr } from "../ast.ts";
import type { FunctionName } from "../functions.ts";

/** Functions that may look at the time of evaluation, or at that of their argument's samples. */
const TIMED: ReadonlySet<FunctionName> = new Set<FunctionName>([
  "day_of_month",
  "day_of_week",
  "day_of_year",
  "days_in_month",
  "end",
  "hour",
  "info",
  "minute",
  "month",
  "predict_linear",
  "range",
  "start",
  "step",
  "time",
  "timestamp",
  "year",
]);

/**
 * The largest parts of an expression that have the same value at every step, because all their selectors look at a
 * fixed time (`@`). They are evaluated once, at the first step.
 *
 * @see Prometheus, `promql/engine.go`, `PreprocessExpr`
 */
export function invariantParts(expr: Expr): ReadonlySet<Expr> {
  const parts = new Set<Expr>();
  if (look(expr, parts).wraps) parts.add(expr);
  return parts;
}

interface Verdict {
  /** Whether the value is the same at every step. */
  readonly isFixed: boolean;
  /** Whether it is worth evaluating it only once. */
  readonly wraps: boolean;
}

const VARIES: Verdict = { isFixed: false, wraps: false };
const FIXED: Verdict = { isFixed: true, wraps: true };
const PLAIN: Verdict = { isFixed: true, wraps: false };

function look(expr: Expr, parts: Set<Expr>): Verdict {
  switch (expr.kind) {
    case "number":
    case "string":
      return PLAIN;
    case "vector":
      return expr.at === undefined ? VARIES : FIXED;
    case "matrix":
      return expr.selector.at === undefined ? VARIES : PLAIN;
    case "subquery":
      // Its inner steps are its own, so what is fixed within it is evaluated once for all of them.
      if (look(expr.expr, parts).isFixed) parts.add(expr.expr);
      return expr.at === undefined ? VARIES : PLAIN;
    case "unary":
      return look(expr.expr, parts);
    case "aggregation":
      // Prometheus does not look at the parameter: over a fixed vector that of the first step holds for all.
      return look(expr.expr, parts);
    case "binary":
      return together([expr.left, expr.right], parts, true);
    case "call": {
      const isSafe = !TIMED.has(expr.func);
      const isTimeOfSample = expr.func === "timestamp" && expr.args[0]?.kind === "vector";
      return together(expr.args, parts, isSafe || isTimeOfSample);
    }
    default:
      return unreachable(expr);
  }
}

/** A node is fixed where all it is made of is; otherwise each part that is stands alone. */
function together(children: readonly Expr[], parts: Set<Expr>, isSafe: boolean): Verdict {
  const verdicts = children.map((child) => look(child, parts));
  if (isSafe && verdicts.every(({ isFixed }) => isFixed)) return FIXED;
  for (const [i, { wraps }] of verdicts.entries()) {
    const child = children[i];
    if (wraps && child !== undefined) parts.add(child);
  }
  return VARIES;
}
