import { QueryError } from "../errors.ts";
import type { Condition } from "../metrics/condition.ts";
import { type Expr, print } from "../promql/index.ts";
import type { LabelSet } from "../results/labels.ts";
import { type Duration, parseDuration, shown } from "../time.ts";
import type { LogCondition } from "./log-condition.ts";
import { alertKey, type FoundAlert } from "./state.ts";
import { fill, isFillable, printTemplate, type Template } from "./template.ts";
import type { TraceCondition } from "./trace-condition.ts";

/** Templates by the name of their label or annotation, in the order of the names. */
export type Texts = Readonly<Record<string, Template>>;

/** What a rule evaluates. */
export type RuleSource =
  | { readonly kind: "condition"; readonly condition: Condition }
  | { readonly kind: "promql"; readonly expr: Expr }
  | { readonly kind: "logs"; readonly condition: LogCondition }
  | { readonly kind: "logql"; readonly text: string }
  | { readonly kind: "traces"; readonly condition: TraceCondition };

/** An alerting rule as data. */
export interface AlertSpec {
  readonly kind: "alert";
  readonly name: string;
  readonly source: RuleSource;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly labels: Texts;
  readonly annotations: Texts;
}

/** A recording rule as data. */
export interface RecordSpec {
  readonly kind: "record";
  /** The name of the metric that it writes. */
  readonly name: string;
  readonly source: RuleSource;
  readonly labels: Texts;
}

/** Rules that are evaluated one after the other, as often. */
export interface GroupSpec {
  readonly name: string;
  readonly intervalMs: number | undefined;
  /** How far behind the present the rules look. */
  readonly queryOffsetMs: number | undefined;
  /** The most alerts, or series, that one of its rules may have. */
  readonly limit: number | undefined;
  /** What a Thanos ruler makes of an answer of which part is missing: `abort` or `warn`. No other server knows it. */
  readonly partialResponseStrategy?: string | undefined;
  /** Labels that all its rules have; Prometheus 3 knows them. */
  readonly labels: Texts;
  readonly rules: readonly (AlertSpec | RecordSpec)[];
}

/**
 * The PromQL that a rule evaluates.
 *
 * @throws {QueryError} `code: "export"` for a rule over logs or traces
 */
export function exprOf({ name, source }: AlertSpec | RecordSpec): Expr {
  switch (source.kind) {
    case "condition":
      return source.condition.expr;
    case "promql":
      return source.expr;
    case "traces":
      throw inProcessOnly(name);
    default:
      throw new QueryError(
        "export",
        `${shown(name)} is a rule over logs, which no PromQL expresses; write toYAML({ as: "loki" })`,
      );
  }
}

/**
 * The LogQL that a rule evaluates.
 *
 * @throws {QueryError} `code: "export"` for a rule over metrics or traces
 */
export function logqlOf({ name, source }: AlertSpec | RecordSpec): string {
  switch (source.kind) {
    case "logs":
      return source.condition.logql;
    case "logql":
      return source.text;
    case "traces":
      throw inProcessOnly(name);
    default:
      throw new QueryError(
        "export",
        `${shown(name)} is a rule over metrics, which Loki does not hold; write toYAML({ as: "prometheus" })`,
      );
  }
}

/** Whether a rule reads logs. */
export const readsLogs = ({ source }: AlertSpec | RecordSpec): boolean =>
  source.kind === "logs" || source.kind === "logql";

const inProcessOnly = (name: string): QueryError =>
  new QueryError(
    "export",
    `${shown(name)} is a rule over traces: no server evaluates those, so it runs in a process of yours only, by watch`,
  );

/** What the rule evaluates, as a person reads it. */
export function describeSource(source: RuleSource): string {
  switch (source.kind) {
    case "condition":
      return source.condition.promql;
    case "promql":
      return print(source.expr);
    case "logs":
      return source.condition.logql;
    case "logql":
      return source.text;
    case "traces":
      return source.condition.toString();
  }
}

/** What the values of alerts are measured in; `"1"` where they are of several units, or nobody knows. */
export function unitOf(source: RuleSource): string {
  const condition = source.kind === "condition" ? source.condition : undefined;
  return condition?.comparison === undefined ? "1" : condition.unit;
}

/**
 * The labels of the alert that a series makes: its own without the metric's name, then the rule's, then `alertname`. A
 * rule's label that comes out empty takes the series' away.
 */
export function alertLabels(spec: AlertSpec, series: LabelSet, value: number): LabelSet {
  const labels = new Map(Object.entries(series));
  labels.delete("__name__");
  for (const [name, template] of Object.entries(spec.labels))
    labels.set(name, fill(template, { labels: series, value }));
  labels.set("alertname", spec.name);
  return Object.freeze(Object.fromEntries([...labels].filter(([, text]) => text !== "").sort(byName)));
}

/** The annotations of the alert that a series makes. */
export function alertAnnotations(spec: AlertSpec, series: LabelSet, value: number): LabelSet {
  const filled = Object.entries(spec.annotations).map(([name, template]) => [
    name,
    fill(template, { labels: series, value }),
  ]);
  return Object.freeze(Object.fromEntries(filled));
}

/** What the state machine is told of a series that the rule's expression gave. */
export function foundAlert(spec: AlertSpec, series: LabelSet, value: number): FoundAlert {
  const labels = alertLabels(spec, series, value);
  return { key: alertKey(labels), labels, annotations: alertAnnotations(spec, series, value), value };
}

/** The same rule with the labels of its group, which its own go before. */
export const inGroup = (spec: AlertSpec, { labels }: Pick<GroupSpec, "labels">): AlertSpec =>
  Object.keys(labels).length === 0 ? spec : { ...spec, labels: { ...labels, ...spec.labels } };

/** Templates as a rule file has them. */
export const printedTexts = (texts: Texts): LabelSet =>
  Object.fromEntries(Object.entries(texts).map(([name, template]) => [name, printTemplate(template)]));

/** Texts that nothing is filled into, as a recording rule's labels are. */
export const literalTexts = (texts: Texts): LabelSet =>
  Object.fromEntries(
    Object.entries(texts).map(([name, { parts }]) => [name, parts[0]?.kind === "text" ? parts[0].text : ""]),
  );

/** The labels that only a server can fill in, since their templates do more than name labels and the value. */
export const unfilledLabels = ({ labels }: AlertSpec): readonly string[] =>
  Object.keys(labels).filter((name) => labels[name] !== undefined && !isFillable(labels[name]));

/** Whether a template of the rule's labels shows the value, so that each value may be an alert of its own. */
export const labelsShowValue = ({ labels }: AlertSpec): boolean =>
  Object.values(labels).some(({ parts }) => parts.some(({ kind }) => kind === "value"));

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : 1);

/** Milliseconds of a duration that may be 0, as `for` takes it. */
export function lengthMs(text: Duration, verb: string): number {
  const ms = text === "0" ? 0 : typeof text === "string" ? parseDuration(text) : undefined;
  if (ms !== undefined) return ms;
  throw new QueryError("window", `${verb}: ${shown(text)} is not a PromQL duration; write "10m" or "0s"`);
}
