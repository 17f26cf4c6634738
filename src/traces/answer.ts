import { DecodeError } from "../errors.ts";
import type { HttpClient, HttpResponse } from "../http/client.ts";
import { refusal } from "../http/refusal.ts";
import type { AskOptions } from "../time.ts";
import { isRecord, parseDocument } from "./document.ts";

/** One question to a tracing backend's HTTP API, and what errors say about it. */
export interface Question {
  readonly backend: string;
  /** Below the base URL; segments that hold a caller's text come percent-encoded. */
  readonly path: string;
  readonly query?: readonly (readonly [string, string])[];
  /** What to check where the answer is not of this API, as the end of a sentence. */
  readonly hint: string;
}

/** Sends the question, and gives the answer whatever its status. */
export function send(http: HttpClient, question: Question, { signal, timeoutMs }: AskOptions): Promise<HttpResponse> {
  const { path, query } = question;
  return http.send({ method: "GET", path, query, accept: "application/json", idempotent: true, signal, timeoutMs });
}

/** The question as an error quotes it. */
export function quoted({ path, query = [] }: Question): string {
  const text = new URLSearchParams(query.map(([name, value]): [string, string] => [name, value])).toString();
  return text === "" ? path : `${path}?${text}`;
}

/** Whether it is a web page, which a tracing backend's own UI answers to every path that it does not know. */
export function isPage({ contentType, body }: HttpResponse): boolean {
  const first = body.find((byte) => byte > 0x20);
  return contentType === "text/html" || first === "<".charCodeAt(0);
}

/** Whether the backend says yes by its status. */
export const isSuccess = ({ status }: HttpResponse): boolean => status >= 200 && status < 300;

/**
 * The body of an answer whose status says yes.
 *
 * @param reasonIn finds the backend's own words in the body of an answer whose status says no
 * @throws {BackendError} when the status says no
 * @throws {DecodeError} when there is no body, or a web page in its place
 */
export function bodyOf(
  response: HttpResponse,
  question: Question,
  reasonIn: (document: unknown) => string | undefined = () => undefined,
): Uint8Array {
  const { status, url, body } = response;
  const details = { backend: question.backend, query: quoted(question) };
  if (!isSuccess(response)) throw refusal(response, details, isPage(response) ? undefined : reason(body, reasonIn));
  const fail = (code: "content-type" | "shape", what: string) =>
    new DecodeError(code, `${details.backend}: ${url} answered ${what}; ${question.hint}`, details);
  if (body.length === 0) throw fail("shape", `${status} without a body`);
  if (isPage(response)) throw fail("content-type", "with a web page");
  return body;
}

function reason(body: Uint8Array, reasonIn: (document: unknown) => string | undefined): string | undefined {
  try {
    const document = parseDocument(body, { backend: "", query: undefined, hint: "" });
    return isRecord(document) ? reasonIn(document) : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
