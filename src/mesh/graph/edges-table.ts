import { type Cell, number, text } from "../../results/column.ts";
import { Table } from "../../results/result.ts";
import { printValue } from "../../results/text.ts";
import type { GraphEdge } from "./part.ts";

/** A row for each edge of a graph, those on which requests fail marked. */
export const edgesTable = (edges: readonly GraphEdge[]): Table =>
  Table.of(
    [
      text("from"),
      text("to"),
      number("rate", "req/s"),
      number("errors", "req/s", "programs"),
      number("lost", "req/s", "programs"),
      number("success", "ratio"),
      number("p50", "ms"),
      number("p99", "ms"),
      number("TCP in", "B/s"),
      number("TCP out", "B/s"),
      number("mTLS", "ratio"),
      text("", "people"),
    ],
    edges.map(rowOf),
    (row) => ((edges[row]?.errors ?? 0) > 0 ? "bad" : undefined),
  );

function rowOf(edge: GraphEdge): readonly Cell[] {
  const { from, to, rate, errors, lost, success, tcp, mutualTls } = edge;
  const ofRequests = (value: number | undefined) => (rate > 0 ? value : "");
  return [
    from.id,
    to.id,
    ofRequests(rate),
    ofRequests(errors),
    ofRequests(lost),
    ofRequests(success),
    ofRequests(edge.latency(0.5)),
    ofRequests(edge.latency(0.99)),
    tcp?.received ?? "",
    tcp?.sent ?? "",
    mutualTls.requests ?? mutualTls.connections ?? "",
    remarksOn(edge).join(", "),
  ];
}

/** What is out of the ordinary about an edge, in words. */
export function remarksOn({ rate, lost, flags, from, to }: GraphEdge): readonly string[] {
  const remarks: string[] = [];
  if (lost > 0) remarks.push(`${printValue(lost / rate, "ratio")} never arrived`);
  for (const [flag, each] of flags) remarks.push(`${flag} ${printValue(each, "req/s")}`);
  if (to.inMesh === false) remarks.push("to outside the mesh");
  if (to.kind === "blackhole") remarks.push("turned away: no such host in the registry");
  if (from.kind === "unknown") remarks.push("from whoever has no name in the mesh");
  return remarks;
}
