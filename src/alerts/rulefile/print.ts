import { QueryError } from "../../errors.ts";
import { pretty } from "../../promql/index.ts";
import { formatDuration, shown } from "../../time.ts";
import { type AlertSpec, exprOf, type GroupSpec, logqlOf, type RecordSpec } from "../spec.ts";
import { type GrafanaOptions, grafanaFile } from "./grafana.ts";
import { defined, literalTree, sorted, type Tree, textsTree } from "./tree.ts";
import { printYaml } from "./yaml.ts";

/** Which file to write, and what only that one needs. */
export type ExportOptions = FileOptions | GrafanaOptions | OperatorOptions;

/** A rule file of Prometheus, the default, or of Loki's ruler. */
export interface FileOptions {
  readonly as?: "loki" | "prometheus" | undefined;
}

/** A `PrometheusRule` of the Prometheus Operator (`monitoring.coreos.com/v1`). */
export interface OperatorOptions {
  readonly as: "operator";
  /** `metadata.name`. */
  readonly name: string;
  /** `metadata.namespace`. */
  readonly namespace?: string | undefined;
  /** `metadata.labels`, such as those that a Prometheus selects its rules by. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/**
 * The groups as a file: always the same text for the same rules, names in their order, long expressions over lines.
 *
 * @throws {QueryError} `code: "export"` for what that kind of file cannot hold
 */
export function printGroups(groups: readonly GroupSpec[], options: ExportOptions): string {
  checkNames(groups);
  return printYaml(treeOf(groups, options));
}

function treeOf(groups: readonly GroupSpec[], options: ExportOptions): Tree {
  switch (options.as) {
    case undefined:
    case "prometheus":
      return { groups: groups.map((group) => groupTree(group, prometheusExpr)) };
    case "loki":
      return { groups: groups.map((group) => groupTree(lokiGroup(group), lokiExpr)) };
    case "operator":
      return operatorTree(groups, options);
    case "grafana":
      return grafanaFile(groups, options);
    default:
      throw new QueryError(
        "export",
        `toYAML: ${shown((options as { as: unknown }).as)} is no kind of file; there are "prometheus", "operator", "loki" and "grafana"`,
      );
  }
}

function checkNames(groups: readonly GroupSpec[]): void {
  const names = new Set<string>();
  for (const { name } of groups) {
    if (names.has(name))
      throw new QueryError("export", `toYAML: two groups are called ${shown(name)}; a file has each name once`);
    names.add(name);
  }
}

function operatorTree(groups: readonly GroupSpec[], { name, namespace, labels }: OperatorOptions): Tree {
  if (typeof name !== "string" || !OBJECT_NAME.test(name)) {
    throw new QueryError(
      "export",
      `toYAML: name: ${shown(name)} is no name of a Kubernetes object; write "backend-alerts"`,
    );
  }
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name, ...defined({ namespace, labels: labels && sorted(labels) }) },
    spec: { groups: groups.map((group) => groupTree(group, prometheusExpr)) },
  };
}

/** @see Kubernetes, "Object Names and IDs", DNS subdomain names */
const OBJECT_NAME = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

type Printed = (rule: AlertSpec | RecordSpec) => string;

const prometheusExpr: Printed = (rule) => pretty(exprOf(rule), { width: 100 });
const lokiExpr: Printed = (rule) => logqlOf(rule);

function lokiGroup(group: GroupSpec): GroupSpec {
  for (const [what, value] of [
    ["query offset", group.queryOffsetMs],
    ["partial_response_strategy", group.partialResponseStrategy],
  ] as const) {
    if (value === undefined) continue;
    throw new QueryError("export", `toYAML: Loki's ruler knows no ${what}, which group ${shown(group.name)} has`);
  }
  return group;
}

function groupTree(group: GroupSpec, expr: Printed): Tree {
  const { name, intervalMs, queryOffsetMs, limit, partialResponseStrategy, labels, rules } = group;
  return {
    name,
    ...defined({
      interval: intervalMs && formatDuration(intervalMs),
      query_offset: queryOffsetMs && formatDuration(queryOffsetMs),
      limit: limit || undefined,
      partial_response_strategy: partialResponseStrategy,
      labels: textsTree(labels),
    }),
    rules: rules.map((rule) => ruleTree(rule, expr)),
  };
}

function ruleTree(rule: AlertSpec | RecordSpec, expr: Printed): Tree {
  if (rule.kind === "record")
    return { record: rule.name, expr: expr(rule), ...defined({ labels: literalTree(rule.labels) }) };
  const { name, forMs, keepFiringForMs, labels, annotations } = rule;
  return {
    alert: name,
    expr: expr(rule),
    ...defined({
      for: forMs > 0 ? formatDuration(forMs) : undefined,
      keep_firing_for: keepFiringForMs > 0 ? formatDuration(keepFiringForMs) : undefined,
      labels: textsTree(labels),
      annotations: textsTree(annotations),
    }),
  };
}
