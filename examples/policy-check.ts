/**
 * Says in a pull request whom its policies would turn away, before anything is applied:
 *
 *   npx tsx examples/policy-check.ts --last 24h policies/*.yaml > comment.md
 *
 * Prints Markdown. Exit code 0: nobody who passes now would be denied. 1: somebody would. 2: that cannot be told.
 */
import { parseArgs } from "node:util";
import { MeshQueryError, type PolicyFlow, type PolicyReport, type Reason } from "meshquery";
import { BACKEND_FLAGS, meshFrom } from "./backends.ts";

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: { ...BACKEND_FLAGS, last: { type: "string", default: "1h" } },
});
const files = positionals.length > 0 ? positionals : [new URL("policies.yaml", import.meta.url)];
const MOST_ROWS = 20;

try {
  const policies = meshFrom(given).policies({ files });
  const report = await policies.check({ last: given.last });
  console.log(comment(report, policies.warnings));
  process.exitCode = report.newlyDenied.length > 0 ? 1 : report.meta.complete ? 0 : 2;
} catch (error) {
  // A fault in the files is told too, with file, document and path.
  const why = error instanceof MeshQueryError ? error.message : String(error);
  console.log(`### Policies: not checked\n\n${fenced(why)}`);
  process.exitCode = 2;
}

function comment(report: PolicyReport, warnings: readonly string[]): string {
  const { newlyDenied, newlyAllowed, unknown, unusedRules, meta } = report;
  const title = newlyDenied.length > 0 ? "these would turn somebody away" : "nobody who passes now would be denied";
  const from = new Date(meta.fromMs).toISOString();
  const to = new Date(meta.toMs).toISOString();
  return [
    `### Policies: ${title}`,
    `Judged by the traffic from ${from} to ${to}.`,
    ...section("Denied from now on", newlyDenied),
    ...section("Allowed from now on", newlyAllowed),
    ...section("Cannot be told", unknown),
    ...list(
      "Rules that no request used",
      unusedRules.map(({ action, rule }) => `${action} ${rule.policy}.${rule.namespace}, rule ${rule.rule}`),
    ),
    ...list("Remarks", [...warnings, ...meta.warnings]),
  ].join("\n\n");
}

function section(title: string, flows: readonly PolicyFlow[]): string[] {
  if (flows.length === 0) return [];
  const requests = Math.round(flows.reduce((sum, flow) => sum + flow.requests, 0));
  const rows = flows.slice(0, MOST_ROWS).map((flow) => {
    const { source, destination, method, path, verdict } = flow;
    const identity = source.principal === null ? "plaintext" : (source.principal ?? "unknown");
    const cells = [
      code(`${source.workload ?? "unknown"} (${identity})`),
      code(destination.workload ?? destination.service ?? "unknown"),
      flow.protocol === "tcp" ? "TCP" : code(`${method ?? "?"} ${path ?? "?"}`),
      String(Math.round(flow.requests)),
      because(verdict.reason, verdict.missing),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const table = ["| from | to | asks | requests | because |", "| --- | --- | --- | ---: | --- |", ...rows].join("\n");
  const more = flows.length > MOST_ROWS ? [`and ${flows.length - MOST_ROWS} more`] : [];
  const [line] = flows.flatMap(({ example }) => (example === undefined ? [] : [example.line]));
  const example = line === undefined ? [] : [`such as\n${fenced(line)}`];
  return [`**${title}: ${requests} requests**`, table, ...more, ...example];
}

function because(reason: Reason, missing: readonly string[]): string {
  switch (reason.kind) {
    case "allow":
    case "deny":
    case "custom":
      return code(`${reason.rule.policy}.${reason.rule.namespace}, rule ${reason.rule.rule}`);
    case "no-match":
      return `no rule matches of ${reason.policies.map(({ name, namespace }) => code(`${name}.${namespace}`)).join(", ")}`;
    case "plaintext":
      return `${code(`${reason.policy.name}.${reason.policy.namespace}`)} wants mutual TLS`;
    case "no-policy":
      return "no policy restricts it";
    case "missing":
      return `depends on ${missing.join(", ")}`;
  }
}

function list(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [[`**${title}**\n`, ...items.map((item) => `- ${code(item)}`)].join("\n")];
}

/** Text from the network as code within a line, where it can end neither the code nor a table's cell. */
function code(text: string): string {
  const fence = "`".repeat(1 + Math.max(0, ...(text.match(/`+/g) ?? []).map((ticks) => ticks.length)));
  const pad = fence.length > 1 ? " " : "";
  return `${fence}${pad}${text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ")}${pad}${fence}`;
}

function fenced(text: string): string {
  const fence = "`".repeat(Math.max(3, 1 + Math.max(0, ...(text.match(/`+/g) ?? []).map((ticks) => ticks.length))));
  return `${fence}\n${text}\n${fence}`;
}
