import { type Exchange, isSeenByDestination, isSeenBySource, type Outcome, spanUs, type Timing } from "./exchange.ts";
import { hex32 } from "./hash.ts";
import { bodiesOf } from "./profile.ts";
import type { SimulatedRequest } from "./simulation.ts";
import type { EmittedSpan, EmittedTrace } from "./telemetry.ts";
import { ephemeralPort, type Workload } from "./topology.ts";

/**
 * The spans that the proxies make of a request, as Istio has Envoy make them for Zipkin: one of the caller's proxy for
 * each call, and one of the called proxy for each attempt.
 *
 * @see Envoy, source/common/tracing/http_tracer_impl.cc
 */
export function spansOf(request: SimulatedRequest): EmittedTrace {
  const { traceId, stream } = request;
  const spans: EmittedSpan[] = [];
  /** The span under which an exchange's own calls are: the last of the called proxy, or whatever is above. */
  const under = new Map<Exchange, string | undefined>();
  const newId = (): string => {
    const at = spans.length;
    // The first span has the second half of the trace's id.
    return at === 0 ? traceId.slice(16) : hex32(request.bits(100 + 2 * at)) + hex32(request.bits(101 + 2 * at));
  };
  for (const exchange of stream.kind.exchanges) {
    let parentId = exchange.parent === undefined ? undefined : under.get(exchange.parent);
    const { service, caller, callee, outcome, timing, attempts } = exchange;
    if (service.protocol === "tcp" || exchange.isRefused) continue;
    const add = (kind: "client" | "server", of: Workload, seen: Outcome, when: Timing): void => {
      const id = newId();
      spans.push({
        id,
        parentId,
        kind,
        service: `${of.app}.${of.namespace}`,
        operation: `${service.host}:${service.port}/*`,
        startUs: request.startUs + spanUs(when.start, request.x),
        durationUs: spanUs(when.length, request.x),
        address: of.address,
        tags: tagsOf(request, exchange, kind, of, seen),
      });
      parentId = id;
    };
    if (isSeenBySource(exchange)) add("client", caller, outcome, timing);
    const client = parentId;
    if (callee !== undefined && isSeenByDestination(exchange)) {
      for (const attempt of attempts) {
        parentId = client;
        add("server", callee, attempt.outcome, attempt);
      }
    }
    under.set(exchange, parentId);
  }
  return { id: traceId, spans: spans.sort((a, b) => a.startUs - b.startUs) };
}

function tagsOf(
  request: SimulatedRequest,
  exchange: Exchange,
  kind: "client" | "server",
  of: Workload,
  outcome: Outcome,
): Readonly<Record<string, string>> {
  const { caller, callee, service, path, method } = exchange;
  const isClient = kind === "client";
  const isGrpc = service.protocol === "grpc";
  const { code, grpcStatus, flags } = outcome;
  const report = { exchange, reporter: isClient ? "source" : "destination", writer: of, outcome } as const;
  const sizes = bodiesOf({ ...report, ...exchange.timing }, request.y);
  const cluster = clusterOf(exchange, isClient);
  const isFailed = grpcStatus === undefined ? code === 0 || code >= 500 : GRPC_FAILURES.has(grpcStatus);
  return {
    component: "proxy",
    node_id: of.nodeId,
    "guid:x-request-id": request.requestId,
    "http.url": `http://${authorityOf(exchange)}${path}`,
    "http.method": method,
    "http.protocol": isGrpc ? "HTTP/2" : "HTTP/1.1",
    "http.status_code": String(code),
    downstream_cluster: "-",
    user_agent: userAgentOf(exchange),
    request_size: String(sizes.request),
    response_size: String(sizes.response),
    response_flags: flags,
    "peer.address": isClient && caller.proxy === "gateway" ? userAddress(request) : caller.address,
    upstream_cluster: cluster,
    "upstream_cluster.name": cluster,
    ...(isClient && callee !== undefined && { upstream_address: `${callee.address}:${service.port}` }),
    ...(isGrpc && {
      "grpc.path": path,
      "grpc.authority": authorityOf(exchange),
      "grpc.content_type": "application/grpc",
      ...(grpcStatus !== undefined && { "grpc.status_code": String(grpcStatus) }),
    }),
    ...(isFailed && { error: "true" }),
    "istio.canonical_service": of.app,
    "istio.canonical_revision": of.version,
    "istio.mesh_id": of.meshId,
    "istio.namespace": of.namespace,
    "istio.cluster_id": of.cluster,
  };
}

const GRPC_FAILURES: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

/** Where a user calls from. */
export const userAddress = (request: SimulatedRequest): string => `192.0.2.${1 + (request.bits(9) % 250)}`;

/** What Envoy calls where a request is sent to. */
export const clusterOf = ({ service, subset }: Exchange, isClient: boolean): string =>
  isClient ? `outbound|${service.port}|${subset ?? ""}|${service.host}` : `inbound|${service.port}||`;

/** The host that the caller asks for. */
export const authorityOf = ({ caller, service }: Exchange): string =>
  caller.proxy === "gateway" ? "shop.example.com" : `${service.name}:${service.port}`;

/** What calls itself in a request. */
export function userAgentOf({ caller, service }: Exchange): string {
  if (caller.proxy === "gateway") return "Mozilla/5.0 (X11; Linux x86_64)";
  return service.protocol === "grpc" ? "grpc-node-js/1.12.6" : `${caller.app}/1.0`;
}

/** The port of the connection that an attempt of an exchange was made over. */
export const portOf = (request: SimulatedRequest, exchange: Exchange, attempt: number): number =>
  ephemeralPort(request.bits(1_000 + 10 * request.stream.kind.exchanges.indexOf(exchange) + attempt));
