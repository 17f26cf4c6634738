import { QueryError } from "../errors.ts";

/**
 * The labels of Istio's standard metrics.
 *
 * @see Istio, "Istio Standard Metrics"
 */
export const ISTIO_LABELS = [
  "connection_security_policy",
  "destination_app",
  "destination_canonical_revision",
  "destination_canonical_service",
  "destination_cluster",
  "destination_principal",
  "destination_service",
  "destination_service_name",
  "destination_service_namespace",
  "destination_version",
  "destination_workload",
  "destination_workload_namespace",
  "grpc_response_status",
  "reporter",
  "request_protocol",
  "response_code",
  "response_flags",
  "source_app",
  "source_canonical_revision",
  "source_canonical_service",
  "source_cluster",
  "source_principal",
  "source_version",
  "source_workload",
  "source_workload_namespace",
] as const;

/** A label of Istio's standard metrics. */
// Excluding nothing keeps the union's name, which hovers and compiler messages then show in place of its members.
export type IstioLabel = Exclude<(typeof ISTIO_LABELS)[number], never>;

/** The metrics that Istio's proxies emit, by what they measure. */
export const METRICS = {
  requests: "istio_requests_total",
  duration: "istio_request_duration_milliseconds",
  requestBytes: "istio_request_bytes",
  responseBytes: "istio_response_bytes",
  requestMessages: "istio_request_messages_total",
  responseMessages: "istio_response_messages_total",
  tcpSent: "istio_tcp_sent_bytes_total",
  tcpReceived: "istio_tcp_received_bytes_total",
  tcpOpened: "istio_tcp_connections_opened_total",
  tcpClosed: "istio_tcp_connections_closed_total",
} as const;

const KNOWN: ReadonlySet<string> = new Set(ISTIO_LABELS);

/**
 * Refuses a label name that is not Istio's but so near to one that it can only be a slip.
 *
 * @throws {QueryError} `code: "label"` naming the label that was meant
 */
export function checkLabel(name: string, verb: string): void {
  if (KNOWN.has(name)) return;
  const meant = ISTIO_LABELS.find((known) => isSlip(name, known));
  if (meant === undefined) return;
  throw new QueryError(
    "label",
    `${verb}: "${name}" is not one of Istio's labels; did you mean "${meant}"? Write label("${name}") where it is your own`,
  );
}

/** Whether two names differ by case, by separators, or by at most two letters put in, left out or changed. */
function isSlip(name: string, known: string): boolean {
  const a = name.toLowerCase().replace(/[^a-z]/g, "");
  const b = known.replaceAll("_", "");
  if (Math.abs(a.length - b.length) > 2) return false;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return (row[b.length] ?? 0) <= 2;
}
