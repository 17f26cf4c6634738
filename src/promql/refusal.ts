import { type PromqlErrorCode, PromqlSyntaxError } from "../errors.ts";

/** What is wrong with a piece of a text, and what to write instead. */
export interface Refusal {
  readonly code?: PromqlErrorCode;
  readonly reason: string;
  readonly hint?: string | undefined;
  readonly start: number;
  readonly end: number;
  readonly cause?: unknown;
}

/** How much of a long line is shown. */
const WIDTH = 100;

/** The error for a text, which shows the place: a line of the text, and carets below it. */
export function refusal(text: string, what: Refusal): PromqlSyntaxError {
  const { code = "syntax", start, end, cause } = what;
  const reason = oneLine(what.reason);
  const hint = what.hint === undefined ? undefined : oneLine(what.hint);
  const before = text.slice(0, start);
  const lineStart = Math.max(before.lastIndexOf("\n"), before.lastIndexOf("\r")) + 1;
  const line = before.split(/\r\n|\r|\n/).length;
  const column = lengthOf(text.slice(lineStart, start)) + 1;
  const said = hint === undefined ? reason : `${reason}; ${hint}`;
  const message = `PromQL ${line}:${column}: ${said}\n${excerpt(text, lineStart, start, end)}`;
  return new PromqlSyntaxError(code, message, {
    query: text,
    reason,
    hint,
    start,
    end,
    line,
    column,
    cause,
  });
}

/** What is quoted from the text may hold line breaks. */
const oneLine = (words: string): string => words.replace(/[\r\n]/g, (c) => (c === "\n" ? "\\n" : "\\r"));

function excerpt(text: string, lineStart: number, start: number, end: number): string {
  const rest = /[\r\n]/.exec(text.slice(start));
  const lineEnd = rest === null ? text.length : start + rest.index;
  const from = Math.max(lineStart, start - (WIDTH >> 1));
  const to = Math.min(lineEnd, from + WIDTH);
  const left = (from > lineStart ? "…" : "") + text.slice(from, start);
  const right = text.slice(start, to) + (to < lineEnd ? "…" : "");
  const carets = "^".repeat(Math.max(1, lengthOf(text.slice(start, Math.min(end, to)))));
  // A tab under a tab keeps the carets in place however wide it is drawn.
  return `  ${left}${right}\n  ${left.replace(/[^\t]/gu, " ")}${carets}`;
}

const lengthOf = (text: string): number => Array.from(text).length;
