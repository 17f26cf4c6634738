import { QueryError } from "../errors.ts";
import type { Call } from "../logs/call.ts";
import type { AccessLogEntry } from "../logs/entry.ts";
import type { LogList, LogSearch } from "../logs/search.ts";
import { HistogramQuery } from "../metrics/histogram-query.ts";
import { matcher, selector } from "../promql/index.ts";
import { type CustomLabel, isCustomLabel, labelName } from "../results/labels.ts";
import { type Duration, durationMs, shown } from "../time.ts";
import type { TraceList, TraceSearch } from "../traces/search.ts";
import type { Crossing } from "../traces/trace-rows.ts";
import type { MeshContext } from "./context.ts";
import type { ExampleList } from "./examples.ts";
import { askExplain, type ExplainOptions } from "./explain/ask.ts";
import type { Explanation } from "./explain/explanation.ts";
import { type FailureRule, failureMatchers } from "./failures.ts";
import { askIdentity, type IdentityOptions } from "./identity/ask.ts";
import type { Identity } from "./identity/identity.ts";
import { type IstioLabel, METRICS } from "./istio.ts";
import type { CallGroup, Denial, LimitedCall } from "./log-finding.ts";
import { checkedLogOptions, type LogOptions } from "./log-options.ts";
import { type ErrorKey, type LogQuantile, logSource, ScopeLogs } from "./log-scope.ts";
import { checkReporter, directed, endMatchers, narrowed, type Reporter, type Scope, scopeMatchers } from "./scope.ts";
import { type SignalKind, type SignalQuery, type SignalReading, signalFormula, signalQuery } from "./signal-query.ts";
import {
  counterIncrease,
  counterRate,
  durationHistogram,
  durationQuantile,
  failureRate,
  fastShare,
  histogramSum,
  meanDuration,
  type Traffic as Selected,
  successRatio,
} from "./signals.ts";
import { checkedTraceOptions, type TraceOptions } from "./trace-options.ts";
import { ScopeTraces, type TraceQuantile } from "./trace-scope.ts";
import { type LabelCondition, matcherOf, matchersOf, type Where } from "./where.ts";

/**
 * Part of a mesh's traffic, and the signals that can be read from it.
 *
 * A scope never changes and asks nothing: `where`, `reportedBy`, `version`, `cluster` and `failures` return a narrower
 * or differently read scope, the signals return queries. Windows are PromQL durations such as `"5m"`, and should span
 * at least four scrape intervals.
 */
export class Traffic {
  readonly #context: MeshContext;
  readonly #scope: Scope;

  constructor(context: MeshContext, scope: Scope) {
    this.#context = context;
    this.#scope = Object.freeze(scope);
    Object.freeze(this);
  }

  /**
   * The part of the traffic for which all conditions hold. Text is literal; a RegExp matches the whole value.
   *
   * @throws {QueryError} `code: "label"` for a name that is a slip of one of Istio's, `"pattern"` for a RegExp that
   * RE2 cannot express
   * @example
   * mesh.edge("frontend", "backend").where({ request_protocol: "grpc", response_code: { not: /5../ } })
   */
  where(conditions: Where): this;
  where(label: CustomLabel, condition: LabelCondition): this;
  where(conditions: CustomLabel | Where, condition?: LabelCondition): this {
    const added = isCustomLabel(conditions)
      ? [matcherOf(labelName(conditions), condition as LabelCondition, "where")]
      : matchersOf(conditions, "where");
    return this.derived({ ...this.#scope, conditions: [...this.#scope.conditions, ...added] });
  }

  /** The same traffic as counted by another side; `"destination"` is the default. */
  reportedBy(reporter: Reporter): this {
    return this.derived({ ...this.#scope, reporter: checkReporter(reporter, "reportedBy") });
  }

  /** The traffic of one version of the subject: the callee's of an edge, the workload's or service's own. */
  version(version: string): this {
    return this.derived(narrowed(this.#scope, { version: named(version, "version") }));
  }

  /** The traffic of the subject in one cluster: the callee's of an edge, the workload's or service's own. */
  cluster(cluster: string): this {
    return this.derived(narrowed(this.#scope, { cluster: named(cluster, "cluster") }));
  }

  /**
   * The same traffic with another meaning of "failed" in `errors` and `success`.
   *
   * @param rule a request failed when any of these sets of conditions holds
   * @throws {QueryError} `code: "failures"` when a set is empty
   * @example
   * mesh.service("search").failures([{ response_code: /5..|429/ }]).success("5m")
   */
  failures(rule: FailureRule): this;
  /**
   * The calls that failed, by the scope's own rule, with the traces that show them; the latest first.
   *
   * @throws {QueryError} `code: "config"` when the mesh has no tracing backend
   */
  failures(options: TraceOptions): Promise<TraceList<Crossing>>;
  failures(rule: FailureRule | TraceOptions): this | Promise<TraceList<Crossing>> {
    if (isSearch(rule)) return this.#traces.failures(checkedTraceOptions(rule, "failures"));
    return this.derived({ ...this.#scope, failures: failureMatchers(rule) });
  }

  /**
   * Requests per second, averaged over `window`, over HTTP and gRPC.
   *
   * Each request counts once: only one reporter's series are read. No matching series gives `undefined`, not 0.
   *
   * @param window PromQL duration, at least four scrape intervals
   * @throws {QueryError} `code: "window"` when it is not a positive duration
   * @see Istio standard metrics, `istio_requests_total`
   * @example
   * mesh.edge("frontend", "backend").rate("5m").promql
   * // sum(rate(istio_requests_total{reporter="destination",source_workload="frontend",destination_workload="backend"}[5m]))
   */
  rate(window: Duration): SignalQuery<"req/s"> {
    const ms = durationMs(window, "rate");
    return this.#signal("req/s", (traffic) => counterRate(traffic, METRICS.requests, ms), { isRequests: true });
  }

  /** Requests in `window`: a count, extrapolated to the window's ends as PromQL's `increase` does. */
  requests(window: Duration): SignalQuery<"req"> {
    const ms = durationMs(window, "requests");
    return this.#signal("req", (traffic) => counterIncrease(traffic, METRICS.requests, ms), { requestsOverMs: ms });
  }

  /**
   * Failed requests per second: 0 where there are requests and none failed, `undefined` where there are none at all.
   *
   * Failed are, over HTTP, 5xx and code 0 (no answer); over gRPC, UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL,
   * UNAVAILABLE and DATA_LOSS whatever the HTTP code; or what {@link Traffic.failures} says.
   */
  errors(window: Duration): SignalQuery<"req/s"> {
    const ms = durationMs(window, "errors");
    return this.#signal("req/s", (traffic) => failureRate(traffic, ms), { requestsOverMs: ms });
  }

  /** The share of requests that did not fail, from 0 to 1; without traffic `undefined`, never NaN and never 1. */
  success(window: Duration): SignalQuery<"ratio"> {
    const ms = durationMs(window, "success");
    return this.#signal("ratio", (traffic) => successRatio(traffic, ms), { requestsOverMs: ms, isShare: true });
  }

  /**
   * A quantile of request durations in milliseconds, as the reporting proxy saw them: without traffic `undefined`.
   *
   * It is interpolated within one of the histogram's buckets, so it is as exact as that bucket is narrow.
   *
   * @param quantile from 0 to 1: 0.99 for the 99th percentile
   * @throws {QueryError} `code: "quantile"` when it is not from 0 to 1
   * @see Istio standard metrics, `istio_request_duration_milliseconds`
   */
  latency(quantile: number, window: Duration): SignalQuery<"ms"> {
    const ms = durationMs(window, "latency");
    const read = (traffic: Selected) => durationQuantile(traffic, quantile, ms);
    return this.#signal("ms", read, { requestsOverMs: ms, fromHistogram: true });
  }

  /**
   * How request durations are spread, in milliseconds: all buckets of the histogram, counted per second, from which any
   * quantile or share is read at once. One for the scope, or one for each combination of the labels of `by`; none where
   * no series matches.
   *
   * The sum of durations, and so `mean`, is known of native histograms alone; of classic ones `meanLatency` tells it.
   *
   * @throws {QueryError} `code: "window"` when it is not a positive duration
   * @example
   * const [all] = await mesh.service("backend").latencyHistogram("5m");
   * all?.histogram.quantile(0.99);
   * all?.histogram.fraction(0, 250);
   */
  latencyHistogram(window: Duration): HistogramQuery<"ms", IstioLabel> {
    const ms = durationMs(window, "latencyHistogram");
    const source = { context: this.#context, scope: this.#scope };
    const formula = signalFormula(source, (traffic) => durationHistogram(traffic, ms), true);
    return new HistogramQuery({ context: this.#context, unit: "ms", formula, grouping: undefined });
  }

  /** The mean of request durations in milliseconds; without traffic `undefined`. */
  meanLatency(window: Duration): SignalQuery<"ms"> {
    const ms = durationMs(window, "meanLatency");
    return this.#signal("ms", (traffic) => meanDuration(traffic, ms), { requestsOverMs: ms, fromHistogram: true });
  }

  /**
   * The share of requests that took no longer than `limit`, from 0 to 1; without traffic `undefined`.
   *
   * Of classic histograms it is exact, and there only for a bound of one of the buckets: Istio's are 0.5, 1, 5, 10, 25,
   * 50, 100, 250, 500 ms, 1, 2.5, 5, 10, 30 s and more; for any other there is no value. Native ones are interpolated.
   *
   * @param limit PromQL duration: `"250ms"`
   * @example
   * await mesh.service("backend").fasterThan("250ms", "5m")
   */
  fasterThan(limit: Duration, window: Duration): SignalQuery<"ratio"> {
    const [boundMs, ms] = [durationMs(limit, "fasterThan", "range"), durationMs(window, "fasterThan")];
    const read = (traffic: Selected) => fastShare(traffic, boundMs, ms);
    return this.#signal("ratio", read, { requestsOverMs: ms, isShare: true, fromHistogram: true });
  }

  /** Bytes of requests per second. Divided by `rate` it is the mean size of a request. */
  requestBytes(window: Duration): SignalQuery<"B/s"> {
    return this.#sizes(METRICS.requestBytes, window, "requestBytes");
  }

  /** Bytes of responses per second. Divided by `rate` it is the mean size of a response. */
  responseBytes(window: Duration): SignalQuery<"B/s"> {
    return this.#sizes(METRICS.responseBytes, window, "responseBytes");
  }

  /** TCP bytes per second from the server to the client, whoever reports. */
  tcpSent(window: Duration): SignalQuery<"B/s"> {
    return this.#counter("B/s", METRICS.tcpSent, window, "tcpSent");
  }

  /** TCP bytes per second from the client to the server, whoever reports. */
  tcpReceived(window: Duration): SignalQuery<"B/s"> {
    return this.#counter("B/s", METRICS.tcpReceived, window, "tcpReceived");
  }

  /** TCP connections opened per second. */
  tcpOpened(window: Duration): SignalQuery<"conn/s"> {
    return this.#counter("conn/s", METRICS.tcpOpened, window, "tcpOpened");
  }

  /** TCP connections closed per second. */
  tcpClosed(window: Duration): SignalQuery<"conn/s"> {
    return this.#counter("conn/s", METRICS.tcpClosed, window, "tcpClosed");
  }

  /** gRPC messages per second from the client to the server. */
  messagesSent(window: Duration): SignalQuery<"msg/s"> {
    return this.#counter("msg/s", METRICS.requestMessages, window, "messagesSent");
  }

  /** gRPC messages per second from the server to the client. */
  messagesReceived(window: Duration): SignalQuery<"msg/s"> {
    return this.#counter("msg/s", METRICS.responseMessages, window, "messagesReceived");
  }

  /**
   * The traces in which a call of this scope is as described: awaited an array with `meta`, under `for await` a stream,
   * the latest first.
   *
   * The search goes back in time until it has `limit` traces or the range is exhausted; `meta.complete` says whether a
   * limit, the backend's or yours, stood in the way.
   *
   * @throws {QueryError} `code: "config"` when the mesh has no tracing backend, `"label"` when the scope has a condition
   * that no trace shows
   * @example
   * for (const trace of await edge.traces({ last: "15m", errors: true, limit: 20 })) console.log(trace.hops());
   */
  traces(options: TraceOptions): TraceSearch {
    return this.#traces.find(checkedTraceOptions(options, "traces"));
  }

  /** The calls that took longest in the range, longest first; 10 when no `limit` is given. */
  slowest(options: TraceOptions): Promise<TraceList<Crossing>> {
    return this.#traces.slowest(checkedTraceOptions(options, "slowest"));
  }

  /**
   * A quantile of the durations that traces show, in milliseconds; as the callee's proxy saw them, unless the scope is
   * `reportedBy("source")`.
   *
   * Traces are sampled: this says how the sampled calls' durations were shared out, and nothing about rates. The answer
   * warns of that, and says from how many calls it was taken.
   */
  latencyFromTraces(quantile: number, options: TraceOptions): Promise<TraceQuantile> {
    return this.#traces.latency(quantile, checkedTraceOptions(options, "latencyFromTraces"));
  }

  /**
   * Traces behind what the metrics of this scope say: those that the metrics backend keeps as exemplars of durations
   * and, where it has none, what a search for the same calls finds. `meta.origin` says which.
   *
   * @example
   * edge.where({ response_code: "503" }).examples({ last: "5m", slowerThan: "250ms" })
   */
  async examples(options: TraceOptions): Promise<ExampleList> {
    const { backend } = this.#context;
    const ask = backend?.exemplars?.bind(backend);
    return this.#traces.examples(
      checkedTraceOptions(options, "examples"),
      ask &&
        (async (span, patience) => {
          const { reporter } = this.#scope;
          const known = reporter === "auto" ? "destination" : reporter;
          const matchers = scopeMatchers(this.#scope, known);
          const classic = `${METRICS.duration}_bucket`;
          const series =
            this.#context.histograms === "classic"
              ? selector(classic, matchers)
              : selector(undefined, [matcher("__name__", "=~", `${METRICS.duration}|${classic}`), ...matchers]);
          return ask(series, span, patience);
        }),
    );
  }

  /**
   * The access-log entries of this scope: awaited an array with `meta`, under `for await` a stream, the latest first.
   *
   * An edge has the lines of both sides. A callee's line names no caller, so it is given where the caller's line of the
   * same request was found (which `joinWithin` bounds); of a scope with one end its own proxies' lines are given.
   * A line that no known format reads is counted in `meta.unparsed` and given to `onUnparsed`.
   *
   * @throws {QueryError} `code: "config"` when the mesh has no backend for logs, `"label"` when the scope has a condition
   * that no line shows
   * @example
   * for await (const entry of edge.logs({ last: "15m", status: "5xx" })) console.log(entry.path, entry.flags);
   */
  logs(options: LogOptions): LogSearch<AccessLogEntry> {
    return this.#logs.entries(checkedLogOptions(options, "logs"));
  }

  /**
   * The calls of this scope with the lines of both sides joined, of which a line is as described.
   *
   * A call that never left its caller's proxy (UF, UH, NR) has that side's line alone; one that was tried again has
   * several of the other.
   *
   * @example
   * for (const call of await edge.calls({ last: "15m", flags: "UF" })) console.log(call.path, call.alone?.reason);
   */
  calls(options: LogOptions): LogSearch<Call> {
    return this.#logs.calls(checkedLogOptions(options, "calls"));
  }

  /** The paths that were called most, without their queries; ten when no `limit` is given. */
  topPaths(options: LogOptions): Promise<LogList<CallGroup>> {
    return this.#logs.topPaths(checkedLogOptions(options, "topPaths"));
  }

  /** The calls that failed, by the scope's own rule, counted by their code, flags or path; the most frequent first. */
  errorsBy(key: ErrorKey, options: LogOptions): Promise<LogList<CallGroup>> {
    return this.#logs.errorsBy(key, checkedLogOptions(options, "errorsBy"));
  }

  /** A quantile of the durations of all calls in milliseconds, exact, as the caller's proxy saw them where it did. */
  latencyFromLogs(quantile: number, options: LogOptions): Promise<LogQuantile> {
    return this.#logs.latency(quantile, checkedLogOptions(options, "latencyFromLogs"));
  }

  /** The calls that an authorization policy turned away, with the policy and, where lines have it, the identity. */
  denials(options: LogOptions): Promise<LogList<Denial>> {
    return this.#logs.denials(checkedLogOptions(options, "denials"));
  }

  /** The calls that met a rate limit of a proxy, and whether it was its own or the rate limit service's. */
  rateLimited(options: LogOptions): Promise<LogList<LimitedCall>> {
    return this.#logs.rateLimited(checkedLogOptions(options, "rateLimited"));
  }

  /**
   * Who really called whom: the identities that certificates proved along each edge of this scope, the share under
   * mutual TLS, and what a person should look at. It takes two requests.
   *
   * Only callees' proxies, waypoints and ztunnel know how a call was secured: of what a caller's proxy alone counted it
   * is unknown, and never plaintext. Requests and TCP connections are told apart. A mesh's reporter does not matter here.
   *
   * @throws {QueryError} `code: "config"` when the mesh has no metrics backend, `"range"` or `"time"` for a bad range
   * @example
   * const { requests, findings } = await mesh.service("backend").identity({ last: "1h", expect: { trustDomain: "cluster.local" } });
   */
  identity(options: IdentityOptions): Promise<Identity> {
    return askIdentity(this.#context, endMatchers(this.#scope), options);
  }

  /**
   * What is wrong with this scope, compared with an earlier window: a report of findings with their figures, causes
   * first, each with the query that shows it, when it began, and example calls and traces where the mesh has backends
   * for them. No finding when nothing is unusual.
   *
   * A backend of logs or traces that does not answer costs its examples, and stands in `meta.warnings`.
   *
   * @throws {QueryError} `code: "config"` when the mesh has no metrics backend, `"range"` or `"time"` for a bad range
   * @example
   * console.log(await mesh.edge("frontend", "backend").explain({ last: "15m", against: "1d" }));
   */
  explain(options: ExplainOptions): Promise<Explanation> {
    const { logs, traces } = this.#context;
    const source = { context: this.#context, scope: this.#scope };
    return askExplain({ ...source, logs: logs && this.#logs, traces: traces && this.#traces }, options);
  }

  get #logs(): ScopeLogs {
    return new ScopeLogs(this.#scope, logSource(this.#context.logs));
  }

  get #traces(): ScopeTraces {
    return new ScopeTraces(this.#scope, this.#context);
  }

  #counter<U extends string>(unit: U, metric: string, window: Duration, verb: string): SignalQuery<U> {
    const ms = durationMs(window, verb);
    return this.#signal(unit, (traffic) => counterRate(traffic, metric, ms));
  }

  #sizes(metric: string, window: Duration, verb: string): SignalQuery<"B/s"> {
    const ms = durationMs(window, verb);
    return this.#signal("B/s", (traffic) => histogramSum(traffic, metric, ms), { fromHistogram: true });
  }

  #signal<U extends string>(unit: U, read: SignalReading, kind?: SignalKind): SignalQuery<U> {
    return signalQuery({ context: this.#context, scope: this.#scope }, unit, read, kind);
  }

  /** A scope of the same class over other data. */
  protected derived(scope: Scope): this {
    return new (this.constructor as new (context: MeshContext, scope: Scope) => this)(this.#context, scope);
  }

  /** The traffic of the same subject in one direction. */
  protected towards(subject: "destination" | "source"): this {
    return this.derived(directed(this.#scope, subject));
  }
}

/** The calls from one peer to another. */
export class Edge extends Traffic {}

/** The traffic of one workload, service or namespace: what is sent to it, unless it is turned round. */
export class Endpoint extends Traffic {
  /** The requests sent to it; the same as the scope itself. */
  get inbound(): this {
    return this.towards("destination");
  }

  /** The requests it sends. */
  get outbound(): this {
    return this.towards("source");
  }
}

const isSearch = (given: FailureRule | TraceOptions): given is TraceOptions =>
  typeof given === "object" && given !== null && ("last" in given || "from" in given);

function named(value: unknown, verb: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new QueryError("scope", `${verb}: ${shown(value)} names nothing; write ${verb}("v2")`);
}
