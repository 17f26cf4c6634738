import { BackendError, type BackendErrorCode, DecodeError } from "../errors.ts";
import { type HttpClient, type HttpOptions, type HttpResponse, httpClient } from "../http/client.ts";
import { redactText } from "../http/redaction.ts";
import { refusal } from "../http/refusal.ts";
import { type Expr, print } from "../promql/index.ts";
import { type AskOptions, type Duration, durationMs, type ResolvedSpan } from "../time.ts";
import type { Answer, Exemplar, Grid, InstantData, MatrixData, MetricsBackend } from "./backend.ts";
import { type DecodedFailure, type DecodedSuccess, decodeAnswer } from "./decode/answer.ts";
import { decodeExemplars } from "./decode/exemplars.ts";

/** How a Prometheus is reached, and what is known of it. */
export interface PrometheusOptions extends HttpOptions {
  /** The time between two scrapes: no step is chosen finer than this. `"15s"` when left out. */
  readonly scrapeInterval?: Duration;
}

/**
 * Metrics from a Prometheus, or from a server that speaks its HTTP API.
 *
 * Nothing is sent before the first question.
 *
 * @param url where the API is found, without `/api/v1`: `"http://prometheus:9090"`, with the path prefix if it has one
 * @throws {QueryError} `code: "config"` when the URL or an option cannot be meant as it stands
 * @see Prometheus, "HTTP API"
 */
export function prometheus(url: string, options: PrometheusOptions = {}): MetricsBackend {
  const { scrapeInterval = "15s", ...http } = options;
  const scrapeIntervalMs = durationMs(scrapeInterval, "prometheus: scrapeInterval", "step");
  return new Prometheus(httpClient(NAME, url, http), scrapeIntervalMs);
}

const NAME = "prometheus";
/** A longer query goes as a form in the body, since proxies and servers cut long request lines. */
const LONGEST_IN_URL = 1500;
/** What proxies answer to a POST that they do not let through. */
const POST_REFUSED: ReadonlySet<number> = new Set([403, 405, 501]);

class Prometheus implements MetricsBackend {
  readonly name = NAME;
  readonly scrapeIntervalMs: number;
  readonly #http: HttpClient;

  constructor(http: HttpClient, scrapeIntervalMs: number) {
    this.#http = http;
    this.scrapeIntervalMs = scrapeIntervalMs;
  }

  async instant(expr: Expr, atMs: number | undefined, options: AskOptions = {}): Promise<Answer<InstantData>> {
    const query = print(expr);
    const time = atMs === undefined ? [] : [["time", seconds(atMs)] as const];
    const { data, ...answer } = await this.#ask("/api/v1/query", query, time, options);
    if (data.kind === "matrix") throw unexpected("a matrix", "the value at one instant", query);
    return { data, ...answer };
  }

  async range(expr: Expr, { startMs, endMs, stepMs }: Grid, options: AskOptions = {}): Promise<Answer<MatrixData>> {
    const query = print(expr);
    const grid = [
      ["start", seconds(startMs)],
      ["end", seconds(endMs)],
      ["step", seconds(stepMs)],
    ] as const;
    const { data, ...answer } = await this.#ask("/api/v1/query_range", query, grid, options);
    if (data.kind !== "matrix") throw unexpected(`a ${data.kind}`, "the values over a range", query);
    return { data, ...answer };
  }

  async exemplars(
    expr: Expr,
    { fromMs, toMs }: ResolvedSpan,
    options: AskOptions = {},
  ): Promise<Answer<readonly Exemplar[]>> {
    const query = print(expr);
    const fields = [
      ["query", query],
      ["start", seconds(fromMs)],
      ["end", seconds(toMs)],
    ] as const;
    const response = await this.#send("/api/v1/query_exemplars", fields, options);
    const body = bodyOf(response, query);
    const decoded = decodeExemplars(body, { backend: NAME, query });
    if (decoded === undefined) {
      const said = failureIn(body, query);
      throw said === undefined ? refusal(response, { backend: NAME, query }) : failure(response, said, query);
    }
    const { exemplars, warnings } = decoded;
    return { data: exemplars, warnings, infos: [], complete: warnings.length === 0, tookMs: response.tookMs };
  }

  async #ask(
    path: string,
    query: string,
    parameters: readonly (readonly [string, string])[],
    options: AskOptions,
  ): Promise<Answer<InstantData | MatrixData>> {
    const response = await this.#send(path, [["query", query], ...parameters], options);
    const decoded = decodeAnswer(bodyOf(response, query), { backend: NAME, query });
    if (decoded.status === "error") throw failure(response, decoded, query);
    const { data, warnings, infos } = decoded;
    return { data, warnings, infos, complete: isComplete(decoded), tookMs: response.tookMs };
  }

  async #send(
    path: string,
    fields: readonly (readonly [string, string])[],
    { signal, timeoutMs }: AskOptions,
  ): Promise<HttpResponse> {
    // Every question only reads, so that a POST too may be repeated.
    const common = { path, accept: "application/json", idempotent: true, signal, timeoutMs } as const;
    const length = fields.reduce((sum, [name, value]) => sum + name.length + encodeURIComponent(value).length + 2, 0);
    if (length <= LONGEST_IN_URL) return this.#http.send({ ...common, method: "GET", query: fields });
    const posted = await this.#http.send({ ...common, method: "POST", form: fields });
    if (!POST_REFUSED.has(posted.status)) return posted;
    const got = await this.#http.send({ ...common, method: "GET", query: fields });
    // A request line that is too long says nothing about why the POST was refused.
    return got.status === 414 || got.status === 431 ? posted : got;
  }
}

/** Epoch milliseconds as decimal seconds, the form that every dialect reads. */
const seconds = (ms: number): string => String(ms / 1000);

/** The body of an answer that says yes in the API's own form; the error for any other. */
function bodyOf(response: HttpResponse, query: string): Uint8Array {
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
  throw said === undefined ? refusal(response, { backend: NAME, query }) : failure(response, said, query);
}

/** What a body says of a failure, where it is the API's. */
function failureIn(body: Uint8Array, query: string): DecodedFailure | undefined {
  try {
    const decoded = decodeAnswer(body, { backend: NAME, query });
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

function failure(response: HttpResponse, { errorType, error }: DecodedFailure, query: string): BackendError {
  const byStatus = refusal(response, { backend: NAME, query }, error);
  // While series are being loaded, Prometheus reports its own deadline as a failed execution.
  const late = errorType === "execution" && error.includes("context deadline exceeded");
  const code = late ? "timeout" : CODES.get(errorType);
  // 422 is what limits come as, with their own words; 401 and 403 are a proxy's, with advice of their own.
  if (code === undefined || code === byStatus.code) return byStatus;
  return new BackendError(code, `${NAME}: ${response.url} answered ${errorType}: ${redactText(error)}`, {
    backend: NAME,
    query,
    status: response.status,
    retryAfterMs: response.retryAfterMs,
  });
}

/** A warning that is not about the query's own PromQL comes from storage, some of which did not answer. */
function isComplete({ partial, warnings }: DecodedSuccess): boolean {
  return !partial && warnings.every((warning) => warning.startsWith("PromQL") || / omitted$/.test(warning));
}

function unexpected(came: string, wanted: string, query: string): DecodeError {
  return new DecodeError("shape", `${NAME}: ${came} came where ${wanted} was asked for`, { backend: NAME, query });
}
