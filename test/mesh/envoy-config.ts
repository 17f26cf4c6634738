/** One Envoy bootstrap per proxy, shaped as Istio would have it: same cluster names, SNI, routes and filters. */
import {
  httpLoggers,
  labelsOf,
  listenerLogger,
  peerHeader,
  peerLabels,
  peerNamespace,
  type Side,
  tcpLoggers,
} from "./access-log.ts";
import { identityOf, rootCertificate } from "./certificates.ts";
import { appCluster, collectorCluster, outboundClusters, outboundName } from "./envoy-cluster.ts";
import { inboundHttpFilters, limitedPath, limitedRoute, routesTo } from "./http-policy.ts";
import type { Json, JsonObject } from "./json.ts";
import { hostOf, localAddress, type Service, serviceNamed, trustDomain, type Workload } from "./topology.ts";

const typeUrl = "type.googleapis.com/envoy";

export interface EnvoyPaths {
  readonly certificates: string;
  readonly logFile: string;
}

export function envoyConfig(workload: Workload, paths: EnvoyPaths): JsonObject {
  const listeners: Json[] = [];
  const clusters: Json[] = [collectorCluster()];
  const called = workload.calls.map(serviceNamed);
  const http = called.filter((each) => each.protocol !== "tcp");
  const tcp = called.filter((each) => each.protocol === "tcp");

  if (http.length > 0) listeners.push(outboundHttpListener(workload, http, paths));
  for (const service of tcp) listeners.push(outboundTcpListener(workload, service, paths));
  for (const service of called) clusters.push(...outboundClusters(workload, service, paths.certificates));
  if (workload.serves !== undefined) {
    const service = serviceNamed(workload.serves);
    listeners.push(inboundListener(workload, service, paths));
    clusters.push(appCluster(workload, service));
  }
  return {
    node: {
      id: `${workload.proxy === "gateway" ? "router" : "sidecar"}~${localAddress}~${workload.pod}.${workload.namespace}~${workload.namespace}.svc.cluster.local`,
      cluster: `${workload.app}.${workload.namespace}`,
    },
    stats_flush_interval: "1s",
    layered_runtime: { layers: [{ name: "static", static_layer: { "tracing.zipkin.flush_interval_ms": 500 } }] },
    admin: { address: addressOf(workload.ports.admin) },
    static_resources: { listeners, clusters },
  };
}

function outboundHttpListener(workload: Workload, called: readonly Service[], paths: EnvoyPaths): Json {
  const gateway = workload.proxy === "gateway";
  const own = labelsOf(workload);
  const virtualHosts = called.map((service) => ({
    name: `${hostOf(service)}:${service.port}`,
    domains: gateway ? ["*"] : domainsOf(service),
    routes: routesTo(workload, service),
    request_headers_to_add: peerLabels.map((label) => ({
      header: { key: peerHeader(label), value: own[label] },
      append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
    })),
  }));
  return {
    name: gateway ? "0.0.0.0_8080" : "outbound",
    traffic_direction: "OUTBOUND",
    address: addressOf(workload.ports.outbound),
    filter_chains: [
      {
        filters: [
          httpConnectionManager(workload, { reporter: "source" }, virtualHosts, [], paths, {
            ...(gateway && { use_remote_address: true }),
          }),
        ],
      },
    ],
  };
}

function outboundTcpListener(workload: Workload, service: Service, paths: EnvoyPaths): Json {
  const cluster = outboundName(service);
  return {
    name: `outbound_${service.port}`,
    traffic_direction: "OUTBOUND",
    address: addressOf(workload.ports.outboundTcp),
    filter_chains: [{ filters: [tcpProxy(workload, { reporter: "source" }, cluster, paths)] }],
  };
}

function inboundListener(workload: Workload, service: Service, paths: EnvoyPaths): Json {
  const chain = (security: "mutual_tls" | "none"): Json => ({
    filters: inboundFilters(workload, service, { reporter: "destination", security }, paths),
    filter_chain_match: { transport_protocol: security === "none" ? "raw_buffer" : "tls" },
    ...(security === "mutual_tls" && { transport_socket: mutualTls(workload, paths.certificates) }),
  });
  return {
    name: "virtualInbound",
    traffic_direction: "INBOUND",
    address: addressOf(workload.ports.inbound),
    access_log: [listenerLogger(workload, paths.logFile)],
    listener_filters: [
      {
        name: "envoy.filters.listener.tls_inspector",
        typed_config: { "@type": `${typeUrl}.extensions.filters.listener.tls_inspector.v3.TlsInspector` },
      },
    ],
    filter_chains: workload.mutualTls === "permissive" ? [chain("mutual_tls"), chain("none")] : [chain("mutual_tls")],
  };
}

function inboundFilters(workload: Workload, service: Service, side: Side, paths: EnvoyPaths): Json[] {
  const cluster = `inbound|${service.port}||`;
  if (service.protocol === "tcp") return [tcpProxy(workload, side, cluster, paths)];
  const route = (prefix: string, extra: JsonObject = {}): Json => ({
    name: "default",
    match: { prefix },
    route: { cluster, timeout: "0s" },
    decorator: { operation: `${hostOf(service)}:${service.port}/*` },
    ...extra,
  });
  const routes = service.name === "backend" ? [route(limitedPath, limitedRoute), route("/")] : [route("/")];
  const virtualHosts = [{ name: `inbound|http|${service.port}`, domains: ["*"], routes }];
  const filters = [peerMetadataFilter, ...inboundHttpFilters(workload)];
  return [
    httpConnectionManager(workload, side, virtualHosts, filters, paths, {
      forward_client_cert_details: "APPEND_FORWARD",
      set_current_client_cert_details: { subject: true, dns: true, uri: true },
    }),
  ];
}

function httpConnectionManager(
  workload: Workload,
  side: Side,
  virtualHosts: Json,
  filters: readonly Json[],
  paths: EnvoyPaths,
  extra: JsonObject,
): Json {
  const outbound = side.reporter === "source";
  return {
    name: "envoy.filters.network.http_connection_manager",
    typed_config: {
      "@type": `${typeUrl}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: outbound ? "outbound" : "inbound",
      server_name: "istio-envoy",
      generate_request_id: true,
      normalize_path: true,
      common_http_protocol_options: { idle_timeout: "3600s" },
      ...extra,
      tracing: tracing(workload),
      access_log: httpLoggers(workload, side, paths.logFile),
      http_filters: [
        ...filters,
        {
          name: "envoy.filters.http.router",
          typed_config: { "@type": `${typeUrl}.extensions.filters.http.router.v3.Router` },
        },
      ],
      route_config: { name: outbound ? "outbound" : "inbound", validate_clusters: true, virtual_hosts: virtualHosts },
    },
  };
}

function tcpProxy(workload: Workload, side: Side, cluster: string, paths: EnvoyPaths): Json {
  return {
    name: "envoy.filters.network.tcp_proxy",
    typed_config: {
      "@type": `${typeUrl}.extensions.filters.network.tcp_proxy.v3.TcpProxy`,
      stat_prefix: cluster,
      cluster,
      access_log: tcpLoggers(workload, side, paths.logFile),
      access_log_options: { flush_access_log_on_connected: true },
      // Without this the app is connected, and the connection counted, before the peer's certificate is known.
      ...(side.reporter === "destination" && {
        upstream_connect_mode: "ON_DOWNSTREAM_TLS_HANDSHAKE",
        max_early_data_bytes: 65536,
      }),
    },
  };
}

/** Istio's Zipkin provider; spans are sent every half second, not every 5 s, see `layered_runtime`. */
function tracing(workload: Workload): Json {
  const tags = {
    "istio.canonical_service": workload.app,
    "istio.canonical_revision": workload.version,
    "istio.mesh_id": trustDomain,
    "istio.namespace": workload.namespace,
    "istio.cluster_id": "Kubernetes",
  };
  return {
    random_sampling: { value: 100 },
    custom_tags: Object.entries(tags).map(([tag, value]) => ({ tag, literal: { value } })),
    provider: {
      name: "envoy.tracers.zipkin",
      typed_config: {
        "@type": `${typeUrl}.config.trace.v3.ZipkinConfig`,
        collector_cluster: "zipkin",
        collector_endpoint: "/api/v2/spans",
        collector_endpoint_version: "HTTP_JSON",
        trace_id_128bit: true,
        shared_span_context: false,
      },
    },
  };
}

/** Moves the caller's labels out of the request before the app sees it; Istio's own filter does so with one header. */
const peerMetadataFilter: Json = {
  name: "envoy.filters.http.header_to_metadata",
  typed_config: {
    "@type": `${typeUrl}.extensions.filters.http.header_to_metadata.v3.Config`,
    request_rules: peerLabels.map((key) => ({
      header: peerHeader(key),
      on_header_present: { metadata_namespace: peerNamespace, key, type: "STRING" },
      remove: true,
    })),
  },
};

function mutualTls(workload: Workload, certificates: string): Json {
  const own = identityOf(certificates, workload.serviceAccount);
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": `${typeUrl}.extensions.transport_sockets.tls.v3.DownstreamTlsContext`,
      require_client_certificate: true,
      common_tls_context: {
        alpn_protocols: ["h2", "http/1.1", "istio"],
        tls_certificates: [{ certificate_chain: { filename: own.certificate }, private_key: { filename: own.key } }],
        validation_context: { trusted_ca: { filename: rootCertificate(certificates) } },
      },
    },
  };
}

function domainsOf(service: Service): string[] {
  const names = [service.name, `${service.name}.${service.namespace}`, hostOf(service)];
  return names.flatMap((each) => [each, `${each}:${service.port}`]);
}

const addressOf = (port: number): Json => ({ socket_address: { address: localAddress, port_value: port } });
