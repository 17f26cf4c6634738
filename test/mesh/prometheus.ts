/** Prometheus over all sidecars, and the few questions that the mesh itself asks it. */
import { type labelNames, unknownWhenEmpty } from "./istio-label.ts";
import type { JsonObject } from "./json.ts";
import { localAddress, prometheusPort, proxied } from "./topology.ts";

export const prometheusUrl = `http://${localAddress}:${prometheusPort}`;

/** JSON is YAML, so this is the file that Prometheus reads. */
export function prometheusConfig(): JsonObject {
  return {
    global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
    scrape_configs: [
      {
        job_name: "envoy-stats",
        metrics_path: "/stats/prometheus",
        params: { filter: ["^istio\\."] },
        static_configs: proxied.map((each) => ({
          targets: [`${localAddress}:${each.ports.admin}`],
          labels: { namespace: each.namespace, pod: each.pod, app: each.app },
        })),
        metric_relabel_configs: [
          { source_labels: ["__name__"], regex: "envoy_(istio_.*)", target_label: "__name__" },
          { source_labels: ["__name__"], regex: "istio_.*", action: "keep" },
          ...tcpSourceFromPrincipal,
          ...unknownWhenEmpty.map((name) => ({
            source_labels: [name],
            regex: "-?",
            target_label: name,
            replacement: "unknown",
          })),
        ],
      },
    ],
  };
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The value of `promql` now, or at a moment. */
export async function instant(promql: string, atMs?: number): Promise<Sample[]> {
  const body = new URLSearchParams({ query: promql, ...(atMs !== undefined && { time: String(atMs / 1000) }) });
  const response = await fetch(`${prometheusUrl}/api/v1/query`, {
    method: "POST",
    body,
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`prometheus: ${response.status} to ${promql}: ${await response.text()}`);
  const answer = (await response.json()) as {
    data: { result: { metric: Record<string, string>; value: [number, string] }[] };
  };
  return answer.data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
}

/** Whether every sidecar has been scraped. */
export async function allScraped(): Promise<boolean> {
  const up = await instant("sum(up)");
  return up[0]?.value === proxied.length;
}

/** Over TCP there are no headers to carry the caller's labels: its certificate names the workload, here always v1. */
const tcpSourceFromPrincipal: readonly JsonObject[] = Object.entries({
  source_workload: "$2",
  source_workload_namespace: "$1",
  source_app: "$2",
  source_version: "v1",
  source_cluster: "Kubernetes",
  source_canonical_service: "$2",
  source_canonical_revision: "v1",
} satisfies Partial<Record<(typeof labelNames)[number], string>>).map(([target_label, replacement]) => ({
  source_labels: ["request_protocol", "reporter", "source_principal"],
  regex: "tcp;destination;spiffe://[^/]+/ns/([^/]+)/sa/(.+)",
  target_label,
  replacement,
}));
