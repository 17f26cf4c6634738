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
  const columns = columnsOf(nodes, callees);
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

/** Each node one column behind the last of its callers, calls that go back left aside. */
function columnsOf(nodes: readonly GraphNode[], callees: Callees): ReadonlyMap<GraphNode, number> {
  const order = orderOf(nodes, callees);
  const ranks = new Map(order.map((node, rank) => [node, rank]));
  const columns = new Map(nodes.map((node) => [node, 0]));
  for (const node of order) {
    for (const callee of callees.get(node) ?? []) {
      if ((ranks.get(callee) ?? 0) <= (ranks.get(node) ?? 0)) continue;
      columns.set(callee, Math.max(columns.get(callee) ?? 0, (columns.get(node) ?? 0) + 1));
    }
  }
  return columns;
}

type Callees = ReadonlyMap<GraphNode, readonly GraphNode[]>;

/** Callers before whom they call; where calls go round, from the node on that was met first. */
function orderOf(nodes: readonly GraphNode[], callees: Callees): readonly GraphNode[] {
  const called = new Set([...callees.values()].flat());
  const met = new Set<GraphNode>();
  const finished: GraphNode[] = [];
  for (const start of [...nodes.filter((node) => !called.has(node)), ...nodes]) {
    if (met.has(start)) continue;
    met.add(start);
    const open = [{ node: start, next: 0 }];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const callee = callees.get(top.node)?.[top.next++];
      if (callee === undefined) {
        finished.push(top.node);
        open.pop();
      } else if (!met.has(callee)) {
        met.add(callee);
        open.push({ node: callee, next: 0 });
      }
    }
  }
  return finished.reverse();
}
