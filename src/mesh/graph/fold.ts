import type { NativeHistogram, VectorData } from "../../metrics/backend.ts";
import { type LabelSet, labelValue } from "../../results/labels.ts";
import { noDurations } from "./durations.ts";
import { add, addTally, newTally, type Tally } from "./figures.ts";
import { destinationName, type GraphGrouping, type NodeName, nodeId, severalClusters, sourceName } from "./node.ts";
import { END_LABELS, isVolume, SUM, VOLUME_LABEL, type Volume } from "./questions.ts";

/** The answers to a graph's questions. */
export interface GraphAnswers {
  readonly requests: VectorData;
  readonly durations: VectorData;
  readonly volumes: VectorData;
}

/** What a node and the traffic along an edge came to. */
export interface FoldedNode {
  readonly id: string;
  readonly name: NodeName;
  /** Whether its own proxy reports; `undefined` where nothing tells. */
  readonly inMesh: boolean | undefined;
}

export interface FoldedEdge {
  readonly from: string;
  readonly to: string;
  readonly tally: Tally;
}

export interface Folded {
  readonly nodes: readonly FoldedNode[];
  readonly edges: readonly FoldedEdge[];
  /** What a reader must know of how it was counted. */
  readonly notes: readonly string[];
}

/** How rows become edges. */
export interface FoldRules {
  readonly grouping: GraphGrouping;
  readonly hasFailed: (labels: LabelSet) => boolean;
}

/** Everything that one side's proxies said of one edge. */
interface SideView {
  readonly requests: Tally;
  /** Requests that never arrived, which only a caller's proxy knows. */
  readonly lost: Tally;
  /** By the series that they were kept as, since each may have bounds of its own. */
  readonly histograms: Map<string, Map<number, number>>;
  sumMs: number;
  readonly volumes: Map<Volume, number>;
}

interface EdgeView {
  readonly from: string;
  readonly to: string;
  caller: SideView | undefined;
  callee: SideView | undefined;
  /** Whether a waypoint between the two reports. */
  hasWaypoint: boolean;
  /** Volumes that ztunnel counted, which a waypoint's requests may be part of. */
  readonly tunnel: { caller: SideView | undefined; callee: SideView | undefined };
}

/**
 * Joins what callers' and callees' proxies said into edges on which each request counts once: as its callee's side saw
 * it, where that reports, with those that never arrived added from the caller's; else as the caller saw it.
 */
export function fold(answers: GraphAnswers, rules: FoldRules): Folded {
  const folding = new Folding(rules, severalClusters([answers.requests, answers.volumes]));
  folding.requests(answers.requests);
  folding.durations(answers.durations);
  folding.volumes(answers.volumes);
  return folding.result();
}

/** Requests that their caller's proxy did not send, or for which it found nobody. */
const NEVER_SENT = new Set(["DF", "DO", "FI", "IH", "NC", "NR", "OM", "RL", "RLSE", "UAEX", "UDO", "UF", "UH", "UO"]);

/** Whether a caller's proxy says by its flags that the request found nobody. */
export const neverArrived = (flags: string): boolean => flags.split(",").some((flag) => NEVER_SENT.has(flag));

class Folding {
  readonly #rules: FoldRules;
  readonly #severalClusters: boolean;
  readonly #nodes = new Map<string, NodeName>();
  readonly #edges = new Map<string, EdgeView>();
  /** The edges by the labels of their ends, so that names are made once of many rows. */
  readonly #byEnds = new Map<string, EdgeView>();
  /** Nodes whose own proxy was heard. */
  readonly #heard = new Set<string>();

  constructor(rules: FoldRules, severalClusters: boolean) {
    this.#rules = rules;
    this.#severalClusters = severalClusters;
  }

  requests({ labels, values }: VectorData): void {
    for (const [i, row] of labels.entries()) {
      const rate = values[i] as number;
      if (!(rate > 0)) continue;
      const edge = this.#edge(row);
      const reporter = labelValue(row, "reporter");
      if (reporter === "waypoint") edge.hasWaypoint = true;
      const flags = labelValue(row, "response_flags");
      const view = sideOf(edge, reporter);
      addRequests(reporter === "source" && neverArrived(flags) ? view.lost : view.requests, row, {
        rate,
        flags,
        hasFailed: this.#rules.hasFailed(row),
      });
    }
  }

  durations({ labels, values, histograms: native = NONE }: VectorData): void {
    for (const [i, row] of labels.entries()) {
      const value = values[i] as number;
      const bound = labelValue(row, "le");
      // Histograms are kept of edges that were idle, too: those have no requests.
      const ends = endsOf(row);
      const edge = this.#byEnds.get(ends);
      if (edge === undefined || native.has(i) || Number.isNaN(value)) continue;
      const view = sideOf(edge, labelValue(row, "reporter"));
      if (bound === SUM) view.sumMs += value;
      else {
        const histogram = histogramIn(view, ends, row);
        // Prometheus 3 writes 1000.0 where others write 1000: bounds are numbers.
        histogram.set(boundOf(bound), (histogram.get(boundOf(bound)) ?? 0) + value);
      }
    }
    for (const [i, { sum, count, buckets }] of native) {
      const row = labels[i] ?? {};
      const ends = endsOf(row);
      const edge = this.#byEnds.get(ends);
      const view = edge && sideOf(edge, labelValue(row, "reporter"));
      // Where both forms are kept they are of the same requests.
      if (view === undefined || view.histograms.has(seriesOf(ends, row))) continue;
      const histogram = histogramIn(view, ends, row);
      view.sumMs += sum;
      let below = 0;
      for (const { upper, count: within } of buckets) {
        below += within;
        histogram.set(upper, below);
      }
      histogram.set(Number.POSITIVE_INFINITY, count);
    }
  }

  volumes({ labels, values, histograms: native = NONE }: VectorData): void {
    for (const [i, row] of labels.entries()) {
      const value = native.get(i)?.sum ?? (values[i] as number);
      const volume = labelValue(row, VOLUME_LABEL);
      if (!(value > 0) || !isVolume(volume)) continue;
      const edge = this.#edge(row);
      const isTunnel = labelValue(row, "app") === "ztunnel";
      const view = sideOf(isTunnel ? edge.tunnel : edge, labelValue(row, "reporter"));
      view.volumes.set(volume, (view.volumes.get(volume) ?? 0) + value);
      if (volume === "opened") addSecurity(view.requests, "Connections", row, value);
    }
  }

  result(): Folded {
    const edges: FoldedEdge[] = [];
    let folded = 0;
    for (const edge of this.#edges.values()) {
      const isTransport = edge.hasWaypoint || this.#isWaypoint(edge.from) || this.#isWaypoint(edge.to);
      if (isTransport && (edge.tunnel.caller ?? edge.tunnel.callee) !== undefined) folded++;
      const tally = tallyOf(isTransport ? edge : withTunnel(edge));
      if (tally !== undefined) edges.push({ from: edge.from, to: edge.to, tally });
    }
    const used = new Set(edges.flatMap(({ from, to }) => [from, to]));
    const silent = this.#silent();
    const inMesh = (id: string, { kind }: NodeName): boolean | undefined => {
      if (kind === "unknown" || kind === "blackhole") return undefined;
      if (kind === "external" || kind === "passthrough" || silent.has(id)) return false;
      return this.#heard.has(id) || undefined;
    };
    const nodes = Array.from(this.#nodes, ([id, name]) => ({ id, name, inMesh: inMesh(id, name) }));
    const notes =
      folded === 0
        ? []
        : [`${folded} connections between ztunnel and waypoints carry requests that are counted already`];
    return { nodes: nodes.filter(({ id }) => used.has(id)), edges, notes };
  }

  #isWaypoint(id: string): boolean {
    return this.#nodes.get(id)?.kind === "waypoint";
  }

  /** Nodes that answered callers, though no proxy of their own ever spoke of it. */
  #silent(): ReadonlySet<string> {
    const silent = new Set<string>();
    for (const { to, caller } of this.#edges.values()) {
      if (!this.#heard.has(to) && caller !== undefined && hasAnswered(caller)) silent.add(to);
    }
    return silent;
  }

  #edge(row: LabelSet): EdgeView {
    const ends = endsOf(row);
    let edge = this.#byEnds.get(ends);
    if (edge === undefined) {
      edge = this.#named(row);
      this.#byEnds.set(ends, edge);
    }
    this.#heard.add(labelValue(row, "reporter") === "source" ? edge.from : edge.to);
    return edge;
  }

  #named(row: LabelSet): EdgeView {
    const { grouping } = this.#rules;
    const from = this.#node(sourceName(row, grouping));
    const to = this.#node(destinationName(row, grouping));
    const key = `${from}\n${to}`;
    let edge = this.#edges.get(key);
    if (edge === undefined) {
      edge = {
        from,
        to,
        caller: undefined,
        callee: undefined,
        hasWaypoint: false,
        tunnel: { caller: undefined, callee: undefined },
      };
      this.#edges.set(key, edge);
    }
    return edge;
  }

  #node(name: NodeName): string {
    const id = nodeId(name, this.#severalClusters);
    if (!this.#nodes.has(id)) this.#nodes.set(id, name);
    return id;
  }
}

/** The labels of both ends in one text. */
function endsOf(row: LabelSet): string {
  let ends = "";
  for (const label of END_LABELS) ends += `${row[label] ?? ""}\n`;
  return ends;
}

const NONE: ReadonlyMap<number, NativeHistogram> = new Map();

const seriesOf = (ends: string, row: LabelSet): string => `${labelValue(row, "reporter")}\n${ends}`;

function histogramIn({ histograms }: SideView, ends: string, row: LabelSet): Map<number, number> {
  const series = seriesOf(ends, row);
  const histogram = histograms.get(series) ?? new Map<number, number>();
  histograms.set(series, histogram);
  return histogram;
}

const boundOf = (text: string): number => (text === "+Inf" ? Number.POSITIVE_INFINITY : Number(text));

function sideOf(edge: Pick<EdgeView, "callee" | "caller">, reporter: string): SideView {
  const side = reporter === "source" ? "caller" : "callee";
  edge[side] ??= { requests: newTally(), lost: newTally(), histograms: new Map(), sumMs: 0, volumes: new Map() };
  return edge[side];
}

interface Row {
  readonly rate: number;
  readonly flags: string;
  readonly hasFailed: boolean;
}

function addRequests(tally: Tally, labels: LabelSet, { rate, flags, hasFailed }: Row): void {
  tally.rate += rate;
  if (hasFailed) tally.errors += rate;
  if (labelValue(labels, "request_protocol") === "grpc") tally.grpc += rate;
  add(tally.codes, labelValue(labels, "response_code"), rate);
  const status = labelValue(labels, "grpc_response_status");
  if (status !== "") add(tally.grpcStatuses, status, rate);
  if (flags !== "" && flags !== "-") add(tally.flags, flags, rate);
  addSecurity(tally, "", labels, rate);
}

/** What is not known of is counted neither way. */
function addSecurity(tally: Tally, kind: "" | "Connections", labels: LabelSet, rate: number): void {
  const policy = labelValue(labels, "connection_security_policy");
  if (policy === "mutual_tls") tally[`secure${kind}`] += rate;
  else if (policy === "none") tally[`insecure${kind}`] += rate;
}

const hasAnswered = ({ requests, volumes }: SideView): boolean => requests.rate > 0 || volumes.size > 0;

/** The edge with what ztunnel says of it, where nobody else speaks of its connections. */
function withTunnel(edge: EdgeView): EdgeView {
  const { tunnel } = edge;
  return { ...edge, caller: edge.caller ?? tunnel.caller, callee: edge.callee ?? tunnel.callee };
}

function tallyOf({ caller, callee }: EdgeView): Tally | undefined {
  const tally = newTally();
  const heard = callee !== undefined && callee.requests.rate > 0 ? callee : caller;
  if (heard !== undefined) {
    addTally(tally, heard.requests);
    tally.durations.histograms.push(...heard.histograms.values());
    tally.durations.sumMs += heard.sumMs;
  }
  if (caller !== undefined) {
    addTally(tally, { ...caller.lost, durations: noDurations() });
    tally.lost = caller.lost.rate;
  }
  const sent = (caller?.requests.rate ?? 0) + (caller?.lost.rate ?? 0);
  if (sent > 0) tally.sent = sent;
  if (callee !== undefined && callee.requests.rate > 0) tally.received = callee.requests.rate;
  addVolumes(tally, caller, callee);
  const hasTraffic = tally.rate + tally.opened + tally.closed + tally.tcpSent + tally.tcpReceived > 0;
  return hasTraffic ? tally : undefined;
}

const TALLIED = {
  opened: "opened",
  closed: "closed",
  sent: "tcpSent",
  received: "tcpReceived",
  messagesSent: "messagesSent",
  messagesReceived: "messagesReceived",
  requestBytes: "requestBytes",
  responseBytes: "responseBytes",
} as const satisfies Readonly<Record<Volume, keyof Tally>>;

function addVolumes(tally: Tally, caller: SideView | undefined, callee: SideView | undefined): void {
  for (const [volume, field] of Object.entries(TALLIED) as readonly [Volume, (typeof TALLIED)[Volume]][]) {
    tally[field] = callee?.volumes.get(volume) ?? caller?.volumes.get(volume) ?? 0;
  }
  const told = callee !== undefined && knowsConnections(callee) ? callee : caller;
  tally.secureConnections = told?.requests.secureConnections ?? 0;
  tally.insecureConnections = told?.requests.insecureConnections ?? 0;
}

const knowsConnections = ({ requests }: SideView): boolean =>
  requests.secureConnections + requests.insecureConnections > 0;
