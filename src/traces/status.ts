import type { Span } from "./span.ts";

/** How a request ended, as far as a span shows it. */
export interface Status {
  /** The HTTP status; 0 where no answer was given. */
  readonly code: number | undefined;
  readonly grpcStatus: number | undefined;
  /** Envoy's response flags, such as `["UF", "URX"]`. */
  readonly flags: readonly string[];
  /** Whether the span is marked as an error. */
  readonly error: boolean;
}

/** Reads a proxy's or an application's span, in OpenTelemetry's older and newer names. */
export function statusOf(span: Span): Status {
  const code = span.text("http.status_code") ?? span.text("http.response.status_code");
  const grpc =
    span.text("grpc.status_code") ?? span.text("rpc.grpc.status_code") ?? span.text("rpc.response.status_code");
  return Object.freeze({
    code: wholeNumber(code),
    grpcStatus: grpc === undefined ? undefined : (wholeNumber(grpc) ?? GRPC_STATUS.get(grpc.toUpperCase())),
    flags: flagsOf(span.text("response_flags")),
    error: span.error,
  });
}

/**
 * Whether the request failed; `undefined` where nothing tells.
 *
 * Over gRPC the statuses that are the server's fault, whatever the HTTP code says; over HTTP 5xx, or 0, which is no
 * answer at all; otherwise the mark of an error.
 *
 * @see OpenTelemetry, "Semantic conventions for gRPC"
 */
export function hasFailed({ code, grpcStatus, error }: Status): boolean | undefined {
  if (grpcStatus !== undefined) return GRPC_FAILURES.has(grpcStatus);
  if (code !== undefined) return code === 0 || (code >= 500 && code <= 599);
  return error ? true : undefined;
}

/**
 * Whether the flags of a caller's proxy show that the request never left it. Others, such as `UT` or `UC`, say nothing
 * of that.
 *
 * @see Envoy, "Access log: %RESPONSE_FLAGS%"
 */
export const neverLeft = (flags: readonly string[]): boolean => flags.some((flag) => STAYED.has(flag));

/** What a response flag of Envoy's means, in words; `undefined` for one that is not Envoy's own. */
export const flagMeaning = (flag: string): string | undefined => MEANINGS[flag];

const GRPC_FAILURES: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);
const STAYED: ReadonlySet<string> = new Set([
  "DF",
  "DO",
  "FI",
  "IH",
  "LH",
  "NC",
  "NFCF",
  "NR",
  "OM",
  "RFCF",
  "RL",
  "RLSE",
  "UAEX",
  "UDO",
  "UF",
  "UH",
  "UO",
]);

const GRPC_NAMES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;
const GRPC_STATUS: ReadonlyMap<string, number> = new Map(GRPC_NAMES.map((name, status) => [name, status]));

/** A gRPC status by its name; `"14"` stays `"14"` only where there is no name for it. */
export const grpcName = (status: number): string => GRPC_NAMES[status] ?? String(status);

const MEANINGS: Readonly<Record<string, string>> = {
  DC: "the caller went away",
  DF: "the name could not be resolved",
  DI: "a delay was injected",
  DO: "dropped to shed load",
  DPE: "the caller broke the protocol",
  DR: "the caller reset the stream",
  DT: "the connection's time was over",
  FI: "a fault was injected",
  IH: "a strict header was invalid",
  LH: "the local health check failed",
  LR: "reset locally",
  NC: "no such cluster",
  NFCF: "no filter configuration",
  NR: "no route",
  OM: "the overload manager ended it",
  RFCF: "answered from a cache",
  RL: "rate limited locally",
  RLSE: "the rate limit service failed",
  SI: "idle for too long",
  UAEX: "denied by the authorization service",
  UC: "the upstream closed the connection",
  UDO: "dropped, as all is",
  UF: "no connection to the upstream",
  UH: "no healthy upstream",
  UMSDR: "the upstream took longer than a stream may",
  UO: "too many requests are pending",
  UPE: "the upstream broke the protocol",
  UR: "the upstream reset the stream",
  URX: "no retries are left",
  UT: "the upstream took too long",
};

function flagsOf(text: string | undefined): readonly string[] {
  if (text === undefined || text === "-" || text === "") return NO_FLAGS;
  return Object.freeze(text.split(",").map((flag) => flag.trim()));
}

const NO_FLAGS: readonly string[] = Object.freeze([]);

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
