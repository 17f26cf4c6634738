import { instant, number, text } from "../results/column.ts";
import type { RowForm } from "../results/result-list.ts";
import { namesOf, statusText } from "./cause.ts";
import type { Hop } from "./hop.ts";
import type { Trace } from "./trace.ts";

/** Traces as rows: when, what, how long, and what failed first. */
export const TRACE_ROWS: RowForm<Trace> = Object.freeze<RowForm<Trace>>({
  noun: "trace",
  headings: [
    instant("start"),
    text("trace"),
    text("service"),
    text("operation"),
    number("duration", "ms"),
    number("spans"),
    text("failed"),
  ],
  row: (trace) => {
    const [root] = trace.roots;
    return [
      Math.floor(trace.startMs),
      trace.id,
      root?.service,
      root?.operation,
      trace.durationMs,
      trace.spans.length,
      trace
        .errors()
        .map(({ message }) => message)
        .join("; "),
    ];
  },
  tone: (trace) => (trace.errors().length > 0 ? "bad" : undefined),
});

/** One call within the trace that shows it. */
export interface Crossing {
  readonly trace: Trace;
  readonly hop: Hop;
}

/** Calls of traces as rows, each with the trace that shows it. */
export const CROSSING_ROWS: RowForm<Crossing> = Object.freeze<RowForm<Crossing>>({
  noun: "call",
  headings: [
    instant("start"),
    text("call"),
    text("method"),
    text("path"),
    text("outcome"),
    number("caller saw", "ms"),
    number("server took", "ms"),
    text("trace"),
  ],
  row: ({ trace, hop }) => [
    Math.floor(hop.startMs),
    namesOf(hop),
    hop.method,
    hop.path,
    statusText(hop) || (hop.failed ? "error" : ""),
    hop.clientMs ?? "",
    hop.serverMs ?? "",
    trace.id,
  ],
  tone: ({ hop }) => (hop.failed ? "bad" : undefined),
});

/** Traces as rows, of each of which some calls were picked. */
export const CROSSED_ROWS: RowForm<readonly Crossing[]> = Object.freeze<RowForm<readonly Crossing[]>>({
  noun: "trace",
  headings: TRACE_ROWS.headings,
  row: ([first]) => (first === undefined ? [] : TRACE_ROWS.row(first.trace)),
});
