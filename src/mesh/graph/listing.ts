import { plain, printTable, printValue } from "../../results/text.ts";
import { formatInstant } from "../../time.ts";
import type { GraphEdge, GraphParts } from "./part.ts";

const HEADINGS = ["from", "to", "rate", "success", "p50", "p99", "TCP in", "TCP out", "mTLS", ""];

/** The edges of a graph as a table for a terminal, with what a reader must know beside it. */
export function printGraph({ nodes, edges, meta }: GraphParts): string {
  const span = `${formatInstant(meta.fromMs)} to ${formatInstant(meta.toMs)}`;
  const lines = [`  ${nodes.length} nodes and ${edges.length} edges from ${span}, in ${meta.requests} requests`];
  if (!meta.complete) lines.push("  incomplete: part of the data is missing");
  for (const warning of meta.warnings) lines.push(`  warning: ${warning}`);
  for (const info of meta.infos) lines.push(`  info: ${info}`);
  return [printTable(HEADINGS, edges.map(rowOf)), ...lines.map(plain)].join("\n");
}

function rowOf(edge: GraphEdge): string[] {
  const { rate, tcp, mutualTls } = edge;
  const request = (value: number | undefined, unit: string) => (rate > 0 ? printValue(value, unit) : "");
  return [
    edge.from.id,
    edge.to.id,
    request(rate, "req/s"),
    request(edge.success, "ratio"),
    request(edge.latency(0.5), "ms"),
    request(edge.latency(0.99), "ms"),
    tcp === undefined ? "" : printValue(tcp.received, "B/s"),
    tcp === undefined ? "" : printValue(tcp.sent, "B/s"),
    percent(mutualTls.requests ?? mutualTls.connections),
    remarksOn(edge).join(", "),
  ];
}

const percent = (share: number | undefined): string => (share === undefined ? "" : printValue(share, "ratio"));

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
