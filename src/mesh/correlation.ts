import { QueryError } from "../errors.ts";
import type { Call } from "../logs/call.ts";
import type { AccessLogEntry } from "../logs/entry.ts";
import { ENTRY_ROWS } from "../logs/log-rows.ts";
import { LogSearch, type LogSearchOptions } from "../logs/search.ts";
import { type AskOptions, type Duration, durationMs } from "../time.ts";
import type { TraceBackend } from "../traces/backend.ts";
import { isTraceId, traceId } from "../traces/id.ts";
import { TraceSearch } from "../traces/search.ts";
import { runsOf } from "../traces/together.ts";
import type { Trace } from "../traces/trace.ts";
import { TRACE_ROWS } from "../traces/trace-rows.ts";
import { anyText } from "./log-options.ts";
import { withOrigin } from "./log-plan.ts";
import type { LogSource } from "./log-scope.ts";
import { serviceNames } from "./trace-scope.ts";

/** How the lines of a trace are looked for. */
export interface LogsOfOptions extends LogSearchOptions {
  /** How long before the trace's start and after its end lines may have been taken; `"15s"`. */
  readonly within?: Duration | undefined;
}

/** The tag under which proxies put the request's id into their spans. */
const REQUEST_ID = "guid:x-request-id";
/** Search engines refuse a question for one of many more texts. */
const IDS_PER_SOURCE = 100;

/** The access-log entries of a trace's requests, by request id, or by trace id where the lines have it. */
export function logsOf(trace: Trace, source: LogSource, options: LogsOfOptions): LogSearch<AccessLogEntry> {
  const { within = "15s", ...how } = options;
  const slackMs = durationMs(within, "logsOf: within", "range");
  const requestIds = new Set(trace.spans.flatMap((span) => span.text(REQUEST_ID) ?? []));
  const groups = runsOf([...requestIds], IDS_PER_SOURCE).map((ids) => new Set(ids));
  const [first = new Set<string>(), ...others] = groups;
  if (trace.spans.length === 0) throw new QueryError("range", `logsOf: trace ${trace.id} has no spans, and so no time`);
  const span = { from: trace.startMs - slackMs, to: trace.startMs + trace.durationMs + slackMs };
  const origin = source.container === false ? {} : { container: source.container };
  /** A line that several questions find is the answer to one of them. */
  const lineSource = (ids: ReadonlySet<string>, isOwn: (entry: AccessLogEntry) => boolean, ...more: string[]) => ({
    filter: { origin, lines: [anyText([...more, ...ids])] },
    take: (entry: AccessLogEntry) => (isOwn(entry) ? withOrigin(entry) : undefined),
  });
  const has = (ids: ReadonlySet<string>, { requestId }: AccessLogEntry) =>
    requestId !== undefined && ids.has(requestId);
  const isOfTrace = (entry: AccessLogEntry) => entry.traceId !== undefined && traceId(entry.traceId) === trace.id;
  const sources = [
    lineSource(first, (entry) => has(first, entry) || (isOfTrace(entry) && !has(requestIds, entry)), trace.id),
    ...others.map((ids) => lineSource(ids, (entry) => has(ids, entry))),
  ];
  return new LogSearch(
    source.reader,
    {
      span,
      rows: ENTRY_ROWS,
      read: async function* (reading) {
        for await (const chunk of reading.entries(sources)) yield chunk.map(({ entry }) => entry);
      },
    },
    { order: "forward", ...how },
  );
}

/** How far from an entry's own time the spans of its trace may begin. */
const BEFORE_MS = 10 * 60_000;
const AFTER_MS = 60_000;

/**
 * The trace of a request, by the trace id of its line or, for want of one, by its request id; `undefined` where it was
 * not sampled or is no longer kept.
 */
export async function traceOf(
  request: AccessLogEntry | Call,
  backend: TraceBackend,
  now: () => number,
  options: AskOptions,
): Promise<Trace | undefined> {
  const entries = "client" in request ? request.entries() : [request];
  const id = entries.map((entry) => entry.traceId).find(isTraceId);
  if (id !== undefined) return backend.trace(traceId(id), options);
  const { requestId, timeMs, source, destination } = request;
  if (requestId === undefined || timeMs === undefined) {
    throw new QueryError("id", "traceOf: the line has neither a trace id nor a request id with its time");
  }
  const search = new TraceSearch(
    backend,
    {
      span: { from: timeMs - BEFORE_MS, to: timeMs + AFTER_MS },
      queries: async (ask) => {
        const known = await backend.services(ask);
        const likely = [source, destination].flatMap((peer) => serviceNames(peer, known));
        const asked = likely.length > 0 ? likely : known;
        return [...new Set(asked)].map((service) => ({ service, tags: { [REQUEST_ID]: requestId } }));
      },
      rows: TRACE_ROWS,
      pick: (trace) => (trace.spans.some((span) => span.text(REQUEST_ID) === requestId) ? trace : undefined),
    },
    { limit: 1, ...options },
    now,
  );
  const [trace] = await search;
  return trace;
}
