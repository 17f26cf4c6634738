import { Span, type SpanKind, type Tags } from "../../src/traces/span.ts";
import { Trace } from "../../src/traces/trace.ts";

/** What a test says of a span; the rest is nothing in particular. */
export interface SpanSketch {
  readonly id: string;
  readonly parent?: string;
  readonly shared?: boolean;
  readonly kind?: SpanKind;
  readonly service?: string;
  readonly operation?: string;
  readonly at?: number;
  readonly ms?: number;
  readonly error?: boolean;
  readonly traceId?: string;
  readonly tags?: Tags;
}

/** Where all sketches begin, in epoch milliseconds. */
export const EPOCH_MS = 1_800_000_000_000;

/** A span as a driver would make it. Its id is padded to 16 digits, `at` counts from {@link EPOCH_MS}. */
export function span(sketch: SpanSketch): Span {
  const tags = sketch.tags ?? {};
  return new Span(
    {
      traceId: sketch.traceId ?? "00000000000000aa",
      id: sketch.id.padStart(16, "0"),
      parentId: sketch.parent?.padStart(16, "0"),
      shared: sketch.shared ?? false,
      kind: sketch.kind,
      service: sketch.service ?? "app",
      operation: sketch.operation ?? "work",
      startMs: EPOCH_MS + (sketch.at ?? 0),
      durationMs: sketch.ms ?? 1,
      error: sketch.error ?? false,
      links: [],
      warnings: [],
    },
    { tag: (name) => tags[name], tags: () => tags, events: () => [], processTags: () => ({}) },
  );
}

/** A trace of such spans. */
export const trace = (...sketches: readonly SpanSketch[]): Trace =>
  new Trace(sketches[0]?.traceId ?? "00000000000000aa", sketches.map(span));

/** What a test says of a proxy's span. */
export interface ProxySketch extends SpanSketch {
  /** `workload` or `workload.namespace`. */
  readonly of: string;
  readonly type?: "router" | "sidecar" | "waypoint";
  readonly ip?: string;
  /** Its `upstream_cluster`. */
  readonly to?: string;
  readonly code?: number | string;
  readonly flags?: string;
}

/** A span as a sidecar of Istio's writes it through Envoy's Zipkin tracer. */
export function proxy({
  of,
  type = "sidecar",
  ip = "10.0.0.1",
  to,
  code = "200",
  flags = "-",
  ...sketch
}: ProxySketch): SpanSketch {
  const [workload = "", namespace = "default"] = of.split(".");
  const [service = ""] = workload.split(/-v\d/);
  return {
    service: `${service}.${namespace}`,
    operation: "some.host:80/*",
    ...sketch,
    tags: {
      component: "proxy",
      node_id: `${type}~${ip}~${workload}-6c9f7d5b4-k2x9p.${namespace}~${namespace}.svc.cluster.local`,
      "istio.canonical_service": service,
      "istio.canonical_revision": /-(v\d+)$/.exec(workload)?.[1] ?? "v1",
      "istio.namespace": namespace,
      "istio.mesh_id": "cluster.local",
      "istio.cluster_id": "Kubernetes",
      "guid:x-request-id": "84961386-6d84-929d-98bd-c5aee93b5c88",
      "http.method": "GET",
      "http.protocol": "HTTP/1.1",
      "http.url": "http://some.host/work?key=value",
      "http.status_code": code,
      response_flags: flags,
      ...(to !== undefined && { upstream_cluster: to }),
      ...sketch.tags,
    },
  };
}

/** A call from one sidecar to another: the client's span and, unless `arrives` is false, the server's within it. */
export function call(
  [from, to]: readonly [string, string],
  sketch: SpanSketch & { readonly arrives?: boolean; readonly code?: number | string; readonly flags?: string },
): readonly SpanSketch[] {
  const { arrives = true, at = 0, ms = 10, ...rest } = sketch;
  const [workload = "", namespace = "default"] = to.split(".");
  const host = `${workload.split(/-v\d/)[0]}.${namespace}.svc.cluster.local`;
  const client = proxy({ ...rest, at, ms, of: from, kind: "client", to: `outbound|9080||${host}` });
  const serverId = `${sketch.id}5`;
  const server = proxy({
    ...rest,
    id: serverId,
    parent: sketch.id,
    at: at + 1,
    ms: Math.max(0, ms - 2),
    of: to,
    kind: "server",
    to: "inbound|9080||",
  });
  return arrives ? [client, server] : [client];
}
