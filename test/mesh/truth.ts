/** What really happened, reckoned from the journals of clients and apps, never from Envoy or Prometheus. */
import { flakyPath } from "./http-policy.ts";
import type { Exchange } from "./journal.ts";
import { hostOf, type Protocol, serviceNamed, services, workloads } from "./topology.ts";

export interface Truth {
  readonly seed: number;
  /** Wall-clock milliseconds around the play; at least 4 s without any traffic lie before and after. */
  readonly measuredFromMs: number;
  readonly measuredToMs: number;
  /** Begun between the two. */
  readonly flows: readonly Flow[];
  /** Since the mesh was started, all warm-ups and plays: what the raw counters show now. */
  readonly totals: readonly Flow[];
  /** Workloads that nobody called. */
  readonly silent: readonly string[];
}

/** Everything that one reporter counts under the same labels. */
export interface Flow {
  readonly reporter: "source" | "destination";
  /** Workload, or "unknown". */
  readonly source: string;
  /** Workload, or "unknown". */
  readonly destination: string;
  /** FQDN, or "unknown". */
  readonly destinationService: string;
  readonly destinationVersion: string;
  readonly protocol: Protocol;
  /** HTTP status, 0 when the caller went away first; absent for TCP. */
  readonly code?: number;
  /** For gRPC that got as far as a status. */
  readonly grpcStatus?: number;
  readonly flags: string;
  readonly security: "mutual_tls" | "none" | "unknown";
  /** Requests, or connections for TCP. */
  readonly count: number;
  /**
   * As the caller (source) or the app (destination) saw them; empty for TCP. A caller sees a few milliseconds more than
   * its proxy, an app a little less; the bucket is the same but for refusals by a proxy itself, which take it under 1 ms.
   */
  readonly durationsMs: readonly number[];
  /** Body bytes. */
  readonly requestBytes?: number;
  readonly responseBytes?: number;
  readonly requestMessages?: number;
  readonly responseMessages?: number;
  readonly tcp?: {
    readonly opened: number;
    readonly closed: number;
    /** Server to client. */
    readonly sentBytes: number;
    /** Client to server. */
    readonly receivedBytes: number;
  };
}

export function truthOf(
  exchanges: readonly Exchange[],
  window: Pick<Truth, "seed" | "measuredFromMs" | "measuredToMs">,
): Truth {
  const within = (each: Exchange): boolean =>
    each.startMs >= window.measuredFromMs && each.startMs <= window.measuredToMs;
  const totals = flowsOf(exchanges);
  const called = new Set(totals.map((each) => each.destination));
  return {
    ...window,
    flows: flowsOf(exchanges.filter(within)),
    totals,
    silent: workloads.filter((each) => each.serves !== undefined && !called.has(each.name)).map((each) => each.name),
  };
}

/** The labels of a flow in one line. */
export const keyOf = (flow: FlowLabels): string =>
  [
    flow.reporter,
    flow.source,
    flow.destination,
    flow.destinationService,
    flow.destinationVersion,
    flow.protocol,
    flow.code ?? "",
    flow.grpcStatus ?? "",
    flow.flags,
    flow.security,
  ].join(" ");

export type FlowLabels = Omit<
  Flow,
  "count" | "durationsMs" | "requestBytes" | "responseBytes" | "requestMessages" | "responseMessages" | "tcp"
>;

/** Answers that only a proxy gives, told by their bodies since no app marked them as its own. */
const refusals = {
  denied: (each: Exchange) => each.code === 403 && each.proxyBody === "RBAC: access denied",
  limited: (each: Exchange) => each.code === 429 && each.proxyBody === "local_rate_limited",
  unreachable: (each: Exchange) => each.code === 503 && (each.proxyBody?.startsWith("upstream connect error") ?? false),
  late: (each: Exchange) => each.code === 504 && each.proxyBody === "upstream request timeout",
  unrouted: (each: Exchange) => each.code === 404 && each.proxyBody === "",
} as const;

function flowsOf(exchanges: readonly Exchange[]): Flow[] {
  const sent = exchanges.filter((each) => each.side === "sent");
  const received = exchanges.filter((each) => each.side === "received");
  const callers = new Map(sent.map((each) => [pairOf(each), each.workload]));
  const answerers = new Map(received.map((each) => [pairOf(each), each.servedBy]));
  const flows = new Map<string, Flow>();
  const count = (labels: FlowLabels, each: Exchange): void => {
    const key = keyOf(labels);
    flows.set(key, plus(flows.get(key) ?? { ...labels, count: 0, durationsMs: [] }, each));
  };

  for (const each of sent) {
    if (each.workload === "legacy" && each.ended === "broken") continue;
    if (each.ended === "broken") {
      throw new Error(`truth: ${each.workload} got no answer to ${each.call} ${each.path}; start the mesh anew`);
    }
    const servedBy = each.servedBy ?? answerers.get(pairOf(each)) ?? answeredByProxyOf(each);
    if (each.workload !== "legacy") count(atSource(each, servedBy), each);
    // The callee's proxy turned it away: it counted the request, its app never saw it.
    if (refusals.denied(each)) count(atDestination(each, each.workload, servedBy, "-"), each);
    if (refusals.limited(each)) count(atDestination(each, each.workload, servedBy, "RL"), each);
  }
  for (const each of received) {
    if (each.workload === "external") continue;
    // TCP carries no call name; only the frontend opens connections.
    const caller = each.protocol === "tcp" ? "frontend" : callers.get(pairOf(each));
    if (caller === undefined)
      throw new Error(`truth: nobody sent the call ${each.call} that ${each.workload} received`);
    count(atDestination(each, caller, each.servedBy, each.ended === "aborted" ? "DC" : "-"), each);
  }
  return [...flows.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

const pairOf = (each: Exchange): string => `${each.call} ${each.service}`;

/** Whose proxy refused: both policies stand in front of v1 alone, by the caller's route. */
const answeredByProxyOf = (each: Exchange): string | undefined =>
  refusals.denied(each) || refusals.limited(each) ? "backend/v1" : undefined;

function atSource(each: Exchange, servedBy: string | undefined): FlowLabels {
  const known = services.some((service) => service.name === each.service);
  return {
    reporter: "source",
    source: each.workload,
    ...destinationOf(servedBy ?? (each.protocol === "tcp" ? "ledger/v1" : undefined)),
    destinationService: known ? hostOf(serviceNamed(each.service)) : "unknown",
    protocol: each.protocol,
    ...statusOf(each),
    flags: sourceFlags(each),
    security: "unknown",
  };
}

function atDestination(each: Exchange, caller: string, servedBy: string | undefined, flags: string): FlowLabels {
  const plaintext = caller === "legacy";
  return {
    reporter: "destination",
    source: plaintext ? "unknown" : caller,
    ...destinationOf(servedBy),
    destinationService: hostOf(serviceNamed(each.service)),
    protocol: each.protocol,
    ...statusOf(each),
    flags,
    security: plaintext ? "none" : "mutual_tls",
  };
}

function destinationOf(servedBy: string | undefined): Pick<Flow, "destination" | "destinationVersion"> {
  const [destination = "unknown", destinationVersion = "unknown"] = servedBy?.split("/") ?? [];
  return { destination, destinationVersion };
}

const statusOf = (each: Exchange): Pick<FlowLabels, "code" | "grpcStatus"> =>
  each.protocol === "tcp"
    ? {}
    : { code: each.code, ...(each.grpcStatus !== undefined && { grpcStatus: each.grpcStatus }) };

function sourceFlags(each: Exchange): string {
  if (each.ended === "aborted") return "DC";
  if (refusals.unreachable(each)) return "UF";
  if (refusals.late(each)) return "UT";
  if (refusals.unrouted(each)) return "NR";
  if (each.path.startsWith(flakyPath) && each.code >= 500) return "URX";
  return "-";
}

function plus(flow: Flow, each: Exchange): Flow {
  const { tcp = { opened: 0, closed: 0, sentBytes: 0, receivedBytes: 0 } } = flow;
  const count = flow.count + 1;
  if (each.protocol === "tcp") {
    return {
      ...flow,
      count,
      tcp: {
        opened: tcp.opened + 1,
        closed: tcp.closed + 1,
        sentBytes: tcp.sentBytes + each.responseBytes,
        receivedBytes: tcp.receivedBytes + each.requestBytes,
      },
    };
  }
  return {
    ...flow,
    count,
    durationsMs: [...flow.durationsMs, Math.round((each.endMs - each.startMs) * 1000) / 1000],
    requestBytes: (flow.requestBytes ?? 0) + each.requestBytes,
    responseBytes: (flow.responseBytes ?? 0) + each.responseBytes,
    ...(each.protocol === "grpc" && {
      requestMessages: (flow.requestMessages ?? 0) + (each.requestMessages ?? 0),
      responseMessages: (flow.responseMessages ?? 0) + (each.responseMessages ?? 0),
    }),
  };
}
