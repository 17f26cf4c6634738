import { metaOf, type OnPartial } from "../../metrics/answer.ts";
import type { Answer, InstantData, MetricsBackend } from "../../metrics/backend.ts";
import { aggregate, by, call, type Expr, matcher, matrix, print, selector } from "../../promql/index.ts";
import { type LabelSet, labelValue } from "../../results/labels.ts";
import type { AskOptions } from "../../time.ts";
import { together } from "../../traces/together.ts";
import { METRICS } from "../istio.ts";
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
export async function observedMetrics(
  backend: MetricsBackend,
  windowMs: number,
  atMs: number | undefined,
  { signal, timeoutMs }: AskOptions,
  onPartial: OnPartial,
): Promise<ObservedMetrics> {
  const increase = (metric: string): Expr =>
    aggregate("sum", call("increase", matrix(selector(metric, [KNOWS]), windowMs)), { grouping: by(...LABELS) });
  const exprs = [increase(METRICS.requests), increase(METRICS.tcpOpened)];
  const answers = await together(exprs, signal, (expr, ended) =>
    backend.instant(expr, atMs, { signal: ended, timeoutMs }),
  );
  const metas = answers.map((answer, i) => metaOf(backend.name, print(exprs[i] as Expr), answer, onPartial));
  const edges = new Map<string, ObservedEdge>();
  for (const answer of answers) for (const edge of edgesOf(answer)) add(edges, edge);
  return {
    edges: [...edges.values()],
    queries: metas.map(({ promql }) => promql),
    complete: metas.every(({ complete }) => complete),
    warnings: metas.flatMap(({ warnings }) => warnings),
  };
}

function* edgesOf({ data }: Answer<InstantData>): Generator<ObservedEdge> {
  if (data.kind !== "vector") return;
  for (const [i, labels] of data.labels.entries()) {
    const requests = data.values[i] ?? 0;
    if (requests > 0) yield edgeOf(labels, requests);
  }
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
      proxy: known("reporter") === "waypoint" ? "waypoint" : "sidecar",
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
