import { BackendError, type BackendErrorCode, type ErrorDetails } from "../errors.ts";
import type { HttpResponse } from "./message.ts";

/**
 * The error for an answer that is no by its HTTP status alone, with what to do about it.
 *
 * @param said what the backend gave as its reason, if it is known; otherwise the body's first words are taken
 */
export function refusal(
  response: HttpResponse,
  details: ErrorDetails & { readonly backend: string },
  said: string = excerpt(response),
): BackendError {
  const { status, retryAfterMs } = response;
  const code = codeOf(status);
  const reason = said === "" ? "" : `: ${response.redact(said)}`;
  return new BackendError(
    code,
    `${details.backend}: ${response.url} answered ${status}${reason}${adviceFor(code, response)}`,
    {
      ...details,
      status,
      retryAfterMs,
    },
  );
}

function codeOf(status: number): BackendErrorCode {
  if (status >= 300 && status < 400) return "redirect";
  switch (status) {
    case 400:
      return "bad-query";
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not-found";
    case 422:
      return "execution";
    case 429:
      return "rate-limited";
    case 499:
      return "canceled";
    case 502:
    case 503:
      return "unavailable";
    case 504:
      return "timeout";
    default:
      return status >= 500 ? "internal" : "refused";
  }
}

function adviceFor(code: BackendErrorCode, { headers, status }: HttpResponse): string {
  if (status === 407) return '; a proxy on the way wants to know who asks: { proxy: "http://user:password@…" }';
  switch (code) {
    case "unauthorized":
      return '; give credentials: { auth: { bearer: "…" } } or { auth: { basic: { username, password } } }';
    case "forbidden":
      return "; the credentials that were sent, if any, do not allow this";
    case "not-found":
      return "; is the path before the API part of the URL, as in http://host/prometheus?";
    case "redirect":
      return `; it points to ${headers.location ?? "another place"}, which is not followed: give the final URL`;
    case "rate-limited":
      return "; ask less often, or lower { concurrency }";
    default:
      return "";
  }
}

/** The first words of a textual body; nothing of a web page, which says little in many words. */
function excerpt({ body, contentType, redact }: HttpResponse): string {
  if (contentType === "text/html") return "a web page";
  const said = new TextDecoder().decode(body.subarray(0, 4_000)).replace(/[\p{Cc}\s]+/gu, " ");
  // Before it is cut: half of a credential would not be known for one.
  const text = redact(said).trim();
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
