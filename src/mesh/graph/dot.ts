import { plain } from "../../results/text.ts";
import { edgeText } from "./mermaid.ts";
import type { GraphNodeKind } from "./node.ts";
import type { GraphParts } from "./part.ts";

const SHAPES: Readonly<Record<GraphNodeKind, string>> = {
  app: "box",
  blackhole: "octagon",
  external: "cds",
  gateway: "trapezium",
  passthrough: "octagon",
  service: "ellipse",
  unknown: "circle",
  version: "box",
  waypoint: "trapezium",
  workload: "box",
};

/** A digraph of Graphviz: nodes by their kind's shape, edges with their rate, failing ones red. */
export function printDot({ nodes, edges }: GraphParts): string {
  return [
    "digraph mesh {",
    "  rankdir=LR;",
    ...nodes.map(({ id, kind }) => `  ${quoted(id)} [shape=${SHAPES[kind]}];`),
    ...edges.map((edge) => {
      const style = [
        `label=${quoted(edgeText(edge))}`,
        ...(edge.errors > 0 ? ["color=red"] : []),
        ...(edge.rate > 0 && edge.lost === edge.rate ? ["style=dashed"] : []),
      ];
      return `  ${quoted(edge.from.id)} -> ${quoted(edge.to.id)} [${style.join(", ")}];`;
    }),
    "}",
  ].join("\n");
}

const quoted = (text: string): string => `"${plain(text).replace(/["\\]/g, (c) => `\\${c}`)}"`;
