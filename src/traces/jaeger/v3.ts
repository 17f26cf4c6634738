import { BackendError, DecodeError } from "../../errors.ts";
import type { HttpClient, HttpResponse } from "../../http/client.ts";
import type { AskOptions } from "../../time.ts";
import { bodyOf, isSuccess, type Question, quoted, send } from "../answer.ts";
import type { Operation } from "../backend.ts";
import { type DocumentContext, DocumentReader, isRecord, parseDocument, place } from "../document.ts";
import { together } from "../together.ts";
import type { Trace } from "../trace.ts";
import type { Dialect, Found, JaegerSearch } from "./dialect.ts";
import { JAEGER, WRONG_URL } from "./name.ts";
import { decodeOtlpTraces } from "./otlp-spans.ts";

/**
 * Jaeger's stable API, the only one to search by from 2.21 on.
 *
 * Parameters are in snake case, which every version takes; the older ones know no other.
 *
 * @see jaegertracing/jaeger, `apiv3/http_gateway.go` and `apiv3/query_parser.go`
 */
export class V3 implements Dialect {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  async services(options: AskOptions): Promise<readonly string[]> {
    const { document, read } = await this.#document({ path: "/api/v3/services" }, options);
    return read.texts(document.services, undefined, "services");
  }

  async operations(service: string, options: AskOptions): Promise<readonly Operation[]> {
    const { document, read } = await this.#document(
      { path: "/api/v3/operations", query: [["service", service]] },
      options,
    );
    return read.list(document.operations, undefined, "operations").map((one, i) => {
      const at = place(OPERATIONS, i);
      const { name, spanKind } = read.record(one, at);
      const kind = read.textOrNone(spanKind, at, "spanKind");
      return { name: read.textOrNone(name, at, "name"), kind: kind === "" ? undefined : kind };
    });
  }

  /** There is no call for many traces at once. */
  async traces(ids: readonly string[], options: AskOptions): Promise<readonly Trace[]> {
    const found = await together(ids, options.signal, (id, signal) =>
      this.#traces({ path: `/api/v3/traces/${id}` }, { ...options, signal }),
    );
    return found.flat();
  }

  async search(search: JaegerSearch, options: AskOptions): Promise<Found> {
    const { query, tags, fromUs, toUs, minDuration, maxDuration } = search;
    const depth = String(query.limit);
    const fields: (readonly [string, string])[] = [
      ["query.start_time_min", rfc3339(fromUs)],
      ["query.start_time_max", rfc3339(toUs)],
      // Renamed on the way; without the one that it knows, an older Jaeger refuses the search.
      ["query.search_depth", depth],
      ["query.num_traces", depth],
    ];
    if (query.service !== undefined) fields.push(["query.service_name", query.service]);
    if (query.operation !== undefined) fields.push(["query.operation_name", query.operation]);
    if (Object.keys(tags).length > 0) fields.push(["query.attributes", JSON.stringify(tags)]);
    if (minDuration !== undefined) fields.push(["query.duration_min", minDuration]);
    if (maxDuration !== undefined) fields.push(["query.duration_max", maxDuration]);
    return { traces: await this.#traces({ path: "/api/v3/traces", query: fields }, options), warnings: [] };
  }

  /** The traces of an answer; that there are none comes as status 404. */
  async #traces(about: Pick<Question, "path" | "query">, options: AskOptions): Promise<readonly Trace[]> {
    const question = ask(about);
    const response = await send(this.#http, question, options);
    if (response.status === 404 && NOT_FOUND.has(said(response))) return [];
    const { traces, failure } = decodeOtlpTraces(bodyOf(response, question, reasonIn), contextOf(question));
    if (failure !== undefined) throw failed(response, question, failure);
    return traces;
  }

  async #document(about: Pick<Question, "path" | "query">, options: AskOptions) {
    const question = ask(about);
    const response = await send(this.#http, question, options);
    const read = new DocumentReader(contextOf(question));
    const body = bodyOf(response, question, reasonIn);
    const document = read.record(parseDocument(body, contextOf(question)));
    const message = reasonIn(document);
    if (message !== undefined) throw failed(response, question, message);
    return { document, read };
  }
}

/** Whether the answer to `/api/v3/services` is of this API. */
export function isV3(response: HttpResponse): boolean {
  if (!isSuccess(response)) return said(response) !== undefined;
  try {
    const document = parseDocument(response.body, { backend: JAEGER, query: undefined, hint: WRONG_URL });
    return isRecord(document) && (document.services === undefined || Array.isArray(document.services));
  } catch (error) {
    if (error instanceof DecodeError) return false;
    throw error;
  }
}

/** The words for an empty answer to a search, and to a question for one trace. */
const NOT_FOUND: ReadonlySet<string | undefined> = new Set(["No traces found", "trace not found"]);

const OPERATIONS = place(undefined, "operations");

const ask = (about: Pick<Question, "path" | "query">): Question => ({ backend: JAEGER, hint: WRONG_URL, ...about });

const contextOf = (question: Question): DocumentContext => ({
  backend: question.backend,
  query: quoted(question),
  hint: question.hint,
});

/** Microseconds since the epoch in the form that Go's time.RFC3339Nano reads. */
function rfc3339(us: number): string {
  const seconds = Math.floor(us / 1e6);
  const rest = String(us - seconds * 1e6).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, -5)}.${rest}Z`;
}

function reasonIn(document: unknown): string | undefined {
  const error = isRecord(document) ? document.error : undefined;
  return isRecord(error) && typeof error.message === "string" ? error.message : undefined;
}

function said(response: HttpResponse): string | undefined {
  try {
    return reasonIn(parseDocument(response.body, { backend: JAEGER, query: undefined, hint: WRONG_URL }));
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** The error for an answer whose status says yes, and whose body says no. */
function failed({ url, status, redact }: HttpResponse, question: Question, message: string): BackendError {
  return new BackendError("internal", `${JAEGER}: ${url} answered with an error: ${redact(message)}`, {
    backend: JAEGER,
    query: quoted(question),
    status,
  });
}
