import { pathToFileURL } from "node:url";
import { fold } from "../../src/mesh/graph/fold.ts";
import { Graph } from "../../src/mesh/graph/graph.ts";
import type { VectorData } from "../../src/metrics/backend.ts";
import { decodeAnswer } from "../../src/metrics/decode/answer.ts";
import { median } from "./median.ts";

/** One size of mesh; what is linear has the same µs per edge in every row. */
export interface GraphRow {
  readonly edges: number;
  readonly megabytes: number;
  /** From the bytes of the three answers to columns. */
  readonly decodeMs: number;
  /** From columns to nodes and edges. */
  readonly graphMs: number;
  readonly usPerEdge: number;
  /** `usPerEdge` as a multiple of the smallest mesh's. */
  readonly ratio: number;
  /** Requests that the graph takes, and those that Kiali's documented queries come to at one namespace for 100 edges. */
  readonly requests: number;
  readonly kialiQueries: number;
}

/** @see Istio's duration buckets in milliseconds */
const BOUNDS = ["0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "+Inf"];
export const CODES = ["200", "404", "503"];
const EDGES_IN_NAMESPACE = 100;
/**
 * Three for requests and three for TCP, two each for response times, throughput and security policies.
 *
 * @see kiali/kiali, `graph/telemetry/istio/istio.go`, `buildNamespaceTrafficMap`, and `appender/`
 */
const KIALI_PER_NAMESPACE = 12;

/** Measures graphs of 100 to 10,000 edges, from the bytes of the backend's answers to nodes: medians. */
export function benchGraph(rounds = 5): GraphRow[] {
  measured(100, 20);
  const rows = [100, 1_000, 10_000].map((edges) => measured(edges, rounds * Math.min(20, 10_000 / edges)));
  return rows.map((row) => ({ ...row, ratio: row.usPerEdge / (rows[0]?.usPerEdge ?? Number.NaN) }));
}

function measured(edges: number, rounds: number): Omit<GraphRow, "ratio"> {
  const bodies = [requestsBody(edges), durationsBody(edges), body([])];
  const decode: number[] = [];
  const draw: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now();
    const [requests, durations, volumes] = bodies.map(vectorIn);
    const decodedMs = performance.now();
    if (requests === undefined || durations === undefined || volumes === undefined) throw new Error("three answers");
    const folded = fold(
      { requests, durations, volumes },
      { grouping: "workload", hasFailed: ({ response_code }) => response_code === "503" },
    );
    const graph = new Graph(folded, META);
    if (graph.edges.length !== edges) throw new Error(`${graph.edges.length} edges came of ${edges}`);
    decode.push(decodedMs - startMs);
    draw.push(performance.now() - decodedMs);
  }
  const [decodeMs, graphMs] = [median(decode), median(draw)];
  return {
    edges,
    megabytes: bodies.reduce((sum, bytes) => sum + bytes.length, 0) / 1e6,
    decodeMs,
    graphMs,
    usPerEdge: ((decodeMs + graphMs) * 1000) / edges,
    requests: META.requests,
    kialiQueries: Math.ceil(edges / EDGES_IN_NAMESPACE) * KIALI_PER_NAMESPACE,
  };
}

const META = {
  fromMs: 0,
  toMs: 600_000,
  backend: "bench",
  groupBy: "workload",
  promql: [],
  requests: 3,
  complete: true,
  warnings: [],
  infos: [],
  tookMs: 0,
} as const;

export function vectorIn(bytes: Uint8Array): VectorData {
  const answer = decodeAnswer(bytes, { backend: "bench", query: "" });
  if (answer.status === "success" && answer.data.kind === "vector") return answer.data;
  throw new Error("a vector");
}

export type Row = readonly [labels: Readonly<Record<string, string>>, value: number];

export const body = (rows: readonly Row[]): Uint8Array => {
  const result = rows.map(([metric, value]) => ({ metric, value: [1_800_000_000, String(value)] }));
  return Buffer.from(JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
};

/** Each workload calls the ten after it. */
export function endsOf(edge: number): Readonly<Record<string, string>> {
  const from = Math.floor(edge / 10);
  const to = from + 1 + (edge % 10);
  const namespace = `team-${Math.floor(edge / EDGES_IN_NAMESPACE)}`;
  return {
    source_cluster: "one",
    source_workload: `workload-${from}`,
    source_workload_namespace: namespace,
    source_canonical_service: `workload-${from}`,
    source_canonical_revision: "v1",
    destination_cluster: "one",
    destination_workload: `workload-${to}`,
    destination_workload_namespace: namespace,
    destination_canonical_service: `workload-${to}`,
    destination_canonical_revision: "v1",
    destination_service: `workload-${to}.${namespace}.svc.cluster.local`,
    destination_service_name: `workload-${to}`,
    destination_service_namespace: namespace,
  };
}

const REPORTERS = ["destination", "source"] as const;

function requestsBody(edges: number): Uint8Array {
  const rows: Row[] = [];
  for (let edge = 0; edge < edges; edge++) {
    for (const reporter of REPORTERS) {
      for (const response_code of CODES) {
        const kind = { reporter, request_protocol: "http", response_code, response_flags: "-" };
        const connection_security_policy = reporter === "source" ? "unknown" : "mutual_tls";
        rows.push([{ ...endsOf(edge), ...kind, connection_security_policy }, 1 / (3 + edge)]);
      }
    }
  }
  return body(rows);
}

function durationsBody(edges: number): Uint8Array {
  const rows: Row[] = [];
  for (let edge = 0; edge < edges; edge++) {
    for (const reporter of REPORTERS) {
      for (const [i, le] of [...BOUNDS, "sum"].entries()) {
        rows.push([{ ...endsOf(edge), reporter, le }, (i + 1) / (3 + edge)]);
      }
    }
  }
  return body(rows);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const row of benchGraph()) console.log(row);
}
