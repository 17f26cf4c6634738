import { DecodeError, QueryError } from "../../errors.ts";
import { type HttpOptions, httpClient } from "../../http/client.ts";
import { refusal } from "../../http/refusal.ts";
import { type Expr, print } from "../../promql/index.ts";
import { type AskOptions, type Duration, durationMs, type ResolvedSpan, shown } from "../../time.ts";
import type { Answer, BackendLimits, Exemplar, Grid, InstantData, MatrixData, MetricsBackend } from "../backend.ts";
import { type DecodedSuccess, decodeAnswer } from "../decode/answer.ts";
import { decodeExemplars } from "../decode/exemplars.ts";
import { Connection } from "./connection.ts";
import { bodyOf, failure, failureIn, NAME } from "./failure.ts";

/** How a Prometheus is reached, and what is known of it. */
export interface PrometheusOptions extends HttpOptions {
  /** The time between two scrapes: no step is chosen finer than this. `"15s"` when left out. */
  readonly scrapeInterval?: Duration;
  /** The most instants of a range to ask for at once; a longer range comes in pieces. 11,001, which is what it takes. */
  readonly pointsPerRequest?: number;
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
  const { scrapeInterval = "15s", pointsPerRequest = MOST_POINTS, ...http } = options;
  const scrapeIntervalMs = durationMs(scrapeInterval, "prometheus: scrapeInterval", "step");
  if (!Number.isInteger(pointsPerRequest) || pointsPerRequest < 1) {
    throw new QueryError(
      "config",
      `prometheus: pointsPerRequest is a whole number above 0, not ${shown(pointsPerRequest)}`,
    );
  }
  const client = httpClient(NAME, url, http);
  const limits = { pointsPerRequest, concurrency: client.concurrency };
  return new Prometheus(new Connection(client), scrapeIntervalMs, Object.freeze(limits));
}

/** It refuses more than 11,000 steps. @see Prometheus, `web/api/v1/api.go` */
const MOST_POINTS = 11_001;

class Prometheus implements MetricsBackend {
  readonly name = NAME;
  readonly scrapeIntervalMs: number;
  readonly limits: BackendLimits;
  readonly #connection: Connection;

  constructor(connection: Connection, scrapeIntervalMs: number, limits: BackendLimits) {
    this.#connection = connection;
    this.scrapeIntervalMs = scrapeIntervalMs;
    this.limits = limits;
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
    const response = await this.#connection.send("/api/v1/query_exemplars", fields, options);
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
    const response = await this.#connection.send(path, [["query", query], ...parameters], options);
    const decoded = decodeAnswer(bodyOf(response, query), { backend: NAME, query });
    if (decoded.status === "error") throw failure(response, decoded, query);
    const { data, warnings, infos } = decoded;
    return { data, warnings, infos, complete: isComplete(decoded), tookMs: response.tookMs };
  }
}

/** Epoch milliseconds as decimal seconds, the form that every dialect reads. */
const seconds = (ms: number): string => String(ms / 1000);

/** A warning that is not about the query's own PromQL comes from storage, some of which did not answer. */
function isComplete({ partial, warnings }: DecodedSuccess): boolean {
  return !partial && warnings.every((warning) => warning.startsWith("PromQL") || / omitted$/.test(warning));
}

function unexpected(came: string, wanted: string, query: string): DecodeError {
  return new DecodeError("shape", `${NAME}: ${came} came where ${wanted} was asked for`, { backend: NAME, query });
}
