import { type Cell, type Heading, instant, number, text } from "../results/column.ts";
import type { RowForm } from "../results/result-list.ts";
import type { Call } from "./call.ts";
import type { AccessLogEntry } from "./entry.ts";
import { codeText, nameOf } from "./request-line.ts";

const HEADINGS: readonly Heading[] = [
  instant("time"),
  text("from"),
  text("to"),
  text("method"),
  text("path"),
  text("code"),
  text("flags"),
  number("duration", "ms"),
  text("request id"),
];

/** Requests as rows, whether they are known by one line or by several. */
const requestRow = (request: AccessLogEntry | Call): readonly Cell[] => [
  request.timeMs,
  nameOf(request.source),
  nameOf(request.destination),
  request.method,
  request.path,
  request.isTcp ? "TCP" : codeText(request),
  request.flags.join(","),
  request.durationMs ?? "",
  request.requestId,
];

/** Whether a request failed as far as its code tells; 0 is no answer at all. */
const hasFailed = ({ code, isTcp, flags }: AccessLogEntry | Call): boolean =>
  isTcp ? flags.length > 0 : code === 0 || (code !== undefined && code >= 500);

/** Entries of access logs as rows. */
export const ENTRY_ROWS: RowForm<AccessLogEntry> = Object.freeze<RowForm<AccessLogEntry>>({
  noun: "line",
  headings: [...HEADINGS, text("side")],
  row: (entry) => [...requestRow(entry), entry.side],
  tone: (entry) => (entry.suspicious !== undefined ? "warn" : hasFailed(entry) ? "bad" : undefined),
});

/** Calls as rows. */
export const CALL_ROWS: RowForm<Call> = Object.freeze<RowForm<Call>>({
  noun: "call",
  headings: [...HEADINGS, number("attempts")],
  row: (call) => [...requestRow(call), call.attempts.length],
  tone: (call) => (call.suspicious !== undefined ? "warn" : hasFailed(call) ? "bad" : undefined),
});
