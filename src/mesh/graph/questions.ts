import {
  aggregate,
  binary,
  by,
  call,
  type Expr,
  type Matcher,
  matcher,
  matrix,
  number,
  selector,
  shiftBack,
  string,
} from "../../promql/index.ts";
import { METRICS } from "../istio.ts";

/** Labels that say who called whom. */
export const END_LABELS = [
  "source_cluster",
  "source_workload_namespace",
  "source_workload",
  "source_canonical_service",
  "source_canonical_revision",
  "destination_cluster",
  "destination_workload_namespace",
  "destination_workload",
  "destination_canonical_service",
  "destination_canonical_revision",
  "destination_service",
  "destination_service_name",
  "destination_service_namespace",
] as const;

/** Which series a graph is drawn of. */
export interface GraphSelection {
  readonly windowMs: number;
  /** How much earlier than the instant asked for. */
  readonly offsetMs: number;
  /** One of these namespaces is that of either end; all where there are none. */
  readonly namespaces: readonly Matcher[];
  /** Labels that decide whether a request failed, beside those that every graph reads. */
  readonly failureLabels: readonly string[];
}

/** The label under which `volumes` tells its metrics apart. */
export const VOLUME_LABEL = "signal";
/** The value of `le` under which `durations` gives the sum of all durations. */
export const SUM = "sum";

/** Requests per second by what tells one kind of request from another. */
export function requestsOf(selection: GraphSelection): Expr {
  const labels = [
    "reporter",
    ...END_LABELS,
    "request_protocol",
    "response_code",
    "grpc_response_status",
    "response_flags",
    "connection_security_policy",
    ...selection.failureLabels,
  ];
  return shiftBack(positive(total(METRICS.requests, selection, [...new Set(labels)])), selection.offsetMs);
}

/** The durations of requests: their histograms' buckets per second, and their sum under `le="sum"`, or native ones. */
export function durationsOf(selection: GraphSelection): Expr {
  const labels = ["reporter", ...END_LABELS];
  const buckets = total(`${METRICS.duration}_bucket`, selection, [...labels, "le"]);
  const sums = tagged(total(`${METRICS.duration}_sum`, selection, labels), "le", SUM);
  const native = total(METRICS.duration, selection, labels);
  return shiftBack(binary("or", binary("or", buckets, sums), native), selection.offsetMs);
}

const VOLUMES = {
  opened: METRICS.tcpOpened,
  closed: METRICS.tcpClosed,
  sent: METRICS.tcpSent,
  received: METRICS.tcpReceived,
  messagesSent: METRICS.requestMessages,
  messagesReceived: METRICS.responseMessages,
  requestBytes: METRICS.requestBytes,
  responseBytes: METRICS.responseBytes,
} as const;

/** Those that are sums of histograms, classic or native. */
const SIZES: ReadonlySet<Volume> = new Set(["requestBytes", "responseBytes"]);

export type Volume = keyof typeof VOLUMES;

const NAMES = Object.keys(VOLUMES) as readonly Volume[];

export const isVolume = (name: string): name is Volume => Object.hasOwn(VOLUMES, name);

/** Connections, bytes and messages per second, told apart by the label `signal`. */
export function volumesOf(selection: GraphSelection): Expr {
  const labels = ["reporter", "app", ...END_LABELS, "response_flags", "connection_security_policy"];
  const parts = NAMES.flatMap((name) => {
    const metric = VOLUMES[name];
    const counted = (counter: string) => tagged(positive(total(counter, selection, labels)), VOLUME_LABEL, name);
    if (!SIZES.has(name)) return [counted(metric)];
    // Native ones come whole: not every server that speaks PromQL has histogram_sum, and none compares them.
    return [counted(`${metric}_sum`), tagged(total(metric, selection, labels), VOLUME_LABEL, name)];
  });
  return shiftBack(
    parts.reduce((left, right) => binary("or", left, right)),
    selection.offsetMs,
  );
}

const positive = (expr: Expr): Expr => binary(">", expr, number(0));

/** The same series with one more label. */
export const tagged = (expr: Expr, label: string, value: string): Expr =>
  call("label_replace", expr, string(label), string(value), string(""), string(""));

function total(metric: string, { windowMs, namespaces }: GraphSelection, labels: readonly string[]): Expr {
  const selections = namespaces.length === 0 ? [[]] : namespaces.map((condition) => [condition]);
  // A series with both ends in the namespaces is one series: `or` keeps it once.
  const rates: Expr[] = selections.map((conditions) => call("rate", matrix(selector(metric, conditions), windowMs)));
  return aggregate(
    "sum",
    rates.reduce((left, right) => binary("or", left, right)),
    { grouping: by(...labels) },
  );
}

/** Conditions of which any one makes a series part of the namespaces' traffic. */
export function namespaceMatchers(pattern: { readonly op: "=" | "=~"; readonly value: string }): readonly Matcher[] {
  return ["source_workload_namespace", "destination_workload_namespace", "destination_service_namespace"].map((label) =>
    matcher(label, pattern.op, pattern.value),
  );
}
