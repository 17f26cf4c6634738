/** Holds every raw counter in Prometheus to the truth: equal to the last request and the last byte. */
import { instant, type Sample } from "./prometheus.ts";
import { type Flow, type FlowLabels, keyOf, type Truth } from "./truth.ts";

export interface Comparison {
  readonly metric: string;
  readonly key: string;
  readonly expected: number;
  readonly counted: number;
  /** For requests: what `increase` makes of the window, against the truth of it. */
  readonly increase?: { readonly expected: number; readonly counted: number };
}

export async function compare(truth: Truth): Promise<Comparison[]> {
  const compared: Comparison[] = [];
  for (const { metric, count } of metrics) {
    const counted = byKey(await instant(`sum by (${labels.join(",")}) (${metric})`));
    const totals = expectedBy(truth.totals, count);
    const marginMs = 2000;
    const seconds = Math.round((truth.measuredToMs - truth.measuredFromMs + 2 * marginMs) / 1000);
    const promql = `sum by (${labels.join(",")}) (increase(${metric}[${seconds}s]))`;
    const increases = byKey(await instant(promql, truth.measuredToMs + marginMs));
    const flows = expectedBy(truth.flows, count);
    for (const key of [...new Set([...totals.keys(), ...counted.keys()])].sort()) {
      compared.push({
        metric,
        key,
        expected: totals.get(key) ?? 0,
        counted: counted.get(key) ?? 0,
        increase: { expected: flows.get(key) ?? 0, counted: increases.get(key) ?? 0 },
      });
    }
  }
  return compared;
}

export const isExact = (each: Comparison): boolean => each.expected === each.counted;

export function table(compared: readonly Comparison[]): string {
  const rows = compared.map((each) => [
    isExact(each) ? "ok" : "OFF",
    String(each.expected),
    String(each.counted),
    String(each.increase?.expected ?? ""),
    each.increase?.counted.toFixed(1) ?? "",
    `${each.metric} ${each.key}`,
  ]);
  const head = ["", "truth", "counter", "window", "increase", "series"];
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  return [head, ...rows]
    .map((row) => row.map((cell, column) => (column === 5 ? cell : cell.padStart(widths[column] ?? 0))).join("  "))
    .join("\n");
}

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
  { metric: "istio_response_messages_total", count: (flow) => flow.responseMessages },
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

function labelsOf(found: Sample["labels"]): FlowLabels {
  const text = (name: string): string => found[name] ?? "";
  const { response_code: code, grpc_response_status: grpcStatus } = found;
  return {
    reporter: text("reporter") as FlowLabels["reporter"],
    source: text("source_workload"),
    destination: text("destination_workload"),
    destinationService: text("destination_service"),
    destinationVersion: text("destination_version"),
    protocol: text("request_protocol") as FlowLabels["protocol"],
    ...(code !== undefined && { code: Number(code) }),
    ...(grpcStatus !== undefined && { grpcStatus: Number(grpcStatus) }),
    flags: text("response_flags"),
    security: text("connection_security_policy") as FlowLabels["security"],
  };
}
