/** What really happened, reckoned from the journals of clients and apps, never from Envoy or a backend. */
import type { Exchange } from "./journal.ts";
import { type LoggedLine, loggedLines } from "./logged-line.ts";
import { lengthMs, type Report, type ReportLabels, reportsOf } from "./report.ts";
import { workloads } from "./topology.ts";
import { type TracedCall, tracedCalls } from "./traced-call.ts";

export interface Truth {
  readonly seed: number;
  /** Wall-clock milliseconds around the play; at least 4 s without any traffic lie before and after. */
  readonly measuredFromMs: number;
  readonly measuredToMs: number;
  /** Begun between the two. */
  readonly flows: readonly Flow[];
  /** Since the mesh was started, all warm-ups and plays: what the raw counters show now. */
  readonly totals: readonly Flow[];
  /** Begun between the two, in order of time; none when the mesh runs without backends for them. */
  readonly traces: readonly TracedCall[];
  /** What the proxies must have written of the exchanges begun between the two; none when nobody collects it. */
  readonly lines: readonly LoggedLine[];
  /** Workloads that nobody called. */
  readonly silent: readonly string[];
}

/** Everything that one reporter counts under the same labels. */
export interface Flow extends ReportLabels {
  /** Requests, or connections for TCP. */
  readonly count: number;
  /**
   * As the caller (source) or the app (destination) saw them; empty for TCP. A caller sees a few milliseconds more than
   * its proxy, an app a little less; the bucket is the same but for refusals by a proxy itself, which take it under 1 ms.
   */
  readonly durationsMs: readonly number[];
  /** For each of them, between what the proxy's own duration lies; empty for TCP. */
  readonly boundsMs: readonly (readonly [least: number, most: number])[];
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

export interface TruthOptions {
  readonly seed: number;
  readonly measuredFromMs: number;
  readonly measuredToMs: number;
  /** Whether spans went to a backend. */
  readonly tracing: boolean;
  /** Whether access logs went to a backend. */
  readonly logging: boolean;
}

export function truthOf(exchanges: readonly Exchange[], options: TruthOptions): Truth {
  const { seed, measuredFromMs, measuredToMs } = options;
  const reports = reportsOf(exchanges);
  const within = (each: Exchange): boolean => each.startMs >= measuredFromMs && each.startMs <= measuredToMs;
  const measured = reports.filter(({ exchange }) => within(exchange));
  const totals = flowsOf(reports);
  const called = new Set(totals.map((each) => each.destination));
  return {
    seed,
    measuredFromMs,
    measuredToMs,
    flows: flowsOf(measured),
    totals,
    traces: options.tracing ? tracedCalls(exchanges.filter(within), measured) : [],
    lines: options.logging ? loggedLines(exchanges, measured) : [],
    silent: workloads.filter((each) => each.serves !== undefined && !called.has(each.name)).map((each) => each.name),
  };
}

/** The labels of a flow in one line. */
export const keyOf = (flow: ReportLabels): string =>
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

export function flowsOf(reports: readonly Report[]): Flow[] {
  const flows = new Map<string, Flow>();
  for (const report of reports) {
    const key = keyOf(report.labels);
    flows.set(key, plus(flows.get(key) ?? { ...report.labels, count: 0, durationsMs: [], boundsMs: [] }, report));
  }
  return [...flows.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

function plus(flow: Flow, { exchange: each, boundsMs }: Report): Flow {
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
    durationsMs: [...flow.durationsMs, lengthMs(each)],
    boundsMs: [...flow.boundsMs, boundsMs],
    requestBytes: (flow.requestBytes ?? 0) + each.requestBytes,
    responseBytes: (flow.responseBytes ?? 0) + each.responseBytes,
    ...(each.protocol === "grpc" && {
      requestMessages: (flow.requestMessages ?? 0) + (each.requestMessages ?? 0),
      responseMessages: (flow.responseMessages ?? 0) + (each.responseMessages ?? 0),
    }),
  };
}
