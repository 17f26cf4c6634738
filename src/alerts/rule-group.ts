import { QueryError } from "../errors.ts";
import { Result, type Table } from "../results/result.ts";
import type { View } from "../results/view.ts";
import { type Duration, durationMs, shown } from "../time.ts";
import type { BacktestRange } from "./backtest.ts";
import { backtestGroups, type GroupBacktest, type GroupBacktestOptions } from "./group-backtest.ts";
import { AlertRule, RecordingRule, texts } from "./rule.ts";
import { type ExportOptions, printGroups } from "./rulefile/print.ts";
import { fileParts, type RuleJson, ruleJson, rulesPart, rulesTable } from "./rules-view.ts";
import type { AlertSpec, GroupSpec, RecordSpec } from "./spec.ts";

/** How the rules of a group are evaluated. */
export interface GroupOptions {
  /** How often; as often as the server does of its own accord when left out. */
  readonly interval?: Duration | undefined;
  /** How far behind the present the rules look, for metrics that arrive late (Prometheus 2.53 and later). */
  readonly queryOffset?: Duration | undefined;
  /** The most alerts that one of its rules may have; more of them are an error, and none. */
  readonly limit?: number | undefined;
  /** Labels that all its rules have (Prometheus 3). */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Rules that are evaluated together, one after the other. */
export class RuleGroup extends Result {
  readonly spec: GroupSpec;
  readonly rules: readonly (AlertRule | RecordingRule)[];

  constructor(spec: Omit<GroupSpec, "rules">, rules: readonly (AlertRule | RecordingRule)[]) {
    super();
    this.rules = Object.freeze([...rules]);
    this.spec = Object.freeze({ ...spec, rules: Object.freeze(rules.map((rule) => rule.spec)) });
    Object.freeze(this);
  }

  /** What the group is called. */
  get name(): string {
    return this.spec.name;
  }

  /** Those of its rules that alert. */
  get alerts(): readonly AlertRule[] {
    return this.rules.filter((rule) => rule instanceof AlertRule);
  }

  /**
   * When its alerts would have been pending and firing in the past, evaluated as often as the group is and in its order.
   * What its rules record is made of what they read, so that nothing needs to have been recorded then.
   *
   * @throws {QueryError} `code: "config"` where there is nobody to ask, or no rule alerts; `"export"` for a rule over logs
   * or traces
   * @example
   * const failing = alert("BackendFailing", mesh.service("backend").success("5m").below("98.5%")).for("10m");
   * const tried = await ruleGroup("backend", [failing]).backtest({ last: "6h" });
   * tried.named("BackendFailing")[0]?.pages // 0
   */
  backtest(range: BacktestRange, options: GroupBacktestOptions = {}): Promise<GroupBacktest> {
    return backtestGroups(this.name, [this.spec], range, options);
  }

  /**
   * The group as a file: Prometheus's when nothing else is asked for.
   *
   * @throws {QueryError} `code: "export"` for what that kind of file cannot hold
   */
  toYAML(options: ExportOptions = {}): string {
    return printGroups([this.spec], options);
  }

  /** A row for each rule. */
  toTable(): Table {
    return rulesTable(this.spec.rules);
  }

  toView(): View {
    const yaml = fileParts(() => this.toYAML());
    return { title: this.name, parts: [rulesPart(this.spec.rules), ...yaml], notes: [] };
  }

  toJSON(): { readonly name: string; readonly rules: readonly RuleJson[] } {
    return { name: this.name, rules: this.spec.rules.map(ruleJson) };
  }
}

/** A rule of any kind, unit and labels. */
export interface Rule {
  readonly name: string;
  readonly spec: AlertSpec | RecordSpec;
}

/**
 * A group of rules by its name.
 *
 * @throws {QueryError} `code: "name"` when the name is empty, `"config"` for what is no rule or no option
 * @example
 * const failing = alert("BackendFailing", mesh.service("backend").success("5m").below("99%")).for("10m");
 * ruleGroup("backend", [failing], { interval: "30s" }).toYAML()
 */
export function ruleGroup(name: string, rules: readonly Rule[], options: GroupOptions = {}): RuleGroup {
  if (typeof name !== "string" || name === "") throw new QueryError("name", `ruleGroup: ${shown(name)} is no name`);
  const { interval, queryOffset, limit, labels = {} } = options;
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw new QueryError("config", `ruleGroup: limit: ${shown(limit)} is no whole number above 0`);
  }
  const checked = rules.map((rule) => {
    if (rule instanceof AlertRule || rule instanceof RecordingRule) return rule;
    throw new QueryError(
      "config",
      `ruleGroup: ${shown(rule)} is no rule; write alert("…", condition) or record("…", expr)`,
    );
  });
  const spec = {
    name,
    intervalMs: interval === undefined ? undefined : durationMs(interval, "ruleGroup: interval"),
    queryOffsetMs: queryOffset === undefined ? undefined : durationMs(queryOffset, "ruleGroup: queryOffset"),
    limit,
    labels: texts(labels, "ruleGroup: labels", undefined),
  };
  return new RuleGroup(spec, checked);
}

/** Several groups in one file. */
export class RuleFile extends Result {
  readonly groups: readonly RuleGroup[];

  constructor(groups: readonly RuleGroup[]) {
    super();
    this.groups = Object.freeze([...groups]);
    Object.freeze(this);
  }

  /** The rules of all groups that alert. */
  get alerts(): readonly AlertRule[] {
    return this.groups.flatMap(({ alerts }) => alerts);
  }

  /** The alert of that name, the first where several have it. */
  alert(name: string): AlertRule | undefined {
    return this.alerts.find((rule) => rule.name === name);
  }

  /**
   * The back-tests of all groups, whose rules read each other's recordings; as often as the most frequent group is
   * evaluated. Otherwise as {@link RuleGroup.backtest}.
   *
   * @example
   * import { readFileSync } from "node:fs";
   *
   * const rules = fromYAML(readFileSync("rules.yml", "utf8"));
   * await rules.backtest({ last: "6h" }, { metrics: prometheus("http://prometheus:9090") });
   */
  backtest(range: BacktestRange, options: GroupBacktestOptions = {}): Promise<GroupBacktest> {
    const name = this.groups.map((group) => group.name).join(", ");
    return backtestGroups(
      name,
      this.groups.map(({ spec }) => spec),
      range,
      options,
    );
  }

  /**
   * All groups as one file: Prometheus's when nothing else is asked for.
   *
   * @throws {QueryError} `code: "export"` for what that kind of file cannot hold
   */
  toYAML(options: ExportOptions = {}): string {
    return printGroups(
      this.groups.map(({ spec }) => spec),
      options,
    );
  }

  /** A row for each rule of each group. */
  toTable(): Table {
    return rulesTable(this.groups.flatMap(({ spec }) => spec.rules));
  }

  toView(): View {
    const yaml = fileParts(() => this.toYAML());
    return { parts: [rulesPart(this.groups.flatMap(({ spec }) => spec.rules)), ...yaml], notes: [] };
  }

  toJSON(): { readonly groups: readonly { readonly name: string; readonly rules: readonly RuleJson[] }[] } {
    return { groups: this.groups.map((group) => group.toJSON()) };
  }
}

/** Groups as one file. */
export const ruleFile = (...groups: readonly RuleGroup[]): RuleFile => new RuleFile(groups);
