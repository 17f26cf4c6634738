import { BackendError, MeshQueryError, TimeoutError, TransportError } from "../../errors.ts";
import type { TelemetryOptions } from "./listening.ts";

/** A failure as a span tells it. */
export interface Failure {
  /** `error.type`: the error's code, or the name of what somebody else threw. */
  readonly type: string;
  /** Without anything secret; left out where it could quote a query that is not to be shown. */
  readonly message?: string;
  /** The HTTP status, where it came to one. */
  readonly status?: number;
}

/** What may be told of `error`, such as with these options. */
export function failureOf(error: unknown, { queryText }: TelemetryOptions): Failure {
  // A caller's own reason: whatever it says is not ours to publish.
  if (!(error instanceof MeshQueryError)) return { type: error instanceof Error ? error.name : "abort" };
  const isPlain = error instanceof TransportError || error instanceof TimeoutError;
  return {
    type: error.code,
    ...(isPlain || queryText === "whole" ? { message: error.message } : {}),
    ...(error instanceof BackendError ? { status: error.status } : {}),
  };
}
