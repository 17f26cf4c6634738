/** Envoy clusters under Istio's names, with the metadata from which the source proxy takes destination labels. */
import { labelsOf, peerNamespace } from "./access-log.ts";
import { identityOf, rootCertificate } from "./certificates.ts";
import type { Json } from "./json.ts";
import {
  closedPort,
  collectorPort,
  hostOf,
  localAddress,
  principalOf,
  type Service,
  type Workload,
  workloadNamed,
} from "./topology.ts";

const typeUrl = "type.googleapis.com/envoy";

/** The versions of a service that have a cluster of their own, as DestinationRule subsets do. */
export const subsetsOf = (service: Service): readonly string[] => (service.name === "backend" ? ["v1"] : []);

export const outboundName = (service: Service, subset = ""): string =>
  `outbound|${service.port}|${subset}|${hostOf(service)}`;

export function outboundClusters(caller: Workload, service: Service, certificates: string): Json[] {
  return ["", ...subsetsOf(service)].map((subset) => outboundCluster(caller, service, subset, certificates));
}

function outboundCluster(caller: Workload, service: Service, subset: string, certificates: string): Json {
  const servers = Object.keys(service.weights)
    .map(workloadNamed)
    .filter((each) => subset === "" || each.version === subset);
  const secured = servers.filter((each) => each.proxy === "sidecar");
  return {
    ...plainCluster(outboundName(service, subset), service),
    metadata: {
      filter_metadata: {
        "istio.service": { host: hostOf(service), name: service.name, namespace: service.namespace },
      },
    },
    load_assignment: {
      cluster_name: outboundName(service, subset),
      endpoints: [
        {
          lb_endpoints:
            servers.length === 0
              ? [endpointAt(closedPort)]
              : servers.map((each) => ({
                  ...endpointAt(each.proxy === "none" ? each.ports.app : each.ports.inbound),
                  load_balancing_weight: service.weights[each.name] ?? 1,
                  metadata: { filter_metadata: { [peerNamespace]: labelsOf(each) } },
                })),
        },
      ],
    },
    ...(secured.length > 0 && { transport_socket: mutualTls(caller, service, subset, secured, certificates) }),
  };
}

/** The app behind its own proxy; the source address is the one that Istio's inbound clusters bind to. */
export function appCluster(workload: Workload, service: Service): Json {
  const name = `inbound|${service.port}||`;
  return {
    ...plainCluster(name, service),
    upstream_bind_config: { source_address: { address: "127.0.0.6", port_value: 0 } },
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [endpointAt(workload.ports.app)] }] },
  };
}

export const collectorCluster = (): Json => ({
  name: "zipkin",
  connect_timeout: "1s",
  load_assignment: { cluster_name: "zipkin", endpoints: [{ lb_endpoints: [endpointAt(collectorPort)] }] },
});

const plainCluster = (name: string, service: Service): { readonly [key: string]: Json } => ({
  name,
  connect_timeout: "2s",
  // Istio lifts Envoy's limits, of which that on concurrent retries (3) would show as flag UO.
  circuit_breakers: { thresholds: [unlimited] },
  ...(service.protocol === "grpc" && {
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": `${typeUrl}.extensions.upstreams.http.v3.HttpProtocolOptions`,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  }),
});

const unlimited: Json = {
  max_connections: 4294967295,
  max_pending_requests: 4294967295,
  max_requests: 4294967295,
  max_retries: 4294967295,
};

function mutualTls(
  caller: Workload,
  service: Service,
  subset: string,
  servers: readonly Workload[],
  certificates: string,
): Json {
  const own = identityOf(certificates, caller.serviceAccount);
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": `${typeUrl}.extensions.transport_sockets.tls.v3.UpstreamTlsContext`,
      sni: `outbound_.${service.port}_.${subset}_.${hostOf(service)}`,
      common_tls_context: {
        alpn_protocols: [service.protocol === "grpc" ? "h2" : "istio"],
        tls_certificates: [{ certificate_chain: { filename: own.certificate }, private_key: { filename: own.key } }],
        validation_context: {
          trusted_ca: { filename: rootCertificate(certificates) },
          match_typed_subject_alt_names: [...new Set(servers.map(principalOf))].map((exact) => ({
            san_type: "URI",
            matcher: { exact },
          })),
        },
      },
    },
  };
}

const endpointAt = (port: number): { readonly [key: string]: Json } => ({
  endpoint: { address: { socket_address: { address: localAddress, port_value: port } } },
});
