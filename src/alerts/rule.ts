import { QueryError } from "../errors.ts";
import { Condition, type Threshold, type TrafficOptions } from "../metrics/condition.ts";
import { check, type Expr, typeOf } from "../promql/index.ts";
import { Result, type Table } from "../results/result.ts";
import type { View } from "../results/view.ts";
import { type Duration, formatDuration, shown } from "../time.ts";
import { type Backtest, type BacktestOptions, type BacktestRange, backtest } from "./backtest.ts";
import { LogCondition } from "./log-condition.ts";
import { type ExportOptions, printGroups } from "./rulefile/print.ts";
import { fileParts, type RuleJson, ruleJson, rulesTable } from "./rules-view.ts";
import {
  type AlertSpec,
  describeSource,
  exprOf,
  lengthMs,
  type RecordSpec,
  type RuleSource,
  type Texts,
} from "./spec.ts";
import { asTemplate, type Template } from "./template.ts";
import { TraceCondition } from "./trace-condition.ts";
import { type Watch, type WatchOptions, watch } from "./watch.ts";

/** Texts by name, each literal or a template over the labels `L` of the condition. */
export type TextsOf<L extends string> = Readonly<Record<string, Template<L> | string>>;

/**
 * An alerting rule: a condition, how long it must hold, and what the alert says. It never changes: each method returns
 * another one, and nothing is asked.
 */
export class AlertRule<U extends string = string, L extends string = string> extends Result {
  /** The rule as data, for tools. */
  readonly spec: AlertSpec;

  constructor(spec: AlertSpec) {
    super();
    this.spec = Object.freeze(spec);
    Object.freeze(this);
  }

  /** What the alert is called: its label `alertname`. */
  get name(): string {
    return this.spec.name;
  }

  /**
   * The PromQL that is evaluated.
   *
   * @throws {QueryError} `code: "export"` for a rule over logs or traces
   */
  get expr(): Expr {
    return exprOf(this.spec);
  }

  /** How long the condition must hold without a gap before the alert fires; `"0s"` fires at once. */
  for(duration: Duration): AlertRule<U, L> {
    return this.#with({ forMs: lengthMs(duration, "for") });
  }

  /** How long the alert goes on firing when the condition holds no more, against flapping. */
  keepFiringFor(duration: Duration): AlertRule<U, L> {
    return this.#with({ keepFiringForMs: lengthMs(duration, "keepFiringFor") });
  }

  /**
   * Labels that the alert has beside those of its series, added to those set before. An empty one takes a label away.
   *
   * @throws {QueryError} `code: "label"` for what is no name of a label, or a template over a label that the condition
   * does not keep
   */
  labels(labels: TextsOf<L>): AlertRule<U, L> {
    for (const name of Object.keys(labels)) {
      if (name === "alertname") throw new QueryError("label", "labels: alertname is the rule's own name");
    }
    return this.#with({ labels: this.#added(this.spec.labels, labels, "labels") });
  }

  /**
   * What the alert says to people, added to what was set before; `summary` and `description` are the usual ones.
   *
   * @throws {QueryError} as {@link AlertRule.labels}
   */
  annotations(annotations: TextsOf<L>): AlertRule<U, L> {
    return this.#with({ annotations: this.#added(this.spec.annotations, annotations, "annotations") });
  }

  /** The label `severity`: `"page"`, `"ticket"`, or what your routes know. */
  severity(severity: string): AlertRule<U, L> {
    return this.labels({ severity });
  }

  /**
   * The same, but only while there are at least so many requests per second.
   *
   * @throws {QueryError} `code: "unit"` when that is no number above 0, or nothing says whose requests count
   */
  minTraffic(rate: number, options: TrafficOptions = {}): AlertRule<U, L> {
    const { source } = this.spec;
    if (source.kind !== "condition") {
      throw new QueryError(
        "unit",
        `minTraffic: ${shown(this.name)} has no condition on a query; add it to its expression`,
      );
    }
    return this.#with({ source: { kind: "condition", condition: source.condition.minTraffic(rate, options) } });
  }

  /**
   * The same rule with another number in its condition.
   *
   * @throws {QueryError} `code: "unit"` where the condition does not compare a value with one number
   */
  withThreshold(threshold: Threshold<U>): AlertRule<U, L> {
    const { source } = this.spec;
    if (source.kind !== "condition") {
      throw new QueryError("unit", `withThreshold: ${shown(this.name)} has no condition on a query`);
    }
    const condition: Condition<string, string> = source.condition.withThreshold(threshold as number);
    return this.#with({ source: { kind: "condition", condition } });
  }

  /**
   * The rule as a file: Prometheus's when nothing else is asked for, in a group of the rule's own name.
   *
   * @throws {QueryError} `code: "export"` for a rule that the kind of file cannot hold
   */
  toYAML(options: ExportOptions = {}): string {
    return printGroups([{ ...ALONE, name: this.name, rules: [this.spec] }], options);
  }

  /**
   * When the alert would have been pending and firing in the past: one range query, split as the backend needs it, and
   * Prometheus's own state machine.
   *
   * @throws {QueryError} `code: "export"` for a rule over logs or traces, `"config"` where there is nobody to ask
   * @example
   * const rule = alert("BackendSlow", mesh.service("backend").latency(0.99, "5m").above("500ms")).for("10m");
   * const tried = await rule.backtest({ last: "1d" });
   * tried.pages // 1
   */
  backtest(range: BacktestRange, options: BacktestOptions = {}): Promise<Backtest<U>> {
    return backtest<U>(this.spec, range, options);
  }

  /**
   * Evaluates the rule in this process until it is stopped: Prometheus's own state machine, at whole multiples of
   * `every`, whose notifications wait until each sink has acknowledged them.
   *
   * A notification is told at least once, with an id that stays the same, and not again once its acknowledgement is
   * stored. A query that fails leaves every alert as it was.
   *
   * @throws {QueryError} `code: "window"` for a bad interval, `"config"` where there is nobody to ask
   * @example
   * const rule = alert("BackendFailing", mesh.service("backend").success("5m").below("99%")).for("10m");
   * const watched = rule.watch({ every: "30s", onFiring: (one) => console.log(one.labels), store: fileStore("state") });
   * process.once("SIGTERM", () => watched.stop());
   */
  watch(options: WatchOptions): Watch {
    return watch(this.spec, options);
  }

  /** Its name, what it evaluates, and how long that must hold. */
  override toString(): string {
    const { source, forMs } = this.spec;
    return `${this.name}: ${describeSource(source)}${forMs === 0 ? "" : ` for ${formatDuration(forMs)}`}`;
  }

  /** One row: what it evaluates, and how long that must hold. */
  toTable(): Table {
    return rulesTable([this.spec]);
  }

  toView(): View {
    return { title: this.name, parts: fileParts(() => this.toYAML()), notes: [] };
  }

  toJSON(): RuleJson {
    return ruleJson(this.spec);
  }

  #with(change: Partial<AlertSpec>): AlertRule<U, L> {
    return new AlertRule({ ...this.spec, ...change });
  }

  #added(before: Texts, more: TextsOf<L>, verb: string): Texts {
    return inOrder({ ...before, ...texts(more, verb, this.#kept()) });
  }

  /** The labels that a template may name; `undefined` where any may be there. */
  #kept(): readonly string[] | undefined {
    const { source } = this.spec;
    if (source.kind !== "condition" || source.condition.shape.kind !== "by") return undefined;
    return source.condition.shape.labels;
  }
}

const ALONE = { intervalMs: undefined, queryOffsetMs: undefined, limit: undefined, labels: {} };

/** A recording rule: a query whose answers the server keeps as a metric. */
export class RecordingRule extends Result {
  /** The rule as data, for tools. */
  readonly spec: RecordSpec;

  constructor(spec: RecordSpec) {
    super();
    this.spec = Object.freeze(spec);
    Object.freeze(this);
  }

  /** What its metric is called. */
  get name(): string {
    return this.spec.name;
  }

  /** The PromQL that is evaluated. */
  get expr(): Expr {
    return exprOf(this.spec);
  }

  /** Labels that the recorded series have, added to those set before. */
  labels(labels: Readonly<Record<string, string>>): RecordingRule {
    return new RecordingRule({
      ...this.spec,
      labels: inOrder({ ...this.spec.labels, ...texts(labels, "labels", undefined) }),
    });
  }

  /** One row: what it evaluates. */
  toTable(): Table {
    return rulesTable([this.spec]);
  }

  toView(): View {
    const yaml = () => printGroups([{ ...ALONE, name: this.name, rules: [this.spec] }], {});
    return { title: this.name, parts: fileParts(yaml), notes: [] };
  }

  toJSON(): RuleJson {
    return ruleJson(this.spec);
  }
}

/**
 * An alert by its name and the condition under which it fires: on a query's values, on lines of logs, on traces, or a
 * PromQL expression that was parsed.
 *
 * @throws {QueryError} `code: "name"` when the name is empty, `"promql"` for what is no condition
 * @example
 * alert("BackendFailing", mesh.edge("frontend", "backend").success("5m").below(0.99)).for("10m").severity("page")
 */
export function alert<U extends string, L extends string>(name: string, condition: Condition<U, L>): AlertRule<U, L>;
export function alert(name: string, condition: Expr | LogCondition | TraceCondition): AlertRule;
export function alert(name: string, condition: unknown): unknown {
  return new AlertRule({
    kind: "alert",
    name: checkedName(name, "alert"),
    source: sourceOf(condition, "alert"),
    forMs: 0,
    keepFiringForMs: 0,
    labels: {},
    annotations: {},
  });
}

/**
 * A query whose answers the server keeps under a metric's name, for rules and dashboards that would ask it too often.
 *
 * @throws {QueryError} `code: "name"` for what is no metric's name
 * @example
 * record("backend:success:ratio5m", mesh.service("backend").success("5m").expr)
 */
export function record(name: string, expr: Expr): RecordingRule {
  const checked = checkedName(name, "record");
  if (!METRIC.test(checked))
    throw new QueryError("name", `record: ${shown(name)} is no metric's name; write "backend:success:ratio5m"`);
  return new RecordingRule({ kind: "record", name: checked, source: sourceOf(expr, "record"), labels: {} });
}

const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

function checkedName(name: unknown, what: string): string {
  if (typeof name === "string" && name !== "" && name.isWellFormed()) return name;
  throw new QueryError("name", `${what}: ${shown(name)} is no name; write ${what}("BackendFailing", …)`);
}

function sourceOf(given: unknown, what: string): RuleSource {
  if (given instanceof Condition) return { kind: "condition", condition: given };
  if (given instanceof LogCondition) return { kind: "logs", condition: given };
  if (given instanceof TraceCondition) return { kind: "traces", condition: given };
  if (typeof given !== "object" || given === null || !("kind" in given)) {
    throw new QueryError(
      "promql",
      `${what}: ${shown(given)} is no condition; write edge.success("5m").below(0.99), or parse("…") of meshquery/promql`,
    );
  }
  const expr = check(given as Expr);
  const type = typeOf(expr);
  if (type === "scalar" || type === "vector") return { kind: "promql", expr };
  throw new QueryError("promql", `${what}: a ${type} has no value at an instant`);
}

/** Texts as templates in the order of their names; over no labels but those in `known`. */
export function texts(
  given: Readonly<Record<string, Template | string>>,
  verb: string,
  known: readonly string[] | undefined,
): Texts {
  const entries = Object.entries(given).map(([name, text]) => {
    if (!LABEL.test(name)) {
      throw new QueryError(
        "label",
        `${verb}: ${shown(name)} is no name that a rule file takes; use letters, digits and _`,
      );
    }
    const template = asTemplate(text, `${verb}: ${name}`);
    if (template.parts.some((part) => part.kind === "text" && !part.text.isWellFormed())) {
      throw new QueryError("string", `${verb}: ${name} holds half a character, which no file does; leave it out`);
    }
    const stranger = known && template.names.find((label) => !known.includes(label));
    if (stranger !== undefined) {
      const kept = known?.length === 0 ? "it has none" : `it has ${known?.join(", ")}`;
      throw new QueryError(
        "label",
        `${verb}: ${name} names the label ${shown(stranger)}, which the condition does not keep: ${kept}; group the query by(${shown(stranger)})`,
      );
    }
    return [name, template] as const;
  });
  return inOrder(Object.fromEntries(entries));
}

const inOrder = (all: Texts): Texts =>
  Object.freeze(Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1))));

const LABEL = /^(?!__name__$)[a-zA-Z_][a-zA-Z0-9_]*$/;
