import { encodeForm } from "./url.ts";

/** Takes a body as it comes, unpacked. */
export interface BodyReader {
  /** Takes the bytes that come next; what it throws ends the answer, and is what the question ends with. */
  push(bytes: Uint8Array): void;
}

/** One question to a backend. */
export interface HttpRequest {
  readonly method: "DELETE" | "GET" | "POST";
  /** Below the client's base URL; segments that hold a caller's text come percent-encoded. */
  readonly path: string;
  /** Whether the path itself lets somebody in, as a webhook's does: then it is shown nowhere. */
  readonly isSecretPath?: boolean | undefined;
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
  /** Whether the answer is this request's alone, such as something lent: then no identical one in flight stands for it. */
  readonly alone?: boolean | undefined;
  /** Whether an answer from 400 on may be another one a little later; `undefined` leaves that to its status. */
  readonly isPassing?: ((response: HttpResponse) => boolean | undefined) | undefined;
  /**
   * Who reads the body while it arrives, by the head of the answer and its first bytes; `undefined` where it shall come
   * as a whole. Each answer has its own, since a try that breaks off may be followed by another.
   */
  readonly reader?: ((head: AnswerHead, first: Uint8Array) => BodyReader | undefined) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Overall deadline in milliseconds, in place of the client's. */
  readonly timeoutMs?: number | undefined;
}

/** What is known of an answer before its body. */
export interface AnswerHead {
  readonly status: number;
  /** Media type in lower case without parameters, `""` when there is none. */
  readonly contentType: string;
}

/** A backend's whole answer, whatever its status. */
export interface HttpResponse extends AnswerHead {
  /** Names in lower case; no cookies, and a `location` without credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** Unpacked; empty where a reader took it. */
  readonly body: Uint8Array;
  /** Who took the body: of the request itself, or of the same one that was already under way. */
  readonly reader?: BodyReader | undefined;
  /** Where the answer came from, after redirects; without credentials. */
  readonly url: string;
  /** From the question to the whole answer, queueing and retries included. */
  readonly tookMs: number;
  readonly tries: number;
  /** How long the backend asked to be left alone, where it said so. */
  readonly retryAfterMs: number | undefined;
  /** What the backend wrote as it may be shown: without credentials, those above all that it was sent. */
  readonly redact: (text: string) => string;
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
