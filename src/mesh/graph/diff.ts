import type { Figures } from "./figures.ts";
import type { GraphEdge, GraphNode, GraphParts } from "./part.ts";

/** An edge that has traffic in both graphs. */
export interface EdgeChange {
  readonly before: GraphEdge;
  readonly after: GraphEdge;
  /** The later rate over the earlier; `undefined` where there were no requests before. */
  readonly rateRatio: number | undefined;
  /** How much the share of success changed, from -1 to 1; `undefined` where one of them has none. */
  readonly success: number | undefined;
  /** How much the 99th percentile of durations changed, in milliseconds; likewise. */
  readonly p99Ms: number | undefined;
}

/** What is different between two graphs. */
export interface GraphDiff {
  readonly nodes: { readonly added: readonly GraphNode[]; readonly removed: readonly GraphNode[] };
  readonly edges: {
    readonly added: readonly GraphEdge[];
    readonly removed: readonly GraphEdge[];
    /** All edges of both graphs: those first on which more requests fail than before, then those that got slower. */
    readonly kept: readonly EdgeChange[];
  };
}

/**
 * What changed from one graph to another of the same grouping: nodes and edges are the same when their ids are.
 *
 * @example
 * const release = { from: "2026-11-20T09:00:00Z", to: "2026-11-20T09:10:00Z" };
 * const [before, after] = await Promise.all([mesh.graph(release), mesh.graph({ last: "10m" })]);
 * diff(before, after).edges.added
 */
export function diff(before: GraphParts, after: GraphParts): GraphDiff {
  const nodesBefore = new Map(before.nodes.map((node) => [node.id, node]));
  const nodesAfter = new Map(after.nodes.map((node) => [node.id, node]));
  const edgesBefore = new Map(before.edges.map((edge) => [keyOf(edge), edge]));
  const edgesAfter = new Map(after.edges.map((edge) => [keyOf(edge), edge]));
  const kept = after.edges.flatMap((edge) => {
    const earlier = edgesBefore.get(keyOf(edge));
    return earlier === undefined ? [] : [changeOf(earlier, edge)];
  });
  return {
    nodes: {
      added: after.nodes.filter(({ id }) => !nodesBefore.has(id)),
      removed: before.nodes.filter(({ id }) => !nodesAfter.has(id)),
    },
    edges: {
      added: after.edges.filter((edge) => !edgesBefore.has(keyOf(edge))),
      removed: before.edges.filter((edge) => !edgesAfter.has(keyOf(edge))),
      kept: kept.sort((a, b) => moreErrors(b) - moreErrors(a) || (b.p99Ms ?? 0) - (a.p99Ms ?? 0)),
    },
  };
}

const keyOf = ({ from, to }: GraphEdge): string => `${from.id}\n${to.id}`;

function changeOf(before: GraphEdge, after: GraphEdge): EdgeChange {
  return Object.freeze({
    before,
    after,
    rateRatio: before.rate > 0 ? after.rate / before.rate : undefined,
    success: difference(before, after, ({ success }) => success),
    p99Ms: difference(before, after, (figures) => figures.latency(0.99)),
  });
}

const moreErrors = ({ before, after }: EdgeChange): number => after.errors - before.errors;

function difference(
  before: Figures,
  after: Figures,
  part: (figures: Figures) => number | undefined,
): number | undefined {
  const [earlier, later] = [part(before), part(after)];
  return earlier === undefined || later === undefined ? undefined : later - earlier;
}
