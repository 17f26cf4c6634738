import { type HttpClient, type HttpOptions, httpClient } from "../../http/client.ts";
import { clockIn, type ServerDescription } from "../../results/server-description.ts";
import type { AskOptions } from "../../time.ts";
import { bodyOf, type Question, quoted, send } from "../answer.ts";
import type { Dependency, FoundTraces, Operation, SearchPage, TraceBackend, TraceQuery } from "../backend.ts";
import { type Comparison, durationsOf, fulfilling } from "../conditions.ts";
import { type DocumentContext, DocumentReader, parseDocument, place } from "../document.ts";
import { checkedTraceId } from "../id.ts";
import { GET, listing, SEARCH } from "../inquiry.ts";
import { runsOf, together } from "../together.ts";
import type { Trace } from "../trace.ts";
import { annotationQuery } from "./annotation-query.ts";
import { decodeZipkinTrace, decodeZipkinTraces } from "./spans.ts";

/** How a Zipkin is reached. */
export type ZipkinOptions = HttpOptions;

/**
 * Traces from a Zipkin, or from a server that speaks version 2 of its API.
 *
 * Nothing is sent before the first question. Zipkin keeps names of services and spans in lower case and looks for the
 * parts of a query in any spans of a trace; what it finds is compared again here, every condition in one span.
 *
 * @param url where Zipkin is found, without `/api/v2`: `"http://zipkin:9411"`, with the path before it if it has one
 * @throws {QueryError} `code: "config"` when the URL or an option cannot be meant as it stands
 * @see Zipkin, "zipkin2-api.yaml"
 * @example
 * createMesh({ traces: zipkin("http://zipkin:9411") });
 */
export function zipkin(url: string, options: ZipkinOptions = {}): TraceBackend {
  return new Zipkin(httpClient(NAME, url, options));
}

const NAME = "zipkin";
const HINT =
  "is the URL that of Zipkin's server, with the path before /api/v2 if it has one, as in http://zipkin:9411?";
/** Zipkin's server refuses a request line of more than 4,096 bytes. */
const IDS_PER_CALL = 100;

class Zipkin implements TraceBackend {
  readonly name = NAME;
  readonly finestWindowMs = 1;
  readonly mostPerCall = 1_000;
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  services(options: AskOptions = {}): Promise<readonly string[]> {
    return this.#http.ask(listing("services"), async () => {
      const { document, read } = await this.#document({ path: "/api/v2/services" }, options);
      return read.texts(document);
    });
  }

  operations(service: string, options: AskOptions = {}): Promise<readonly Operation[]> {
    return this.#http.ask(listing("operations"), async () => {
      const query = [["serviceName", spelling(service)]] as const;
      const { document, read } = await this.#document({ path: "/api/v2/spans", query }, options);
      return read.texts(document).map((name) => ({ name }));
    });
  }

  async trace(id: string, options: AskOptions = {}): Promise<Trace | undefined> {
    const { traces } = await this.traces([id], options);
    return traces[0];
  }

  async traces(ids: readonly string[], options: AskOptions = {}): Promise<FoundTraces> {
    const wanted = [...new Set(ids.map(checkedTraceId))];
    return this.#http.ask(GET, async () => {
      const runs = await together(runsOf(wanted, IDS_PER_CALL), options.signal, (run, signal) =>
        this.#run(run, { ...options, signal }),
      );
      const traces = runs.flat();
      const found = new Set(traces.map(({ id }) => id));
      return { traces, missing: wanted.filter((id) => !found.has(id)) };
    });
  }

  async search(query: TraceQuery, options: AskOptions = {}): Promise<SearchPage> {
    const { minMs, maxMs } = durationsOf(query, NAME);
    const { text, left } = annotationQuery(query.tags ?? {});
    const endMs = Math.max(1, Math.ceil(query.toMs));
    const fields: (readonly [string, string])[] = [
      ["endTs", String(endMs)],
      ["lookback", String(Math.max(1, endMs - Math.floor(query.fromMs)))],
      ["limit", String(query.limit)],
    ];
    if (query.service !== undefined) fields.push(["serviceName", spelling(query.service)]);
    if (query.operation !== undefined) fields.push(["spanName", spelling(query.operation)]);
    if (text !== undefined) fields.push(["annotationQuery", text]);
    // The longest duration is only understood beside a shortest.
    if (minMs !== undefined || maxMs !== undefined) fields.push(["minDuration", minMs === undefined ? "1" : us(minMs)]);
    if (maxMs !== undefined) fields.push(["maxDuration", us(maxMs)]);
    const question = ask({ path: "/api/v2/traces", query: fields });
    return this.#http.ask(SEARCH, async () => {
      const response = await send(this.#http, question, options);
      const traces = decodeZipkinTraces(bodyOf(response, question), contextOf(question));
      const any = query.operation !== undefined && spelling(query.operation) === ANY_OPERATION;
      return {
        traces: fulfilling(traces, query, NAME, COMPARISON),
        full: traces.length >= query.limit,
        unapplied: [...left.map((name) => `tag ${name}`), ...(any ? ["operation"] : [])],
        warnings: [],
        complete: true,
      };
    });
  }

  async dependencies(
    { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
    options: AskOptions = {},
  ): Promise<readonly Dependency[]> {
    const endMs = Math.max(1, Math.ceil(toMs));
    const query = [
      ["endTs", String(endMs)],
      ["lookback", String(Math.max(1, endMs - Math.floor(fromMs)))],
    ] as const;
    return this.#http.ask(listing("dependencies"), async () => {
      const { document, read } = await this.#document({ path: "/api/v2/dependencies", query }, options);
      return read.list(document).map((one, i) => {
        const at = place(undefined, i);
        const { parent, child, callCount, errorCount } = read.record(one, at);
        return {
          parent: read.text(parent, at, "parent"),
          child: read.text(child, at, "child"),
          calls: read.amount(callCount, at, "callCount"),
          // Left out where it is none.
          errors: errorCount === undefined ? 0 : read.amount(errorCount, at, "errorCount"),
        };
      });
    });
  }

  async describe(options: AskOptions = {}): Promise<ServerDescription> {
    const { status, body, headers } = await send(this.#http, ask({ path: "/info" }), options);
    // A server that speaks Zipkin's API, and is none, has no such page.
    const version = status === 200 ? versionIn(body) : undefined;
    return { product: "Zipkin", version, dialect: "v2", clockMs: clockIn(headers) };
  }

  /** Zipkin refuses a question for many traces that names only one. */
  async #run(ids: readonly string[], options: AskOptions): Promise<readonly Trace[]> {
    const [only] = ids;
    if (only !== undefined && ids.length === 1) {
      const trace = await this.#trace(only, options);
      return trace === undefined ? [] : [trace];
    }
    const question = ask({ path: "/api/v2/traceMany", query: [["traceIds", ids.join(",")]] });
    const response = await send(this.#http, question, options);
    return decodeZipkinTraces(bodyOf(response, question), contextOf(question));
  }

  async #trace(id: string, options: AskOptions): Promise<Trace | undefined> {
    const question = ask({ path: `/api/v2/trace/${id}` });
    const response = await send(this.#http, question, options);
    // Any other 404 is a proxy's, or that of a wrong URL.
    if (response.status === 404 && new TextDecoder().decode(response.body).trim() === `${id} not found`)
      return undefined;
    return decodeZipkinTrace(bodyOf(response, question), contextOf(question));
  }

  async #document(about: Pick<Question, "path" | "query">, options: AskOptions) {
    const question = ask(about);
    const response = await send(this.#http, question, options);
    const document = parseDocument(bodyOf(response, question), contextOf(question));
    return { document, read: new DocumentReader(contextOf(question)) };
  }
}

/** @see openzipkin/zipkin, `zipkin-server`, the actuator's `/info` */
const versionIn = (body: Uint8Array): string | undefined =>
  /"zipkin"\s*:\s*\{[^}]*"version"\s*:\s*"([^"]+)"/.exec(new TextDecoder().decode(body))?.[1];

const ask = (about: Pick<Question, "path" | "query">): Question => ({ backend: NAME, hint: HINT, ...about });

const contextOf = (question: Question): DocumentContext => ({ backend: NAME, query: quoted(question), hint: HINT });

/** The operation that Zipkin takes for no condition. */
const ANY_OPERATION = "all";

const spelling = (name: string): string => name.toLowerCase();
const us = (ms: number): string => String(ms * 1000);

const COMPARISON: Comparison = {
  spelling,
  hasTag: (span, name, value) => span.text(name) === value,
  // Some of Zipkin's storages go by the time of the trace, others by that of any span that matches.
  within: (trace, matching, { fromMs, toMs }) =>
    [startOf(trace), ...matching.map(({ startMs }) => startMs)].some((ms) => ms >= fromMs && ms <= toMs),
};

/** When the trace began as Zipkin reckons it: with its root, or its first span where that is missing. */
const startOf = (trace: Trace): number =>
  trace.spans.find(({ parentId }) => parentId === undefined)?.startMs ?? trace.startMs;
