import { decimal } from "./fields.ts";

/** Where a proxy sent a request, as the name of its Envoy cluster says it. */
export interface Cluster {
  /**
   * `outbound`: called through the caller's proxy. `inbound`: to the app beside the proxy. `inbound-vip`: to a service
   * through its waypoint. `passthrough`: to a host that the mesh does not know. `black-hole`: nowhere.
   */
  readonly direction: "black-hole" | "inbound" | "inbound-vip" | "other" | "outbound" | "passthrough";
  readonly port: number | undefined;
  readonly subset: string | undefined;
  /** The host as the mesh knows it; IPv6 without brackets. */
  readonly host: string | undefined;
  /** Whether the name has the form of gateways that pass TLS through, `outbound_.443_._.host`. */
  readonly passesTls: boolean;
  readonly name: string;
}

/**
 * Reads `outbound|9080|v1|reviews.default.svc.cluster.local` and Istio's other names of clusters.
 *
 * A name that Istio did not make is `other`: nothing follows from it.
 *
 * @see Istio, `BuildSubsetKey` and `BuildDNSSrvSubsetKey` in pilot/pkg/model/service.go
 */
export function parseCluster(name: string): Cluster {
  const outbound = name.indexOf("outbound|") === 0;
  const first = outbound ? 8 : name.indexOf("|");
  if (first === -1) return unpiped(name);
  const second = name.indexOf("|", first + 1);
  const third = second === -1 ? -1 : name.indexOf("|", second + 1);
  const direction = outbound ? "outbound" : inboundOf(name, first);
  const port = third === -1 ? undefined : decimal(name, first + 1, second);
  if (direction === undefined || port === undefined) return cluster(name, "other");
  // Clusters with statistics of their own name end in ";", which parts the name from what follows in a metric's name.
  const end = name.charCodeAt(name.length - 1) === SEMICOLON ? name.length - 1 : name.length;
  return {
    direction,
    port,
    subset: third === second + 1 ? undefined : name.slice(second + 1, third),
    host: end === third + 1 ? undefined : withoutBrackets(name.slice(third + 1, end)),
    passesTls: false,
    name,
  };
}

const SEMICOLON = 59;

function inboundOf(name: string, end: number): Cluster["direction"] | undefined {
  if (!name.startsWith("inbound")) return undefined;
  if (end === 7) return "inbound";
  return end === 11 && (name.startsWith("-vip", 7) || name.startsWith("-pod", 7)) ? "inbound-vip" : undefined;
}

const withoutBrackets = (host: string): string =>
  host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;

function unpiped(name: string): Cluster {
  const direct = DIRECT.get(name);
  if (direct !== undefined) return cluster(name, direct);
  const { host, port, subset } = parseServerName(name.endsWith(";") ? name.slice(0, -1) : name);
  if (port === undefined) return cluster(name, "other");
  return { direction: "outbound", port, subset, host, passesTls: true, name };
}

const DIRECT: ReadonlyMap<string, Cluster["direction"]> = new Map([
  ["PassthroughCluster", "passthrough"],
  ["BlackHoleCluster", "black-hole"],
  ["InboundPassthroughCluster", "inbound"],
  ["InboundPassthroughClusterIpv4", "inbound"],
  ["InboundPassthroughClusterIpv6", "inbound"],
]);

const cluster = (name: string, direction: Cluster["direction"]): Cluster => ({
  direction,
  port: undefined,
  subset: undefined,
  host: undefined,
  passesTls: false,
  name,
});

/** What a client asked for in the TLS handshake; between sidecars it names the service that was called. */
export interface ServerName {
  /** The host that is asked for; of Istio's own form the service's. */
  readonly host: string;
  /** The service's port and the DestinationRule's subset, in Istio's own form only. */
  readonly port: number | undefined;
  readonly subset: string | undefined;
  readonly name: string;
}

/** Reads `outbound_.9080_.v1_.reviews.default.svc.cluster.local`; any other name is a host and nothing more. */
export function parseServerName(name: string): ServerName {
  const second = name.startsWith("outbound_.") ? name.indexOf("_.", 10) : -1;
  const third = second === -1 ? -1 : name.indexOf("_.", second + 2);
  const port = third === -1 ? undefined : decimal(name, 10, second);
  if (port === undefined) return { host: name, port, subset: undefined, name };
  const subset = third === second + 2 ? undefined : name.slice(second + 2, third);
  return { host: withoutBrackets(name.slice(third + 2)), port, subset, name };
}

/** The service and namespace of `reviews.default.svc.cluster.local`; `undefined` of a host that is no service's by its name. */
export function serviceOf(host: string): { readonly service: string; readonly namespace: string } | undefined {
  const [service, namespace, svc] = host.split(".", 3);
  if (svc !== "svc" || service === undefined || service === "" || namespace === undefined || namespace === "") {
    return undefined;
  }
  return { service, namespace };
}
