import { BackendError, type BackendErrorCode, DecodeError, QueryError } from "../../errors.ts";
import type { HttpClient, HttpResponse } from "../../http/client.ts";
import type { AskOptions } from "../../time.ts";
import { bodyOf, isSuccess, type Question, quoted, send } from "../answer.ts";
import type { Dependency, Operation } from "../backend.ts";
import { type DocumentContext, DocumentReader, isRecord, place } from "../document.ts";
import { runsOf, together } from "../together.ts";
import type { Trace } from "../trace.ts";
import type { Dialect, Found, JaegerSearch } from "./dialect.ts";
import { decodeLegacyEnvelope, decodeLegacyTraces, type LegacyFailure } from "./legacy-spans.ts";
import { JAEGER, WRONG_URL } from "./name.ts";

/** A longer request line than this many ids make is cut by some proxies. */
const IDS_PER_CALL = 100;

/** The API that Jaeger's own UI was written for: all of Jaeger 1, and Jaeger 2 up to 2.20. */
export class Legacy implements Dialect {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  async services(options: AskOptions): Promise<readonly string[]> {
    const { data, read } = await this.#data({ path: "/api/services" }, options);
    return read.texts(data, DATA);
  }

  async operations(service: string, options: AskOptions): Promise<readonly Operation[]> {
    const { data, read } = await this.#data({ path: "/api/operations", query: [["service", service]] }, options);
    return data.map((one, i) => {
      const at = place(DATA, i);
      const { name, spanKind } = read.record(one, at);
      const kind = read.textOrNone(spanKind, at, "spanKind");
      return { name: read.text(name, at, "name"), kind: kind === "" ? undefined : kind };
    });
  }

  async dependencies(fromMs: number, toMs: number, options: AskOptions): Promise<readonly Dependency[]> {
    const query = [
      ["endTs", String(toMs)],
      ["lookback", String(toMs - fromMs)],
    ] as const;
    const { data, read } = await this.#data({ path: "/api/dependencies", query }, options);
    return data.map((one, i) => {
      const at = place(DATA, i);
      const { parent, child, callCount } = read.record(one, at);
      return {
        parent: read.text(parent, at, "parent"),
        child: read.text(child, at, "child"),
        calls: read.amount(callCount, at, "callCount"),
      };
    });
  }

  async traces(ids: readonly string[], options: AskOptions): Promise<readonly Trace[]> {
    const [only] = ids;
    if (only !== undefined && ids.length === 1) return this.#trace(only, options);
    const runs = await together(runsOf(ids, IDS_PER_CALL), options.signal, async (run, signal) => {
      const question = ask({ path: "/api/traces", query: run.map((id) => ["traceID", id] as const) });
      const response = await send(this.#http, question, { ...options, signal });
      const { traces, failures } = decodeLegacyTraces(bodyOf(response, question, reasonIn), contextOf(question));
      const other = failures.find(({ message }) => message !== NOT_FOUND);
      if (other !== undefined) throw failed(response, question, other);
      return traces;
    });
    return runs.flat();
  }

  async #trace(id: string, options: AskOptions): Promise<readonly Trace[]> {
    const question = ask({ path: `/api/traces/${id}` });
    const response = await send(this.#http, question, options);
    if (response.status === 404 && failuresOf(response)?.[0]?.message === NOT_FOUND) return [];
    const { traces, failures } = decodeLegacyTraces(bodyOf(response, question, reasonIn), contextOf(question));
    const [failure] = failures;
    if (failure !== undefined && failure.message !== NOT_FOUND) throw failed(response, question, failure);
    return traces;
  }

  async search(search: JaegerSearch, options: AskOptions): Promise<Found> {
    const { query, tags, minDuration, maxDuration } = search;
    if (query.service === undefined) {
      throw new QueryError(
        "name",
        `${JAEGER}: this Jaeger searches within one service; name it, as in { service: "frontend.shop" }`,
      );
    }
    const fields: (readonly [string, string])[] = [
      ["service", query.service],
      ["start", String(search.fromUs)],
      ["end", String(search.toUs)],
      ["limit", String(query.limit)],
    ];
    if (query.operation !== undefined) fields.push(["operation", query.operation]);
    if (Object.keys(tags).length > 0) fields.push(["tags", JSON.stringify(tags)]);
    if (minDuration !== undefined) fields.push(["minDuration", minDuration]);
    if (maxDuration !== undefined) fields.push(["maxDuration", maxDuration]);
    const question = ask({ path: "/api/traces", query: fields });
    const response = await send(this.#http, question, options);
    const { traces, failures } = decodeLegacyTraces(bodyOf(response, question, reasonIn), contextOf(question));
    const [failure] = failures;
    if (failure !== undefined && traces.length === 0) throw failed(response, question, failure);
    return {
      traces,
      warnings: failures.map(({ message, traceId }) =>
        traceId === undefined ? message : `trace ${traceId}: ${message}`,
      ),
    };
  }

  async #data(
    about: Pick<Question, "path" | "query">,
    options: AskOptions,
  ): Promise<{ readonly data: readonly unknown[]; readonly read: DocumentReader }> {
    const question = ask(about);
    const response = await send(this.#http, question, options);
    const { data, failures } = decodeLegacyEnvelope(bodyOf(response, question, reasonIn), contextOf(question));
    const [failure] = failures;
    if (failure !== undefined) throw failed(response, question, failure);
    return { data, read: new DocumentReader(contextOf(question)) };
  }
}

/** Whether the answer to `/api/services` is of this API and says yes. */
export function isLegacy(response: HttpResponse): boolean {
  return isSuccess(response) && failuresOf(response) !== undefined;
}

/** The error for an answer to `/api/services` that is neither this API's nor that of a server without it. */
export function refuseLegacy(response: HttpResponse): never {
  const question = ask({ path: "/api/services" });
  decodeLegacyEnvelope(bodyOf(response, question, reasonIn), contextOf(question));
  throw failed(response, question, { message: "no list of services", code: undefined, traceId: undefined });
}

const NOT_FOUND = "trace not found";
const DATA = place(undefined, "data");

const ask = (about: Pick<Question, "path" | "query">): Question => ({ backend: JAEGER, hint: WRONG_URL, ...about });

const contextOf = (question: Question): DocumentContext => ({
  backend: question.backend,
  query: quoted(question),
  hint: question.hint,
});

function reasonIn(document: unknown): string | undefined {
  const [first]: readonly unknown[] = isRecord(document) && Array.isArray(document.errors) ? document.errors : [];
  return isRecord(first) && typeof first.msg === "string" ? first.msg : undefined;
}

/** What the answer says went wrong, `undefined` where it is not of this API. */
function failuresOf(response: HttpResponse): readonly LegacyFailure[] | undefined {
  try {
    return decodeLegacyEnvelope(response.body, { backend: JAEGER, query: undefined, hint: WRONG_URL }).failures;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

const CODES: ReadonlyMap<number | undefined, BackendErrorCode> = new Map([
  [400, "bad-query"],
  [404, "not-found"],
  [501, "refused"],
]);

/** The error for an answer whose status says yes, and whose body says no. */
function failed(
  { url, status, redact }: HttpResponse,
  question: Question,
  { message, code }: LegacyFailure,
): BackendError {
  return new BackendError(
    CODES.get(code) ?? "internal",
    `${JAEGER}: ${url} answered with an error: ${redact(message)}`,
    {
      backend: JAEGER,
      query: quoted(question),
      status,
    },
  );
}
