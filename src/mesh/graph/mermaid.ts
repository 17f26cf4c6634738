import { plain, printValue } from "../../results/text.ts";
import type { GraphNodeKind } from "./node.ts";
import type { GraphEdge, GraphNode, GraphParts } from "./part.ts";

/** A flowchart of Mermaid: nodes by their kind's shape, edges with their rate, failing ones marked. */
export function printMermaid({ nodes, edges }: GraphParts): string {
  const number = new Map(nodes.map((node, i) => [node.id, `n${i}`]));
  const name = (node: GraphNode) => number.get(node.id) ?? "";
  const failing = edges.flatMap((edge, i) => (edge.errors > 0 ? [i] : []));
  return [
    "flowchart LR",
    ...nodes.map((node) => `  ${name(node)}${shapeOf(node)}`),
    ...edges.map((edge) => `  ${name(edge.from)} ${arrow(edge)}|"${text(edgeText(edge))}"| ${name(edge.to)}`),
    ...(failing.length > 0 ? [`  linkStyle ${failing.join(",")} stroke:#c5221f`] : []),
  ].join("\n");
}

const SHAPES: Readonly<Record<GraphNodeKind, readonly [open: string, close: string]>> = {
  app: ["[", "]"],
  blackhole: ["{{", "}}"],
  external: [">", "]"],
  gateway: ["[/", "\\]"],
  passthrough: ["{{", "}}"],
  service: ["([", "])"],
  unknown: ["((", "))"],
  version: ["[", "]"],
  waypoint: ["[/", "\\]"],
  workload: ["[", "]"],
};

function shapeOf({ kind, id }: GraphNode): string {
  const [open, close] = SHAPES[kind];
  return `${open}"${text(id)}"${close}`;
}

const arrow = ({ rate, lost }: GraphEdge): string => (rate > 0 && lost === rate ? "-.->" : "-->");

/** What stands beside an edge in a drawing. */
export function edgeText({ rate, success, tcp }: GraphEdge): string {
  const parts: string[] = [];
  if (rate > 0) parts.push(printValue(rate, "req/s"));
  if (success !== undefined && success < 1) parts.push(`${printValue(success, "ratio")} ok`);
  if (tcp !== undefined) parts.push(`${printValue(tcp.sent + tcp.received, "B/s")} TCP`);
  return parts.join(", ");
}

/** Text as Mermaid takes it within quotes: entities for what would end them or be markup. */
const text = (given: string): string => plain(given).replace(/["#&<>`\\]/g, (c) => `#${c.charCodeAt(0)};`);
