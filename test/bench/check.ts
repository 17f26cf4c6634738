import { pathToFileURL } from "node:url";
import { createMesh, type Policies } from "../../src/index.ts";
import type { MetricsBackend } from "../../src/metrics/backend.ts";
import { type Expr, print } from "../../src/promql/index.ts";
import { body, CODES, endsOf, type Row, vectorIn } from "./graph.ts";
import { median } from "./median.ts";

/** One size of mesh; what is linear has the same µs per edge in every row. */
export interface CheckRow {
  readonly edges: number;
  readonly policies: number;
  readonly megabytes: number;
  /** From YAML to policies that can judge. */
  readonly readMs: number;
  /** From the bytes of both answers to verdicts, unused and broad rules. */
  readonly checkMs: number;
  readonly usPerEdge: number;
  /** `usPerEdge` as a multiple of the smallest mesh's. */
  readonly ratio: number;
}

/** Measures checks of policies against 100 to 10,000 edges, with one policy of three rules for each workload: medians. */
export async function benchCheck(rounds = 5): Promise<CheckRow[]> {
  await measured(100, 20);
  const rows: Omit<CheckRow, "ratio">[] = [];
  for (const edges of [100, 1_000, 10_000]) rows.push(await measured(edges, rounds * Math.min(20, 10_000 / edges)));
  return rows.map((row) => ({ ...row, ratio: row.usPerEdge / (rows[0]?.usPerEdge ?? Number.NaN) }));
}

async function measured(edges: number, rounds: number): Promise<Omit<CheckRow, "ratio">> {
  const bytes = requestsBody(edges);
  const mesh = createMesh({ metrics: answering(bytes), now: () => 1_800_000_000_000 });
  const { yaml, count } = policiesOf(edges);
  const read: number[] = [];
  const check: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now();
    const policies: Policies = mesh.policies(yaml);
    const readMs = performance.now();
    const report = await policies.check({ last: "1h" });
    if (report.flows.length !== edges || report.newlyDenied.length === 0) throw new Error("not every edge was judged");
    read.push(readMs - startMs);
    check.push(performance.now() - readMs);
  }
  const checkMs = median(check);
  return {
    edges,
    policies: count,
    megabytes: bytes.length / 1e6,
    readMs: median(read),
    checkMs,
    usPerEdge: (checkMs * 1000) / edges,
  };
}

/** Gives the same bytes to every question about requests, and nothing to others. */
function answering(bytes: Uint8Array): MetricsBackend {
  const none = body([]);
  return {
    name: "bench",
    scrapeIntervalMs: 15_000,
    instant: async (expr: Expr) => {
      const data = vectorIn(print(expr).includes("istio_requests_total") ? bytes : none);
      return { data, warnings: [], infos: [], complete: true, tookMs: 0 };
    },
    range: () => Promise.reject(new Error("no range is asked for")),
  };
}

function requestsBody(edges: number): Uint8Array {
  const rows: Row[] = [];
  for (let edge = 0; edge < edges; edge++) {
    const ends = endsOf(edge);
    const { source_workload: from = "", source_workload_namespace: namespace = "" } = ends;
    for (const response_code of CODES) {
      const labels = {
        ...ends,
        reporter: "destination",
        source_principal: `spiffe://cluster.local/ns/${namespace}/sa/${from}`,
        destination_app: ends.destination_workload ?? "",
        destination_version: "v1",
        request_protocol: "http",
        response_code,
        connection_security_policy: "mutual_tls",
      };
      rows.push([labels, 3 + edge]);
    }
  }
  return body(rows);
}

/** For each workload who may call it: of the ten that do, all but the last. */
function policiesOf(edges: number): { readonly yaml: string; readonly count: number } {
  const callers = new Map<string, string[]>();
  for (let edge = 0; edge < edges; edge++) {
    const {
      source_workload: from = "",
      destination_workload: to = "",
      destination_workload_namespace: namespace,
    } = endsOf(edge);
    const key = `${namespace} ${to}`;
    callers.set(key, [...(callers.get(key) ?? []), `cluster.local/ns/${namespace}/sa/${from}`]);
  }
  const documents = [...callers].map(([key, principals]) => {
    const [namespace, app] = key.split(" ");
    const some = principals.slice(0, 9).map((one) => JSON.stringify(one));
    return `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${app}, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: ${app} } }
  rules:
    - from: [{ source: { principals: [${some}] } }]
    - from: [{ source: { namespaces: [monitoring] } }]
    - from: [{ source: { principals: ["*/ns/istio-system/sa/*"] } }]
`;
  });
  return { yaml: documents.join("---\n"), count: documents.length };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const row of await benchCheck()) console.log(row);
}
