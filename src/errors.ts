/** What every error of this library carries beside its message. */
export interface ErrorDetails {
  /** The backend that was asked, such as `"prometheus"`. */
  readonly backend?: string | undefined;
  /** The query text that was sent or would have been sent. */
  readonly query?: string | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * The base of every error this library throws on its own account.
 *
 * `code` is a literal of the subclass, `retryable` says whether the same call may succeed later. Neither the message
 * nor any field holds a credential. A caller's own abort is not wrapped: it passes through as the signal's reason.
 */
export abstract class MeshQueryError extends Error {
  abstract readonly code: string;
  abstract readonly retryable: boolean;
  readonly backend: string | undefined;
  readonly query: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.backend = details.backend;
    this.query = details.query;
  }
}

/** Which argument cannot be meant as it stands. */
export type QueryErrorCode =
  | "certificate"
  | "config"
  | "export"
  | "failures"
  | "grouping"
  | "id"
  | "label"
  | "name"
  | "pattern"
  | "peer"
  | "policy"
  | "promql"
  | "quantile"
  | "range"
  | "reporter"
  | "scope"
  | "step"
  | "string"
  | "template"
  | "time"
  | "timeout"
  | "unit"
  | "window";

/** The caller's arguments cannot be meant as they stand; nothing was sent. */
export class QueryError extends MeshQueryError {
  readonly code: QueryErrorCode;
  readonly retryable = false;

  constructor(code: QueryErrorCode, message: string, details?: ErrorDetails) {
    super(message, details);
    this.code = code;
  }
}

/**
 * What is wrong with a PromQL text: `"syntax"` no grammar has it, `"type"` the parts do not go together, `"name"` no
 * function or aggregation is called so, `"pattern"` a matcher's pattern is no RE2, `"experimental"` only a server that
 * was told so takes it, `"unsupported"` this library does not, `"too-deep"` it is nested too deeply.
 */
export type PromqlErrorCode = "experimental" | "name" | "pattern" | "syntax" | "too-deep" | "type" | "unsupported";

/** Where and why a PromQL text was refused. */
export interface PromqlErrorDetails extends ErrorDetails {
  readonly query: string;
  /** What is wrong, on one line and without its place. */
  readonly reason: string;
  /** What to write instead. */
  readonly hint?: string | undefined;
  /** Where it starts and ends in the text, in UTF-16 offsets. */
  readonly start: number;
  readonly end: number;
  /** The line of the text, from 1. */
  readonly line: number;
  /** The character of that line, from 1. */
  readonly column: number;
}

/** A text is no PromQL. The message shows the place in the line with carets below it. */
export class PromqlSyntaxError extends MeshQueryError {
  readonly code: PromqlErrorCode;
  readonly retryable = false;
  declare readonly query: string;
  readonly reason: string;
  readonly hint: string | undefined;
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly column: number;

  constructor(code: PromqlErrorCode, message: string, details: PromqlErrorDetails) {
    super(message, details);
    this.code = code;
    this.reason = details.reason;
    this.hint = details.hint;
    this.start = details.start;
    this.end = details.end;
    this.line = details.line;
    this.column = details.column;
  }
}

/**
 * Why an expression has no value: `"execution"` Prometheus has none for it either, such as for many series on both
 * sides of an operator; `"unsupported"` this library does not evaluate what it holds.
 */
export type EvaluationErrorCode = "execution" | "unsupported";

/** An expression was well-formed, and could not be evaluated over these series. */
export class EvaluationError extends MeshQueryError {
  readonly code: EvaluationErrorCode;
  readonly retryable = false;

  constructor(code: EvaluationErrorCode, message: string, details?: ErrorDetails) {
    super(message, details);
    this.code = code;
  }
}

/**
 * What is wrong with a file of rules: `"syntax"` it is no YAML, `"shape"` it is none that rules are written in, `"promql"`
 * an expression is no PromQL, `"template"` a label's or annotation's template does not end.
 */
export type RuleFileErrorCode = "promql" | "shape" | "syntax" | "template";

/** A file of rules cannot be read. */
export class RuleFileError extends MeshQueryError {
  readonly code: RuleFileErrorCode;
  readonly retryable = false;
  /** The file, as it was named when it was read. */
  readonly file: string;
  /** Which of the documents in it, from 1. */
  readonly document: number;
  /** Where in the document: `"groups[0].rules[2].expr"`; empty for the document as a whole. */
  readonly path: string;

  constructor(
    code: RuleFileErrorCode,
    message: string,
    details: ErrorDetails & { readonly file: string; readonly document: number; readonly path: string },
  ) {
    super(message, details);
    this.code = code;
    this.file = details.file;
    this.document = details.document;
    this.path = details.path;
  }
}

/** Why no answer arrived. */
export type TransportErrorCode = "dns" | "network" | "refused" | "reset" | "tls" | "too-large";

/** No answer arrived: the host could not be reached, or the connection broke. */
export class TransportError extends MeshQueryError {
  readonly code: TransportErrorCode;
  readonly retryable: boolean;

  constructor(code: TransportErrorCode, message: string, details?: ErrorDetails) {
    super(message, details);
    this.code = code;
    this.retryable = code !== "tls" && code !== "too-large";
  }
}

/** Why a backend said no, whatever words its API has for it. */
export type BackendErrorCode =
  | "bad-query"
  | "canceled"
  | "execution"
  | "forbidden"
  | "internal"
  | "not-found"
  | "rate-limited"
  | "redirect"
  | "refused"
  | "timeout"
  | "unauthorized"
  | "unavailable";

/** The backend answered, and the answer was no. */
export class BackendError extends MeshQueryError {
  readonly code: BackendErrorCode;
  readonly retryable: boolean;
  /** The HTTP status of the answer. */
  readonly status: number;
  /** How long the backend asked to be left alone, in milliseconds, where it said so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: BackendErrorCode,
    message: string,
    details: ErrorDetails & { readonly status: number; readonly retryAfterMs?: number | undefined },
  ) {
    super(message, details);
    this.code = code;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.retryable = code === "rate-limited" || code === "unavailable" || code === "timeout";
  }
}

/** What was wrong with an answer. */
export type DecodeErrorCode = "content-type" | "shape" | "syntax" | "truncated";

/** The backend answered with something that is not what its API promises. */
export class DecodeError extends MeshQueryError {
  readonly code: DecodeErrorCode;
  readonly retryable: boolean;

  constructor(code: DecodeErrorCode, message: string, details?: ErrorDetails) {
    super(message, details);
    this.code = code;
    this.retryable = code === "truncated";
  }
}

/** Part of the answer is missing, and the caller asked for all or nothing (`onPartial: "throw"`). */
export class PartialError extends MeshQueryError {
  readonly code = "partial";
  readonly retryable = true;
  /** What the backend said was missing. */
  readonly warnings: readonly string[];

  constructor(message: string, details: ErrorDetails & { readonly warnings: readonly string[] }) {
    super(message, details);
    this.warnings = details.warnings;
  }
}

/** The deadline passed before the answer was whole. */
export class TimeoutError extends MeshQueryError {
  readonly code = "deadline";
  readonly retryable = true;
  /** The deadline that passed, in milliseconds. */
  readonly timeoutMs: number;

  constructor(message: string, details: ErrorDetails & { readonly timeoutMs: number }) {
    super(message, details);
    this.timeoutMs = details.timeoutMs;
  }
}

/** Closes a switch over a union: a member that nobody handles fails the type check here. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`);
}
