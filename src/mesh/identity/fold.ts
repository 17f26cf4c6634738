import type { VectorData } from "../../metrics/backend.ts";
import { type LabelSet, labelValue } from "../../results/labels.ts";
import { destinationName, known, type NodeName, nodeId, severalClusters, sourceName } from "../graph/node.ts";
import { type IdentityEdge, type IdentityPeer, joined, type SeenPrincipal, securityOf } from "./edge.ts";

/** What is counted: requests, or TCP connections. */
type Counted = "connections" | "requests";

interface Tally {
  mutualTls: number;
  plaintext: number;
  /** Calls of which the reporter does not know. */
  untold: number;
  readonly principals: SeenPrincipal[];
  readonly answeredAs: SeenPrincipal[];
}

interface View {
  readonly requests: Tally;
  readonly connections: Tally;
}

interface Folding {
  readonly from: IdentityPeer;
  readonly to: IdentityPeer;
  /** By callees' proxies and waypoints, and by callers' proxies. */
  readonly callee: View;
  readonly caller: View;
}

/**
 * Edges with what is known of each, from the rates of requests and of connections. The callee's side is read where it
 * reports; what the caller's proxy alone counted is not known, but where it says mutual TLS itself, as ztunnel does.
 */
export function foldIdentities(requests: VectorData, connections: VectorData): readonly IdentityEdge[] {
  const edges = new Map<string, Folding>();
  const clusters = severalClusters([requests, connections]);
  addAll(edges, requests, "requests", clusters);
  addAll(edges, connections, "connections", clusters);
  return [...edges.values()]
    .map(edgeOf)
    .sort((a, b) => compare(`${a.from.id}\n${a.to.id}`, `${b.from.id}\n${b.to.id}`));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function addAll(
  edges: Map<string, Folding>,
  { labels, values }: VectorData,
  counted: Counted,
  clusters: boolean,
): void {
  for (const [i, row] of labels.entries()) {
    const rate = values[i] as number;
    if (!(rate > 0)) continue;
    const edge = edgeFor(edges, row, clusters);
    const isCaller = labelValue(row, "reporter") === "source";
    const tally = edge[isCaller ? "caller" : "callee"][counted];
    const policy = labelValue(row, "connection_security_policy");
    if (policy === "mutual_tls") tally.mutualTls += rate;
    else if (policy === "none") tally.plaintext += rate;
    else tally.untold += rate;
    if (isCaller && policy !== "mutual_tls") continue;
    const seen = { requests: 0, connections: 0, [counted]: rate };
    const caller = known(row, "source_principal");
    if (caller !== undefined) tally.principals.push({ ...seen, principal: caller });
    const callee = known(row, "destination_principal");
    if (callee !== undefined) tally.answeredAs.push({ ...seen, principal: callee });
  }
}

function edgeFor(edges: Map<string, Folding>, row: LabelSet, clusters: boolean): Folding {
  const from = peerOf(sourceName(row, "workload"), clusters);
  const to = peerOf(destinationName(row, "workload"), clusters);
  const key = `${from.id}\n${to.id}`;
  let edge = edges.get(key);
  if (edge === undefined) {
    edge = { from, to, callee: newView(), caller: newView() };
    edges.set(key, edge);
  }
  return edge;
}

const newTally = (): Tally => ({ mutualTls: 0, plaintext: 0, untold: 0, principals: [], answeredAs: [] });
const newView = (): View => ({ requests: newTally(), connections: newTally() });

function peerOf(name: NodeName, clusters: boolean): IdentityPeer {
  const { kind, namespace, cluster } = name;
  return Object.freeze({ id: nodeId(name, clusters), kind, name: name.name, namespace, cluster });
}

function edgeOf({ from, to, callee, caller }: Folding): IdentityEdge {
  const heard = (counted: Counted) => (isHeard(callee[counted]) ? callee[counted] : caller[counted]);
  const [requests, connections] = [heard("requests"), heard("connections")];
  return Object.freeze({
    from,
    to,
    requests: securityOf(requests.mutualTls, requests.plaintext, requests.untold),
    connections: securityOf(connections.mutualTls, connections.plaintext, connections.untold),
    principals: joined([...requests.principals, ...connections.principals]),
    answeredAs: joined([...requests.answeredAs, ...connections.answeredAs]),
  });
}

const isHeard = ({ mutualTls, plaintext, untold }: Tally): boolean => mutualTls + plaintext + untold > 0;
