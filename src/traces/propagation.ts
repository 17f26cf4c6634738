import { IstioSpan, ReadNames } from "./istio-span.ts";
import type { Span } from "./span.ts";
import { type SpanTree, walk } from "./span-tree.ts";

/** Two traces that should have been one. */
export interface BrokenTrace {
  /** The trace that ended at the workload's proxy. */
  readonly inboundTraceId: string;
  /** The trace that the same proxy began. */
  readonly outboundTraceId: string;
  /** The request id that both have; `undefined` where only the moment joins them. */
  readonly requestId: string | undefined;
}

/** A workload that does not hand on the context of the requests that it answers. */
export interface BrokenPropagation {
  readonly workload: string;
  readonly namespace: string | undefined;
  /** One for each request that it answered and for which it was seen to begin a trace. */
  readonly evidence: readonly BrokenTrace[];
  /** How many requests it was seen to answer. */
  readonly inbound: number;
  /** How many of these have evidence. */
  readonly broken: number;
  /** How many traces its proxies began in all, those that no request explains included. */
  readonly began: number;
  /** `broken` of `inbound`, as a ratio. Where traces are sampled it is the least that it can be. */
  readonly share: number;
}

/**
 * The workloads whose applications lose the trace: a request ends at their proxy, and the same proxy begins a new
 * trace for what the application then calls.
 *
 * The two are joined by the request id or, where that too is lost, because the whole call was made while the request was
 * being answered; of several such requests the one that began last. An application that answers many requests at once
 * or calls on its own account can be there by chance: the figures tell. Workloads without evidence are not named.
 *
 * @returns the largest share first
 */
export function brokenPropagation(traces: Iterable<SpanTree>): readonly BrokenPropagation[] {
  const workloads = new Map<string, Seen>();
  const names = new ReadNames();
  for (const trace of traces) collect(trace, workloads, names);
  const found = Array.from(workloads.values(), judged).filter((one) => one !== undefined);
  return Object.freeze(found.sort((a, b) => b.share - a.share || b.broken - a.broken));
}

interface Seen {
  readonly workload: string;
  readonly namespace: string | undefined;
  inbound: number;
  /** Requests answered without a call that their trace shows, and calls that began a trace, by proxy. */
  readonly ended: Map<string, Request[]>;
  readonly began: Map<string, Request[]>;
}

interface Request {
  readonly span: Span;
  readonly requestId: string | undefined;
}

function collect(trace: SpanTree, workloads: Map<string, Seen>, names: ReadNames): void {
  const answered: IstioSpan[] = [];
  /** Who called within a trace: a proxy that called on has not ended it. */
  const above = new Map<Span, IstioSpan>();
  const calledOn = new Set<Span>();
  for (const { span } of walk(trace)) {
    const parent = trace.parentOf(span);
    const nearest = parent === undefined ? undefined : above.get(parent);
    const reading = IstioSpan.of(span, names);
    if (reading?.role === "receiver" && reading.node?.type === "sidecar") {
      if (nearest !== undefined && nearest.role === "receiver" && reading.isAttemptOf(nearest)) continue;
      answered.push(reading);
      above.set(span, reading);
      if (nearest !== undefined) calledOn.add(nearest.span);
    } else if (reading?.role !== undefined) {
      if (nearest !== undefined) calledOn.add(nearest.span);
      if (isNewTrace(reading)) seenOf(reading, workloads, "began");
    } else if (nearest !== undefined) {
      above.set(span, nearest);
    }
  }
  for (const reading of answered) {
    const seen = seenOf(reading, workloads, calledOn.has(reading.span) ? undefined : "ended");
    if (seen !== undefined) seen.inbound += 1;
  }
}

/** Whether a sidecar began the trace for its application. A gateway begins traces by right. */
const isNewTrace = ({ role, node, span }: IstioSpan): boolean =>
  role === "caller" && node?.type === "sidecar" && span.parentId === undefined;

function seenOf(
  reading: IstioSpan,
  workloads: Map<string, Seen>,
  list: "began" | "ended" | undefined,
): Seen | undefined {
  const { node, span, requestId } = reading;
  if (node === undefined) return undefined;
  const key = `${node.workload}.${node.namespace}`;
  const seen = workloads.get(key) ?? {
    workload: node.workload,
    namespace: node.namespace,
    inbound: 0,
    ended: new Map(),
    began: new Map(),
  };
  workloads.set(key, seen);
  if (list === undefined) return seen;
  const proxy = `${node.pod}~${node.address}`;
  const requests = seen[list].get(proxy);
  if (requests === undefined) seen[list].set(proxy, [{ span, requestId }]);
  else requests.push({ span, requestId });
  return seen;
}

function judged({ workload, namespace, inbound, ended, began }: Seen): BrokenPropagation | undefined {
  const evidence = new Map<Span, BrokenTrace>();
  let beginnings = 0;
  for (const [proxy, calls] of began) {
    beginnings += calls.length;
    const requests = (ended.get(proxy) ?? []).sort((a, b) => a.span.startMs - b.span.startMs);
    const byId = new Map(requests.flatMap((one) => (one.requestId === undefined ? [] : [[one.requestId, one]])));
    const latestEnd = runningEnd(requests);
    for (const call of calls) {
      const same = call.requestId === undefined ? undefined : byId.get(call.requestId);
      const answered = same ?? around(call.span, requests, latestEnd);
      if (answered === undefined || (same === undefined && evidence.has(answered.span))) continue;
      evidence.set(
        answered.span,
        Object.freeze({
          inboundTraceId: answered.span.traceId,
          outboundTraceId: call.span.traceId,
          requestId: same?.requestId,
        }),
      );
    }
  }
  if (evidence.size === 0) return undefined;
  return Object.freeze({
    workload,
    namespace,
    evidence: Object.freeze([...evidence.values()]),
    inbound,
    broken: evidence.size,
    began: beginnings,
    share: evidence.size / inbound,
  });
}

/** The latest end of each request and all before it. */
function runningEnd(requests: readonly Request[]): readonly number[] {
  let end = Number.NEGATIVE_INFINITY;
  return requests.map(({ span }) => {
    end = Math.max(end, span.endMs);
    return end;
  });
}

/** The request that began last of those that were being answered all the while `call` took. */
function around(call: Span, requests: readonly Request[], latestEnd: readonly number[]): Request | undefined {
  let low = 0;
  let high = requests.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((requests[middle]?.span.startMs ?? Number.NaN) <= call.startMs) low = middle + 1;
    else high = middle;
  }
  for (let i = low - 1; i >= 0 && (latestEnd[i] ?? 0) >= call.endMs; i--) {
    const request = requests[i];
    if (request !== undefined && request.span.endMs >= call.endMs && request.span.traceId !== call.traceId)
      return request;
  }
  return undefined;
}
