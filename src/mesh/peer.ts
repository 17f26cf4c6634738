import { QueryError } from "../errors.ts";
import { type Matcher, matcher } from "../promql/index.ts";
import { shown } from "../time.ts";

/** One end of a call: whatever is known of it. All that is given must hold. */
export interface Peer {
  /** The workload's name, such as a Deployment's. */
  readonly workload?: string | undefined;
  readonly namespace?: string | undefined;
  /**
   * The service by its name, or by its name in the cluster's DNS (`"backend.default.svc.cluster.local"`), which gives
   * the namespace too. As the caller's end it is the canonical service, since a request has no service on that side.
   */
  readonly service?: string | undefined;
  /** The host that was called as Istio resolved it, such as `"api.example.org"` outside the mesh. */
  readonly host?: string | undefined;
  readonly app?: string | undefined;
  readonly version?: string | undefined;
  readonly cluster?: string | undefined;
  /** The identity as its certificate says it: `"spiffe://cluster.local/ns/default/sa/frontend"`. */
  readonly principal?: string | undefined;
}

const FIELDS: ReadonlySet<string> = new Set([
  "app",
  "cluster",
  "host",
  "namespace",
  "principal",
  "service",
  "version",
  "workload",
] satisfies (keyof Peer)[]);

/**
 * A peer from `"workload"`, `"workload.namespace"` or an object.
 *
 * @param kind what a text names: a workload, a service or a namespace
 * @throws {QueryError} `code: "scope"` when nothing, or nothing that can be meant, is named
 */
export function peerOf(peer: Peer | string, kind: "namespace" | "service" | "workload", what: string): Peer {
  if (typeof peer === "string") return namedPeer(peer, kind, what);
  if (typeof peer !== "object" || peer === null || Array.isArray(peer)) {
    throw new QueryError("scope", `${what}: ${shown(peer)} names no ${kind}; write "${kind}" or { ${kind}: "name" }`);
  }
  for (const [field, value] of Object.entries(peer)) {
    if (!FIELDS.has(field)) {
      throw new QueryError("scope", `${what}: "${field}" is no part of a peer; there are ${[...FIELDS].join(", ")}`);
    }
    if (value !== undefined && (typeof value !== "string" || value === "")) {
      throw new QueryError("scope", `${what}: ${field} is ${shown(value)}; write its name, or leave it out`);
    }
  }
  return Object.freeze({ ...peer, ...(peer.service !== undefined && serviceOf(peer.service, peer.namespace, what)) });
}

function namedPeer(name: string, kind: "namespace" | "service" | "workload", what: string): Peer {
  if (name.trim() === "") throw new QueryError("scope", `${what}: the name is empty; write the ${kind}'s name`);
  if (kind === "namespace") return Object.freeze({ namespace: name });
  if (kind === "service") return Object.freeze(serviceOf(name, undefined, what));
  if (/\.svc(\.|$)/.test(name)) {
    throw new QueryError(
      "scope",
      `${what}: ${shown(name)} is a service's name; write { service: ${JSON.stringify(name)} }`,
    );
  }
  // A namespace has no dot in its name, a workload may: the last dot parts them.
  const dot = name.lastIndexOf(".");
  if (dot < 0) return Object.freeze({ workload: name });
  if (dot === 0 || dot === name.length - 1) {
    throw new QueryError("scope", `${what}: ${shown(name)} is not "workload" and not "workload.namespace"`);
  }
  return Object.freeze({ workload: name.slice(0, dot), namespace: name.slice(dot + 1) });
}

/** `"name"`, `"name.namespace"` or `"name.namespace.svc.domain"`. */
function serviceOf(name: string, namespace: string | undefined, what: string): Peer {
  const [service, own, svc, ...rest] = name.split(".");
  if (own === undefined && service !== undefined)
    return { service: name, ...(namespace !== undefined && { namespace }) };
  if (service === "" || own === "" || own === undefined || (svc !== undefined && svc !== "svc") || rest.includes("")) {
    throw new QueryError(
      "scope",
      `${what}: ${shown(name)} is not "service", "service.namespace" or "service.namespace.svc.cluster.local"; ` +
        `for a host outside the mesh write { host: ${JSON.stringify(name)} }`,
    );
  }
  if (namespace !== undefined && namespace !== own) {
    throw new QueryError(
      "scope",
      `${what}: the service is of namespace ${shown(own)} and of ${shown(namespace)}; write one`,
    );
  }
  return { service: service ?? name, namespace: own };
}

/** Whether nothing at all is said of the peer. */
export function isAnyone(peer: Peer): boolean {
  for (const field in peer) if (peer[field as keyof Peer] !== undefined) return false;
  return true;
}

/**
 * Refuses what says nothing of a caller, which would otherwise be anyone.
 *
 * @throws {QueryError} `code: "scope"` for a host
 */
export function checkCaller(peer: Peer | undefined, what: string): void {
  if (peer?.host === undefined) return;
  throw new QueryError(
    "scope",
    `${what}: a host is what was called, not who calls; name the caller by workload, service, app or principal`,
  );
}

/** Adds the matchers of a peer as the side that called. */
export function addSource(matchers: Matcher[], peer: Peer): void {
  equal(matchers, "source_workload", peer.workload);
  equal(matchers, "source_canonical_service", peer.service);
  equal(matchers, "source_workload_namespace", peer.namespace);
  equal(matchers, "source_app", peer.app);
  equal(matchers, "source_version", peer.version);
  equal(matchers, "source_cluster", peer.cluster);
  equal(matchers, "source_principal", peer.principal);
}

/**
 * Adds the matchers of a peer as the side that was called.
 *
 * A namespace is the service's where only the service is named, or where the caller reports: it knows the service
 * even when no workload answered.
 */
export function addDestination(matchers: Matcher[], peer: Peer, reporter: string | undefined): void {
  const byService = peer.workload === undefined && (peer.service !== undefined || reporter === "source");
  equal(matchers, "destination_workload", peer.workload);
  equal(matchers, "destination_service_name", peer.service);
  equal(matchers, "destination_service", peer.host);
  equal(matchers, byService ? "destination_service_namespace" : "destination_workload_namespace", peer.namespace);
  equal(matchers, "destination_app", peer.app);
  equal(matchers, "destination_version", peer.version);
  equal(matchers, "destination_cluster", peer.cluster);
  equal(matchers, "destination_principal", peer.principal);
}

/** Adds a matcher for what is named; a list of pairs instead would cost a fifth of what a query takes to build. */
function equal(matchers: Matcher[], label: string, value: string | undefined): void {
  if (value !== undefined) matchers.push(matcher(label, "=", value));
}
