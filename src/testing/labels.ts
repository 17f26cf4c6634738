import { isCallerKnown } from "./exchange.ts";
import type { Report } from "./profile.ts";
import type { Workload } from "./topology.ts";

/**
 * The labels that Istio gives what a report counts, without the metric's name.
 *
 * @see Istio, "Istio Standard Metrics"
 */
export function labelsOf({ exchange, reporter, outcome, writer }: Report): Readonly<Record<string, string>> {
  const { caller, callee, service, isMutual } = exchange;
  const isSource = reporter === "source";
  const source = isSource || isCallerKnown(exchange) ? caller : undefined;
  const { protocol } = service;
  return Object.freeze({
    ...targetLabels(writer),
    reporter,
    ...endLabels("source", source, isMutual),
    ...endLabels("destination", callee, isMutual),
    destination_service: service.host,
    destination_service_name: service.name,
    destination_service_namespace: service.namespace,
    request_protocol: protocol,
    ...(protocol !== "tcp" && { response_code: String(outcome.code) }),
    ...(outcome.grpcStatus !== undefined && { grpc_response_status: String(outcome.grpcStatus) }),
    response_flags: outcome.flags,
    connection_security_policy: isSource ? "unknown" : isMutual ? "mutual_tls" : "none",
  });
}

/** A text that is equal for reports of equal labels only. */
export function labelsKey({ exchange, reporter, outcome, writer }: Report): string {
  const { caller, callee, service, isMutual } = exchange;
  const known = reporter === "source" || isCallerKnown(exchange) ? caller.pod : "";
  const { code, grpcStatus, flags } = outcome;
  return `${reporter} ${writer.pod} ${known} ${callee?.pod} ${service.host} ${isMutual} ${code} ${grpcStatus} ${flags}`;
}

/** What a Prometheus in Kubernetes adds of the pod that it scrapes. */
export const targetLabels = ({ address, app, namespace, pod }: Workload): Readonly<Record<string, string>> => ({
  app,
  instance: `${address}:15020`,
  job: "kubernetes-pods",
  namespace,
  pod,
});

function endLabels(
  end: "destination" | "source",
  workload: Workload | undefined,
  hasIdentity: boolean,
): Record<string, string> {
  const known = (value: string | undefined): string => value ?? "unknown";
  const version = workload?.version;
  return {
    [`${end}_workload`]: known(workload?.name),
    [`${end}_workload_namespace`]: known(workload?.namespace),
    [`${end}_principal`]: known(hasIdentity ? workload?.principal : undefined),
    [`${end}_app`]: known(workload?.app),
    // A gateway has no version of its own.
    [`${end}_version`]: known(version === "latest" ? undefined : version),
    [`${end}_cluster`]: known(workload?.cluster),
    [`${end}_canonical_service`]: known(workload?.app),
    [`${end}_canonical_revision`]: known(version),
  };
}
