import type { GraphNode, GraphParts } from "./part.ts";

/** How much of the mesh's time a node spends itself. */
export interface Bottleneck {
  readonly node: GraphNode;
  /** The node's own mean time for one request, in milliseconds: at least that. */
  readonly selfMs: number;
  /** Milliseconds of its own per second, over all requests sent to it. */
  readonly load: number;
  /** Its share of the own time of all nodes. */
  readonly share: number;
}

/** The nodes by the time they spend themselves, the most first. */
export function bottlenecksOf({ nodes }: GraphParts): readonly Bottleneck[] {
  const own = nodes.flatMap((node) => {
    const { rate, meanMs } = node.inbound;
    if (meanMs === undefined) return [];
    const calls = node.outbound.rate * (node.outbound.meanMs ?? 0);
    return [{ node, load: Math.max(0, rate * meanMs - calls) }];
  });
  const whole = own.reduce((sum, { load }) => sum + load, 0);
  return own
    .map(({ node, load }) => ({ node, load, selfMs: load / node.inbound.rate, share: whole > 0 ? load / whole : 0 }))
    .sort((a, b) => b.load - a.load);
}
