/** What the spans of each call must say, reckoned from the same reports as the counters: one report, one span. */
import type { Exchange } from "./journal.ts";
import { lengthMs, type Report } from "./report.ts";
import type { Protocol } from "./topology.ts";

/** One call of the play that proxies sent spans of. */
export interface TracedCall {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  readonly requestId?: string;
  /** Part of the scenario. */
  readonly part: string;
  /** When the driver began it. */
  readonly startMs: number;
  /** How many spans the proxies send: of each hop one by the caller's, and one by the callee's for each attempt. */
  readonly spans: number;
  /** In the order in which they began; TCP has no spans, and so no hop. */
  readonly hops: readonly TracedHop[];
}

/** One service called by one workload. */
export interface TracedHop {
  /** Workload; "unknown" when it has no proxy, and then there is no client span. */
  readonly source: string;
  /** Workload that answered; "unknown" when none did. */
  readonly destination: string;
  readonly destinationVersion: string;
  /** FQDN, or "unknown" to the caller's proxy. */
  readonly service: string;
  readonly protocol: Exclude<Protocol, "tcp">;
  /** As the caller saw it: 0 when it went away first. */
  readonly code: number;
  readonly flags: string;
  readonly grpcStatus?: number;
  /** As the caller, not its proxy, saw it. */
  readonly clientMs: number;
  /** What reached a callee's proxy, in order, one server span each; more than one were retried. */
  readonly attempts: readonly Attempt[];
}

export interface Attempt {
  readonly destination: string;
  readonly destinationVersion: string;
  readonly code: number;
  readonly flags: string;
  readonly grpcStatus?: number;
  /** As the app saw it; absent when its proxy answered in its place. */
  readonly appMs?: number;
}

/**
 * The calls behind the reports, in order of time.
 *
 * Each trace id is the one that an app was told of, or that the caller gave. Calls that no proxy let through to HTTP
 * are not traced; neither is one that a user gave up before any app saw it, whose trace id nobody knows.
 */
export function tracedCalls(exchanges: readonly Exchange[], reports: readonly Report[]): TracedCall[] {
  const spanned = exchanges.filter((each) => each.protocol !== "tcp");
  const exchangesOf = groupBy(spanned, (each) => each.call);
  const reportsOf = groupBy(
    reports.filter(({ labels }) => labels.protocol !== "tcp"),
    ({ exchange }) => exchange.call,
  );
  const calls: TracedCall[] = [];
  for (const [call, ofCall] of exchangesOf) {
    const reported = reportsOf.get(call) ?? [];
    const root = ofCall.find((each) => each.part !== undefined);
    const traceId = ofCall.find((each) => each.traceId !== undefined)?.traceId;
    const requestId = ofCall.find((each) => each.requestId !== undefined)?.requestId;
    if (root?.part === undefined || traceId === undefined || reported.length === 0) continue;
    calls.push({
      traceId,
      ...(requestId !== undefined && { requestId }),
      part: root.part,
      startMs: root.startMs,
      spans: reported.length,
      hops: inOrder(ofCall.filter((each) => each.side === "sent")).map((sent) => hopOf(sent, reported)),
    });
  }
  return inOrder(calls);
}

function hopOf(sent: Exchange, reported: readonly Report[]): TracedHop {
  const ofHop = reported.filter(({ exchange }) => exchange.service === sent.service);
  const source = ofHop.find(({ labels }) => labels.reporter === "source")?.labels;
  const received = ofHop.filter(({ labels }) => labels.reporter === "destination");
  received.sort((a, b) => a.exchange.startMs - b.exchange.startMs);
  const seen = source ?? received.at(-1)?.labels;
  if (seen === undefined || sent.protocol === "tcp") {
    throw new Error(`truth: no proxy saw ${sent.call} ${sent.service}, which ${sent.workload} sent`);
  }
  return {
    source: source?.source ?? "unknown",
    destination: seen.destination,
    destinationVersion: seen.destinationVersion,
    service: seen.destinationService,
    protocol: sent.protocol,
    code: sent.code,
    flags: seen.flags,
    ...(seen.grpcStatus !== undefined && { grpcStatus: seen.grpcStatus }),
    clientMs: lengthMs(sent),
    attempts: received.map(({ labels, exchange }) => ({
      destination: labels.destination,
      destinationVersion: labels.destinationVersion,
      code: labels.code ?? 0,
      flags: labels.flags,
      ...(labels.grpcStatus !== undefined && { grpcStatus: labels.grpcStatus }),
      ...(exchange.side === "received" && { appMs: lengthMs(exchange) }),
    })),
  };
}

const inOrder = <T extends { readonly startMs: number }>(items: readonly T[]): T[] =>
  [...items].sort((a, b) => a.startMs - b.startMs);

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
