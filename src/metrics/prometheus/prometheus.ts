import type * as z from "zod/mini";
import { DecodeError, QueryError } from "../../errors.ts";
import { type HttpOptions, httpClient } from "../../http/client.ts";
import { systemEnvironment } from "../../http/environment.ts";
import { httpDateMs } from "../../http/header.ts";
import { type Expr, print } from "../../promql/index.ts";
import type { CustomLabel, LabelSet } from "../../results/labels.ts";
import type { ServerDescription } from "../../results/server-description.ts";
import { type AskOptions, type Duration, durationMs, type ResolvedSpan, shown } from "../../time.ts";
import type { Answer, BackendLimits, Exemplar, Grid, InstantData, MatrixData, MetricsBackend } from "../backend.ts";
import { Allowance } from "../plan/allowance.ts";
import { RangeCache, type ServedAnswer } from "../plan/range-cache.ts";
import { ScrapeInterval } from "../plan/scrape-interval.ts";
import { answerOf, answerReader } from "./answer-reader.ts";
import {
  type CatalogOptions,
  ExemplarData,
  exemplarsOf,
  foreignInPath,
  type LabelOptions,
  labelInPath,
  MetadataData,
  type MetadataOptions,
  type MetricMetadata,
  metadataOf,
  NameData,
  SeriesData,
} from "./catalog.ts";
import { Connection } from "./connection.ts";
import { describe } from "./description.ts";
import { Detection } from "./detection.ts";
import { type Dialect, type DialectKind, mannerOf } from "./dialect.ts";
import { isComplete, readEnvelope } from "./envelope.ts";
import { failure, NAME } from "./failure.ts";
import { type Field, limited, limitFields, matchFields, type Selected, seconds, spanFields } from "./fields.ts";
import { lookup, queryInquiry } from "./inquiry.ts";
import { Quality } from "./quality.ts";
import {
  type ActiveAlert,
  AlertsData,
  alertOf,
  type RuleGroup,
  RulesData,
  type RulesOptions,
  rulesOf,
} from "./rules.ts";
import { BuildData, type BuildInfo, buildInfoOf, type Features, FeaturesData, FormatData } from "./server.ts";
import { type Targets, TargetsData, type TargetsOptions, targetsOf } from "./targets.ts";
import { ThanosStores } from "./thanos-stores.ts";

/** How a Prometheus is reached, and what is known of it. */
export interface PrometheusOptions extends HttpOptions {
  /** The time between two scrapes: no step is chosen finer than this. Found out with the first range when left out. */
  readonly scrapeInterval?: Duration;
  /** The most instants of a range to ask for at once; a longer range comes in pieces. 11,001, which is what it takes. */
  readonly pointsPerRequest?: number;
  /** Keeps answers to ranges, so that a range that moves fetches no more than is new; nothing is kept when left out. */
  readonly cache?: CacheOptions;
  /**
   * Whose dialect of the API the server speaks, by its name or with what only its servers can be told. When left out,
   * the server is asked once, after its first answer.
   */
  readonly dialect?: Dialect | DialectKind;
}

/** How much is kept of answers to ranges: see {@link PrometheusOptions.cache}. */
export interface CacheOptions {
  /** The most samples to keep, of all questions together; a sample takes up to 16 bytes. */
  readonly samples: number;
  /** How far back values may still change, as late scrapes and rules come in: these are always asked for; `"10m"`. */
  readonly settle?: Duration;
}

/**
 * Metrics from a Prometheus, or from a server that speaks its HTTP API: Thanos, Mimir, Cortex, VictoriaMetrics.
 *
 * Nothing is sent before the first question.
 *
 * @param url where the API is found, without `/api/v1`: `"http://prometheus:9090"`, with the path prefix if it has one
 * @throws {QueryError} `code: "config"` when the URL or an option cannot be meant as it stands
 * @see Prometheus, "HTTP API"
 * @example
 * prometheus("http://mimir/prometheus", { dialect: { kind: "mimir", tenant: "shop" } });
 */
export function prometheus(url: string, options: PrometheusOptions = {}): Prometheus {
  const { scrapeInterval, pointsPerRequest = MOST_POINTS, cache, dialect, ...http } = options;
  const scrapeIntervalMs =
    scrapeInterval === undefined ? undefined : durationMs(scrapeInterval, "prometheus: scrapeInterval", "step");
  if (!Number.isInteger(pointsPerRequest) || pointsPerRequest < 1) {
    throw new QueryError(
      "config",
      `prometheus: pointsPerRequest is a whole number above 0, not ${shown(pointsPerRequest)}`,
    );
  }
  const manner = dialect === undefined ? undefined : mannerOf(dialect);
  const client = httpClient(NAME, url, http);
  const [own] = /\/api\/v1(\/query(_range)?)?\/?$/.exec(url) ?? [];
  if (own !== undefined) {
    throw new QueryError("config", `prometheus: the URL ends in the API's own path; leave ${shown(own)} out`);
  }
  const { now } = systemEnvironment;
  const connection = new Connection(client, manner);
  const stores = new ThanosStores(connection, manner?.rememberStoresMs, passedMs);
  const quality = new Quality(new Detection(client, passedMs), stores, manner, client.timeoutMs);
  const kept = cache === undefined ? undefined : cacheFrom(cache, now);
  const limits = Object.freeze({ pointsPerRequest, concurrency: client.concurrency });
  return new Prometheus({ connection, quality, scrapeIntervalMs, limits, cache: kept, now });
}

/** The options of the questions that one takes, with what is left of its time. */
const allowed = ({ signal, timeoutMs }: AskOptions) => new Allowance({ signal, timeoutMs }, NAME).rest;

/** For what is believed for a while: time that passes, whatever becomes of the clock. */
const passedMs = (): number => performance.now();

function cacheFrom({ samples, settle = "10m" }: CacheOptions, now: () => number): RangeCache {
  if (!Number.isInteger(samples) || samples < 1) {
    throw new QueryError(
      "config",
      `prometheus: cache.samples is a whole number above 0, not ${shown(samples)}; write { cache: { samples: 1_000_000 } }`,
    );
  }
  return new RangeCache({ samples, settleMs: durationMs(settle, "prometheus: cache.settle", "range") }, now);
}

/** It refuses more than 11,000 steps. @see Prometheus, `web/api/v1/api.go` */
const MOST_POINTS = 11_001;

const API = "/api/v1/";

/** What a {@link Prometheus} is made of. */
interface Parts {
  readonly connection: Connection;
  readonly quality: Quality;
  /** As it was given. */
  readonly scrapeIntervalMs: number | undefined;
  readonly limits: BackendLimits;
  readonly cache: RangeCache | undefined;
  readonly now: () => number;
}

/**
 * A server that speaks Prometheus's HTTP API: a backend for metrics, and each of the API's other endpoints, typed.
 *
 * Every method throws a {@link MeshQueryError}, or the reason of the caller's signal; an answer says beside its data
 * whether it is complete and what the server warned of.
 */
export class Prometheus implements MetricsBackend {
  readonly name = NAME;
  readonly limits: BackendLimits;
  readonly #cache: RangeCache | undefined;
  readonly #givenIntervalMs: number | undefined;
  readonly #interval: ScrapeInterval;
  readonly #connection: Connection;
  readonly #quality: Quality;
  readonly #now: () => number;

  constructor({ connection, quality, scrapeIntervalMs, limits, cache, now }: Parts) {
    this.#connection = connection;
    this.#quality = quality;
    this.#givenIntervalMs = scrapeIntervalMs;
    this.#interval = new ScrapeInterval((expr, atMs, options) => this.instant(expr, atMs, options), passedMs);
    this.limits = limits;
    this.#cache = cache;
    this.#now = now;
  }

  /** Whose dialect the server speaks: as it was named, or as the server itself has it. */
  async dialect(options: AskOptions = {}): Promise<DialectKind> {
    return this.#quality.kind(allowed(options)());
  }

  /** What the server is, and in which dialect it is spoken to. */
  async describe(options: AskOptions = {}): Promise<ServerDescription> {
    const rest = allowed(options);
    const server = await this.#quality.server(rest());
    return describe(server, await this.dialect(rest()), this.#connection, rest());
  }

  get scrapeIntervalMs(): number | undefined {
    return this.#givenIntervalMs ?? this.#interval.knownMs;
  }

  /** The time between two scrapes in milliseconds: as it was given, or as the middle target's last two scrapes show. */
  async findScrapeInterval(options: AskOptions = {}): Promise<number | undefined> {
    return this.#givenIntervalMs ?? this.#interval.find(options);
  }

  async instant(expr: Expr, atMs: number | undefined, options: AskOptions = {}): Promise<Answer<InstantData>> {
    const query = print(expr);
    const time = atMs === undefined ? [] : [["time", seconds(atMs)] as const];
    const { data, ...answer } = (await this.#evaluate("query", expr, query, time, options)).answer;
    if (data.kind === "matrix") throw unexpected("a matrix", "the value at one instant", query);
    return { data, ...answer };
  }

  async range(expr: Expr, grid: Grid, options: AskOptions = {}): Promise<Answer<MatrixData>> {
    const fetch = (part: Grid) => this.#range(expr, part, options);
    return this.#cache === undefined ? (await fetch(grid)).answer : this.#cache.read(expr, grid, fetch);
  }

  async #range(expr: Expr, { startMs, endMs, stepMs }: Grid, options: AskOptions): Promise<ServedAnswer> {
    const query = print(expr);
    // With its cache VictoriaMetrics moves a longer range to multiples of the step, and answers for those instants.
    const isMoved = startMs % stepMs !== 0 && this.#quality.mayBe("victoria-metrics");
    const grid: readonly Field[] = [
      ["start", seconds(startMs)],
      ["end", seconds(endMs)],
      ["step", seconds(stepMs)],
      ...(isMoved ? [["nocache", "1"] as const] : []),
    ];
    const { answer, servedAtMs } = await this.#evaluate("query_range", expr, query, grid, options);
    const { data } = answer;
    if (data.kind !== "matrix") throw unexpected(`a ${data.kind}`, "the values over a range", query);
    return { answer: { ...answer, data }, servedAtMs };
  }

  async exemplars(
    expr: Expr,
    { fromMs, toMs }: ResolvedSpan,
    options: AskOptions & { readonly limit?: number | undefined } = {},
  ): Promise<Answer<readonly Exemplar[]>> {
    const query = print(expr);
    limitFields(options.limit, "exemplars");
    const fields = [["query", query], ...spanFields({ from: fromMs, to: toMs }, toMs, "exemplars")] as const;
    return this.#connection.ask(queryInquiry("query_exemplars", expr, query), async () => {
      const response = await this.#connection.post("/api/v1/query_exemplars", fields, "none", options);
      const answer = readEnvelope(response, ExemplarData, "the exemplars", query);
      return this.#quality.of(exemplarsOf(answer, options.limit), options);
    });
  }

  /**
   * The labels of the series that any of the selectors selects.
   *
   * @param match a selector as text or tree, or a list of such
   * @throws {QueryError} `code: "promql"` for what is no selector, `"range"` for a span or limit that cannot be meant
   * @example
   * await prometheus("http://prometheus:9090").series('up{job="istio-proxies"}', { over: { last: "1h" }, limit: 1000 })
   */
  async series(
    match: Selected | readonly Selected[],
    options: CatalogOptions = {},
  ): Promise<Answer<readonly LabelSet[]>> {
    const fields = this.#catalogFields({ ...options, match }, "series");
    return this.#connection.ask(lookup("series"), async () => {
      const response = await this.#connection.post("/api/v1/series", fields, "catalog", options);
      const answer = readEnvelope(response, SeriesData, "the series");
      return this.#quality.of(limited(answer, options.limit, "series"), options);
    });
  }

  /** The names of all labels, or of those that the matching series have. */
  async labels(options: LabelOptions = {}): Promise<Answer<readonly string[]>> {
    const fields = this.#catalogFields(options, "labels");
    return this.#connection.ask(lookup("labels"), async () => {
      const response = await this.#connection.post("/api/v1/labels", fields, "catalog", options);
      const answer = readEnvelope(response, NameData, "the labels");
      return this.#quality.of(limited(answer, options.limit, "labels"), options);
    });
  }

  /**
   * The values that a label has, in all series or in the matching ones.
   *
   * @param label any name; `"__name__"` gives the names of metrics
   */
  async labelValues(label: CustomLabel | string, options: LabelOptions = {}): Promise<Answer<readonly string[]>> {
    const fields = this.#catalogFields(options, "labelValues");
    const plain = labelInPath(label);
    return this.#connection.ask(lookup("label_values"), async () => {
      const rest = allowed(options);
      const segment = plain ?? foreignInPath(label, await this.dialect(rest()));
      const response = await this.#connection.get(`/api/v1/label/${segment}/values`, fields, "catalog", rest());
      const answer = readEnvelope(response, NameData, "the label's values");
      return this.#quality.of(limited(answer, options.limit, "values"), rest());
    });
  }

  /** What the targets that are scraped now say of their metrics, by the metric's name. */
  async metadata(options: MetadataOptions = {}): Promise<Answer<ReadonlyMap<string, readonly MetricMetadata[]>>> {
    const { metric, limit } = options;
    const fields: readonly Field[] = [
      ...(metric === undefined ? [] : [["metric", metric] as const]),
      ...limitFields(limit, "metadata"),
    ];
    const data = await this.#get("/api/v1/metadata", fields, MetadataData, "the metadata", options, "stores");
    return metadataOf(data, limit);
  }

  /** The groups of rules that the server has loaded, each rule with its health and its alerts. */
  async rules(options: RulesOptions = {}): Promise<Answer<readonly RuleGroup[]>> {
    const { kind, names = [], groups = [], files = [], limit } = options;
    limitFields(limit, "rules");
    const fields: readonly Field[] = [
      ...(kind === undefined ? [] : [["type", kind === "alerting" ? "alert" : "record"] as const]),
      ...names.map((name): Field => ["rule_name[]", name]),
      ...groups.map((name): Field => ["rule_group[]", name]),
      ...files.map((name): Field => ["file[]", name]),
      ...(limit === undefined ? [] : [["group_limit", String(limit)] as const]),
    ];
    return rulesOf(await this.#get("/api/v1/rules", fields, RulesData, "the rules", options, "stores"), options);
  }

  /** The alerts that are pending or firing. */
  async alerts(
    options: AskOptions & { readonly limit?: number | undefined } = {},
  ): Promise<Answer<readonly ActiveAlert[]>> {
    limitFields(options.limit, "alerts");
    const { data, ...answer } = await this.#get("/api/v1/alerts", [], AlertsData, "the alerts", options, "stores");
    return limited({ ...answer, data: (data.alerts ?? []).map(alertOf) }, options.limit, "alerts");
  }

  /** What the server scrapes and how that goes, and what relabelling dropped. */
  async targets(options: TargetsOptions = {}): Promise<Answer<Targets>> {
    const { state, scrapePool, limit } = options;
    limitFields(limit, "targets");
    const fields: readonly Field[] = [
      ...(state === undefined ? [] : [["state", state] as const]),
      ...(scrapePool === undefined ? [] : [["scrapePool", scrapePool] as const]),
    ];
    return targetsOf(
      await this.#get("/api/v1/targets", fields, TargetsData, "the targets", options, "stores"),
      options,
    );
  }

  /** The text of a query as the server prints it. The text is sent as it is, so the server's own syntax may be used. */
  async format(query: Expr | string, options: AskOptions = {}): Promise<Answer<string>> {
    const text = typeof query === "string" ? query : print(query);
    return this.#connection.ask(lookup("format_query"), async () => {
      const response = await this.#connection.post("/api/v1/format_query", [["query", text]], "none", options);
      return readEnvelope(response, FormatData, "the query's text", text);
    });
  }

  /** What the server says of its make and version. */
  async buildInfo(options: AskOptions = {}): Promise<Answer<BuildInfo>> {
    return buildInfoOf(await this.#get("/api/v1/status/buildinfo", [], BuildData, "the build", options));
  }

  /**
   * What the server can do, as Prometheus 3 lists it.
   *
   * @throws {BackendError} `code: "not-found"` from servers that do not say
   */
  async features(options: AskOptions = {}): Promise<Answer<Features>> {
    return this.#get("/api/v1/features", [], FeaturesData, "the features", options);
  }

  /** @param of whose answer it is: the server's own, or what a querier gathers from its stores */
  async #get<Schema extends z.core.$ZodType>(
    path: string,
    fields: readonly Field[],
    schema: Schema,
    what: string,
    options: AskOptions,
    of: "server" | "stores" = "server",
  ): Promise<Answer<z.core.output<Schema>>> {
    return this.#connection.ask(lookup(path.slice(API.length)), async () => {
      const answer = readEnvelope(await this.#connection.get(path, fields, "none", options), schema, what);
      return of === "server" ? answer : this.#quality.of(answer, options);
    });
  }

  #catalogFields({ match, over, limit }: LabelOptions, verb: string): readonly Field[] {
    return [...matchFields(match, verb), ...spanFields(over, this.#now(), verb), ...limitFields(limit, verb)];
  }

  async #evaluate(
    operation: "query" | "query_range",
    expr: Expr,
    query: string,
    parameters: readonly Field[],
    options: AskOptions,
  ): Promise<{ readonly answer: Answer<InstantData | MatrixData>; readonly servedAtMs: number | undefined }> {
    let servedAtMs: number | undefined;
    const answer = await this.#connection.ask(queryInquiry(operation, expr, query), async () => {
      const looked = this.#quality.look();
      // The answers to ranges may be long: they are decoded while they come.
      const asked = { ...options, reader: operation === "query_range" ? answerReader(query) : undefined };
      const response = await this.#connection.evaluate(API + operation, [["query", query], ...parameters], asked);
      servedAtMs = httpDateMs(response.headers.date);
      const decoded = answerOf(response, query);
      if (decoded.status === "error") throw failure(response, decoded, query);
      const { data, warnings, infos } = decoded;
      const answer = { data, warnings, infos, complete: isComplete(decoded), tookMs: response.tookMs };
      return this.#quality.of(answer, options, looked);
    });
    return { answer, servedAtMs };
  }
}

function unexpected(came: string, wanted: string, query: string): DecodeError {
  return new DecodeError("shape", `${NAME}: ${came} came where ${wanted} was asked for`, { backend: NAME, query });
}
