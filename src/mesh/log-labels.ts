import type { Call } from "../logs/call.ts";
import type { AccessLogEntry } from "../logs/entry.ts";
import type { ShownLabels } from "./label-test.ts";

/**
 * The labels that Istio's metrics would give an entry or a call, as far as logs show them; one that they do not show
 * reads as `""`.
 */
export function logLabels(view: AccessLogEntry | Call): Readonly<Record<string, string>> {
  const { source, destination, code, grpcStatus, flags } = view;
  return {
    source_workload: source.workload ?? "unknown",
    source_workload_namespace: source.namespace ?? "unknown",
    destination_workload: destination.workload ?? "unknown",
    destination_workload_namespace: destination.namespace ?? "unknown",
    destination_service: destination.host ?? "",
    destination_service_name: destination.service ?? "",
    destination_service_namespace: destination.namespace ?? "",
    request_protocol: protocolOf(view),
    response_code: code === undefined ? "" : String(code),
    grpc_response_status: grpcStatus === undefined ? "" : String(grpcStatus),
    response_flags: flags.length === 0 ? "-" : flags.join(","),
  };
}

/** What logs show of the metrics' labels. */
export const LOG_LABELS: ShownLabels = Object.freeze({
  signal: "logs",
  names: new Set([
    "source_workload",
    "source_workload_namespace",
    "destination_workload",
    "destination_workload_namespace",
    "destination_service",
    "destination_service_name",
    "destination_service_namespace",
    "request_protocol",
    "response_code",
    "grpc_response_status",
    "response_flags",
  ]),
});

/** Istio's own formats do not say that a request is gRPC: its clients and its form do. */
function protocolOf(view: AccessLogEntry | Call): "grpc" | "http" | "tcp" {
  if (view.isTcp) return "tcp";
  if (view.grpcStatus !== undefined) return "grpc";
  const entry = "client" in view ? (view.client ?? view.server) : view;
  const speaksIt = entry?.method === "POST" && entry.protocol === "HTTP/2" && /\bgrpc\b/i.test(entry.userAgent ?? "");
  return speaksIt ? "grpc" : "http";
}
