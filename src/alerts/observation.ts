import { PartialError, QueryError } from "../errors.ts";
import type { LogBackend } from "../logs/backend.ts";
import type { MetricsBackend } from "../metrics/backend.ts";
import type { Question } from "../metrics/question.ts";
import { type Expr, typeOf } from "../promql/index.ts";
import type { LabelSet } from "../results/labels.ts";
import { Sample } from "../results/sample.ts";
import { type AskOptions, shown } from "../time.ts";
import type { ResolvedBecause } from "./notification.ts";
import { contextOf, questionIn, questionOf } from "./question.ts";
import { type AlertSpec, foundAlert, type RuleSource } from "./spec.ts";
import type { AlertInstance, FoundAlert } from "./state.ts";

/** Whom a watcher asks, for a rule whose condition belongs to no mesh. */
export interface WatchedBackends {
  /** For a rule over PromQL, such as one that was imported. */
  readonly metrics?: MetricsBackend | undefined;
  /** For a rule over lines of logs. */
  readonly logs?: LogBackend | undefined;
}

/** How a rule is evaluated in a process. */
export interface Observation {
  /** The series for which the condition holds at an instant. */
  find(atMs: number, options: AskOptions): Promise<readonly FoundAlert[]>;
  /** Why each of these alerts is found no more. */
  why(alerts: readonly AlertInstance[], atMs: number, options: AskOptions): Promise<readonly ResolvedBecause[]>;
}

/**
 * How a rule is evaluated, whatever it is over.
 *
 * @throws {QueryError} `code: "config"` where there is nobody to ask
 */
export function observationOf(spec: AlertSpec, { metrics, logs }: WatchedBackends): Observation {
  const { source } = spec;
  const untold = async (alerts: readonly AlertInstance[]) => alerts.map(() => "unknown" as const);
  switch (source.kind) {
    case "condition":
    case "promql": {
      const context = metrics && contextOf(metrics);
      const question = questionOf(spec, context, 'watch({ every, metrics: prometheus("http://prometheus:9090") })');
      const measured =
        source.kind === "condition" && context === undefined
          ? source.condition.measured
          : comparedBy(source)?.map((expr) => questionIn(question.context, expr));
      return {
        find: async (atMs, options) =>
          (await whole(question, atMs, options)).map(({ labels, value }) => foundAlert(spec, labels, value)),
        why:
          measured === undefined
            ? untold
            : async (alerts, atMs, options) => {
                const answers = await Promise.all(measured.map((one) => whole(one, atMs, options)));
                return alerts.map(({ labels }) =>
                  answers.every((series) => series.some((one) => isOf(spec, one.labels, labels)))
                    ? "recovered"
                    : "missing",
                );
              },
      };
    }
    case "logs":
      if (logs === undefined) throw nobody(spec, 'logs: loki("http://loki:3100")');
      return {
        find: async (atMs, options) =>
          (await source.condition.holding(logs, atMs, options)).map(({ labels, value }) =>
            foundAlert(spec, labels, value),
          ),
        // Where there are no lines any more, nobody knows whether there is nothing to write or nobody who writes.
        why: async (alerts, atMs, options) => {
          const lines = await source.condition.measured(logs, atMs, options);
          return alerts.map(({ labels }) =>
            lines.some((one) => isOf(spec, one.labels, labels)) ? "recovered" : "unknown",
          );
        },
      };
    case "traces":
      return {
        find: async (_, options) => {
          const { count, holds, traces } = await source.condition.evaluate(options);
          const { complete, warnings } = traces.meta;
          if (!holds && !complete) throw partial(warnings, source.condition.toString());
          return holds ? [foundAlert(spec, {}, count)] : [];
        },
        why: async (alerts, _, options) => {
          const { count } = await source.condition.evaluate(options);
          return alerts.map(() => (count > 0 ? "recovered" : "unknown"));
        },
      };
    case "logql":
      throw new QueryError(
        "config",
        `watch: ${shown(spec.name)} is LogQL of another hand, which Loki's ruler evaluates; write its condition with logLines`,
      );
  }
}

const comparedBy = (source: Extract<RuleSource, { kind: "condition" | "promql" }>): readonly Expr[] | undefined =>
  source.kind === "condition" ? source.condition.measured.map(({ expr }) => expr) : comparedIn(source.expr);

/**
 * What an expression compares: both sides of a comparison, those of `and`, `or` and what stands before `unless`;
 * `undefined` where it says otherwise when it holds.
 */
function comparedIn(expr: Expr): readonly Expr[] | undefined {
  if (expr.kind !== "binary") return undefined;
  switch (expr.op) {
    case "==":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
      return expr.bool ? undefined : [expr.left, expr.right].filter((side) => typeOf(side) === "vector");
    case "and":
    case "or": {
      const [left, right] = [comparedIn(expr.left), comparedIn(expr.right)];
      return left && right && [...left, ...right];
    }
    case "unless":
      return comparedIn(expr.left);
    default:
      return undefined;
  }
}

/** A whole answer: where part is missing, what is not there may be firing all the same. */
async function whole(
  question: Question,
  atMs: number,
  options: AskOptions,
): Promise<readonly { readonly labels: LabelSet; readonly value: number }[]> {
  const answer = await question.at(atMs, options);
  const { meta } = answer;
  if (!meta.complete) {
    const { backend, promql, warnings } = meta;
    throw partial(warnings, promql, backend);
  }
  if (!(answer instanceof Sample)) return [...answer];
  const { value, labels } = answer;
  return value === undefined ? [] : [{ labels, value }];
}

const partial = (warnings: readonly string[], query: string, backend?: string): PartialError =>
  new PartialError(`watch: part of the answer is missing: ${warnings.join("; ")}`, { backend, query, warnings });

/** Whether an alert may be of a series: no label speaks against it, apart from those that the rule sets itself. */
function isOf({ labels: own }: AlertSpec, series: LabelSet, alert: LabelSet): boolean {
  return Object.entries(series).every(
    ([name, value]) => name === "__name__" || Object.hasOwn(own, name) || (alert[name] ?? "") === value,
  );
}

const nobody = ({ name }: AlertSpec, write: string): QueryError =>
  new QueryError("config", `watch: nobody is there to ask for ${shown(name)}; write watch({ every, ${write} })`);
