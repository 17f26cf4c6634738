import { QueryError } from "../../errors.ts";
import { checkOptions, type OptionNames } from "../../http/config.ts";
import { type AskOptions, resolveSpan, shown, type TimeSpan } from "../../time.ts";
import { together } from "../../traces/together.ts";
import type { MeshContext } from "../context.ts";
import { ScopeLogs } from "../log-scope.ts";
import type { Scope } from "../scope.ts";
import { type FlowRules, flowsOf, type JudgedFlow } from "./flows.ts";
import { type CallReading, type ObservedCalls, observedCalls, type Wanted } from "./observed-calls.ts";
import { type ObservedMetrics, observedMetrics } from "./observed-metrics.ts";
import { PolicyReport } from "./report.ts";
import type { MeshSettings } from "./request.ts";
import type { AnyResource } from "./resource.ts";
import { checkRoutes } from "./routes.ts";
import { ruleUses } from "./rule-use.ts";
import type { Judge } from "./verdict.ts";

/** Which traffic policies are held against, and what is known of it beside. */
export type CheckOptions = TimeSpan &
  AskOptions & {
    /** What is in force now, for what telemetry does not tell: whether a 403 was a policy's. */
    readonly current?: { verdict: Judge["verdict"] } | undefined;
    /** All labels of workloads, by `"name.namespace"` or `"name"`, where policies select by others than `app` and `version`. */
    readonly labels?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
    /** Workloads that take in what comes from outside, by `"name.namespace"` or `"name"`; `["istio-ingressgateway"]`. */
    readonly gateways?: readonly string[] | undefined;
    /** How many calls to read from access logs, the latest; 100,000. */
    readonly calls?: number | undefined;
  };

const NAMES: OptionNames<CheckOptions> = {
  ...{ last: true, from: true, to: true },
  ...{ current: true, labels: true, gateways: true, calls: true, signal: true, timeoutMs: true },
};

/** What a check is made with. */
export interface CheckSource {
  readonly context: MeshContext;
  /** All traffic of the mesh. */
  readonly everything: Scope;
}

const DEFAULT_CALLS = 100_000;
/** Of an edge's requests that lines show; below it, they are not collected or sampled. */
const LEAST_SHOWN = 0.8;

/** Judges the traffic of a range: two questions to the metrics, and the pages of the access logs. */
export async function checkPolicies(
  { context, everything }: CheckSource,
  resources: readonly AnyResource[],
  judge: Judge,
  settings: MeshSettings,
  options: CheckOptions,
): Promise<PolicyReport> {
  checkOptions(options, NAMES, "check");
  const { backend, logs, now } = context;
  const {
    current,
    labels = {},
    gateways = ["istio-ingressgateway"],
    calls = DEFAULT_CALLS,
    signal,
    timeoutMs,
  } = options;
  if (backend === undefined && logs === undefined) {
    throw new QueryError(
      "config",
      "check: this mesh has neither metrics nor logs; write createMesh({ metrics, logs })",
    );
  }
  if (!(Number.isSafeInteger(calls) && calls > 0))
    throw new QueryError("range", `check: calls is ${shown(calls)}; write how many`);
  const startedMs = now();
  const { fromMs, toMs } = resolveSpan(spanOf(options), startedMs, "check");
  const windowMs = Math.round(toMs - fromMs);
  if (windowMs <= 0) throw new QueryError("range", 'check: the range is empty; write { last: "24h" } or { from, to }');

  const reading: CallReading = {
    wanted: wantedOf(resources),
    pathNormalization: settings.pathNormalization,
    gateways,
  };
  const fromLogs = async (ended: AbortSignal) => {
    if (logs === undefined) return undefined;
    const search = new ScopeLogs(everything, logs).calls({
      from: fromMs,
      to: toMs,
      limit: calls,
      signal: ended,
      timeoutMs,
    });
    return observedCalls(search, reading);
  };
  const fromMetrics = async (ended: AbortSignal) =>
    backend && observedMetrics(context, { ...spanOf(options), signal: ended, timeoutMs });
  const [metrics, lines] = (await together<(ended: AbortSignal) => Promise<unknown>, unknown>(
    [fromMetrics, fromLogs],
    signal,
    (ask, ended) => ask(ended),
  )) as [ObservedMetrics | undefined, Awaited<ReturnType<typeof fromLogs>>];

  const rules: FlowRules = {
    seconds: windowMs / 1000,
    judge: (request) => judge.verdict(request),
    current: current && ((request) => current.verdict(request)),
    labels,
  };
  const observed = lines?.calls ?? [];
  const flows = flowsOf(metrics?.edges ?? [], observed, rules);
  const policies = resources.filter((one) => one.kind === "AuthorizationPolicy");
  const { uses, broad } = ruleUses(policies, flows, judge);
  const warnings = [
    ...(metrics?.warnings ?? []),
    ...(lines?.meta.warnings ?? []),
    ...coverageWarnings(flows, observed),
  ];
  return new PolicyReport({
    flows: flows.map(({ flow }) => flow),
    rules: uses,
    broadRules: broad,
    routes: checkRoutes(resources, observed),
    meta: {
      fromMs,
      toMs,
      promql: metrics?.queries ?? [],
      lines: lines?.meta.lines,
      complete: metrics?.complete !== false && lines?.meta.complete !== false,
      warnings,
      tookMs: now() - startedMs,
    },
  });
}

/** The span alone of what the options say. */
const spanOf = ({ last, from, to }: CheckOptions): TimeSpan =>
  (last === undefined
    ? { from, to }
    : from === undefined && to === undefined
      ? { last }
      : { last, from, to }) as TimeSpan;

/** What policies ask of a request that would otherwise only tell apart what is the same to them. */
function wantedOf(resources: readonly AnyResource[]): Wanted {
  const rules = resources.flatMap((one) => (one.kind === "AuthorizationPolicy" ? (one.spec.rules ?? []) : []));
  const sources = rules.flatMap(({ from = [] }) => from.map(({ source }) => source));
  const keys = rules.flatMap(({ when = [] }) => when.map(({ key }) => key.toLowerCase()));
  const addresses = ["ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"] as const;
  return {
    addresses:
      sources.some((source) => addresses.some((key) => source[key] !== undefined)) ||
      keys.some((key) => key === "source.ip" || key === "remote.ip"),
    serverName: keys.includes("connection.sni"),
    userAgent: keys.includes("request.headers[user-agent]"),
  };
}

/** Edges of which lines show far fewer requests than the metrics count. */
function coverageWarnings(flows: readonly JudgedFlow[], calls: readonly ObservedCalls[]): readonly string[] {
  const counted = flows.filter(({ flow }) => flow.counted === "both").reduce((sum, { flow }) => sum + flow.requests, 0);
  const shown = calls
    .filter(({ seenBy }) => seenBy === "callee" || seenBy === "caller")
    .reduce((sum, { lines }) => sum + lines, 0);
  if (counted === 0 || shown >= counted * LEAST_SHOWN) return [];
  const [lines, all] = [Math.round(shown), Math.round(counted)];
  return [
    `access logs show ${lines} of ${all} requests: methods and paths of the others are not judged, only shared out`,
  ];
}
