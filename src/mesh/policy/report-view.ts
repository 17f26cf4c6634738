import { stringify } from "yaml";
import { number, text } from "../../results/column.ts";
import { Table } from "../../results/result.ts";
import { plain, printValue } from "../../results/text.ts";
import { printColumns } from "../../results/text-view.ts";
import { type Item, type Line, type Part, tablePart } from "../../results/view.ts";
import { formatInstant } from "../../time.ts";
import type { PolicyFlow } from "./flow.ts";
import { resourceText } from "./resource.ts";
import type { RouteCheck } from "./routes.ts";
import type { BroadRule, RuleUse } from "./rule-use.ts";
import type { Reason, RuleName } from "./verdict.ts";

/** Rows of one kind of flow in a terminal, and on a page. */
const MOST_LINES = 20;
const MOST_ROWS = 200;

/** A row for each flow. */
export const flowsTable = (flows: readonly PolicyFlow[]): Table =>
  Table.of(
    [
      text("change", "programs"),
      text("from"),
      text("identity"),
      text("to"),
      text("asked"),
      number("requests", "1", "programs"),
      number("per second", "1", "programs"),
      text("rate", "people"),
      text("because"),
    ],
    flows.map((flow) => [
      flow.change,
      endText(flow.source),
      flow.source.principal === null ? "plaintext" : (flow.source.principal ?? "?").replace(/^spiffe:\/\//, ""),
      endText(flow.destination),
      askedText(flow),
      flow.requests,
      flow.rate,
      printValue(flow.rate, flow.protocol === "tcp" ? "conn/s" : "req/s"),
      reasonText(flow),
    ]),
    (row) => (flows[row]?.change === "newly-denied" ? "bad" : undefined),
  );

/** Flows of one kind as text, the most frequent of them. */
export function sectionLines(title: string, flows: readonly PolicyFlow[]): readonly string[] {
  if (flows.length === 0) return [];
  const more = flows.length > MOST_LINES ? [`  and ${flows.length - MOST_LINES} more flows`] : [];
  const table = printColumns(flowsTable(flows.slice(0, MOST_LINES))).split("\n");
  const [example] = flows.flatMap((flow) => flow.example ?? []);
  const shown = example === undefined ? [] : [`  such as: ${plain(example.line)}`];
  return [...summaryLines(title, flows), ...table.map((row) => `  ${row}`), ...more, ...shown];
}

/** Flows of one kind on a page. */
export function sectionParts(title: string, flows: readonly PolicyFlow[]): readonly Part[] {
  const [heading] = summaryLines(title, flows);
  if (heading === undefined) return [];
  const more = flows.length - MOST_ROWS;
  const [example] = flows.flatMap((flow) => flow.example ?? []);
  return [
    { kind: "heading", text: heading },
    tablePart(flowsTable(flows.slice(0, MOST_ROWS))),
    ...(more > 0 ? [{ kind: "lines", lines: [{ text: `and ${more} more flows` }] } as const] : []),
    ...(example === undefined ? [] : [{ kind: "code", text: `such as: ${example.line}` } as const]),
  ];
}

/** How many requests and flows there are of one kind. */
export function summaryLines(title: string, flows: readonly PolicyFlow[]): readonly string[] {
  if (flows.length === 0) return [];
  const requests = Math.round(flows.reduce((sum, flow) => sum + flow.requests, 0));
  return [
    `${title}: ${requests} ${requests === 1 ? "request" : "requests"} in ${flows.length} ${flows.length === 1 ? "flow" : "flows"}`,
  ];
}

/** Rules that nothing used or that allow more than was used, with the narrower ones below. */
export function ruleItems(unused: readonly RuleUse[], broad: readonly BroadRule[]): readonly Item[] {
  return [
    ...unused.map(({ rule, action }) => ({ text: `unused: ${action} ${ruleText(rule)}` })),
    ...broad.map(({ rule, unneeded, smallest }) => ({
      text: `broader than its traffic: ${ruleText(rule)} allows ${unneeded.join("; ")}`,
      details: stringify(smallest).trimEnd().split("\n"),
    })),
  ];
}

/** Routes and hosts that nothing used, and requests for which nothing is declared. */
export function routeLines({ routes, unusedHosts, undeclared }: RouteCheck): readonly string[] {
  const unused = routes.filter(({ requests, untold }) => requests === 0 && untold === 0);
  return [
    ...unused.map(({ virtualService, route, shadowedBy }) => {
      const because = shadowedBy === undefined ? "" : `: route ${shadowedBy} takes all that it could`;
      return `unused: route ${route} of ${resourceText(virtualService)}${because}`;
    }),
    ...unusedHosts.map(({ resource, host }) => `unused: host ${host} of ${resourceText(resource)}`),
    ...undeclared.map(({ host, path, requests, missing, resource }) => {
      const by = missing === "host" || resource === undefined ? "no gateway" : `no route of ${resourceText(resource)}`;
      return `undeclared: ${requests} requests to ${host}${path ?? ""}, which ${by} has`;
    }),
  ];
}

/** What is said of a check beside what it found. */
export interface CheckMeta {
  readonly fromMs: number;
  readonly toMs: number;
  /** The PromQL that was sent; none without a metrics backend. */
  readonly promql: readonly string[];
  /** Lines of access logs that were read; `undefined` without a backend of logs. */
  readonly lines: number | undefined;
  /** False when part of the traffic is known not to have been judged. */
  readonly complete: boolean;
  readonly warnings: readonly string[];
  readonly tookMs: number;
}

/** What a reader must know of how a check was made. */
export function metaNotes({ fromMs, toMs, promql, lines, complete, warnings }: CheckMeta): readonly Line[] {
  const sources = [
    ...(promql.length > 0 ? ["metrics"] : []),
    ...(lines === undefined ? [] : [`${lines} lines of access logs`]),
  ].join(" and ");
  return [
    { text: `from ${formatInstant(fromMs)} to ${formatInstant(toMs)}, by ${sources}` },
    ...(complete ? [] : [{ text: "incomplete: part of the traffic was not judged", tone: "bad" } as const]),
    ...warnings.map((warning) => ({ text: `warning: ${warning}`, tone: "warn" }) as const),
  ];
}

const endText = ({ workload, namespace }: PolicyFlow["source" | "destination"]): string =>
  workload === undefined ? (namespace ?? "unknown") : namespace === undefined ? workload : `${workload}.${namespace}`;

function askedText({ method, path, host, port, protocol }: PolicyFlow): string {
  if (protocol === "tcp") return port === undefined ? "TCP" : `TCP :${port}`;
  return [method ?? "?", path ?? "?", host === undefined ? "" : `at ${host}`].join(" ").trim();
}

function reasonText({ verdict: { reason, missing }, enforced }: PolicyFlow): string {
  const now = enforced.untold > 0 ? "; 403 now, by a policy or the app" : "";
  return missing.length > 0 ? `needs ${missing.join(", ")}${now}` : `${decidedText(reason)}${now}`;
}

function decidedText(reason: Reason): string {
  switch (reason.kind) {
    case "allow":
      return `allowed by ${ruleText(reason.rule)}`;
    case "deny":
      return `denied by ${ruleText(reason.rule)}`;
    case "custom":
      return `provider ${reason.provider} decides`;
    case "missing":
      return "cannot be told";
    case "no-match":
      return `no rule of ${reason.policies.map(({ name, namespace }) => `${name}.${namespace}`).join(", ")} matches`;
    case "no-policy":
      return "no policy restricts it";
    case "plaintext":
      return `${resourceText(reason.policy)} wants mutual TLS`;
  }
}

const ruleText = ({ policy, namespace, rule }: RuleName): string => `${policy}.${namespace}, rule ${rule}`;
