import { QueryError } from "../errors.ts";
import type { MetricsBackend } from "../metrics/backend.ts";
import { ready } from "../metrics/formula.ts";
import { Query } from "../metrics/query.ts";
import type { Context, Question } from "../metrics/question.ts";
import { type Expr, without } from "../promql/index.ts";
import { shown } from "../time.ts";
import { type AlertSpec, exprOf } from "./spec.ts";

/** Whom to ask where a backend was named. */
export const contextOf = (backend: MetricsBackend): Context => ({
  backend,
  now: Date.now,
  onPartial: "warn",
  checkLabel: () => undefined,
});

/**
 * What to ask: the condition itself, or the rule's expression of those that were named.
 *
 * @param how the call that names a backend, for the error
 * @throws {QueryError} `code: "config"` where there is nobody to ask, `"export"` for a rule over logs or traces
 */
export function questionOf(spec: AlertSpec, context: Context | undefined, how: string): Question {
  const { source } = spec;
  if (context === undefined && source.kind === "condition") return source.condition;
  const expr = exprOf(spec);
  if (context === undefined) {
    const verb = how.slice(0, how.indexOf("("));
    throw new QueryError("config", `${verb}: the condition of ${shown(spec.name)} belongs to no mesh; write ${how}`);
  }
  return questionIn(context, expr);
}

/** A question by an expression, of no unit that is known. */
export const questionIn = (context: Context, expr: Expr): Question =>
  new Query({ context, unit: "1", formula: ready(() => expr), grouping: undefined, shape: without() });
