/** What each proxy reports of an exchange: the labels of its counters, and one span. Reckoned without asking any proxy. */
import { flakyPath } from "./http-policy.ts";
import type { Exchange } from "./journal.ts";
import { hostOf, type Protocol, serviceNamed, services } from "./topology.ts";

export interface Report {
  readonly labels: ReportLabels;
  /** What the caller or the app itself wrote down. */
  readonly exchange: Exchange;
  /**
   * Between which durations the proxy's own lies: the app that it waited for took the first, the caller that waited for
   * it the second, each by its own clock. A call that was given up may end for the one before it does for the other.
   */
  readonly boundsMs: readonly [least: number, most: number];
}

export interface ReportLabels {
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
}

/** Answers that only a proxy gives, told by their bodies since no app marked them as its own. */
const refusals = {
  denied: (each: Exchange) => each.code === 403 && each.proxyBody === "RBAC: access denied",
  limited: (each: Exchange) => each.code === 429 && each.proxyBody === "local_rate_limited",
  unreachable: (each: Exchange) => each.code === 503 && (each.proxyBody?.startsWith("upstream connect error") ?? false),
  late: (each: Exchange) => each.code === 504 && each.proxyBody === "upstream request timeout",
  unrouted: (each: Exchange) => each.code === 404 && each.proxyBody === "",
} as const;

/** Every report of every proxy, callers' first. */
export function reportsOf(exchanges: readonly Exchange[]): Report[] {
  const sent = exchanges.filter((each) => each.side === "sent");
  const received = exchanges.filter((each) => each.side === "received");
  const callers = new Map(sent.map((each) => [pairOf(each), each.workload]));
  const answerers = new Map(received.map((each) => [pairOf(each), each.servedBy]));
  const reports: Report[] = [];
  const appMs = new Map(received.map((each) => [pairOf(each), lengthMs(each)]));
  const callerMs = new Map(sent.map((each) => [pairOf(each), lengthMs(each)]));
  const report = (labels: ReportLabels, exchange: Exchange): void => {
    const least = exchange.side === "received" ? lengthMs(exchange) : (appMs.get(pairOf(exchange)) ?? 0);
    const most = callerMs.get(pairOf(exchange)) ?? lengthMs(exchange);
    reports.push({ labels, exchange, boundsMs: [Math.min(least, most), Math.max(least, most)] });
  };

  for (const each of sent) {
    if (each.workload === "legacy" && each.ended === "broken") continue;
    if (each.ended === "broken") {
      throw new Error(`truth: ${each.workload} got no answer to ${each.call} ${each.path}; start the mesh anew`);
    }
    const servedBy = each.servedBy ?? answerers.get(pairOf(each)) ?? answeredByProxyOf(each);
    if (each.workload !== "legacy") report(atSource(each, servedBy), each);
    // The callee's proxy turned it away: it counted the request, its app never saw it.
    if (refusals.denied(each)) report(atDestination(each, each.workload, servedBy, "-"), each);
    if (refusals.limited(each)) report(atDestination(each, each.workload, servedBy, "RL"), each);
  }
  for (const each of received) {
    if (each.workload === "external") continue;
    // TCP carries no call name; only the frontend opens connections.
    const caller = each.protocol === "tcp" ? "frontend" : callers.get(pairOf(each));
    if (caller === undefined)
      throw new Error(`truth: nobody sent the call ${each.call} that ${each.workload} received`);
    report(atDestination(each, caller, each.servedBy, each.ended === "aborted" ? "DC" : "-"), each);
  }
  return reports;
}

/** Rounded to the microsecond. */
export const lengthMs = (each: Exchange): number => Math.round((each.endMs - each.startMs) * 1000) / 1000;

const pairOf = (each: Exchange): string => `${each.call} ${each.service}`;

/** Whose proxy refused: both policies stand in front of v1 alone, by the caller's route. */
const answeredByProxyOf = (each: Exchange): string | undefined =>
  refusals.denied(each) || refusals.limited(each) ? "backend/v1" : undefined;

function atSource(each: Exchange, servedBy: string | undefined): ReportLabels {
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

function atDestination(each: Exchange, caller: string, servedBy: string | undefined, flags: string): ReportLabels {
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

function destinationOf(servedBy: string | undefined): Pick<ReportLabels, "destination" | "destinationVersion"> {
  const [destination = "unknown", destinationVersion = "unknown"] = servedBy?.split("/") ?? [];
  return { destination, destinationVersion };
}

const statusOf = (each: Exchange): Pick<ReportLabels, "code" | "grpcStatus"> =>
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
