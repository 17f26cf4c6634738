import * as z from "zod/mini";
import { BackendError, QueryError, TimeoutError } from "../../errors.ts";
import { type HttpClient, type HttpOptions, httpClient, type Inquiry } from "../../http/client.ts";
import { parseConfig, strictConfig } from "../../http/config.ts";
import { withinDeadline } from "../../http/deadline.ts";
import { systemEnvironment } from "../../http/environment.ts";
import type { ServerDescription } from "../../results/server-description.ts";
import { type AskOptions, shown } from "../../time.ts";
import type {
  EntriesOptions,
  FollowOptions,
  LogBackend,
  LogFilter,
  LogMeasure,
  LogPage,
  LogQuery,
  LogSeries,
} from "../backend.ts";
import { followed } from "../follow.ts";
import { lineTest } from "../line-filter.ts";
import { documentOf, type Found, failure, isRecord, NAME, readFound } from "./answer.ts";
import { applied } from "./conditions.ts";
import { closePoint, type Dialect, describedBy, dialectsOf, openPoint } from "./dialect.ts";
import { ANALYZERS, type LogFields, type Mapping, type Places, placesIn, readMapping } from "./mapping.ts";
import {
  type Aggregated,
  aggregatedBy,
  aggregationsOf,
  instantsOf,
  LineMeasure,
  lacksGroups,
  MOST_WINDOWS,
  readAggregations,
  SeriesOf,
} from "./measure.ts";
import { MOST_HITS, pagesOf, type Searcher, type ServerLimits } from "./pages.ts";

/** How an Elasticsearch or OpenSearch is reached, and where it keeps log lines. */
export interface ElasticsearchOptions extends HttpOptions {
  /** The indices of the logs, by name or pattern: `"logstash-*"`, `"filebeat-*,fluent-bit"`. */
  readonly index: string;
  /** Where documents keep what is known of a line, as far as that cannot be told from the mapping. */
  readonly fields?: LogFields;
}

const FIELD = z.optional(z.string({ error: "must be the path of a field" }));
const FIELDS = strictConfig({
  time: FIELD,
  line: FIELD,
  merged: FIELD,
  namespace: FIELD,
  pod: FIELD,
  container: FIELD,
  app: FIELD,
});

/**
 * Logs from an Elasticsearch (7 to 9) or OpenSearch (1 to 3), as fluentd, Fluent Bit or Filebeat fill it.
 *
 * Which of the two it is, and which fields hold the line and its origin, is found out with the first question. A search
 * engine knows words, not texts: what it cannot decide exactly is decided here, over the lines that it gives.
 *
 * @param url where it is found: `"http://elasticsearch:9200"`
 * @throws {QueryError} `code: "config"` when the URL or an option cannot be meant as it stands
 * @see Elasticsearch, "Paginate search results"
 * @example
 * elasticsearch("https://elasticsearch:9200", { index: "logstash-*", auth: { apiKey: "aWQ6a2V5" } });
 */
export function elasticsearch(url: string, options: ElasticsearchOptions): LogBackend {
  const { index, fields = {}, ...http } = options ?? ({} as ElasticsearchOptions);
  if (typeof index !== "string" || !/^[^\s"\\/?#<>|]+$/.test(index)) {
    throw new QueryError("config", `${NAME}: index ${shown(index)} names no indices; write { index: "logstash-*" }`);
  }
  const given = parseConfig(FIELDS, fields, `${NAME}: fields`);
  return new Elasticsearch(httpClient(NAME, url, http), index, given, http.timeoutMs ?? 30_000);
}

const PER_CALL = 1_000;
/** New indices may hold new fields. */
const MAPPING_MS = 300_000;

class Elasticsearch implements LogBackend {
  readonly name = NAME;
  readonly #http: HttpClient;
  readonly #index: string;
  readonly #given: LogFields;
  readonly #timeoutMs: number;
  readonly #limits: ServerLimits = { hits: MOST_HITS, sortsById: true, sortsByShardDoc: true };
  /** The first is the one that is known to work, once one does; none where none does. */
  #dialects: readonly Dialect[] | undefined;
  #layout: { readonly mapping: Mapping; readonly places: Places; readonly untilMs: number } | undefined;

  constructor(http: HttpClient, index: string, given: LogFields, timeoutMs: number) {
    this.#http = http;
    this.#timeoutMs = timeoutMs;
    this.#index = index;
    this.#given = given;
  }

  async *entries(query: LogQuery, options: EntriesOptions = {}): AsyncGenerator<LogPage> {
    const { limit = Number.POSITIVE_INFINITY } = query;
    const { perCall = PER_CALL } = options;
    if (!(Number.isInteger(perCall) && perCall > 0)) {
      throw new QueryError("config", `${NAME}: perCall ${shown(perCall)} is not a whole, positive number`);
    }
    if (!(limit > 0 && (Number.isInteger(limit) || limit === Number.POSITIVE_INFINITY))) {
      throw new QueryError("range", `${NAME}: limit ${shown(limit)} is not a whole, positive number`);
    }
    const isWanted = lineTest(query);
    const { mapping, places } = await this.#layoutOf(options);
    const { clauses } = applied(query, mapping, places);
    yield* pagesOf({ ...query, clauses, places, isWanted }, perCall, this.#searcher(options));
  }

  async measure(question: LogMeasure, options: AskOptions = {}): Promise<LogSeries> {
    const { fromMs, toMs, stepMs } = question;
    if (!(fromMs <= toMs)) throw new QueryError("range", `${NAME}: the measurement ends before it begins`);
    if (fromMs !== toMs && !(stepMs > 0)) {
      throw new QueryError("step", `${NAME}: a step of ${shown(stepMs)} ms is not positive`);
    }
    lineTest(question.filter);
    const timeoutMs = options.timeoutMs ?? this.#timeoutMs;
    const late = () =>
      new TimeoutError(
        `${NAME}: the measurement did not end within ${timeoutMs} ms; ask for less, or raise timeoutMs`,
        {
          backend: NAME,
          timeoutMs,
        },
      );
    return withinDeadline(timeoutMs, options.signal, late, (signal) => this.#measured(question, { signal, timeoutMs }));
  }

  async #measured(question: LogMeasure, options: AskOptions): Promise<LogSeries> {
    const { mapping, places } = await this.#layoutOf(options);
    const { clauses, whole } = applied(question.filter, mapping, places);
    const by = whole ? aggregatedBy(question, mapping, places) : undefined;
    return by === undefined ? this.#fromLines(question, options) : this.#aggregated(question, by, clauses, options);
  }

  follow(filter: LogFilter, options: FollowOptions = {}): AsyncGenerator<LogPage> {
    return followed(NAME, (span) => this.entries({ ...filter, ...span, order: "forward" }, options), options);
  }

  async describe({ signal, timeoutMs }: AskOptions = {}): Promise<ServerDescription> {
    return describedBy(await this.#http.send({ method: "GET", path: "/", idempotent: true, signal, timeoutMs }));
  }

  async #aggregated(
    question: LogMeasure,
    by: Aggregated,
    clauses: readonly unknown[],
    options: AskOptions,
  ): Promise<LogSeries> {
    const { places } = await this.#layoutOf(options);
    const series = new SeriesOf();
    const warnings = new Set<string>();
    let complete = true;
    const instants = instantsOf(question);
    // A line without the number counts for none.
    const numbers = by.number === undefined ? [] : [{ exists: { field: by.number } }];
    for (let i = 0; i < instants.length; i += MOST_WINDOWS) {
      const some = instants.slice(i, i + MOST_WINDOWS);
      const range = {
        gt: Math.floor((some[0] ?? 0) - question.windowMs),
        lte: Math.floor(some.at(-1) ?? 0),
        format: "epoch_millis",
      };
      const json = {
        size: 0,
        track_total_hits: false,
        query: { bool: { filter: [{ range: { [places.time]: range } }, ...clauses, ...numbers] } },
        aggs: aggregationsOf(question, by, some, places.time),
      };
      const path = `/${this.#index}/_search`;
      const found = await this.#askFor(async () =>
        readFound(await this.#http.send({ method: "POST", path, json, idempotent: true, ...options })),
      );
      if (lacksGroups(found.aggregations)) return this.#fromLines(question, options);
      const left = readAggregations(found.aggregations, question, series.take);
      for (const warning of [...found.warnings, ...left]) warnings.add(warning);
      if (found.warnings.length + left.length > 0) complete = false;
    }
    if (question.measurement.kind === "quantile") {
      warnings.add("quantiles are the server's own, which are approximate (t-digest) where there are many values");
    }
    return { series: series.series(), warnings: [...warnings], complete };
  }

  async #fromLines(question: LogMeasure, options: AskOptions): Promise<LogSeries> {
    const { filter, fromMs, toMs, windowMs } = question;
    const lines = new LineMeasure(question);
    const warnings = new Set<string>();
    let complete = true;
    const span = { fromNs: nanoseconds(fromMs - windowMs), toNs: nanoseconds(toMs) + 1n };
    for await (const page of this.entries({ ...filter, ...span, order: "forward" }, options)) {
      for (const line of page.entries) lines.add(line);
      for (const warning of page.warnings) warnings.add(warning);
      if (!page.complete) complete = false;
    }
    const series = new SeriesOf();
    lines.take(series.take);
    return { series: series.series(), warnings: [...warnings], complete };
  }

  #searcher({ signal, timeoutMs }: AskOptions): Searcher {
    const options = { signal, timeoutMs };
    let dialect: Dialect | undefined;
    return {
      limits: this.#limits,
      open: () =>
        this.#http.ask(this.#inquiry("open_point_in_time"), async () => {
          this.#dialects ??= await dialectsOf(this.#http, options);
          for (const one of this.#dialects) {
            const point = await openPoint(this.#http, one, this.#index, options);
            if (point === undefined) continue;
            this.#dialects = [one];
            dialect = one;
            return point;
          }
          return undefined;
        }),
      close: async (point) => {
        const opened = dialect;
        if (opened === undefined) return;
        await this.#http.ask(this.#inquiry("close_point_in_time"), () => closePoint(this.#http, opened, point));
      },
      search: (json, point) => {
        const path = point === undefined ? `/${this.#index}/_search` : "/_search";
        return this.#http.send({ method: "POST", path, json, idempotent: true, ...options });
      },
      ask: (task) => this.#askFor(task),
    };
  }

  /** Makes a search one question. */
  #askFor(task: () => Promise<Found>): Promise<Found> {
    const outcome = ({ hits, aggregations, warnings }: Found) => ({
      rows: aggregations === undefined ? hits.length : undefined,
      complete: warnings.length === 0,
      warnings: warnings.length,
    });
    return this.#http.ask({ ...this.#inquiry("search", ["POST", "_search"]), outcome }, task);
  }

  /** @see OpenTelemetry, "Semantic conventions for Elasticsearch" */
  #inquiry(operation: string, endpoint?: readonly [method: "GET" | "POST", path: string]): Inquiry<unknown> {
    const index = this.#index;
    const [method, path] = endpoint ?? [];
    const url = method && { "http.request.method": method, "url.full": `${this.#http.origin}/${index}/${path}` };
    return {
      operation,
      collection: index,
      system: this.#dialects?.length === 1 ? (this.#dialects[0] ?? NAME) : NAME,
      attributes: () => ({ ...url, "db.operation.parameter.index": index }),
    };
  }

  /** How the indices are laid out, asked for again from time to time. */
  async #layoutOf({ signal, timeoutMs }: AskOptions): Promise<{ mapping: Mapping; places: Places }> {
    const nowMs = systemEnvironment.now();
    if (this.#layout !== undefined && this.#layout.untilMs > nowMs) return this.#layout;
    const path = `/${this.#index}/_mapping`;
    const answer = await this.#http.ask(this.#inquiry("indices.get_mapping", ["GET", "_mapping"]), async () =>
      documentOf(await this.#http.send({ method: "GET", path, idempotent: true, signal, timeoutMs })),
    );
    if (Object.keys(answer).length === 0) {
      throw new BackendError(
        "not-found",
        `${NAME}: no index is called ${JSON.stringify(this.#index)}; name those of the logs: { index: "logstash-*" }`,
        { backend: NAME, status: 404 },
      );
    }
    if (!Object.values(answer).every((index) => isRecord(index) && isRecord(index.mappings))) {
      throw failure("shape", "every index must have its mappings");
    }
    const mapping = readMapping(answer, await this.#analyzers({ signal, timeoutMs }));
    const places = placesIn(mapping, this.#given, this.#index);
    this.#layout = { mapping, places, untilMs: nowMs + MAPPING_MS };
    return this.#layout;
  }

  /** `undefined` where who may search may not read settings: then nothing is known of how texts are cut into words. */
  #analyzers(options: AskOptions): Promise<unknown> {
    const path = `/${this.#index}/${ANALYZERS}`;
    return this.#http.ask(this.#inquiry("indices.get_settings", ["GET", "_settings"]), async () => {
      const response = await this.#http.send({ method: "GET", path, idempotent: true, ...options });
      const { status } = response;
      return status >= 400 && status < 500 && status !== 401 && status !== 429 ? undefined : documentOf(response);
    });
  }
}

const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n;
