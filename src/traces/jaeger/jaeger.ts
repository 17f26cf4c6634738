import { QueryError, TimeoutError } from "../../errors.ts";
import { type HttpClient, type HttpOptions, type HttpResponse, httpClient } from "../../http/client.ts";
import { isTimeout, TIMEOUT_RULE } from "../../http/options.ts";
import { clockIn, type ServerDescription } from "../../results/server-description.ts";
import { type AskOptions, shown } from "../../time.ts";
import { bodyOf, isPage, isSuccess, type Question, send } from "../answer.ts";
import type { Dependency, FoundTraces, Operation, SearchPage, TraceBackend, TraceQuery } from "../backend.ts";
import { type Comparison, durationsOf, fulfilling, unmetTags } from "../conditions.ts";
import { parseDocument } from "../document.ts";
import { checkedTraceId } from "../id.ts";
import { GET, listing, SEARCH } from "../inquiry.ts";
import type { Span } from "../span.ts";
import type { Trace } from "../trace.ts";
import { Detection } from "./detection.ts";
import type { Dialect } from "./dialect.ts";
import { isLegacy, Legacy, refuseLegacy } from "./legacy.ts";
import { saysCut } from "./meaning.ts";
import { JAEGER, WRONG_URL } from "./name.ts";
import { isV3, V3 } from "./v3.ts";

/** How a Jaeger is reached, and which of its APIs is spoken. */
export interface JaegerOptions extends HttpOptions {
  /**
   * `"legacy"` is `/api`, that of Jaeger 1 and of Jaeger 2 up to 2.20; `"v3"` is `/api/v3`, the only one to search by
   * from 2.21 on. Found out with the first question when left out: the older one where it is there.
   */
  readonly api?: "legacy" | "v3";
}

/**
 * Traces from a Jaeger, version 1 or 2.
 *
 * Nothing is sent before the first question. What a search finds is compared again here, value by value, because some
 * of Jaeger's storages take a tag's value for a pattern.
 *
 * @param url where the query service is found, without `/api`: `"http://jaeger-query:16686"`, with the base path if it has one
 * @throws {QueryError} `code: "config"` when the URL or an option cannot be meant as it stands
 * @example
 * createMesh({ traces: jaeger("http://jaeger-query:16686") });
 */
export function jaeger(url: string, options: JaegerOptions = {}): TraceBackend {
  const { api, ...http } = options;
  if (api !== undefined && api !== "legacy" && api !== "v3") {
    throw new QueryError("config", `${JAEGER}: api ${shown(api)} is not known; there are "legacy" and "v3"`);
  }
  return new Jaeger(httpClient(JAEGER, url, http), api, http.timeoutMs ?? 30_000);
}

class Jaeger implements TraceBackend {
  readonly name = JAEGER;
  readonly finestWindowMs = 0.001;
  readonly mostPerCall = 1_000;
  readonly #http: HttpClient;
  readonly #legacy: Legacy;
  readonly #named: Dialect | undefined;
  readonly #detection: Detection<Dialect>;
  readonly #timeoutMs: number;

  constructor(http: HttpClient, api: "legacy" | "v3" | undefined, timeoutMs: number) {
    this.#http = http;
    const legacy = new Legacy(http);
    const v3 = new V3(http);
    this.#legacy = legacy;
    this.#timeoutMs = timeoutMs;
    this.#named = api && { legacy, v3 }[api];
    this.#detection = new Detection(async (signal) => ((await speaksLegacy(http, signal)) ? legacy : v3));
  }

  services(options: AskOptions = {}): Promise<readonly string[]> {
    return this.#http.ask(listing("services"), () => this.#put(options, (dialect, left) => dialect.services(left)));
  }

  operations(service: string, options: AskOptions = {}): Promise<readonly Operation[]> {
    return this.#http.ask(listing("operations"), () =>
      this.#put(options, (dialect, left) => dialect.operations(service, left)),
    );
  }

  async trace(id: string, options: AskOptions = {}): Promise<Trace | undefined> {
    const { traces } = await this.traces([id], options);
    return traces[0];
  }

  async traces(ids: readonly string[], options: AskOptions = {}): Promise<FoundTraces> {
    const wanted = [...new Set(ids.map(checkedTraceId))];
    if (wanted.length === 0) return { traces: [], missing: [] };
    return this.#http.ask(GET, async () => {
      const traces = await this.#put(options, (dialect, left) => dialect.traces(wanted, left));
      const found = new Set(traces.map(({ id }) => id));
      return { traces, missing: wanted.filter((id) => !found.has(id)) };
    });
  }

  async search(query: TraceQuery, options: AskOptions = {}): Promise<SearchPage> {
    const { minMs, maxMs } = durationsOf(query, JAEGER);
    const tags = Object.fromEntries(Object.entries(query.tags ?? {}).filter(([name, value]) => isPlain(name, value)));
    const search = {
      query,
      tags,
      fromUs: Math.floor(query.fromMs * 1000),
      toUs: Math.ceil(query.toMs * 1000),
      minDuration: minMs === undefined ? undefined : `${minMs}ms`,
      maxDuration: maxMs === undefined ? undefined : `${maxMs}ms`,
    };
    return this.#http.ask(SEARCH, async () => {
      const found = await this.#put(options, (dialect, left) => dialect.search(search, left));
      const left = Object.keys(query.tags ?? {}).filter((name) => !Object.hasOwn(tags, name));
      const cuts = found.traces.flatMap(({ id, warnings, spans }) => [
        ...warnings.filter(saysCut).map((warning) => `trace ${id}: ${warning}`),
        ...(isAtCap(spans.length) ? [`trace ${id}: it has exactly ${spans.length} spans: ${CAP}`] : []),
      ]);
      const unapplied = new Set([...left, ...unmetTags(found.traces, query, COMPARISON)]);
      return {
        traces: fulfilling(found.traces, query, JAEGER, COMPARISON),
        full: found.traces.length >= query.limit,
        unapplied: Array.from(unapplied, (name) => `tag ${name}`),
        warnings: [...found.warnings, ...cuts],
        complete: found.warnings.length === 0 && cuts.length === 0,
      };
    });
  }

  /** Both APIs have this one question in common. */
  dependencies(
    { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
    options: AskOptions = {},
  ): Promise<readonly Dependency[]> {
    return this.#http.ask(listing("dependencies"), () =>
      this.#legacy.dependencies(Math.floor(fromMs), Math.ceil(toMs), options),
    );
  }

  describe(options: AskOptions = {}): Promise<ServerDescription> {
    return this.#put(options, async (dialect, left) => {
      const { headers, ...page } = await send(this.#http, { backend: JAEGER, path: "/", hint: WRONG_URL }, left);
      return {
        product: "Jaeger",
        version: versionIn(page),
        dialect: dialect === this.#legacy ? "legacy" : "v3",
        clockMs: clockIn(headers),
      };
    });
  }

  /** Puts the question to the API that this Jaeger has; finding that out is on the question's own time. */
  async #put<T>(options: AskOptions, put: (dialect: Dialect, left: AskOptions) => Promise<T>): Promise<T> {
    const known = this.#named ?? this.#detection.known;
    if (known !== undefined) return put(known, options);
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    if (!isTimeout(timeoutMs))
      throw new QueryError("timeout", `${JAEGER}: timeoutMs ${shown(timeoutMs)} ${TIMEOUT_RULE}`);
    const started = performance.now();
    const late = () =>
      new TimeoutError(
        `${JAEGER}: it was not found out within ${timeoutMs} ms which API this Jaeger has; name it as { api: "v3" } or { api: "legacy" }, or raise timeoutMs`,
        { backend: JAEGER, timeoutMs },
      );
    const dialect = await this.#detection.wait(options.signal, timeoutMs, late);
    const leftMs = Math.floor(timeoutMs - (performance.now() - started));
    if (leftMs < 1) throw late();
    return put(dialect, { signal: options.signal, timeoutMs: leftMs });
  }
}

/**
 * The version, which no endpoint tells but the page of the user interface, as the query service fills it in.
 *
 * @see jaegertracing/jaeger, `static_handler.go`, `JAEGER_VERSION`
 */
function versionIn({ body, status }: Pick<HttpResponse, "body" | "status">): string | undefined {
  if (status !== 200) return undefined;
  const named = /\bJAEGER_VERSION = \{[^}]*"gitVersion":"([^"]+)"/.exec(new TextDecoder().decode(body))?.[1];
  return named?.replace(/^v(?=\d)/, "");
}

/**
 * Whether this Jaeger has the older API; otherwise it has the newer one.
 *
 * A Jaeger without the older one answers 404 or, as to any path that it does not know, with the page of its UI.
 */
async function speaksLegacy(http: HttpClient, signal: AbortSignal): Promise<boolean> {
  const question = (path: string): Question => ({ backend: JAEGER, path, hint: WRONG_URL });
  const older = await send(http, question("/api/services"), { signal });
  if (isLegacy(older)) return true;
  const absent = older.status === 404 || older.status === 410 || (isSuccess(older) && isPage(older));
  if (!absent) refuseLegacy(older);
  const newer = await send(http, question("/api/v3/services"), { signal });
  if (!isV3(newer))
    parseDocument(bodyOf(newer, question("/api/v3/services")), { backend: JAEGER, query: undefined, hint: WRONG_URL });
  return false;
}

/** What Jaeger 2 keeps outside a span's tags, where its own search does not look. */
const KEPT_APART = /^(?:span\.kind|otel\.(?:scope|status)[._].*|w3c\.tracestate)$/;

/**
 * Whether every storage finds the tag by nothing but its value. Elasticsearch and OpenSearch take that for a regular
 * expression, in which a dot stands for itself among others, and index at most 256 characters. Jaeger 2 takes
 * `error=false` for a status that somebody set to OK.
 *
 * @see jaegertracing/jaeger, `internal/storage/v1/elasticsearch/spanstore/reader.go`, `buildNestedQuery`
 * @see jaegertracing/jaeger, `internal/storage/v2/memory/tenant.go`, `validSpan`
 */
function isPlain(name: string, value: string): boolean {
  if (KEPT_APART.test(name) || (name === "error" && value !== "true")) return false;
  return value.length <= 256 && !/[?+*|{}[\]()"\\#&<>~^$]/.test(value);
}

/** Elasticsearch and OpenSearch give so many documents at once, and no word of any beyond them. */
const isAtCap = (spans: number): boolean => spans > 0 && spans % 10_000 === 0;
const CAP = "some of Jaeger's storages give no more of one trace, so that there may be more";

const COMPARISON: Comparison = {
  spelling: (name) => name,
  hasTag,
  // The span that fulfils the rest must have started within the window.
  within: (_, matching, { fromMs, toMs }) => matching.some(({ startMs }) => startMs >= fromMs && startMs <= toMs),
};

/** Jaeger looks for tags in the span, in its events and in its process. */
function hasTag(span: Span, name: string, value: string): boolean {
  if (span.text(name) === value || (name === "error" && String(span.error) === value)) return true;
  const of = (tags: Readonly<Record<string, unknown>>) => Object.hasOwn(tags, name) && String(tags[name]) === value;
  return of(span.processTags) || span.events.some(({ fields }) => of(fields));
}
