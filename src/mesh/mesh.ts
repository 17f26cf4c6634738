import { QueryError } from "../errors.ts";
import type { LogBackend } from "../logs/backend.ts";
import type { Call } from "../logs/call.ts";
import type { JsonFormat } from "../logs/custom-json.ts";
import type { AccessLogEntry } from "../logs/entry.ts";
import { accessLogParser } from "../logs/parser.ts";
import type { LogSearch } from "../logs/search.ts";
import type { MetricsBackend } from "../metrics/backend.ts";
import type { HistogramQuery } from "../metrics/histogram-query.ts";
import type { Query } from "../metrics/query.ts";
import { type RawOptions, rawQuery, type StringQuery } from "../metrics/raw-query.ts";
import type { Expr } from "../promql/index.ts";
import { matcher } from "../promql/index.ts";
import type { OnProgress } from "../results/progress.ts";
import type { AskOptions, TimeSpan } from "../time.ts";
import type { TraceBackend } from "../traces/backend.ts";
import { checkedTraceId } from "../traces/id.ts";
import type { Trace } from "../traces/trace.ts";
import type { MeshContext } from "./context.ts";
import { type LogsOfOptions, logsOf, traceOf } from "./correlation.ts";
import type { Checkup } from "./doctor/checkup.ts";
import { examine } from "./doctor/doctor.ts";
import { DEFAULT_FAILURES, type FailureRule, failureMatchers } from "./failures.ts";
import { askGraph, type GraphOptions } from "./graph/ask.ts";
import type { Graph } from "./graph/graph.ts";
import { checkHistograms, HistogramChoice, type Histograms, type KnownHistograms } from "./histograms.ts";
import { askIdentity } from "./identity/ask.ts";
import { askCertificates, type CertificateOptions, type Certificates } from "./identity/certificates.ts";
import type { Identity } from "./identity/identity.ts";
import { checkLabel } from "./istio.ts";
import { type LogSource, logSource } from "./log-scope.ts";
import { checkCaller, isAnyone, type Peer, peerOf } from "./peer.ts";
import { Policies, type PolicyOptions } from "./policy/policies.ts";
import type { PolicyInput } from "./policy/read.ts";
import { ReporterChoice } from "./reporter.ts";
import { checkReporter, type Reporter, type Scope } from "./scope.ts";
import { traceBackend } from "./trace-scope.ts";
import { Edge, Endpoint, Traffic } from "./traffic.ts";

/** What a mesh is made of. */
export interface MeshOptions {
  /** Where metrics come from, such as `prometheus("http://prometheus:9090")`. */
  readonly metrics?: MetricsBackend | undefined;
  /** Where traces come from: `jaeger("http://jaeger-query:16686")` or `zipkin("http://zipkin:9411")`. */
  readonly traces?: TraceBackend | undefined;
  /** Where access logs come from: `loki("http://loki:3100")` or `elasticsearch("http://elasticsearch:9200", …)`. */
  readonly logs?: LogBackend | undefined;
  /** How the proxies write their access logs, where they do not as Istio has it. */
  readonly accessLog?: AccessLogOptions | undefined;
  /** Whose count is read where a scope does not say; `"destination"` when left out. */
  readonly reporter?: Reporter | undefined;
  /**
   * How the mesh's histograms are kept in Prometheus: as series of buckets (`"classic"`, the default), as values of
   * their own (`"native"`), or `"auto"`, which asks once.
   */
  readonly histograms?: Histograms | undefined;
  /** What counts as failed where a scope does not say. */
  readonly failures?: FailureRule | undefined;
  /** An answer of which part is missing is an error (`"throw"`) or has `meta.complete: false` (`"warn"`, the default). */
  readonly onPartial?: "throw" | "warn" | undefined;
  /** Told how far long work has come that has nobody of its own to tell; `showProgress()` shows it to who watches. */
  readonly onProgress?: OnProgress | undefined;
  /** The clock for what a question leaves open, in epoch milliseconds; `Date.now` when left out. */
  readonly now?: (() => number) | undefined;
}

/** How a mesh's proxies write their access logs. */
export interface AccessLogOptions {
  /** The mesh's own formats, as in its configuration: `accessLogFormat` strings and `json_format` objects. */
  readonly formats?: readonly (JsonFormat | string)[] | undefined;
  /** The name of the proxies' container, `"istio-proxy"`; `false` where the logs are kept without one. */
  readonly container?: string | false | undefined;
}

/** A service mesh as its telemetry shows it: where every question begins. */
export class Mesh {
  readonly #context: MeshContext;
  readonly #everything: Scope;

  constructor(context: MeshContext, everything: Scope) {
    this.#context = context;
    this.#everything = Object.freeze(everything);
    Object.freeze(this);
  }

  /**
   * The calls from one peer to another.
   *
   * @param from `"workload"`, `"workload.namespace"`, or an object; `{}` is anyone
   * @param to likewise; `{ service: "backend" }` names the service that was called, whichever workload answered
   * @throws {QueryError} `code: "scope"` when neither end names anything
   * @example
   * await mesh.edge("frontend", "backend").rate("5m")
   */
  edge(from: Peer | string, to: Peer | string): Edge {
    const source = peerOf(from, "workload", "edge: from");
    const destination = peerOf(to, "workload", "edge: to");
    checkCaller(source, "edge: from");
    if (isAnyone(source) && isAnyone(destination)) {
      throw new QueryError("scope", "edge: neither end names anything; name one, or write mesh.all() for all traffic");
    }
    return new Edge(this.#context, { ...this.#everything, source, destination });
  }

  /** The requests sent to a workload, or with `.outbound` those it sends. */
  workload(workload: Peer | string): Endpoint {
    return this.#endpoint(peerOf(workload, "workload", "workload"), "workload");
  }

  /**
   * The requests sent to a service, or with `.outbound` those that its workloads send.
   *
   * @param service `"name"`, `"name.namespace"`, its name in the cluster's DNS, or an object
   */
  service(service: Peer | string): Endpoint {
    return this.#endpoint(peerOf(service, "service", "service"), "service");
  }

  /** The requests sent to the workloads of a namespace, or with `.outbound` those they send. */
  namespace(namespace: string): Endpoint {
    return this.#endpoint(peerOf(namespace, "namespace", "namespace"), "namespace");
  }

  /**
   * The requests that a gateway passed on, as its own proxy counted them (`reportedBy("source")`): each request that
   * reached it counts once, answered or not. Whoever calls a gateway has no proxy that reports, so both directions of a
   * gateway are this one.
   */
  gateway(gateway: Peer | string): Endpoint {
    const source = peerOf(gateway, "workload", "gateway");
    checkCaller(source, "gateway");
    if (isAnyone(source)) throw new QueryError("scope", "gateway: it names nothing; write its workload's name");
    return new Gateway(this.#context, { ...this.#everything, source, subject: "source", reporter: "source" });
  }

  /** All traffic of the mesh. */
  all(): Traffic {
    return new Traffic(this.#context, this.#everything);
  }

  /**
   * Who called whom in a window of time, with how often, how fast, what failed and under which security, in three
   * requests however large the mesh is, six with `against`.
   *
   * Each request counts once: as its callee's proxy saw it, where that reports; calls that never arrived are added from
   * their callers'. Rates are per second and not rounded. Both reporters are read, whatever `reporter` the mesh has.
   *
   * @throws {QueryError} `code: "config"` without a metrics backend, `"range"`, `"time"`, `"grouping"` or `"scope"` for
   * options that cannot be meant as they stand
   * @example
   * const graph = await mesh.graph({ last: "10m", against: "1d" });
   * graph.edge("frontend.default", "backend.default")?.success
   */
  graph(options: GraphOptions): Promise<Graph> {
    return askGraph({ context: this.#context, failures: this.#everything.failures }, options);
  }

  /**
   * The edges with calls in plaintext, which a PeerAuthentication of mode STRICT would turn away, with who calls whom
   * and how often; none where all is under mutual TLS, as far as proxies know. What they do not know is in
   * {@link Traffic.identity}.
   *
   * @throws {QueryError} `code: "config"` without a metrics backend, `"range"` or `"time"` for a bad range
   */
  async plaintext(options: TimeSpan & AskOptions): Promise<Identity> {
    return askIdentity(this.#context, PLAINTEXT, options);
  }

  /**
   * A query in PromQL's own words, for what the signals do not say: checked first, then asked like any other.
   *
   * @param source text, which is parsed, or an expression, such as the template tag `promql` makes
   * @throws {PromqlSyntaxError} when the text is no PromQL, with the place
   * @throws {QueryError} `code: "promql"` when it is no vector, and no other `type` is named
   * @example
   * await mesh.promql("sum by (job) (up)");
   * await mesh.promql("scalar(sum(up))", { type: "scalar" });
   * (await mesh.promql("sum by (job, le) (rate(http_seconds_bucket[5m]))", { type: "histogram" })).quantile(0.99)
   */
  promql<U extends string = "1">(
    source: Expr | string,
    options?: RawOptions<U> & { readonly type?: "vector" | undefined },
  ): Query<U, string>;
  promql<U extends string = "1">(source: Expr | string, options: RawOptions<U> & { readonly type: "scalar" }): Query<U>;
  promql(source: Expr | string, options: RawOptions & { readonly type: "string" }): StringQuery;
  promql<U extends string = "1">(
    source: Expr | string,
    options: RawOptions<U> & { readonly type: "histogram" },
  ): HistogramQuery<U>;
  promql(source: Expr | string, options?: RawOptions): unknown {
    return rawQuery(this.#context, source, options);
  }

  /**
   * When certificates expire, by the metrics of the proxies' agents and of istiod, and what a PEM says of issuer,
   * identity and root of trust. Metrics that are not scraped tell of none.
   *
   * @throws {QueryError} `code: "certificate"` for a PEM that holds none
   * @example
   * import { readFileSync } from "node:fs";
   *
   * const certificates = await mesh.certificates({ pem: readFileSync("root-cert.pem", "utf8") });
   * certificates.expiringWithin(7 * 24 * 3_600_000);
   */
  async certificates(options: CertificateOptions = {}): Promise<Certificates> {
    return askCertificates(this.#context, options);
  }

  /**
   * What the mesh's backends can answer: whether each is reachable, which of Istio's metrics, labels and reporters are
   * there, spans and access logs likewise, and for every miss what to set. What a backend refuses is found, not thrown.
   *
   * @example
   * const checkup = await mesh.doctor();
   * console.log(checkup);
   * checkup.remedies // what to do
   */
  doctor(options: AskOptions = {}): Promise<Checkup> {
    const { backend, histograms, traces, logs, now } = this.#context;
    const setting = typeof histograms === "string" ? histograms : "auto";
    return examine({ metrics: backend, histograms: setting, traces, logs, now }, options);
  }

  /**
   * One trace by its id, with or without the zeros before it; `undefined` when the tracing backend does not have it.
   *
   * @throws {QueryError} `code: "id"` when that is no trace id, `"config"` when the mesh has no tracing backend
   */
  async trace(id: string, options: AskOptions = {}): Promise<Trace | undefined> {
    return traceBackend(this.#context.traces).trace(checkedTraceId(id), options);
  }

  /**
   * The access-log entries of a trace's requests, on every side, the earliest first.
   *
   * They are found by the request ids in the spans, and by the trace's id where the lines have it.
   *
   * @throws {QueryError} `code: "config"` when the mesh has no backend for logs
   */
  logsOf(trace: Trace, options: LogsOfOptions = {}): LogSearch<AccessLogEntry> {
    return logsOf(trace, logSource(this.#context.logs), options);
  }

  /**
   * The trace of a request that a line or a call is of; `undefined` where it was not sampled, or is no longer kept.
   *
   * @throws {QueryError} `code: "config"` when the mesh has no tracing backend, `"id"` when the line has no id
   */
  async traceOf(request: AccessLogEntry | Call, options: AskOptions = {}): Promise<Trace | undefined> {
    return traceOf(request, traceBackend(this.#context.traces), this.#context.now, options);
  }

  /**
   * Policies of Istio, to be judged by: AuthorizationPolicy, PeerAuthentication, RequestAuthentication, VirtualService
   * and Gateway, as YAML, as objects or in files. Nothing is sent, and nothing applied.
   *
   * @throws {QueryError} `code: "policy"` that names every fault by file, document and path
   * @example
   * mesh.policies({ files: "policies.yaml" }).verdict({ protocol: "http", destination: { namespace: "shop" } })
   */
  policies(input: PolicyInput, options: PolicyOptions = {}): Policies {
    return new Policies({ context: this.#context, everything: this.#everything }, input, options);
  }

  #endpoint(destination: Peer, kind: string): Endpoint {
    if (isAnyone(destination)) {
      throw new QueryError("scope", `${kind}: it names nothing; name one, or write mesh.all() for all traffic`);
    }
    return new Endpoint(this.#context, { ...this.#everything, destination });
  }
}

const PLAINTEXT = [matcher("connection_security_policy", "=", "none")];

/** A gateway's traffic has one direction only. */
class Gateway extends Endpoint {
  override get inbound(): this {
    return this;
  }

  override get outbound(): this {
    return this;
  }
}

const OPTIONS: ReadonlySet<string> = new Set([
  "accessLog",
  "failures",
  "histograms",
  "logs",
  "metrics",
  "now",
  "onPartial",
  "onProgress",
  "reporter",
  "traces",
] satisfies (keyof MeshOptions)[]);

/**
 * A mesh to ask, over the backends that hold its telemetry. Nothing is sent before a question is awaited.
 *
 * @throws {QueryError} `code: "config"` when an option cannot be meant as it stands
 * @example
 * const mesh = createMesh({ metrics: prometheus("http://prometheus:9090") });
 * await mesh.edge("frontend", "backend").rate("5m")
 */
export function createMesh(options: MeshOptions = {}): Mesh {
  checkOptions(options);
  const { metrics, now = Date.now } = options;
  const context: MeshContext = Object.freeze({
    backend: metrics,
    traces: options.traces,
    logs: logsFrom(options, now),
    now,
    onPartial: options.onPartial ?? "warn",
    onProgress: options.onProgress,
    checkLabel,
    reporters: metrics && new ReporterChoice(metrics, now),
    histograms: histogramsOf(options.histograms, metrics, now),
  });
  return new Mesh(context, {
    subject: "destination",
    reporter: options.reporter ?? "destination",
    conditions: [],
    failures: failureMatchers(options.failures ?? DEFAULT_FAILURES),
  });
}

function histogramsOf(
  given: unknown,
  metrics: MetricsBackend | undefined,
  now: () => number,
): HistogramChoice | KnownHistograms {
  const histograms = checkHistograms(given ?? "classic");
  if (histograms !== "auto") return histograms;
  return metrics === undefined ? "classic" : new HistogramChoice(metrics, now);
}

function logsFrom({ logs, accessLog = {}, onProgress }: MeshOptions, now: () => number): LogSource | undefined {
  const { formats, container = "istio-proxy" } = accessLog;
  // Formats are read at once, so that a slip in one is found here.
  const parse = accessLogParser({ formats });
  return logs && { reader: { backend: logs, parse, now }, container, onProgress };
}

function checkOptions(options: MeshOptions): void {
  const unknown = Object.keys(options).find((name) => !OPTIONS.has(name));
  if (unknown !== undefined) {
    throw new QueryError("config", `createMesh: there is no option "${unknown}"; there are ${[...OPTIONS].join(", ")}`);
  }
  const { metrics, traces, logs, accessLog, reporter, onPartial, onProgress, now } = options;
  if (traces !== undefined && (typeof traces?.search !== "function" || typeof traces.trace !== "function")) {
    throw new QueryError(
      "config",
      'createMesh: traces is no backend; write traces: jaeger("http://jaeger-query:16686")',
    );
  }
  if (logs !== undefined && (typeof logs?.entries !== "function" || typeof logs.measure !== "function")) {
    throw new QueryError("config", 'createMesh: logs is no backend; write logs: loki("http://loki:3100")');
  }
  const { container } = accessLog ?? {};
  if (container !== undefined && container !== false && (typeof container !== "string" || container === "")) {
    throw new QueryError("config", 'createMesh: accessLog.container is a name such as "istio-proxy", or false');
  }
  if (metrics !== undefined && (typeof metrics?.instant !== "function" || typeof metrics.range !== "function")) {
    throw new QueryError(
      "config",
      'createMesh: metrics is no backend; write metrics: prometheus("http://prometheus:9090")',
    );
  }
  if (reporter !== undefined) checkReporter(reporter, "createMesh: reporter");
  if (onPartial !== undefined && onPartial !== "throw" && onPartial !== "warn") {
    throw new QueryError("config", 'createMesh: onPartial is "throw" or "warn"');
  }
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw new QueryError("config", "createMesh: onProgress is a function, such as showProgress()");
  }
  if (now !== undefined && typeof now !== "function") {
    throw new QueryError("config", "createMesh: now is a function that returns epoch milliseconds, such as Date.now");
  }
}
