import type { Hop, HopEnd } from "../traces/hop.ts";
import { serviceOfHost } from "../traces/upstream-cluster.ts";
import type { ShownLabels } from "./label-test.ts";

/**
 * The labels that Istio's metrics would give a hop, as far as its spans show them. A label that they do not show reads
 * as `""`, as a missing label does.
 */
export function hopLabels(hop: Hop): Readonly<Record<string, string>> {
  const { source, destination } = hop;
  return {
    ...endLabels("source", source),
    ...endLabels("destination", destination),
    destination_service: destination.host ?? "",
    destination_service_name: serviceName(destination),
    request_protocol: hop.protocol ?? "",
    response_code: hop.code === undefined ? "" : String(hop.code),
    grpc_response_status: hop.grpcStatus === undefined ? "" : String(hop.grpcStatus),
    response_flags: hop.flags.length === 0 ? "-" : hop.flags.join(","),
    connection_security_policy: hop.mtls === undefined ? "unknown" : hop.mtls ? "mutual_tls" : "none",
  };
}

/** A ServiceEntry's name is its host. */
const serviceName = ({ host, service }: Hop["destination"]): string =>
  (host === undefined ? undefined : serviceOfHost(host)?.service) ?? service ?? host ?? "";

function endLabels(side: "destination" | "source", end: HopEnd): Record<string, string> {
  return {
    [`${side}_workload`]: end.workload ?? "unknown",
    [`${side}_workload_namespace`]: end.namespace ?? "unknown",
    [`${side}_canonical_service`]: end.service ?? "",
    [`${side}_app`]: end.app ?? "",
    [`${side}_version`]: end.version ?? "",
    [`${side}_cluster`]: end.cluster ?? "",
    [`${side}_principal`]: end.principal ?? "",
  };
}

/** What spans show of the metrics' labels. */
export const HOP_LABELS: ShownLabels = Object.freeze({
  signal: "traces",
  names: new Set(Object.keys(hopLabels({ source: {}, destination: {}, flags: [] } as unknown as Hop))),
});
