import { encodeForm } from "./url.ts";

/** One question to a backend. */
export interface HttpRequest {
  readonly method: "DELETE" | "GET" | "POST";
  /** Below the client's base URL; segments that hold a caller's text come percent-encoded. */
  readonly path: string;
  readonly query?: readonly (readonly [string, string])[] | undefined;
  /** The body as form fields; excludes `json`. */
  readonly form?: readonly (readonly [string, string])[] | undefined;
  /** The body as JSON; excludes `form`. */
  readonly json?: unknown;
  /** Added to the client's own, over which they win. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The media types wanted; anything when left out. */
  readonly accept?: string | undefined;
  /** Whether sending it twice does no more than sending it once: only then is it tried again. */
  readonly idempotent: boolean;
  /** Whether an answer from 400 on may be another one a little later; `undefined` leaves that to its status. */
  readonly isPassing?: ((response: HttpResponse) => boolean | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Overall deadline in milliseconds, in place of the client's. */
  readonly timeoutMs?: number | undefined;
}

/** A backend's whole answer, whatever its status. */
export interface HttpResponse {
  readonly status: number;
  /** Names in lower case; no cookies, and a `location` without credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** Media type in lower case without parameters, `""` when there is none. */
  readonly contentType: string;
  /** Unpacked. */
  readonly body: Uint8Array;
  /** Where the answer came from, after redirects; without credentials. */
  readonly url: string;
  /** From the question to the whole answer, queueing and retries included. */
  readonly tookMs: number;
  readonly tries: number;
  /** How long the backend asked to be left alone, where it said so. */
  readonly retryAfterMs: number | undefined;
}

/** The body as it is sent, with its media type. */
export function encodeBody({ form, json }: HttpRequest): {
  readonly type: string | undefined;
  readonly body: string | undefined;
} {
  if (form !== undefined) return { type: "application/x-www-form-urlencoded", body: encodeForm(form) };
  if (json !== undefined) return { type: "application/json", body: JSON.stringify(json) };
  return { type: undefined, body: undefined };
}
