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
  const direction = WORDS.get(name);
  if (direction !== undefined) return cluster(name, direction, undefined, undefined, undefined);
  const first = name.indexOf("|");
  const second = name.indexOf("|", first + 1);
  const third = name.indexOf("|", second + 1);
  const prefix = PREFIXES.get(name.slice(0, Math.max(first, 0)));
  const port = third === -1 ? undefined : portOf(name.slice(first + 1, second));
  if (prefix !== undefined && first !== -1 && second !== -1 && port !== undefined && !name.includes("|", third + 1)) {
    // Clusters with statistics of their own name end in ";", which parts the name from what follows in a metric's name.
    const host = name.slice(third + 1, name.endsWith(";") ? -1 : undefined);
    return cluster(name, prefix, port, name.slice(second + 1, third), host);
  }
  const sni = parseServerName(name.endsWith(";") ? name.slice(0, -1) : name);
  if (sni.port !== undefined) return cluster(name, "outbound", sni.port, sni.subset, sni.host, true);
  return cluster(name, "other", undefined, undefined, undefined);
}

const WORDS: ReadonlyMap<string, Cluster["direction"]> = new Map([
  ["PassthroughCluster", "passthrough"],
  ["BlackHoleCluster", "black-hole"],
  ["InboundPassthroughCluster", "inbound"],
  ["InboundPassthroughClusterIpv4", "inbound"],
  ["InboundPassthroughClusterIpv6", "inbound"],
]);

const PREFIXES: ReadonlyMap<string, Cluster["direction"]> = new Map([
  ["outbound", "outbound"],
  ["inbound", "inbound"],
  ["inbound-vip", "inbound-vip"],
  ["inbound-pod", "inbound-vip"],
]);

const portOf = (text: string): number | undefined => (/^\d{1,5}$/.test(text) ? Number(text) : undefined);

function cluster(
  name: string,
  direction: Cluster["direction"],
  port: number | undefined,
  subset: string | undefined,
  host: string | undefined,
  passesTls = false,
): Cluster {
  return Object.freeze({
    direction,
    port,
    subset: subset === "" ? undefined : subset,
    host: host === undefined || host === "" ? undefined : host.replace(/^\[(.*)\]$/, "$1").toLowerCase(),
    passesTls,
    name,
  });
}

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
  if (name.startsWith("outbound_.")) {
    const second = name.indexOf("_.", 10);
    const third = name.indexOf("_.", second + 2);
    const port = second === -1 ? undefined : portOf(name.slice(10, second));
    if (port !== undefined && third !== -1) {
      const subset = name.slice(second + 2, third);
      const host = name.slice(third + 2).toLowerCase();
      return Object.freeze({ host, port, subset: subset === "" ? undefined : subset, name });
    }
  }
  return Object.freeze({ host: name, port: undefined, subset: undefined, name });
}

/** The service and namespace of `reviews.default.svc.cluster.local`; `undefined` of a host that is no service's by its name. */
export function serviceOf(host: string): { readonly service: string; readonly namespace: string } | undefined {
  const [service, namespace, svc] = host.split(".", 3);
  if (svc !== "svc" || service === undefined || service === "" || namespace === undefined || namespace === "") {
    return undefined;
  }
  return { service, namespace };
}
