/** Holds the counters in Prometheus to the truth: equal to the last request and the last byte. */
import { instant, type Sample } from "./prometheus.ts";
import type { ReportLabels } from "./report.ts";
import { type Flow, keyOf, type Truth } from "./truth.ts";

export interface Comparison {
  readonly metric: string;
  /** See `keyOf` in truth.ts. */
  readonly key: string;
  /** Since the mesh was started: raw counter against `totals`. */
  readonly total: Pair;
  /** Growth of the raw counter from before to after the play, against `flows`. */
  readonly window: Pair;
  /** The same growth as PromQL's `increase` extrapolates it. */
  readonly increase: number;
}

export interface Pair {
  readonly expected: number;
  readonly counted: number;
}

/** Compares every series of Istio's counters; those that the truth does not know are expected to be 0. */
export async function compare(truth: Truth): Promise<Comparison[]> {
  const fromMs = truth.measuredFromMs - marginMs;
  const toMs = truth.measuredToMs + marginMs;
  const by = `sum by (${labels.join(",")})`;
  const compared: Comparison[] = [];
  for (const { metric, count } of metrics) {
    const now = byKey(await instant(`${by} (${metric})`));
    const before = byKey(await instant(`${by} (${metric})`, fromMs));
    const after = byKey(await instant(`${by} (${metric})`, toMs));
    const range = `${Math.round((toMs - fromMs) / 1000)}s`;
    const increase = byKey(await instant(`${by} (increase(${metric}[${range}]))`, toMs));
    const totals = expectedBy(truth.totals, count);
    const flows = expectedBy(truth.flows, count);
    for (const key of [...new Set([...totals.keys(), ...now.keys()])].sort()) {
      compared.push({
        metric,
        key,
        total: { expected: totals.get(key) ?? 0, counted: now.get(key) ?? 0 },
        window: { expected: flows.get(key) ?? 0, counted: (after.get(key) ?? 0) - (before.get(key) ?? 0) },
        increase: increase.get(key) ?? 0,
      });
    }
  }
  return compared;
}

export const isExact = ({ total, window }: Comparison): boolean =>
  total.expected === total.counted && window.expected === window.counted;

/** How far `increase` is off the truth at worst, in percent. */
export function worstIncreasePercent(compared: readonly Comparison[]): number {
  const moving = compared.filter((each) => each.window.expected > 0);
  return Math.max(0, ...moving.map((each) => 100 * Math.abs(each.increase / each.window.expected - 1)));
}

export function table(compared: readonly Comparison[]): string {
  const head = ["", "truth", "counter", "in window", "counter", "increase", "series"];
  const rows = compared.map((each) => [
    isExact(each) ? "ok" : "OFF",
    String(each.total.expected),
    String(each.total.counted),
    String(each.window.expected),
    String(each.window.counted),
    each.increase.toFixed(2),
    `${each.metric} ${each.key}`,
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  return [head, ...rows]
    .map((row) => row.map((cell, column) => (column === 6 ? cell : cell.padStart(widths[column] ?? 0))).join("  "))
    .join("\n");
}

/** The last request is scraped within 2 s: Envoy merges histograms once a second, Prometheus comes once a second. */
const marginMs = 2500;

const labels = [
  "reporter",
  "source_workload",
  "destination_workload",
  "destination_service",
  "destination_version",
  "request_protocol",
  "response_code",
  "grpc_response_status",
  "response_flags",
  "connection_security_policy",
];

/** Which part of a flow each metric counts; undefined where it counts none. */
const metrics: readonly { metric: string; count: (flow: Flow) => number | undefined }[] = [
  { metric: "istio_requests_total", count: (flow) => (flow.tcp ? undefined : flow.count) },
  { metric: "istio_request_duration_milliseconds_count", count: (flow) => (flow.tcp ? undefined : flow.count) },
  { metric: "istio_request_bytes_count", count: (flow) => (flow.tcp ? undefined : flow.count) },
  { metric: "istio_response_bytes_count", count: (flow) => (flow.tcp ? undefined : flow.count) },
  { metric: "istio_request_messages_total", count: (flow) => flow.requestMessages },
  // No message, no series.
  { metric: "istio_response_messages_total", count: (flow) => flow.responseMessages || undefined },
  { metric: "istio_tcp_connections_opened_total", count: (flow) => flow.tcp?.opened },
  { metric: "istio_tcp_connections_closed_total", count: (flow) => flow.tcp?.closed },
  { metric: "istio_tcp_sent_bytes_total", count: (flow) => flow.tcp?.sentBytes },
  { metric: "istio_tcp_received_bytes_total", count: (flow) => flow.tcp?.receivedBytes },
];

function expectedBy(flows: readonly Flow[], count: (flow: Flow) => number | undefined): Map<string, number> {
  const expected = new Map<string, number>();
  for (const flow of flows) {
    const value = count(flow);
    if (value !== undefined) expected.set(keyOf(flow), value);
  }
  return expected;
}

const byKey = (samples: readonly Sample[]): Map<string, number> =>
  new Map(samples.map(({ labels: found, value }) => [keyOf(labelsOf(found)), value]));

function labelsOf(found: Sample["labels"]): ReportLabels {
  const text = (name: string): string => found[name] ?? "";
  const { response_code: code, grpc_response_status: grpcStatus } = found;
  return {
    reporter: text("reporter") as ReportLabels["reporter"],
    source: text("source_workload"),
    destination: text("destination_workload"),
    destinationService: text("destination_service"),
    destinationVersion: text("destination_version"),
    protocol: text("request_protocol") as ReportLabels["protocol"],
    ...(code !== undefined && { code: Number(code) }),
    ...(grpcStatus !== undefined && { grpcStatus: Number(grpcStatus) }),
    flags: text("response_flags"),
    security: text("connection_security_policy") as ReportLabels["security"],
  };
}
