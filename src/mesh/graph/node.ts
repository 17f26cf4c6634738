import type { VectorData } from "../../metrics/backend.ts";
import { type LabelSet, labelValue } from "../../results/labels.ts";

/** What a graph's nodes stand for. */
export type GraphGrouping = "app" | "service" | "version" | "workload";

/**
 * What a node is.
 *
 * `service` and `external` stand for what was called where no workload is known: a service of the mesh, of which nothing
 * answered or answered without a name, or a host outside the mesh. `passthrough` and `blackhole` are Istio's clusters
 * for hosts that it does not know, let through or turned away. `unknown` is whoever has no name at all: a caller
 * without a proxy, or one whose name did not get across.
 */
export type GraphNodeKind =
  | "app"
  | "blackhole"
  | "external"
  | "gateway"
  | "passthrough"
  | "service"
  | "unknown"
  | "version"
  | "waypoint"
  | "workload";

/** The name of a node, apart from what was seen of it. */
export interface NodeName {
  readonly kind: GraphNodeKind;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly cluster: string | undefined;
  /** The version, in a graph by version. */
  readonly version: string | undefined;
}

/** Istio's conventional names of gateways and waypoints. */
const GATEWAY = /(^|-)(ingress|egress|eastwest)gateway(-|$)|^gateway$|-gateway$|-istio$/;
const WAYPOINT = /(^|-)waypoint(-|$)/;

/** The caller that labels name. */
export function sourceName(labels: LabelSet, grouping: GraphGrouping): NodeName {
  const workload = known(labels, "source_workload");
  const cluster = known(labels, "source_cluster");
  if (workload === undefined) return UNKNOWN;
  return named(grouping, {
    workload,
    namespace: known(labels, "source_workload_namespace"),
    cluster,
    service: known(labels, "source_canonical_service"),
    app: known(labels, "source_canonical_service"),
    version: known(labels, "source_canonical_revision"),
  });
}

/** The callee that labels name. A cluster that is not told is the caller's. */
export function destinationName(labels: LabelSet, grouping: GraphGrouping): NodeName {
  const workload = known(labels, "destination_workload");
  const service = known(labels, "destination_service_name");
  const serviceNamespace = known(labels, "destination_service_namespace");
  const cluster = known(labels, "destination_cluster") ?? known(labels, "source_cluster");
  if (workload === undefined) return nameless(labels, service, serviceNamespace, cluster);
  return named(grouping, {
    workload,
    namespace: known(labels, "destination_workload_namespace"),
    cluster,
    service: service ?? known(labels, "destination_canonical_service"),
    serviceNamespace,
    app: known(labels, "destination_canonical_service"),
    version: known(labels, "destination_canonical_revision"),
  });
}

interface KnownEnd {
  readonly workload: string;
  readonly namespace: string | undefined;
  readonly cluster: string | undefined;
  readonly service: string | undefined;
  readonly serviceNamespace?: string | undefined;
  readonly app: string | undefined;
  readonly version: string | undefined;
}

function named(grouping: GraphGrouping, end: KnownEnd): NodeName {
  const { workload, namespace, cluster } = end;
  const special = WAYPOINT.test(workload) ? "waypoint" : GATEWAY.test(workload) ? "gateway" : undefined;
  if (special !== undefined) return { kind: special, name: workload, namespace, cluster, version: undefined };
  switch (grouping) {
    case "workload":
      return { kind: "workload", name: workload, namespace, cluster, version: undefined };
    case "app":
      return { kind: "app", name: end.app ?? workload, namespace, cluster, version: undefined };
    case "version":
      return { kind: "version", name: end.app ?? workload, namespace, cluster, version: end.version };
    case "service": {
      const name = end.service ?? workload;
      return { kind: "service", name, namespace: end.serviceNamespace ?? namespace, cluster, version: undefined };
    }
  }
}

const UNKNOWN: NodeName = Object.freeze({
  kind: "unknown",
  name: "unknown",
  namespace: undefined,
  cluster: undefined,
  version: undefined,
});

/** What was called where no workload is named. */
function nameless(
  labels: LabelSet,
  service: string | undefined,
  namespace: string | undefined,
  cluster: string | undefined,
): NodeName {
  const host = known(labels, "destination_service");
  const name = service ?? host;
  if (name === undefined) return UNKNOWN;
  // With a Sidecar resource the host is not filled in, so that the service's name decides.
  if (/^BlackHoleCluster$/i.test(name)) return ofIstio("blackhole", name);
  if (/^(Inbound)?PassthroughCluster|^AllowAny/i.test(name)) return ofIstio("passthrough", name);
  if (host === undefined || /\.svc(\.|$)/.test(host)) {
    return { kind: "service", name, namespace, cluster, version: undefined };
  }
  return { kind: "external", name: host, namespace: undefined, cluster: undefined, version: undefined };
}

const ofIstio = (kind: "blackhole" | "passthrough", name: string): NodeName => ({ ...UNKNOWN, kind, name });

/** The value of a label, `undefined` where it is missing or says that nothing is known. */
export function known(labels: LabelSet, label: string): string | undefined {
  const value = labelValue(labels, label);
  return value === "" || value === "unknown" ? undefined : value;
}

/**
 * What names a node in one graph: `"frontend.default"`, `"backend.default:v2"` by version, `"ghost.default.svc"` for a
 * service beside workloads, a host's name, with `"@cluster"` where the graph has several clusters.
 */
export function nodeId(node: NodeName, severalClusters: boolean): string {
  const { kind, name, namespace, cluster, version } = node;
  const place = severalClusters && cluster !== undefined ? `@${cluster}` : "";
  const service = kind === "service" ? ".svc" : "";
  const versioned = kind === "version" ? `:${version ?? "unknown"}` : "";
  return `${name}${namespace === undefined ? "" : `.${namespace}`}${service}${versioned}${place}`;
}

/** Whether the series are of several clusters, so that names need their cluster beside them. */
export function severalClusters(answers: readonly VectorData[]): boolean {
  const clusters = new Set<string>();
  for (const { labels } of answers) {
    for (const row of labels) {
      for (const label of ["source_cluster", "destination_cluster"]) {
        const cluster = known(row, label);
        if (cluster !== undefined) clusters.add(cluster);
      }
    }
  }
  return clusters.size > 1;
}
