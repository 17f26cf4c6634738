/** Where a proxy sent a request, as the name of its Envoy cluster says it. */
export interface UpstreamCluster {
  /**
   * `outbound`: called through the caller's proxy. `inbound`: to the app beside the proxy. `inbound-vip`: to a service
   * through its waypoint. `passthrough`: to a host that the mesh does not know. `black-hole`: nowhere.
   */
  readonly direction: "black-hole" | "inbound" | "inbound-vip" | "other" | "outbound" | "passthrough";
  readonly port: number | undefined;
  readonly subset: string | undefined;
  /** The host as the mesh knows it, maybe short; IPv6 without brackets. */
  readonly host: string | undefined;
}

/**
 * Reads `outbound|9080|v1|reviews.default.svc.cluster.local` and Istio's other names of clusters.
 *
 * A name that Istio did not make is `other`: nothing follows from it.
 *
 * @see Istio, `BuildSubsetKey` and `BuildDNSSrvSubsetKey` in pilot/pkg/model/service.go
 */
export function upstreamCluster(name: string): UpstreamCluster {
  const match = PIPES.exec(name) ?? DOTS.exec(name);
  if (match === null) return named(name);
  const [, direction = "", port = "", subset = "", host = ""] = match;
  return Object.freeze({
    direction: direction === "inbound-pod" ? "inbound-vip" : (direction as "inbound" | "inbound-vip" | "outbound"),
    port: Number(port),
    subset: subset === "" ? undefined : subset,
    host: host === "" ? undefined : host.replace(/^\[(.*)\]$/, "$1").toLowerCase(),
  });
}

// Clusters with statistics of their own name end in ";", which parts the name from what follows in a metric's name.
const PIPES = /^(outbound|inbound|inbound-vip|inbound-pod)\|(\d{1,5})\|([^|]*)\|([^|;]*);?$/;
// Gateways that pass TLS through.
const DOTS = /^(outbound)_\.(\d{1,5})_\.(.*?)_\.(.*?);?$/;

const direct = (direction: UpstreamCluster["direction"]): UpstreamCluster =>
  Object.freeze({ direction, port: undefined, subset: undefined, host: undefined });

function named(name: string): UpstreamCluster {
  if (name === "PassthroughCluster") return direct("passthrough");
  if (name === "BlackHoleCluster") return direct("black-hole");
  return direct(/^InboundPassthroughCluster(?:Ipv[46])?$/.test(name) ? "inbound" : "other");
}

/** A service's name and namespace out of a host of the cluster's DNS. */
export interface ServiceName {
  readonly service: string;
  readonly namespace: string | undefined;
}

/**
 * `reviews` and `default` of `reviews.default.svc.cluster.local`; of a name without a dot the name alone.
 *
 * Any other host is no service of the cluster by its name alone: `api.example.org` gives `undefined`.
 */
export function serviceOfHost(host: string): ServiceName | undefined {
  const match = /^([^.:]+)\.([^.:]+)\.svc(?:\.|$)/.exec(host);
  if (match?.[1] !== undefined) return { service: match[1], namespace: match[2] };
  return /^[a-z0-9-]*[a-z-][a-z0-9-]*$/.test(host) ? { service: host, namespace: undefined } : undefined;
}
