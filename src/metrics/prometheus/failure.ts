import { BackendError, type BackendErrorCode, DecodeError } from "../../errors.ts";
import type { HttpResponse } from "../../http/client.ts";
import { refusal } from "../../http/refusal.ts";
import { type DecodedFailure, decodeAnswer } from "../decode/answer.ts";

/** What errors and results call this backend. */
export const NAME = "prometheus";

/** The body of an answer that says yes in the API's own form; the error for any other. */
export function bodyOf(response: HttpResponse, query: string | undefined): Uint8Array {
  const { status, contentType, body, url } = response;
  const success = status >= 200 && status < 300;
  if (success && body.length === 0) {
    throw new DecodeError("shape", `${NAME}: ${url} answered ${status} without a body; is it Prometheus's API?`, {
      backend: NAME,
      query,
    });
  }
  const isPage = contentType === "text/html" || firstByte(body) === "<";
  if (success && isPage) {
    throw new DecodeError(
      "content-type",
      `${NAME}: ${url} answered with a web page; is the URL that of the API, path prefix included, and not of a login page?`,
      { backend: NAME, query },
    );
  }
  if (success) return body;
  const said = isPage ? undefined : failureIn(body, query);
  if (said !== undefined) throw failure(response, said, query);
  throw isNowhere(response) ? notFound(response, query) : refusal(response, { backend: NAME, query });
}

/** VictoriaMetrics answers 400 where it has no such endpoint. */
const isNowhere = ({ status, body }: HttpResponse): boolean =>
  status === 400 && new TextDecoder().decode(body).includes("unsupported path requested");

const notFound = ({ url, status }: HttpResponse, query: string | undefined): BackendError =>
  new BackendError("not-found", `${NAME}: ${url} answered ${status}: this server has no such endpoint`, {
    backend: NAME,
    query,
    status,
  });

/**
 * Whether a refusal may be an answer a little later, by the API's own words; `undefined` where it has none.
 *
 * A 503 is what a server says that is still starting, and also what it says once it has spent its time on the query,
 * which would take as long again.
 */
export function isPassing({ body, contentType }: HttpResponse): boolean | undefined {
  const said = contentType === "text/html" ? undefined : failureIn(body, undefined);
  const code = said === undefined ? undefined : codeOf(said);
  if (code === "unavailable") return true;
  return code === "timeout" ? false : undefined;
}

/** What a body says of a failure, where it is the API's. */
export function failureIn(body: Uint8Array, query: string | undefined): DecodedFailure | undefined {
  try {
    const decoded = decodeAnswer(body, { backend: NAME, query: query ?? "" });
    return decoded.status === "error" ? decoded : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function firstByte(body: Uint8Array): string {
  const byte = body.find((b) => b > 0x20);
  return byte === undefined ? "" : String.fromCharCode(byte);
}

/** @see Prometheus, `web/api/v1/api.go`: the closed set of error types */
const CODES: ReadonlyMap<string, BackendErrorCode> = new Map([
  ["bad_data", "bad-query"],
  ["canceled", "canceled"],
  ["execution", "execution"],
  ["internal", "internal"],
  ["not_acceptable", "refused"],
  ["not_found", "not-found"],
  ["timeout", "timeout"],
  ["unavailable", "unavailable"],
]);

export function failure(
  response: HttpResponse,
  { errorType, error }: DecodedFailure,
  query: string | undefined,
): BackendError {
  const byStatus = refusal(response, { backend: NAME, query }, error);
  const code = codeOf({ errorType, error });
  // 422 is what limits come as, with their own words; 401 and 403 are a proxy's, with advice of their own.
  if (code === undefined || code === byStatus.code) return byStatus;
  return new BackendError(code, `${NAME}: ${response.url} answered ${errorType}: ${response.redact(error)}`, {
    backend: NAME,
    query,
    status: response.status,
    retryAfterMs: response.retryAfterMs,
  });
}

function codeOf({ errorType, error }: Pick<DecodedFailure, "error" | "errorType">): BackendErrorCode | undefined {
  // While series are being loaded, Prometheus reports its own deadline as a failed execution.
  const late = errorType === "execution" && error.includes("context deadline exceeded");
  return late ? "timeout" : CODES.get(errorType);
}
