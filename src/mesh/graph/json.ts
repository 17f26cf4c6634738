import { formatInstant } from "../../time.ts";
import type { Figures, TcpFigures } from "./figures.ts";
import type { GraphGrouping, GraphNodeKind } from "./node.ts";
import type { GraphEdge, GraphNode, GraphParts } from "./part.ts";

/**
 * A graph as plain data. Fields may be added; none changes its meaning while `version` is 1. Rates are per second,
 * shares from 0 to 1, durations milliseconds; what is not known is left out.
 */
export interface GraphJson {
  readonly version: 1;
  readonly groupBy: GraphGrouping;
  /** ISO text. */
  readonly from: string;
  readonly to: string;
  readonly complete: boolean;
  readonly warnings: readonly string[];
  readonly nodes: readonly GraphNodeJson[];
  readonly edges: readonly GraphEdgeJson[];
}

/** A node of {@link GraphJson}. */
export interface GraphNodeJson {
  readonly id: string;
  readonly kind: GraphNodeKind;
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly cluster?: string | undefined;
  readonly version?: string | undefined;
  readonly inMesh?: boolean | undefined;
}

/** What {@link GraphJson} tells of an edge's traffic. */
export interface FiguresJson {
  readonly rate: number;
  readonly errors: number;
  readonly lost: number;
  readonly grpc: number;
  readonly success?: number | undefined;
  readonly sent?: number | undefined;
  readonly received?: number | undefined;
  readonly codes: Readonly<Record<string, number>>;
  readonly grpcStatuses: Readonly<Record<string, number>>;
  readonly flags: Readonly<Record<string, number>>;
  readonly latencyMs?:
    | { readonly p50: number; readonly p90: number; readonly p99: number; readonly mean: number }
    | undefined;
  readonly mutualTls: { readonly requests?: number | undefined; readonly connections?: number | undefined };
  readonly messages: { readonly sent: number; readonly received: number };
  readonly bytes: { readonly request: number; readonly response: number };
  readonly tcp?: TcpFigures | undefined;
}

/** An edge of {@link GraphJson}. */
export interface GraphEdgeJson extends FiguresJson {
  /** Ids of nodes. */
  readonly from: string;
  readonly to: string;
  readonly before?: FiguresJson | undefined;
}

export function graphJson({ nodes, edges, meta }: GraphParts): GraphJson {
  return {
    version: 1,
    groupBy: meta.groupBy,
    from: formatInstant(meta.fromMs),
    to: formatInstant(meta.toMs),
    complete: meta.complete,
    warnings: meta.warnings,
    nodes: nodes.map(nodeJson),
    edges: edges.map(edgeJson),
  };
}

const nodeJson = ({ id, kind, name, namespace, cluster, version, inMesh }: GraphNode): GraphNodeJson =>
  told({ id, kind, name, namespace, cluster, version, inMesh });

function edgeJson(edge: GraphEdge): GraphEdgeJson {
  const { from, to, before } = edge;
  return told({ from: from.id, to: to.id, ...figuresJson(edge), before: before && figuresJson(before) });
}

function figuresJson(figures: Figures): FiguresJson {
  const { rate, errors, lost, grpc, success, sent, received, messages, bytes, tcp } = figures;
  return told({
    rate,
    errors,
    lost,
    grpc,
    success,
    sent,
    received,
    codes: Object.fromEntries(figures.codes),
    grpcStatuses: Object.fromEntries(figures.grpcStatuses),
    flags: Object.fromEntries(figures.flags),
    latencyMs: latencyJson(figures),
    mutualTls: told(figures.mutualTls),
    messages,
    bytes,
    tcp,
  });
}

function latencyJson(figures: Figures): FiguresJson["latencyMs"] {
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((quantile) => figures.latency(quantile));
  const mean = figures.meanMs;
  if (p50 === undefined || p90 === undefined || p99 === undefined || mean === undefined) return undefined;
  return { p50, p90, p99, mean };
}

/** The same without what is not known. */
const told = <T extends object>(given: T): T =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;
