import type { GraphNode, GraphParts } from "./part.ts";

/** Where a node stands in a drawing: in which column, and in which row of it. */
export interface Place {
  readonly column: number;
  readonly row: number;
}

/** Places for a drawing from left to right: callers stand before whom they call, as far as calls go one way. */
export function placesOf({ nodes, edges }: GraphParts): ReadonlyMap<GraphNode, Place> {
  const callees = new Map<GraphNode, GraphNode[]>(nodes.map((node) => [node, []]));
  const callers = new Map<GraphNode, GraphNode[]>(nodes.map((node) => [node, []]));
  for (const { from, to } of edges) {
    callees.get(from)?.push(to);
    callers.get(to)?.push(from);
  }
  const columns = columnsOf(nodes, callees, callers);
  const rows: GraphNode[][] = [];
  for (const node of nodes) {
    const column = columns.get(node) ?? 0;
    rows[column] ??= [];
    rows[column].push(node);
  }
  const places = new Map<GraphNode, Place>();
  for (const [column, members] of rows.entries()) {
    // Beside their callers, so that few lines cross.
    const height = (node: GraphNode): number => {
      const before = (callers.get(node) ?? []).flatMap((caller) => places.get(caller)?.row ?? []);
      return before.length === 0 ? Number.POSITIVE_INFINITY : before.reduce((a, b) => a + b, 0) / before.length;
    };
    const heights = new Map((members ?? []).map((node) => [node, height(node)]));
    const ordered = [...(members ?? [])].sort((a, b) => compare(heights.get(a) ?? 0, heights.get(b) ?? 0));
    for (const [row, node] of ordered.entries()) places.set(node, { column, row });
  }
  return places;
}

const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);

/** Each node one column behind the last of its callers; where calls go round, the round is cut at its first node. */
function columnsOf(
  nodes: readonly GraphNode[],
  callees: ReadonlyMap<GraphNode, readonly GraphNode[]>,
  callers: ReadonlyMap<GraphNode, readonly GraphNode[]>,
): ReadonlyMap<GraphNode, number> {
  const waits = new Map(nodes.map((node) => [node, callers.get(node)?.length ?? 0]));
  const columns = new Map<GraphNode, number>();
  const left = new Set(nodes);
  let ready = nodes.filter((node) => waits.get(node) === 0);
  while (left.size > 0) {
    if (ready.length === 0) {
      const [cut] = left;
      if (cut === undefined) break;
      ready = [cut];
    }
    const next: GraphNode[] = [];
    for (const node of ready) {
      if (!left.delete(node)) continue;
      const column = columns.get(node) ?? 0;
      columns.set(node, column);
      for (const callee of callees.get(node) ?? []) {
        if (!left.has(callee)) continue;
        columns.set(callee, Math.max(columns.get(callee) ?? 0, column + 1));
        const rest = (waits.get(callee) ?? 1) - 1;
        waits.set(callee, rest);
        if (rest === 0) next.push(callee);
      }
    }
    ready = next;
  }
  return columns;
}
