import type { VectorData } from "../../metrics/backend.ts";
import type { Context } from "../../metrics/query.ts";
import { aggregate, by, call, type Expr, matcher, matrix, selector } from "../../promql/index.ts";
import { type LabelSet, labelValue } from "../../results/labels.ts";
import type { AskOptions, TimeSpan } from "../../time.ts";
import { METRICS } from "../istio.ts";
import { askWindow, joinMetas } from "../window.ts";
import type { PolicyRequest, RequestDestination } from "./request.ts";

/** What metrics show of one edge and identity. */
export interface ObservedEdge {
  readonly source: { readonly workload: string | undefined; readonly namespace: string | undefined };
  readonly destination: RequestDestination & { readonly workload: string | undefined };
  readonly protocol: PolicyRequest["protocol"];
  readonly security: PolicyRequest["security"];
  readonly principal: string | null | undefined;
  /** In the range. */
  readonly requests: number;
  /** Of those, answered 403 or PERMISSION_DENIED. */
  readonly forbidden: number;
}

/** What was asked, and what was said of the answers. */
export interface ObservedMetrics {
  readonly edges: readonly ObservedEdge[];
  readonly queries: readonly string[];
  readonly complete: boolean;
  readonly warnings: readonly string[];
}

const LABELS = [
  "reporter",
  "app",
  "source_workload",
  "source_workload_namespace",
  "source_principal",
  "destination_workload",
  "destination_workload_namespace",
  "destination_app",
  "destination_version",
  "destination_service_name",
  "destination_service_namespace",
  "request_protocol",
  "response_code",
  "grpc_response_status",
  "connection_security_policy",
] as const;

/** Who knows the caller's identity: the callee's own proxy, its node's ztunnel, and the waypoint. */
const KNOWS = matcher("reporter", "=~", "destination|waypoint");

/** Asks for every edge with its identities: two questions, however many there are. */
export async function observedMetrics(context: Context, options: TimeSpan & AskOptions): Promise<ObservedMetrics> {
  const { answers } = await askWindow(context, "check", options, (windowMs) => {
    const increase = (metric: string): Expr =>
      aggregate("sum", call("increase", matrix(selector(metric, [KNOWS]), windowMs)), { grouping: by(...LABELS) });
    return [increase(METRICS.requests), increase(METRICS.tcpOpened)];
  });
  const { promql: queries, complete, warnings } = joinMetas(answers);
  return { edges: edgesOf(answers.map(({ data }) => data)), queries, complete, warnings };
}

/** The edges and identities that series of counts show. */
export function edgesOf(answers: readonly VectorData[]): readonly ObservedEdge[] {
  const edges = new Map<string, ObservedEdge>();
  for (const { labels, values } of answers) {
    for (const [i, one] of labels.entries()) {
      const requests = values[i] ?? 0;
      if (requests > 0) add(edges, edgeOf(one, requests));
    }
  }
  return [...edges.values()];
}

function edgeOf(labels: LabelSet, requests: number): ObservedEdge {
  const known = (name: (typeof LABELS)[number]): string | undefined => {
    const value = labelValue(labels, name);
    return value === "" || value === "unknown" ? undefined : value;
  };
  const security = known("connection_security_policy");
  const [app, version] = [known("destination_app"), known("destination_version")];
  const service = known("destination_service_name");
  const serviceNamespace = known("destination_service_namespace");
  const protocol = known("request_protocol") ?? "tcp";
  const forbidden = known("response_code") === "403" || known("grpc_response_status") === "7";
  return {
    source: { workload: known("source_workload"), namespace: known("source_workload_namespace") },
    destination: {
      workload: known("destination_workload"),
      namespace: known("destination_workload_namespace") ?? serviceNamespace ?? "",
      labels: { ...(app !== undefined && { app }), ...(version !== undefined && { version }) },
      labelsComplete: false,
      proxy: known("reporter") === "waypoint" ? "waypoint" : known("app") === "ztunnel" ? "ztunnel" : "sidecar",
      service:
        service === undefined
          ? undefined
          : [service, ...(serviceNamespace === undefined ? [] : [serviceNamespace])].join("."),
    },
    protocol: protocol === "http" || protocol === "grpc" ? protocol : "tcp",
    security: security === "mutual_tls" || security === "none" ? security : undefined,
    principal: security === "none" ? null : known("source_principal"),
    requests,
    forbidden: forbidden ? requests : 0,
  };
}

/** Codes are told apart only to count the forbidden ones. */
function add(edges: Map<string, ObservedEdge>, edge: ObservedEdge): void {
  const { requests, forbidden, ...rest } = edge;
  const key = JSON.stringify(rest);
  const known = edges.get(key);
  edges.set(key, {
    ...edge,
    requests: requests + (known?.requests ?? 0),
    forbidden: forbidden + (known?.forbidden ?? 0),
  });
}
