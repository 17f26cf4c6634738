import { qualityNotes } from "../../results/meta.ts";
import { INSPECT } from "../../results/mime.ts";
import { Result, type Table } from "../../results/result.ts";
import { textOf } from "../../results/text-view.ts";
import type { VegaLiteSpec } from "../../results/vega-lite.ts";
import { linesPart, tablePart, type View } from "../../results/view.ts";
import { formatInstant } from "../../time.ts";
import { type Bottleneck, bottlenecksOf } from "./bottleneck.ts";
import { diff, type GraphDiff } from "./diff.ts";
import { printDot } from "./dot.ts";
import { graphDrawing, graphSvg } from "./drawing.ts";
import { edgesTable } from "./edges-table.ts";
import { addTally, newTally } from "./figures.ts";
import type { Folded } from "./fold.ts";
import { type GraphJson, graphJson } from "./json.ts";
import { printMermaid } from "./mermaid.ts";
import { GraphEdge, type GraphMeta, GraphNode, type GraphParts } from "./part.ts";
import { type GraphPaths, type PathOptions, pathsBetween } from "./paths.ts";
import { graphVegaLite } from "./vega-lite.ts";

/** Who called whom in a window of time. Nodes and edges are those that had traffic in it. */
export class Graph extends Result implements GraphParts {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** The graph of the earlier window, where `against` asked for one. */
  readonly before: Graph | undefined;
  readonly meta: GraphMeta;
  readonly #nodes: ReadonlyMap<string, GraphNode>;
  readonly #edges: ReadonlyMap<string, GraphEdge>;

  constructor({ nodes, edges }: Folded, meta: GraphMeta, before?: Graph) {
    super();
    const inbound = new Map(nodes.map(({ id }) => [id, newTally()]));
    const outbound = new Map(nodes.map(({ id }) => [id, newTally()]));
    for (const { from, to, tally } of edges) {
      addTally(outbound.get(from) ?? newTally(), tally);
      addTally(inbound.get(to) ?? newTally(), tally);
    }
    const byId = new Map(
      nodes.map((node) => [
        node.id,
        new GraphNode(node, inbound.get(node.id) ?? newTally(), outbound.get(node.id) ?? newTally()),
      ]),
    );
    const byEnds = new Map<string, GraphEdge>();
    for (const { from, to, tally } of edges) {
      const [source, destination] = [byId.get(from), byId.get(to)];
      if (source === undefined || destination === undefined) continue;
      byEnds.set(keyOf(from, to), new GraphEdge(source, destination, tally, before?.edge(from, to)));
    }
    this.nodes = Object.freeze([...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1)));
    this.edges = Object.freeze([...byEnds.values()].sort(byIds));
    this.meta = Object.freeze(meta);
    this.before = before;
    this.#nodes = byId;
    this.#edges = byEnds;
    Object.freeze(this);
  }

  /**
   * The node of that id, or `undefined`: `"frontend.default"`, in a graph by version `"backend.default:v2"`, for a
   * service of which no workload is known `"ghost.default.svc"`, for a host outside the mesh its name; with
   * `"@cluster"` behind it where the graph has several clusters.
   */
  node(id: string): GraphNode | undefined {
    return this.#nodes.get(id);
  }

  /** The edge between the nodes of these ids, or `undefined`. */
  edge(from: string, to: string): GraphEdge | undefined {
    return this.#edges.get(keyOf(from, to));
  }

  /**
   * The ways that calls can take from one node to another without passing a node twice, the shortest first.
   *
   * @throws {QueryError} `code: "scope"` when the graph has no node of that id
   */
  paths(from: string, to: string, options: PathOptions = {}): GraphPaths {
    return pathsBetween(this, from, to, options);
  }

  /**
   * Where the time goes: the nodes by the time that they spend themselves, per second of the whole mesh.
   *
   * A node's own time is the mean of what it was asked, less the time of the calls that it made. Calls made side by side
   * count as if one waited for the other, so it is the least that can be told, and never below 0.
   */
  bottlenecks(): readonly Bottleneck[] {
    return bottlenecksOf(this);
  }

  /** What changed since the earlier window; `undefined` where `against` did not ask for one. */
  get changes(): GraphDiff | undefined {
    return this.before && diff(this.before, this);
  }

  /** The graph as a flowchart of Mermaid. */
  toMermaid(): string {
    return printMermaid(this);
  }

  /** The graph as a digraph of Graphviz. */
  toDOT(): string {
    return printDot(this);
  }

  /** The graph as plain data in a stable form: see {@link GraphJson}. */
  toJSON(): GraphJson {
    return graphJson(this);
  }

  /** The drawing as SVG: a file of its own, light or dark as its reader has it. */
  toSVG(): string {
    return graphSvg(this);
  }

  /** The drawing as Vega-Lite 5, with its data in it: edges with their figures, those on which requests fail red. */
  toVegaLite(): VegaLiteSpec {
    return graphVegaLite(this);
  }

  /** A row for each edge. */
  toTable(): Table {
    return edgesTable(this.edges);
  }

  toView(): View {
    const { nodes, edges, meta } = this;
    const drawing = graphDrawing(this);
    return {
      title: `Calls from ${formatInstant(meta.fromMs)} to ${formatInstant(meta.toMs)}`,
      parts: [
        linesPart({
          text: `${nodes.length} nodes and ${edges.length} edges, each request counted once`,
          tone: "quiet",
        }),
        drawing === undefined
          ? linesPart({ text: "So many nodes are not drawn: see the table." })
          : { kind: "drawing", drawing },
        tablePart(this.toTable()),
      ],
      notes: qualityNotes(meta),
    };
  }

  /** The edges as a table for a terminal, with what a reader must know beside it. */
  override toString(): string {
    const { nodes, edges, meta } = this;
    const span = `${formatInstant(meta.fromMs)} to ${formatInstant(meta.toMs)}`;
    const sum = `${nodes.length} nodes and ${edges.length} edges from ${span}, in ${meta.requests} requests`;
    return textOf({ parts: [tablePart(this.toTable())], notes: [{ text: sum }, ...qualityNotes(meta)] });
  }

  override [INSPECT](): string {
    return this.toString();
  }
}

const keyOf = (from: string, to: string): string => `${from}\n${to}`;

const byIds = (a: GraphEdge, b: GraphEdge): number =>
  a.from.id === b.from.id ? (a.to.id < b.to.id ? -1 : 1) : a.from.id < b.from.id ? -1 : 1;
