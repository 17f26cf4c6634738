import { createHash } from "node:crypto";
import { QueryError } from "../../errors.ts";
import { pretty } from "../../promql/index.ts";
import { formatDuration, shown } from "../../time.ts";
import { type AlertSpec, exprOf, type GroupSpec, logqlOf, readsLogs } from "../spec.ts";
import { defined, type Tree, textsTree } from "./tree.ts";

/** A provisioning file of Grafana's own alerting. */
export interface GrafanaOptions {
  readonly as: "grafana";
  /** The folder that the rules are kept in. */
  readonly folder: string;
  /** The `uid` of the data source that is asked: a Prometheus, for rules over logs a Loki. */
  readonly datasource: string;
  /** The organisation's number, 1 when left out. */
  readonly orgId?: number | undefined;
}

/** Grafana evaluates a group as often as this where nothing is said. */
const DEFAULT_INTERVAL_MS = 60_000;

/**
 * The groups as Grafana's provisioning has them.
 *
 * Grafana compares by a node of its own, while a condition here is a query that gives only what holds. So the rule asks
 * (A), is 1 for each series that came, whatever its value (B), and fires where that is above 0 (C): the same three steps
 * that Grafana itself makes of a rule of Prometheus that it imports. No series is no alert.
 *
 * @see Grafana, `pkg/services/provisioning/alerting/rules_types.go`
 */
export function grafanaFile(groups: readonly GroupSpec[], options: GrafanaOptions): Tree {
  const { folder, datasource, orgId = 1 } = options;
  for (const [name, value] of Object.entries({ folder, datasource })) {
    if (typeof value === "string" && value !== "") continue;
    throw new QueryError(
      "export",
      `toYAML: ${name}: ${shown(value)} is no name; write { as: "grafana", folder: "mesh", datasource: "prometheus" }`,
    );
  }
  checkTitles(groups);
  return { apiVersion: 1, groups: groups.map((group) => groupTree(group, { folder, datasource, orgId })) };
}

/** Grafana keeps one rule of each title in a folder, and a second one fails the whole file. */
function checkTitles(groups: readonly GroupSpec[]): void {
  const titles = new Set<string>();
  for (const { name } of groups.flatMap(({ rules }) => rules)) {
    if (titles.has(name)) {
      throw new QueryError(
        "export",
        `toYAML: two rules are called ${shown(name)}, and Grafana takes each title once in a folder; give one of them another name`,
      );
    }
    titles.add(name);
  }
}

/**
 * A text as Grafana reads it from a provisioning file, where `$NAME` is a variable of its environment and `$$` a dollar.
 *
 * @see Grafana, `pkg/services/provisioning/values/values.go`
 */
const literal = (text: string): string => text.replaceAll("$", "$$$$");

/** In annotations, which are full of `$labels`, Grafana fills in `${NAME}` alone, and has no other way to write that. */
const annotation = (text: string): string => text.replaceAll("${", '{{ "$" }}{');

const mapped = (tree: Tree | undefined, map: (text: string) => string): Tree | undefined =>
  tree && Object.fromEntries(Object.entries(tree).map(([name, text]) => [name, map(String(text))]));

function groupTree(
  group: GroupSpec,
  { folder, datasource, orgId }: { folder: string; datasource: string; orgId: number },
): Tree {
  const { name, intervalMs = DEFAULT_INTERVAL_MS, queryOffsetMs = 0, labels } = group;
  for (const what of ["limit", "partialResponseStrategy"] as const) {
    if (group[what] === undefined) continue;
    throw new QueryError("export", `toYAML: Grafana knows no ${UNKNOWN[what]}, which group ${shown(name)} has`);
  }
  if (intervalMs % 10_000 !== 0) {
    throw new QueryError(
      "export",
      `toYAML: Grafana evaluates every 10s or a multiple of it, and group ${shown(name)} every ${formatDuration(intervalMs)}`,
    );
  }
  const rules = group.rules.map((rule) => {
    if (rule.kind === "alert") return ruleTree({ ...rule, labels: { ...labels, ...rule.labels } });
    throw new QueryError(
      "export",
      `toYAML: ${shown(rule.name)} records a metric, which needs a place to write to that a file for Grafana does not name; export it as "prometheus"`,
    );
  });
  return { orgId, name: literal(name), folder: literal(folder), interval: formatDuration(intervalMs), rules };

  function ruleTree(rule: AlertSpec): Tree {
    const { forMs, keepFiringForMs, annotations } = rule;
    checkActions(rule);
    const range = { from: Math.ceil((intervalMs + queryOffsetMs) / 1000), to: Math.floor(queryOffsetMs / 1000) };
    return {
      uid: uidOf(folder, name, rule.name),
      title: literal(rule.name),
      condition: "C",
      data: [
        { refId: "A", relativeTimeRange: range, datasourceUid: literal(datasource), model: questionOf(rule) },
        { refId: "B", relativeTimeRange: range, datasourceUid: "__expr__", model: THERE },
        { refId: "C", relativeTimeRange: range, datasourceUid: "__expr__", model: FIRES },
      ],
      noDataState: "OK",
      execErrState: "Error",
      for: formatDuration(forMs),
      ...defined({
        keepFiringFor: keepFiringForMs > 0 ? formatDuration(keepFiringForMs) : undefined,
        // Prometheus resolves an alert at the first evaluation without its series; Grafana waits for two of its own accord.
        missing_series_evals_to_resolve: 1,
        annotations: mapped(textsTree(annotations, "grafana"), annotation),
        labels: mapped(textsTree(rule.labels, "grafana"), literal),
      }),
      isPaused: false,
    };
  }
}

const UNKNOWN = { limit: "limit of alerts", partialResponseStrategy: "partial_response_strategy" } as const;

/** Grafana's templates have most of Prometheus's functions, but none that asks. */
function checkActions({ name, labels, annotations }: AlertSpec): void {
  for (const { parts } of [...Object.values(labels), ...Object.values(annotations)]) {
    const asking = parts.find((part) => part.kind === "action" && /\bquery\b/.test(part.text));
    if (asking?.kind !== "action") continue;
    throw new QueryError(
      "export",
      `toYAML: ${shown(name)} asks in a template, which Grafana's cannot: {{${asking.text}}}; leave it out`,
    );
  }
}

function questionOf(rule: AlertSpec): Tree {
  const instant = {
    refId: "A",
    editorMode: "code",
    instant: true,
    range: false,
    intervalMs: 1000,
    maxDataPoints: 43_200,
  };
  if (readsLogs(rule)) return { ...instant, queryType: "instant", expr: logqlOf(rule) };
  return { ...instant, expr: pretty(exprOf(rule), { width: 100 }) };
}

const THERE: Tree = Object.freeze({
  refId: "B",
  type: "math",
  expression: "is_number($A) || is_nan($A) || is_inf($A)",
});

const FIRES: Tree = Object.freeze({
  refId: "C",
  type: "threshold",
  expression: "B",
  conditions: [{ evaluator: { type: "gt", params: [0] } }],
});

/** The same for the same rule: letters and digits, as a provisioned rule keeps its history by it. */
const uidOf = (...names: readonly string[]): string =>
  createHash("sha256").update(names.join("\0")).digest("hex").slice(0, 20);
