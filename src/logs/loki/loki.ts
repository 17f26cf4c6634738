import { DecodeError, QueryError } from "../../errors.ts";
import { type HttpClient, type HttpOptions, type HttpResponse, httpClient, type Inquiry } from "../../http/client.ts";
import type { ServerDescription } from "../../results/server-description.ts";
import { type AskOptions, shown } from "../../time.ts";
import type {
  EntriesOptions,
  FollowOptions,
  LogBackend,
  LogFilter,
  LogLine,
  LogMeasure,
  LogPage,
  LogQuery,
  LogSeries,
} from "../backend.ts";
import { followed } from "../follow.ts";
import { print } from "../logql/printer.ts";
import { bodyOf, entriesLimitIn, reasonOf, spanLimitIn } from "./answer.ts";
import { buildOf } from "./build.ts";
import { decodeEntries, decodeSeries, HINT, type RawEntry, type RawSeries } from "./decode.ts";
import { type LabelPreset, type LokiLabels, OriginLabels } from "./labels.ts";
import { type PageAnswer, type PageQuestion, pagesOf, type RawPage, type ServerLimits } from "./pages.ts";
import { groupLabel, metricOf, selectionOf } from "./questions.ts";

/** How a Loki is reached, and how its streams are labelled. */
export interface LokiOptions extends HttpOptions {
  /**
   * What the labels are called that say where a line was written: those of a collector, or the names that differ from
   * `namespace`, `pod`, `container` and `app`. `"promtail"` when left out.
   */
  readonly labels?: LabelPreset | LokiLabels;
  /** Whose logs, where Loki keeps those of several tenants; a list for those of many at once. */
  readonly tenant?: string | readonly string[];
}

/**
 * Logs from a Loki, version 2 or 3.
 *
 * Nothing is sent before the first question. What the server gives at most in one call is found out from its refusals
 * and kept to from then on. Conditions on fields are applied by Loki's own `| json`.
 *
 * @param url where Loki is found, without `/loki/api/v1`: `"http://loki:3100"`, with the path before it if it has one
 * @throws {QueryError} `code: "config"` when the URL or an option cannot be meant as it stands
 * @see Loki, "HTTP API"
 * @example
 * loki("http://loki:3100", { labels: { app: "service_name" }, tenant: "shop" });
 */
export function loki(url: string, options: LokiOptions = {}): LogBackend {
  const { labels, tenant, ...http } = options;
  const origins = new OriginLabels(labels);
  const headers = tenant === undefined ? http.headers : { ...http.headers, ...tenantHeader(tenant, http.headers) };
  const client = httpClient(NAME, url, headers === undefined ? http : { ...http, headers });
  return new Loki(client, origins, tenant === undefined ? undefined : [tenant].flat().join("|"));
}

const NAME = "loki";
const API = "/loki/api/v1/";
const PER_CALL = 1_000;
/** A longer question goes into the body of a POST: not every proxy takes a longer URL. */
const LONGEST_URL_QUERY = 4_000;

class Loki implements LogBackend {
  readonly name = NAME;
  readonly #http: HttpClient;
  readonly #labels: OriginLabels;
  readonly #tenant: string | undefined;
  readonly #limits: ServerLimits = { entries: Number.POSITIVE_INFINITY, spanNs: 2n ** 63n };

  constructor(http: HttpClient, labels: OriginLabels, tenant: string | undefined) {
    this.#http = http;
    this.#labels = labels;
    this.#tenant = tenant;
  }

  async *entries(query: LogQuery, options: EntriesOptions = {}): AsyncGenerator<LogPage> {
    for await (const page of this.#pages(query, options)) yield this.#page(page);
  }

  async measure(question: LogMeasure, options: AskOptions = {}): Promise<LogSeries> {
    const { fromMs, toMs, stepMs, by } = question;
    const query = print(metricOf(question, this.#labels));
    const instant = fromMs === toMs;
    if (!(fromMs <= toMs)) throw new QueryError("range", `${NAME}: the measurement ends before it begins`);
    if (!instant && !(stepMs > 0))
      throw new QueryError("step", `${NAME}: a step of ${shown(stepMs)} ms is not positive`);
    const fields: Fields = instant
      ? [["time", nanosecondsText(millisecondsNs(fromMs))]]
      : [
          ["start", nanosecondsText(millisecondsNs(fromMs))],
          ["end", nanosecondsText(millisecondsNs(toMs))],
          ["step", String(stepMs / 1000)],
        ];
    const operation = instant ? "query" : "query_range";
    const inquiry = this.#inquiry<RawSeries>(operation, "series", query, (answer) => answer.series.length);
    const { series, warnings } = await this.#http.ask(inquiry, async () => {
      const response = await this.#send(API + operation, [["query", query], ...fields], options);
      return decodeSeries(bodyOf(response, query), { query });
    });
    const groups = by.map((group) => ["origin" in group ? group.origin : group.field, groupLabel(group, this.#labels)]);
    return {
      series: series.map(({ labels, timesMs, values }) => ({
        labels: Object.fromEntries(
          groups.flatMap(([name = "", label = ""]) =>
            Object.hasOwn(labels, label) ? [[name, labels[label] ?? ""]] : [],
          ),
        ),
        timesMs,
        values,
      })),
      warnings,
      complete: warnings.length === 0,
    };
  }

  follow(filter: LogFilter, options: FollowOptions = {}): AsyncGenerator<LogPage> {
    return followed(NAME, (span) => this.entries({ ...filter, ...span, order: "forward" }, options), options);
  }

  async describe(options: AskOptions = {}): Promise<ServerDescription> {
    const { version, clockMs } = await buildOf((path) => this.#send(path, [], options));
    return { product: "Loki", version, dialect: "loki", clockMs };
  }

  #pages(query: LogQuery, options: EntriesOptions): AsyncGenerator<RawPage> {
    const { order, limit = Number.POSITIVE_INFINITY } = query;
    const { perCall = PER_CALL } = options;
    if (!(Number.isInteger(perCall) && perCall > 0)) {
      throw new QueryError("config", `${NAME}: perCall ${shown(perCall)} is not a whole, positive number`);
    }
    if (!(limit > 0 && (Number.isInteger(limit) || limit === Number.POSITIVE_INFINITY))) {
      throw new QueryError("range", `${NAME}: limit ${shown(limit)} is not a whole, positive number`);
    }
    const text = print(selectionOf(query, this.#labels));
    const fromNs = largest(query.fromNs, 0n);
    const inquiry = this.#inquiry<PageAnswer>("query_range", "lines", text, ({ entries }) => entries.length);
    const toNs = query.toNs < LATEST_NS ? query.toNs : LATEST_NS;
    return pagesOf({ fromNs, toNs, order, limit }, perCall, this.#limits, (question) =>
      this.#http.ask(inquiry, () => this.#ask(text, question, options)),
    );
  }

  /** One call, and again within the limits that the server names when it refuses. */
  async #ask(query: string, question: PageQuestion, options: AskOptions): Promise<PageAnswer> {
    const { fromNs, toNs, order, limit } = question;
    const response = await this.#send(
      `${API}query_range`,
      [
        ["query", query],
        ["start", nanosecondsText(fromNs)],
        ["end", nanosecondsText(toNs)],
        ["limit", String(limit)],
        ["direction", order],
      ],
      options,
    );
    const less = response.status === 400 ? this.#learn(reasonOf(response), question) : undefined;
    if (less !== undefined) return this.#ask(query, less, options);
    const { entries, warnings } = decodeEntries(bodyOf(response, query), { query });
    const within = entries.filter(({ timestampNs }) => timestampNs >= fromNs && timestampNs < toNs);
    const full = entries.length >= limit;
    if (full && within.length === 0) {
      throw new DecodeError("shape", `${NAME}: no line is of the time that was asked for; ${HINT}`, {
        backend: NAME,
        query,
      });
    }
    return { entries: within, warnings, asked: question, full };
  }

  /** The question within the limits that a refusal names, where it was beyond one. */
  #learn(reason: string, question: PageQuestion): PageQuestion | undefined {
    const entries = entriesLimitIn(reason);
    if (entries !== undefined && entries < question.limit) {
      this.#limits.entries = entries;
      return { ...question, limit: entries };
    }
    const spanNs = spanLimitIn(reason);
    if (spanNs === undefined || spanNs >= question.toNs - question.fromNs) return undefined;
    this.#limits.spanNs = spanNs;
    const { fromNs, toNs } = question;
    return question.order === "forward"
      ? { ...question, toNs: fromNs + spanNs }
      : { ...question, fromNs: toNs - spanNs };
  }

  #inquiry<A extends { readonly warnings: readonly string[] }>(
    operation: Operation,
    target: string,
    query: string,
    rowsOf: (answer: A) => number,
  ): Inquiry<A> {
    return {
      operation,
      target: () => target,
      text: () => query,
      namespace: this.#tenant,
      outcome: (answer) => {
        const warnings = answer.warnings.length;
        return { rows: rowsOf(answer), complete: warnings === 0, warnings };
      },
    };
  }

  #send(path: string, fields: Fields, { signal, timeoutMs }: AskOptions): Promise<HttpResponse> {
    const long = fields.reduce((length, [, value]) => length + encodeURIComponent(value).length, 0) > LONGEST_URL_QUERY;
    return this.#http.send({
      path,
      ...(long ? { method: "POST", form: fields } : { method: "GET", query: fields }),
      // Keeps what is known of a line apart from the labels of its stream; older versions do not know it.
      headers: { "x-loki-response-encoding-flags": "categorize-labels" },
      accept: "application/json",
      idempotent: true,
      signal,
      timeoutMs,
    });
  }

  #page({ entries, warnings, missing }: RawPage): LogPage {
    const complete = missing.length === 0 && warnings.length === 0;
    return { entries: entries.map((entry) => this.#line(entry)), missing, warnings, complete };
  }

  #line({ timestampNs, line, labels, metadata }: RawEntry): LogLine {
    const origin = this.#labels.originOf(labels, metadata);
    return metadata === undefined
      ? { timestampNs, line, origin, labels }
      : { timestampNs, line, origin, labels, metadata };
  }
}

type Operation = "query" | "query_range";

type Fields = readonly (readonly [string, string])[];

const millisecondsNs = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n;

/** Loki reads no later time. */
const LATEST_NS = 2n ** 63n - 1n;

const largest = (...values: readonly [bigint, ...bigint[]]): bigint => values.reduce((a, b) => (a > b ? a : b));

/** Loki takes ten digits or fewer for seconds. */
const nanosecondsText = (ns: bigint): string => String(ns).padStart(19, "0");

function tenantHeader(
  tenant: string | readonly string[],
  headers: HttpOptions["headers"] = {},
): Readonly<Record<string, string>> {
  const tenants = typeof tenant === "string" ? [tenant] : tenant;
  if (Object.keys(headers).some((name) => name.toLowerCase() === TENANT)) {
    throw new QueryError("config", `${NAME}: the tenant is given twice, in headers and in tenant; keep one of them`);
  }
  const valid = Array.isArray(tenants) && tenants.length > 0 && tenants.every(isTenant);
  if (!valid) {
    throw new QueryError(
      "config",
      `${NAME}: tenant must be a name of letters, digits and !-_.*'(), or a list of such, not ${shown(tenant)}`,
    );
  }
  return { [TENANT]: tenants.join("|") };
}

const TENANT = "x-scope-orgid";

/** @see Loki, "Multi-tenancy" */
const isTenant = (name: unknown): boolean => typeof name === "string" && /^[\w!.*'()-]{1,150}$/.test(name);
