import { stringify } from "yaml";
import { plain, printTable, printValue } from "../../results/text.ts";
import { formatInstant } from "../../time.ts";
import type { FlowChange, PolicyFlow } from "./flow.ts";
import { resourceText } from "./resource.ts";
import type { RouteCheck } from "./routes.ts";
import type { BroadRule, RuleUse } from "./rule-use.ts";
import type { Reason, RuleName } from "./verdict.ts";

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

/** What a set of policies would mean for the traffic of a range. */
export class PolicyReport implements Iterable<PolicyFlow> {
  /** Every flow with its verdict, the most frequent first. */
  readonly flows: readonly PolicyFlow[];
  readonly rules: readonly RuleUse[];
  readonly broadRules: readonly BroadRule[];
  readonly routes: RouteCheck;
  readonly meta: CheckMeta;

  constructor(parts: {
    readonly flows: readonly PolicyFlow[];
    readonly rules: readonly RuleUse[];
    readonly broadRules: readonly BroadRule[];
    readonly routes: RouteCheck;
    readonly meta: CheckMeta;
  }) {
    this.flows = Object.freeze([...parts.flows]);
    this.rules = Object.freeze([...parts.rules]);
    this.broadRules = Object.freeze([...parts.broadRules]);
    this.routes = parts.routes;
    this.meta = Object.freeze(parts.meta);
    Object.freeze(this);
  }

  /** What passes now and would be denied. */
  get newlyDenied(): readonly PolicyFlow[] {
    return this.#changed("newly-denied");
  }

  /** What is denied now and would pass. */
  get newlyAllowed(): readonly PolicyFlow[] {
    return this.#changed("newly-allowed");
  }

  /** What is denied now, and would be still. */
  get stillDenied(): readonly PolicyFlow[] {
    return this.#changed("still-denied");
  }

  /** What cannot be told: its verdict (`verdict.missing` says why), or what is done about it now. */
  get unknown(): readonly PolicyFlow[] {
    return this.#changed("unknown");
  }

  /** Rules that no request of the range matched, nor may have matched. */
  get unusedRules(): readonly RuleUse[] {
    return this.rules.filter(({ requests, untold }) => requests === 0 && untold === 0);
  }

  /** Its flows, the most frequent first. */
  [Symbol.iterator](): Iterator<PolicyFlow> {
    return this.flows[Symbol.iterator]();
  }

  toString(): string {
    return [
      ...section("newly denied", this.newlyDenied),
      ...section("newly allowed", this.newlyAllowed),
      ...section("cannot be told", this.unknown),
      ...section("still denied", this.stillDenied),
      ...summary("still allowed", this.#changed("still-allowed")),
      ...this.#ruleLines(),
      ...this.#routeLines(),
      ...metaLines(this.meta),
    ].join("\n");
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** All of it as plain data. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { flows, rules, broadRules, routes, meta } = this;
    return { flows, rules, broadRules, routes, meta };
  }

  #changed(change: FlowChange): readonly PolicyFlow[] {
    return this.flows.filter((flow) => flow.change === change);
  }

  #ruleLines(): readonly string[] {
    const lines = this.unusedRules.map(({ rule, action }) => `unused: ${action} ${ruleText(rule)}`);
    for (const { rule, unneeded, smallest } of this.broadRules) {
      lines.push(`broader than its traffic: ${ruleText(rule)} allows ${unneeded.join("; ")}`);
      lines.push(
        ...stringify(smallest)
          .trimEnd()
          .split("\n")
          .map((line) => `  ${line}`),
      );
    }
    return lines.map(plain);
  }

  #routeLines(): readonly string[] {
    const { routes, unusedHosts, undeclared } = this.routes;
    const unused = routes.filter(({ requests, untold }) => requests === 0 && untold === 0);
    return [
      ...unused.map(({ virtualService, route, shadowedBy }) => {
        const because = shadowedBy === undefined ? "" : `: route ${shadowedBy} takes all that it could`;
        return `unused: route ${route} of ${resourceText(virtualService)}${because}`;
      }),
      ...unusedHosts.map(({ resource, host }) => `unused: host ${host} of ${resourceText(resource)}`),
      ...undeclared.map(({ host, path, requests, missing, resource }) => {
        const by =
          missing === "host" || resource === undefined ? "no gateway" : `no route of ${resourceText(resource)}`;
        return `undeclared: ${requests} requests to ${host}${path ?? ""}, which ${by} has`;
      }),
    ].map(plain);
  }
}

const MOST_ROWS = 20;

function section(title: string, flows: readonly PolicyFlow[]): readonly string[] {
  if (flows.length === 0) return [];
  const rows = flows
    .slice(0, MOST_ROWS)
    .map((flow) => [
      endText(flow.source),
      flow.source.principal === null ? "plaintext" : (flow.source.principal ?? "?").replace(/^spiffe:\/\//, ""),
      endText(flow.destination),
      askedText(flow),
      printValue(flow.rate, flow.protocol === "tcp" ? "conn/s" : "req/s"),
      reasonText(flow),
    ]);
  const more = flows.length > MOST_ROWS ? [`  and ${flows.length - MOST_ROWS} more flows`] : [];
  const table = printTable(["from", "identity", "to", "asked", "rate", "because"], rows).split("\n");
  const [example] = flows.flatMap((flow) => flow.example ?? []);
  const shown = example === undefined ? [] : [`  such as: ${plain(example.line)}`];
  return [...summary(title, flows), ...table.map((row) => `  ${row}`), ...more, ...shown];
}

function summary(title: string, flows: readonly PolicyFlow[]): readonly string[] {
  if (flows.length === 0) return [];
  const requests = Math.round(flows.reduce((sum, flow) => sum + flow.requests, 0));
  return [
    `${title}: ${requests} ${requests === 1 ? "request" : "requests"} in ${flows.length} ${flows.length === 1 ? "flow" : "flows"}`,
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

function metaLines({ fromMs, toMs, promql, lines, complete, warnings }: CheckMeta): readonly string[] {
  const sources = [
    ...(promql.length > 0 ? ["metrics"] : []),
    ...(lines === undefined ? [] : [`${lines} lines of access logs`]),
  ].join(" and ");
  return [
    `  from ${formatInstant(fromMs)} to ${formatInstant(toMs)}, by ${sources}`,
    ...(complete ? [] : ["  incomplete: part of the traffic was not judged"]),
    ...warnings.map((warning) => `  warning: ${warning}`),
  ].map(plain);
}
