/** Many traces at once, for questions whose answers do not fit on one page: synthetic, in the shape of the proxies' own. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { collectorCounts, collectorUrl, forwarded, requireNothingLost } from "./collector-counts.ts";
import { hostOf, localAddress, serviceNamed, trustDomain, type Workload, workloadNamed } from "./topology.ts";

export interface LoadOptions {
  /** Default 5000. */
  readonly count?: number;
  /** The traces begin evenly between the two; keep them apart from a play, whose truth knows nothing of them. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly signal?: AbortSignal;
}

export interface LoadedTrace {
  readonly traceId: string;
  /** Start of its first span in microseconds, the finest that either backend knows. */
  readonly startUs: number;
}

/** Of so many traces in a row, the first three begin in the same microsecond. */
const tieEvery = 5;
const tracesPerRequest = 100;

/**
 * Sends traces of four spans each, gateway → frontend → backend, and returns them in order of time once both backends
 * have taken them.
 */
export async function loadTraces(options: LoadOptions): Promise<LoadedTrace[]> {
  const { count = 5000, fromMs, toMs, signal } = options;
  if (toMs <= fromMs) throw new Error(`load-traces: the range from ${fromMs} to ${toMs} ms is empty`);
  const traces = Array.from({ length: count }, (_, index): LoadedTrace => {
    const place = index % tieEvery < 3 ? index - (index % tieEvery) : index;
    return {
      traceId: randomBytes(16).toString("hex"),
      startUs: Math.round(fromMs * 1000 + (place * (toMs - fromMs) * 1000) / count),
    };
  });
  for (let first = 0; first < count; first += tracesPerRequest) {
    await post(traces.slice(first, first + tracesPerRequest).flatMap(spansOf), signal);
  }
  await forwarded(signal);
  return traces;
}

async function post(spans: readonly object[], signal: AbortSignal | undefined): Promise<void> {
  const body = JSON.stringify(spans);
  for (;;) {
    signal?.throwIfAborted();
    const response = await fetch(`${collectorUrl}/api/v2/spans`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
      signal: AbortSignal.timeout(10_000),
    });
    const answer = await response.text();
    if (response.status === 202) return;
    if (response.status !== 503) throw new Error(`load-traces: the collector answered ${response.status} ${answer}`);
    requireNothingLost(await collectorCounts());
    await sleep(200, undefined, { signal });
  }
}

/** Every client waits 1 ms before and after its server; the backend takes 5 ms. */
function spansOf({ traceId, startUs }: LoadedTrace): object[] {
  const gateway = workloadNamed("istio-ingressgateway");
  const frontend = workloadNamed("frontend");
  const backend = workloadNamed("backend");
  const requestId = randomBytes(16)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  const ids = [traceId.slice(16), ...Array.from({ length: 3 }, () => randomBytes(8).toString("hex"))];
  const hops = [
    { kind: "CLIENT", from: gateway, to: frontend, cluster: "outbound|8080||frontend.default.svc.cluster.local" },
    { kind: "SERVER", from: frontend, to: frontend, cluster: "inbound|8080||" },
    { kind: "CLIENT", from: frontend, to: backend, cluster: "outbound|9090||backend.default.svc.cluster.local" },
    { kind: "SERVER", from: backend, to: backend, cluster: "inbound|9090||" },
  ] as const;
  return hops.map(({ kind, from, to, cluster }, depth) => {
    const service = serviceNamed(to.serves ?? to.name);
    return {
      traceId,
      ...(depth > 0 && { parentId: ids[depth - 1] }),
      id: ids[depth],
      kind,
      name: `${hostOf(service)}:${service.port}/*`,
      timestamp: startUs + depth * 1000,
      duration: 5000 + 2 * (hops.length - 1 - depth) * 1000,
      localEndpoint: { serviceName: `${from.app}.${from.namespace}`, ipv4: localAddress, port: 0 },
      tags: {
        ...identityOf(from),
        "guid:x-request-id": requestId,
        "http.url": `http://${service.name}:${service.port}/work`,
        "http.method": "GET",
        "http.protocol": "HTTP/1.1",
        "http.status_code": "200",
        downstream_cluster: "-",
        user_agent: "load/1.0",
        request_size: "0",
        response_size: "2",
        response_flags: "-",
        component: "proxy",
        "peer.address": localAddress,
        upstream_cluster: cluster,
        "upstream_cluster.name": cluster,
      },
    };
  });
}

const identityOf = (workload: Workload) => ({
  node_id: `${workload.proxy === "gateway" ? "router" : "sidecar"}~${localAddress}~${workload.pod}.${workload.namespace}~${workload.namespace}.svc.cluster.local`,
  "istio.canonical_service": workload.app,
  "istio.canonical_revision": workload.version,
  "istio.mesh_id": trustDomain,
  "istio.namespace": workload.namespace,
  "istio.cluster_id": "Kubernetes",
});
