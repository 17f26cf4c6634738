import type { Hop, HopDestination, HopEnd } from "./hop.ts";
import { serviceOfHost } from "./upstream-cluster.ts";

/** What is asked of one end of a call. All that is given must hold. */
export interface PeerLike {
  readonly workload?: string | undefined;
  readonly namespace?: string | undefined;
  readonly service?: string | undefined;
  readonly host?: string | undefined;
  readonly app?: string | undefined;
  readonly version?: string | undefined;
  readonly cluster?: string | undefined;
  readonly principal?: string | undefined;
}

/**
 * Whether the hop is a call from `source` to `destination`; an end that is left out may be anything.
 *
 * Names are compared whole: `web` is not `web-admin`. A called service is the one in the called host or the canonical
 * one of the workload that answered, each with its own namespace. What a hop does not show matches no condition.
 */
export function matchesEdge(hop: Hop, source?: PeerLike, destination?: PeerLike): boolean {
  return (
    (source === undefined || isSource(hop.source, source)) &&
    (destination === undefined || isDestination(hop.destination, destination))
  );
}

function isSource(end: HopEnd, peer: PeerLike): boolean {
  // A caller is not called by a host.
  return (
    peer.host === undefined &&
    isWorkload(end, peer) &&
    holds(end.namespace, peer.namespace) &&
    holds(end.service, peer.service)
  );
}

function isDestination(end: HopDestination, peer: PeerLike): boolean {
  if (!isWorkload(end, peer) || !holds(end.host, peer.host?.toLowerCase())) return false;
  const called = end.host === undefined ? undefined : serviceOfHost(end.host);
  if (peer.service === undefined) {
    return holds(end.namespace, peer.namespace);
  }
  const isCalled = called?.service === peer.service && holds(called.namespace ?? end.namespace, peer.namespace);
  return isCalled || (end.service === peer.service && holds(end.namespace, peer.namespace));
}

const isWorkload = (end: HopEnd, peer: PeerLike): boolean =>
  holds(end.workload, peer.workload) &&
  holds(end.app, peer.app) &&
  holds(end.version, peer.version) &&
  holds(end.cluster, peer.cluster) &&
  holds(end.principal, peer.principal);

const holds = (fact: string | undefined, condition: string | undefined): boolean =>
  condition === undefined || fact === condition;
