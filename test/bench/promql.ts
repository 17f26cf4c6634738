import { parser } from "@prometheus-io/lezer-promql";
import { parse, print } from "../../src/promql/index.ts";
import { median } from "./median.ts";

/** One way to read or write a corpus of queries; the time is the median of rounds taken by turns. */
export interface PromqlRow {
  readonly what: string;
  readonly perSecond: number;
  readonly megabytesPerSecond: number;
  /** How many times faster than the editor's parser, which gives a syntax tree without names, numbers or checks. */
  readonly ratio: number;
}

/** What dashboards, rules and this library itself ask. */
export const CORPUS: readonly string[] = [
  "up",
  'up{job="prometheus"} == 0',
  "sum(rate(http_requests_total[5m]))",
  'sum by (code) (rate(http_requests_total{job="api",handler!="/metrics"}[5m]))',
  'sum(rate(istio_requests_total{reporter="destination",source_workload="frontend",destination_workload="backend"}[5m]))',
  'sum(rate(istio_requests_total{reporter="destination",destination_workload="backend",response_code=~"5..|0"}[5m])) / sum(rate(istio_requests_total{reporter="destination",destination_workload="backend"}[5m]))',
  'histogram_quantile(0.99, sum by (le) (rate(istio_request_duration_milliseconds_bucket{reporter="source",destination_service_name="reviews"}[5m])))',
  '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))',
  "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.1",
  '100 - ((node_filesystem_avail_bytes{mountpoint="/",fstype!="rootfs"} * 100) / node_filesystem_size_bytes{mountpoint="/",fstype!="rootfs"})',
  'predict_linear(node_filesystem_avail_bytes{fstype!=""}[6h], 24 * 60 * 60) < 0 and node_filesystem_readonly{fstype!=""} == 0',
  'sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{image!="",container!="POD"}[5m])) / on (namespace, pod) group_left () sum by (namespace, pod) (kube_pod_container_resource_limits{resource="cpu"})',
  "topk(10, sum by (job) (increase(prometheus_tsdb_head_series_created_total[1h])))",
  'label_replace(up{job="api-server"}, "service", "$1", "job", "(.*)-server")',
  "max_over_time(deriv(rate(distance_covered_meters_total[1m])[5m:1m])[10m:])",
  'absent(up{job="etcd"} == 1) or count(up{job="etcd"} == 0) > (count(up{job="etcd"}) / 2 - 1)',
  "rate(process_cpu_seconds_total[5m] offset 1w) unless on (instance) avg_over_time(up[1h] @ end()) < 0.5",
  'quantile_over_time(0.95, http_request_duration_seconds{quantile="0.9"}[1d]) ^ 2 % 7',
  'kube_deployment_spec_replicas{namespace=~"(openshift-.*|kube-.*|default)"} != kube_deployment_status_replicas_available{namespace=~"(openshift-.*|kube-.*|default)"}',
  'count_values by (cluster) ("version", build_info{app=~"api|web|worker"}) > bool 1',
];

/** Parses and prints the corpus, and parses it as Prometheus's own editor does. */
export function benchPromql(rounds = 15, passes = 200): PromqlRow[] {
  const trees = CORPUS.map((text) => parse(text));
  const ways: readonly (readonly [string, () => number])[] = [
    ["@prometheus-io/lezer-promql, parse", () => sum(CORPUS, (text) => parser.parse(text).length)],
    ["meshquery/promql, parse", () => sum(CORPUS, (text) => parse(text).kind.length)],
    ["meshquery/promql, print", () => sum(trees, (tree) => print(tree).charCodeAt(1))],
  ];
  const times = ways.map((): number[] => []);
  for (let round = -3; round < rounds; round++) {
    for (const [i, [, pass]] of ways.entries()) {
      const startMs = performance.now();
      let seen = 0;
      for (let n = 0; n < passes; n++) seen += pass();
      if (Number.isNaN(seen)) throw new Error("a way reads nothing");
      if (round >= 0) times[i]?.push(performance.now() - startMs);
    }
  }
  const bytes = CORPUS.reduce((total, text) => total + text.length, 0);
  const base = median(times[0] ?? []);
  return ways.map(([what], i) => {
    const seconds = median(times[i] ?? []) / 1000 / passes;
    return {
      what,
      perSecond: CORPUS.length / seconds,
      megabytesPerSecond: bytes / 1e6 / seconds,
      ratio: base / 1000 / passes / seconds,
    };
  });
}

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
