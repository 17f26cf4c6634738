/** The labels of Istio's standard metrics. */
export const unknownWhenEmpty = [
  "source_workload",
  "source_workload_namespace",
  "source_principal",
  "source_app",
  "source_version",
  "source_cluster",
  "source_canonical_service",
  "source_canonical_revision",
  "destination_workload",
  "destination_workload_namespace",
  "destination_principal",
  "destination_app",
  "destination_version",
  "destination_cluster",
  "destination_canonical_service",
  "destination_canonical_revision",
  "destination_service",
  "destination_service_name",
  "destination_service_namespace",
] as const;

export const labelNames = [
  ...unknownWhenEmpty,
  "reporter",
  "request_protocol",
  "response_code",
  "grpc_response_status",
  "connection_security_policy",
  "response_flags",
] as const;
