/** Istio's access-log formats and its metrics, as Envoy access loggers. */
import type { Json, JsonObject } from "./json.ts";
import { clusterName, hostOf, serviceNamed, type Workload } from "./topology.ts";

const typeUrl = "type.googleapis.com/envoy.extensions.access_loggers";

/** Header names that carry the caller's labels to the callee's proxy, each with the label's stem. */
export const peerLabels = [
  "workload",
  "workload_namespace",
  "app",
  "version",
  "cluster",
  "canonical_service",
  "canonical_revision",
] as const;
type PeerLabel = (typeof peerLabels)[number];

export const peerNamespace = "istio.peer";
export const peerHeader = (label: PeerLabel): string => `x-peer-${label.replaceAll("_", "-")}`;

/** What a proxy tells others about its workload; also the metadata of its endpoints. */
export const labelsOf = (workload: Workload): Record<PeerLabel, string> => ({
  workload: workload.name,
  workload_namespace: workload.namespace,
  app: workload.app,
  version: workload.version,
  cluster: clusterName,
  canonical_service: workload.app,
  canonical_revision: workload.version,
});

export type Side =
  | { readonly reporter: "source" }
  | { readonly reporter: "destination"; readonly security: "mutual_tls" | "none" };

/**
 * File log and metrics for HTTP and gRPC; one metric logger per protocol, since no operator gives that label.
 *
 * No operator gives the number of gRPC messages either (the grpc_stats filter keeps it where only its own statistics
 * reach). All calls here are unary: one message each way, and none back with a status other than OK.
 */
export function httpLoggers(workload: Workload, side: Side, logFile: string): Json[] {
  const http = tagsOf(workload, side, "http");
  const grpc = tagsOf(workload, side, "grpc");
  const requests = httpStats(grpc);
  const withMessages = { ...requests, counters: [...requests.counters, fixedCounter("request_messages_total", grpc)] };
  const answers = { counters: [fixedCounter("response_messages_total", grpc)] };
  const ok: Json = { grpc_status_filter: { statuses: ["OK"] } };
  return [
    fileLogger(workload, logFile),
    { ...statsLogger(httpStats(http)), filter: grpcOnly(false) },
    { ...statsLogger(withMessages), filter: grpcOnly(true) },
    { ...statsLogger(answers), filter: { and_filter: { filters: [grpcOnly(true), ok] } } },
  ];
}

const grpcOnly = (wanted: boolean): Json => ({
  header_filter: {
    header: {
      name: "content-type",
      string_match: { prefix: "application/grpc" },
      // Without this a request that has no content type matches neither way.
      treat_missing_header_as_empty: true,
      invert_match: !wanted,
    },
  },
});

/** A connection is counted as opened once its upstream is connected, the rest when it ends. */
export function tcpLoggers(workload: Workload, side: Side, logFile: string): Json[] {
  const tags = tagsOf(workload, side, "tcp");
  const on = (type: string): Json => ({ log_type_filter: { types: [type] } });
  const opened = { counters: [fixedCounter("tcp_connections_opened_total", tags)] };
  const ended = {
    counters: [
      fixedCounter("tcp_connections_closed_total", tags),
      counter("tcp_received_bytes_total", tags, "%BYTES_RECEIVED%"),
      counter("tcp_sent_bytes_total", tags, "%BYTES_SENT%"),
    ],
  };
  return [
    { ...fileLogger(workload, logFile), filter: on("TcpConnectionEnd") },
    { ...statsLogger(opened), filter: on("TcpUpstreamConnected") },
    { ...statsLogger(ended), filter: on("TcpConnectionEnd") },
  ];
}

/** Istio logs at the listener only what no filter chain took, such as plaintext under strict mTLS. */
export const listenerLogger = (workload: Workload, logFile: string): Json => ({
  ...fileLogger(workload, logFile),
  filter: { response_flag_filter: { flags: ["NR"] } },
});

type Tags = readonly { readonly name: string; readonly value_format: string }[];

/** An operator without a value yields an empty tag: Prometheus then writes "unknown", see prometheus.ts. */
function tagsOf(workload: Workload, side: Side, protocol: "http" | "grpc" | "tcp"): Tags {
  const own = labelsOf(workload);
  const tags: Record<string, string> = { reporter: side.reporter, request_protocol: protocol };
  if (side.reporter === "source") {
    for (const label of peerLabels) {
      tags[`source_${label}`] = own[label];
      tags[`destination_${label}`] = `%UPSTREAM_METADATA(${peerNamespace}:${label})%`;
    }
    tags.source_principal = "%UPSTREAM_LOCAL_URI_SAN%";
    tags.destination_principal = "%UPSTREAM_PEER_URI_SAN%";
    tags.destination_service = "%CLUSTER_METADATA(istio.service:host)%";
    tags.destination_service_name = "%CLUSTER_METADATA(istio.service:name)%";
    tags.destination_service_namespace = "%CLUSTER_METADATA(istio.service:namespace)%";
    tags.connection_security_policy = "unknown";
  } else {
    const service = serviceNamed(workload.serves ?? workload.name);
    for (const label of peerLabels) {
      if (protocol !== "tcp") tags[`source_${label}`] = `%DYNAMIC_METADATA(${peerNamespace}:${label})%`;
      tags[`destination_${label}`] = own[label];
    }
    tags.source_principal = "%DOWNSTREAM_PEER_URI_SAN%";
    tags.destination_principal = "%DOWNSTREAM_LOCAL_URI_SAN%";
    tags.destination_service = hostOf(service);
    tags.destination_service_name = service.name;
    tags.destination_service_namespace = service.namespace;
    tags.connection_security_policy = side.security;
  }
  if (protocol !== "tcp") tags.response_code = "%RESPONSE_CODE%";
  if (protocol === "grpc") tags.grpc_response_status = "%GRPC_STATUS_NUMBER%";
  tags.response_flags = "%RESPONSE_FLAGS%";
  return Object.entries(tags).map(([name, value_format]) => ({ name, value_format }));
}

const httpStats = (tags: Tags) => ({
  counters: [fixedCounter("requests_total", tags)],
  histograms: [
    { stat: { name: "request_duration_milliseconds", tags }, unit: "Milliseconds", value_format: "%DURATION%" },
    { stat: { name: "request_bytes", tags }, unit: "Bytes", value_format: "%BYTES_RECEIVED%" },
    { stat: { name: "response_bytes", tags }, unit: "Bytes", value_format: "%BYTES_SENT%" },
  ],
});

const fixedCounter = (name: string, tags: Tags): Json => ({ stat: { name, tags }, value_fixed: 1 });
const counter = (name: string, tags: Tags, value_format: string): Json => ({ stat: { name, tags }, value_format });

const statsLogger = (stats: JsonObject): JsonObject => ({
  name: "envoy.access_loggers.stats",
  typed_config: { "@type": `${typeUrl}.stats.v3.Config`, stat_prefix: "istio", ...stats },
});

function fileLogger(workload: Workload, path: string): JsonObject {
  const format =
    workload.logFormat === "json" ? { json_format: jsonFormat } : { text_format_source: { inline_string: textFormat } };
  return {
    name: "envoy.access_loggers.file",
    typed_config: { "@type": `${typeUrl}.file.v3.FileAccessLog`, path, log_format: format },
  };
}

const textFormat =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% ' +
  "%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% " +
  "%ROUTE_NAME%\n";

const jsonFormat = {
  start_time: "%START_TIME%",
  route_name: "%ROUTE_NAME%",
  method: "%REQ(:METHOD)%",
  path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
  protocol: "%PROTOCOL%",
  response_code: "%RESPONSE_CODE%",
  response_flags: "%RESPONSE_FLAGS%",
  response_code_details: "%RESPONSE_CODE_DETAILS%",
  connection_termination_details: "%CONNECTION_TERMINATION_DETAILS%",
  bytes_received: "%BYTES_RECEIVED%",
  bytes_sent: "%BYTES_SENT%",
  duration: "%DURATION%",
  upstream_service_time: "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
  x_forwarded_for: "%REQ(X-FORWARDED-FOR)%",
  user_agent: "%REQ(USER-AGENT)%",
  request_id: "%REQ(X-REQUEST-ID)%",
  authority: "%REQ(:AUTHORITY)%",
  upstream_host: "%UPSTREAM_HOST%",
  upstream_cluster: "%UPSTREAM_CLUSTER_RAW%",
  upstream_local_address: "%UPSTREAM_LOCAL_ADDRESS%",
  downstream_local_address: "%DOWNSTREAM_LOCAL_ADDRESS%",
  downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%",
  requested_server_name: "%REQUESTED_SERVER_NAME%",
  upstream_transport_failure_reason: "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
};
