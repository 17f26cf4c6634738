import type { GraphNodeKind } from "../graph/node.ts";

/** One end of calls, as its labels name it. */
export interface IdentityPeer {
  /** `"frontend.default"`; `"unknown"` for a caller without a name. */
  readonly id: string;
  readonly kind: GraphNodeKind;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly cluster: string | undefined;
}

/** How calls were secured, per second. What nobody can tell is `unknown`, and is never counted as plaintext. */
export interface Security {
  readonly mutualTls: number;
  readonly plaintext: number;
  readonly unknown: number;
  /** The share under mutual TLS of what is known, from 0 to 1; `undefined` where nothing is. */
  readonly share: number | undefined;
}

/** An identity, as certificates showed it, and how often it was seen. */
export interface SeenPrincipal {
  /** `"spiffe://cluster.local/ns/default/sa/frontend"`. */
  readonly principal: string;
  /** Requests per second. */
  readonly requests: number;
  /** TCP connections per second. */
  readonly connections: number;
}

/** Who called whom along one edge, by their certificates. */
export interface IdentityEdge {
  readonly from: IdentityPeer;
  readonly to: IdentityPeer;
  readonly requests: Security;
  readonly connections: Security;
  /** The callers' identities, the most frequent first; none for plaintext. */
  readonly principals: readonly SeenPrincipal[];
  /** The identities under which the callee answered, likewise. */
  readonly answeredAs: readonly SeenPrincipal[];
}

/** How calls were secured, from their rates. */
export function securityOf(mutualTls: number, plaintext: number, unknown: number): Security {
  const known = mutualTls + plaintext;
  return Object.freeze({ mutualTls, plaintext, unknown, share: known > 0 ? mutualTls / known : undefined });
}

/** Sightings of the same identity as one, the most frequent first. */
export function joined(seen: readonly SeenPrincipal[]): readonly SeenPrincipal[] {
  const byName = new Map<string, SeenPrincipal>();
  for (const { principal, requests, connections } of seen) {
    const known = byName.get(principal);
    byName.set(principal, {
      principal,
      requests: requests + (known?.requests ?? 0),
      connections: connections + (known?.connections ?? 0),
    });
  }
  return Object.freeze([...byName.values()].sort((a, b) => b.requests + b.connections - a.requests - a.connections));
}
