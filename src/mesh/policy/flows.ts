import type { Enforced, FlowChange, PolicyFlow } from "./flow.ts";
import type { ObservedCalls } from "./observed-calls.ts";
import type { ObservedEdge } from "./observed-metrics.ts";
import type { PolicyRequest, RequestDestination } from "./request.ts";
import type { Decision, Verdict } from "./verdict.ts";

/** What flows are made with beside what was observed. */
export interface FlowRules {
  readonly seconds: number;
  readonly judge: (request: PolicyRequest) => Verdict;
  /** What is said to be enforced now, for what telemetry does not tell. */
  readonly current: ((request: PolicyRequest) => Verdict) | undefined;
  /** All labels of workloads, by `"name.namespace"` or `"name"`. */
  readonly labels: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** A flow with the request that was judged for it. */
export interface JudgedFlow {
  readonly flow: PolicyFlow;
  readonly request: PolicyRequest;
}

/**
 * Joins what metrics and access logs show of the same edges: the identity and the count are the metrics', method, path,
 * host and port the lines'. An edge without lines is one flow of which no more is known.
 */
export function flowsOf(
  edges: readonly ObservedEdge[],
  calls: readonly ObservedCalls[],
  rules: FlowRules,
): readonly JudgedFlow[] {
  const index = new Map<string, ObservedEdge[]>();
  for (const edge of edges) {
    const key = edge.destination.proxy === "waypoint" ? waypointKey(edge.destination.service) : edgeKey(edge);
    index.set(key, [...(index.get(key) ?? []), edge]);
  }
  const places = new Map(edges.map((edge, i) => [edge, i]));
  const taken = new Set<ObservedEdge>();
  const shares = new Map<string, { requests: number; lines: number }>();
  const matched = calls.flatMap((call) => {
    if (call.seenBy === "unsent") return [];
    const key = call.seenBy === "waypoint" ? waypointKey(call.destination.service) : edgeKey(call);
    const candidates = (index.get(key) ?? []).filter((edge) => isAlike(call, edge));
    for (const edge of candidates) taken.add(edge);
    // Who counts nothing has no proxy, and nothing that a policy could hold for.
    if (call.seenBy === "caller" && candidates.length === 0 && edges.length > 0) return [];
    const counted = candidates.map((edge) => places.get(edge)).join();
    const share = shares.get(counted) ?? {
      lines: 0,
      requests: candidates.reduce((sum, { requests }) => sum + requests, 0),
    };
    share.lines += call.lines;
    shares.set(counted, share);
    return [{ call, candidates, share }];
  });
  const ofCalls = matched.map(({ call, candidates, share }) => {
    const requests = candidates.length === 0 ? call.lines : (share.requests * call.lines) / share.lines;
    const denied = (requests * call.denied) / call.lines;
    return judged(callRequest(call, candidates, rules), rules, {
      requests,
      enforced: { denied, passed: requests - denied, untold: 0 },
      counted: candidates.length === 0 ? "logs" : "both",
      example: call.example,
      source: call.source,
      destination: call.destination,
    });
  });
  const ofEdges = edges
    .filter((edge) => !taken.has(edge))
    .map((edge) => {
      const { requests, forbidden, source, destination } = edge;
      return judged(edgeRequest(edge, rules), rules, {
        requests,
        enforced: { denied: 0, passed: requests - forbidden, untold: forbidden },
        counted: "metrics",
        example: undefined,
        source,
        destination: { ...destination, service: destination.service },
      });
    });
  return [...ofCalls, ...ofEdges].sort((a, b) => b.flow.requests - a.flow.requests);
}

interface Ends {
  readonly source: { readonly workload: string | undefined; readonly namespace: string | undefined };
  readonly destination: { readonly workload: string | undefined; readonly namespace: string | undefined };
  readonly protocol: PolicyRequest["protocol"];
}

/** Lines do not always show that a request is gRPC, so that HTTP and gRPC are one. */
const edgeKey = ({ source, destination, protocol }: Ends): string =>
  JSON.stringify([source.workload, source.namespace, destination.workload, destination.namespace, protocol === "tcp"]);

/** A waypoint's lines do not say who called, nor which workload answered. */
const waypointKey = (service: string | undefined): string => JSON.stringify(["waypoint", service]);

function isAlike(call: ObservedCalls, edge: ObservedEdge): boolean {
  if (call.seenBy === "gateway") return false;
  if (call.principal !== undefined && edge.principal !== undefined && call.principal !== edge.principal) return false;
  return call.security === undefined || edge.security === undefined || call.security === edge.security;
}

function callRequest(call: ObservedCalls, candidates: readonly ObservedEdge[], rules: FlowRules): PolicyRequest {
  const { method, path, host, port, ip, remoteIp, serverName, userAgent, destination } = call;
  const security = call.security ?? same(candidates.map((edge) => edge.security));
  const principal = security === "none" ? null : (call.principal ?? same(candidates.map((edge) => edge.principal)));
  const [first] = candidates;
  const known: RequestDestination = {
    namespace: destination.namespace ?? "",
    labels: first?.destination.labels ?? (destination.app === undefined ? {} : { app: destination.app }),
    labelsComplete: false,
    proxy:
      call.seenBy === "gateway" || call.seenBy === "waypoint" ? call.seenBy : (first?.destination.proxy ?? "sidecar"),
    ...(destination.service !== undefined && { service: destination.service }),
    ...(port !== undefined && { port }),
  };
  const protocol = call.protocol === "http" ? (same(candidates.map((edge) => edge.protocol)) ?? "http") : call.protocol;
  return {
    protocol,
    security,
    source: { principal, namespace: call.source.namespace, ip, remoteIp },
    destination: labelled(known, destination.workload, rules),
    method,
    path,
    host,
    serverName,
    ...(userAgent !== undefined && { headers: { "user-agent": userAgent } }),
  };
}

function edgeRequest(edge: ObservedEdge, rules: FlowRules): PolicyRequest {
  const { protocol, security, principal, source, destination } = edge;
  const { workload, ...known } = destination;
  return {
    protocol,
    security,
    source: { principal, namespace: source.namespace },
    destination: labelled(known, workload, rules),
  };
}

function labelled(
  destination: RequestDestination,
  workload: string | undefined,
  { labels }: FlowRules,
): RequestDestination {
  const given =
    workload === undefined ? undefined : (labels[`${workload}.${destination.namespace}`] ?? labels[workload]);
  return given === undefined ? destination : { ...destination, labels: given, labelsComplete: true };
}

/** The value that all have, where they have one. */
function same<T>(values: readonly T[]): T | undefined {
  const [first] = values;
  return values.every((value) => value === first) ? first : undefined;
}

type Counts = Pick<PolicyFlow, "counted" | "enforced" | "example" | "requests"> & {
  readonly source: Ends["source"];
  readonly destination: Ends["destination"] & { readonly service?: string | undefined };
};

function judged(request: PolicyRequest, rules: FlowRules, counts: Counts): JudgedFlow {
  const { requests, counted, example } = counts;
  const verdict = rules.judge(request);
  const enforced = told(counts.enforced, request, rules);
  const { protocol, security, method, path, host, destination, source } = request;
  const flow: PolicyFlow = Object.freeze({
    source: Object.freeze({
      workload: counts.source.workload,
      namespace: counts.source.namespace,
      principal: source?.principal,
    }),
    destination: Object.freeze({
      workload: counts.destination.workload,
      namespace: counts.destination.namespace,
      service: counts.destination.service,
    }),
    protocol,
    security,
    method,
    path,
    host,
    port: destination.port,
    requests,
    rate: requests / rules.seconds,
    counted,
    enforced: Object.freeze(enforced),
    example,
    verdict,
    change: changeOf(verdict.decision, enforced),
  });
  return { flow, request };
}

/** What metrics leave open is as the policies that are said to be in force have it. */
function told(enforced: Enforced, request: PolicyRequest, { current }: FlowRules): Enforced {
  if (enforced.untold === 0 || current === undefined) return enforced;
  const { decision } = current(request);
  const { denied, passed, untold } = enforced;
  if (decision === "denied") return { denied: denied + untold, passed, untold: 0 };
  return decision === "allowed" ? { denied, passed: passed + untold, untold: 0 } : enforced;
}

function changeOf(decision: Decision, { denied, passed, untold }: Enforced): FlowChange {
  switch (decision) {
    case "unknown":
      return "unknown";
    case "denied":
      if (passed > 0) return "newly-denied";
      return untold > 0 ? "unknown" : "still-denied";
    case "allowed":
      if (denied > 0) return "newly-allowed";
      return passed === 0 && untold > 0 ? "unknown" : "still-allowed";
  }
}
