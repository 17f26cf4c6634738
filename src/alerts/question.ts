import { QueryError } from "../errors.ts";
import type { MetricsBackend } from "../metrics/backend.ts";
import { ready } from "../metrics/formula.ts";
import { Query } from "../metrics/query.ts";
import type { Question } from "../metrics/question.ts";
import { without } from "../promql/index.ts";
import { shown } from "../time.ts";
import { type AlertSpec, exprOf } from "./spec.ts";

/**
 * What to ask: the condition itself, or the rule's expression of the backend that was named.
 *
 * @param how the call that names a backend, for the error
 * @throws {QueryError} `code: "config"` where there is nobody to ask, `"export"` for a rule over logs or traces
 */
export function questionOf(spec: AlertSpec, metrics: MetricsBackend | undefined, how: string): Question {
  const { source } = spec;
  if (metrics === undefined && source.kind === "condition") return source.condition;
  const expr = exprOf(spec);
  if (metrics === undefined) {
    const verb = how.slice(0, how.indexOf("("));
    throw new QueryError("config", `${verb}: the condition of ${shown(spec.name)} belongs to no mesh; write ${how}`);
  }
  const context = { backend: metrics, now: Date.now, onPartial: "warn", checkLabel: () => undefined } as const;
  return new Query({ context, unit: "1", formula: ready(() => expr), grouping: undefined, shape: without() });
}
