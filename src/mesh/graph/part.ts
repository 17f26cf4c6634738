import type { ResolvedSpan } from "../../time.ts";
import { Figures, type Tally } from "./figures.ts";
import type { FoldedNode } from "./fold.ts";
import type { GraphGrouping, GraphNodeKind } from "./node.ts";

/** Where a graph comes from, and how far it can be trusted. */
export interface GraphMeta extends ResolvedSpan {
  readonly backend: string;
  readonly groupBy: GraphGrouping;
  /** The texts of the questions, in the order they were asked. */
  readonly promql: readonly string[];
  /** How many requests it took, those for the earlier window included. */
  readonly requests: number;
  readonly complete: boolean;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly tookMs: number;
}

/** The traffic of one end: what it was sent, or what it sent. */
export class EndTraffic extends Figures {
  constructor(tally: Tally) {
    super(tally);
    Object.freeze(this);
  }
}

/** One end of calls: a workload, an app, a version, a service, or whatever stands in for one. */
export class GraphNode {
  /** Unique within the graph: see {@link Graph.node}. */
  readonly id: string;
  readonly kind: GraphNodeKind;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly cluster: string | undefined;
  /** The version, in a graph by version. */
  readonly version: string | undefined;
  /** Whether a proxy of its own reports: `false` outside the mesh, `undefined` where nothing tells. */
  readonly inMesh: boolean | undefined;
  /** What was sent to it. */
  readonly inbound: Figures;
  /** What it sent. */
  readonly outbound: Figures;

  constructor({ id, name, inMesh }: FoldedNode, inbound: Tally, outbound: Tally) {
    this.id = id;
    this.kind = name.kind;
    this.name = name.name;
    this.namespace = name.namespace;
    this.cluster = name.cluster;
    this.version = name.version;
    this.inMesh = inMesh;
    this.inbound = new EndTraffic(inbound);
    this.outbound = new EndTraffic(outbound);
    Object.freeze(this);
  }
}

/** The calls from one node to another. */
export class GraphEdge extends Figures {
  readonly from: GraphNode;
  readonly to: GraphNode;
  /** The same calls in the earlier window, where one was asked for and there were any. */
  readonly before: Figures | undefined;

  constructor(from: GraphNode, to: GraphNode, tally: Tally, before: Figures | undefined) {
    super(tally);
    this.from = from;
    this.to = to;
    this.before = before;
    Object.freeze(this);
  }
}

/** What a graph is made of. */
export interface GraphParts {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly meta: GraphMeta;
}
