import { QueryError } from "../../errors.ts";
import { shown } from "../../time.ts";
import type { GraphEdge, GraphParts } from "./part.ts";

/** How far a search for paths goes. */
export interface PathOptions {
  /** The most calls in a row; 12 when left out. */
  readonly maxLength?: number | undefined;
  /** The most paths; 1,000 when left out. */
  readonly limit?: number | undefined;
}

/** One way from a node to another. */
export interface GraphPath {
  /** The calls in their order. */
  readonly edges: readonly GraphEdge[];
  /** The edge on it with the least success. */
  readonly weakest: GraphEdge | undefined;
}

/** The paths found, and whether they are all there are. */
export type GraphPaths = readonly GraphPath[] & { readonly complete: boolean };

/** The ways from `from` to `to` on which no node comes twice, the shortest first. */
export function pathsBetween(parts: GraphParts, from: string, to: string, options: PathOptions): GraphPaths {
  const { maxLength = 12, limit = 1000 } = options;
  for (const [name, value] of Object.entries({ maxLength, limit })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new QueryError("scope", `paths: ${name} is ${shown(value)}; write a whole number from 1 on`);
    }
  }
  for (const id of [from, to]) known(parts, id);
  const next = new Map<string, GraphEdge[]>();
  for (const edge of parts.edges) {
    const edges = next.get(edge.from.id);
    if (edges === undefined) next.set(edge.from.id, [edge]);
    else edges.push(edge);
  }
  const found: GraphPath[] = [];
  // Paths are lengthened all at a time, so that the shortest come first and nothing nests.
  let complete = true;
  let open: readonly (readonly GraphEdge[])[] = (next.get(from) ?? []).map((edge) => [edge]);
  for (let length = 1; open.length > 0; length++) {
    if (length > maxLength || open.length > MOST_OPEN) {
      complete = false;
      break;
    }
    for (const edges of open) if (edges.at(-1)?.to.id === to) found.push(pathOf(edges));
    if (found.length > limit) {
      complete = false;
      found.length = limit;
      break;
    }
    open = open.flatMap((edges) => lengthened(edges, next, to));
  }
  return Object.freeze(Object.assign(found, { complete }));
}

/** A dense graph has more ways than anybody reads. */
const MOST_OPEN = 100_000;

function lengthened(
  edges: readonly GraphEdge[],
  next: ReadonlyMap<string, readonly GraphEdge[]>,
  to: string,
): (readonly GraphEdge[])[] {
  const end = edges.at(-1)?.to.id;
  if (end === undefined || end === to) return [];
  const passed = new Set(edges.map((edge) => edge.from.id));
  return (next.get(end) ?? []).flatMap((edge) =>
    passed.has(edge.to.id) || edge.to.id === end ? [] : [[...edges, edge]],
  );
}

function pathOf(edges: readonly GraphEdge[]): GraphPath {
  const told = edges.filter((edge) => edge.success !== undefined);
  const weakest = told.reduce<GraphEdge | undefined>(
    (least, edge) => (least === undefined || (edge.success ?? 1) < (least.success ?? 1) ? edge : least),
    undefined,
  );
  return Object.freeze({ edges: Object.freeze(edges), weakest });
}

function known({ nodes }: GraphParts, id: string): void {
  if (nodes.some((node) => node.id === id)) return;
  const near = nodes.filter((node) => node.name === id || node.id.startsWith(`${id}.`)).map((node) => node.id);
  const hint = near.length > 0 ? `did you mean ${near.map(shown).join(" or ")}?` : "graph.nodes has those there are";
  throw new QueryError("scope", `paths: the graph has no node ${shown(id)}; ${hint}`);
}
