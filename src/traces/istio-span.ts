import { type ProxyNode, proxyNode } from "./proxy-node.ts";
import type { Span } from "./span.ts";
import { type Status, statusOf } from "./status.ts";
import { type UpstreamCluster, upstreamCluster } from "./upstream-cluster.ts";

/**
 * Which part a proxy played in a call: the `caller`'s proxy, the `receiver`'s, or a `waypoint` between them. A gateway
 * is a caller.
 */
export type ProxyRole = "caller" | "receiver" | "waypoint";

/** What is known of a workload from a span. What is not known is `undefined`. */
export interface KnownWorkload {
  readonly workload: string | undefined;
  readonly namespace: string | undefined;
  /** The canonical service that the workload belongs to. */
  readonly service: string | undefined;
  readonly app: string | undefined;
  /** The canonical revision. */
  readonly version: string | undefined;
  readonly cluster: string | undefined;
  readonly pod: string | undefined;
  readonly address: string | undefined;
}

/**
 * A span of a proxy of Istio's, read in Istio's words whichever tracer wrote it.
 *
 * Nothing is concluded from the operation's name, which the other side can set by a header, where a tag says it.
 */
export class IstioSpan {
  readonly span: Span;
  readonly node: ProxyNode | undefined;
  readonly upstream: UpstreamCluster | undefined;
  readonly role: ProxyRole | undefined;

  private constructor(span: Span, node: ProxyNode | undefined, upstream: UpstreamCluster | undefined) {
    this.span = span;
    this.node = node;
    this.upstream = upstream;
    this.role = roleOf(span, this.node, this.upstream);
    Object.freeze(this);
  }

  /**
   * The reading of `span`, `undefined` where no proxy made it.
   *
   * @param names what was read of names before: few proxies and clusters make many spans
   */
  static of(span: Span, names: ReadNames = new ReadNames()): IstioSpan | undefined {
    const nodeId = span.text("node_id");
    const cluster = names.clusterOf(span);
    if (nodeId === undefined && cluster === undefined && span.text("component") !== "proxy") return undefined;
    return new IstioSpan(span, nodeId === undefined ? undefined : names.node(nodeId), cluster);
  }

  /** The workload that the proxy belongs to. */
  get workload(): KnownWorkload {
    const { span, node } = this;
    const namespace = node?.namespace ?? known(span.text("istio.namespace"));
    const named = serviceNameOf(span.service, namespace);
    return Object.freeze({
      workload: node?.workload,
      namespace: namespace ?? named.namespace,
      service: known(span.text("istio.canonical_service")) ?? named.app,
      app: named.namespace === undefined ? undefined : named.app,
      version: known(span.text("istio.canonical_revision")),
      cluster: known(span.text("istio.cluster_id")),
      pod: node?.pod,
      address: node?.address,
    });
  }

  /** What a waypoint says of one end of the call. */
  end(end: "destination" | "source"): KnownWorkload | undefined {
    const names = END_TAGS[end];
    const read = (name: string) => known(this.span.text(name));
    const workload = read(names.workload);
    const service = read(names.service);
    if (workload === undefined && service === undefined) return undefined;
    return Object.freeze({
      workload,
      namespace: read(names.namespace),
      service,
      app: read(names.app),
      version: read(names.revision) ?? read(names.version),
      cluster: read(names.cluster),
      pod: read(names.pod),
      address: undefined,
    });
  }

  /** The identity of one end, where the mesh's own custom tags tell it. */
  principal(end: "destination" | "source"): string | undefined {
    const names = END_TAGS[end];
    return known(this.span.text(names.principal)) ?? known(this.span.text(names.plainPrincipal));
  }

  /** Whether the call was under mutual TLS, where the mesh's own custom tags tell it. */
  get mtls(): boolean | undefined {
    const policy = this.span.text("connection_security_policy") ?? this.span.text("istio.connection_security_policy");
    return policy === "mutual_tls" ? true : policy === "none" ? false : undefined;
  }

  get status(): Status {
    return statusOf(this.span);
  }

  get requestId(): string | undefined {
    return known(this.span.text("guid:x-request-id"));
  }

  get protocol(): "grpc" | "http" | undefined {
    const { span } = this;
    const isGrpc =
      span.text("grpc.status_code") !== undefined ||
      span.text("grpc.path") !== undefined ||
      /^application\/grpc/.test(span.text("grpc.content_type") ?? "");
    if (isGrpc) return "grpc";
    return (span.text("http.protocol") ?? span.text("http.method") ?? this.#url) === undefined ? undefined : "http";
  }

  get method(): string | undefined {
    return this.span.text("http.method") ?? this.span.text("http.request.method");
  }

  /** The path without its query. Envoy cuts long ones. */
  get path(): string | undefined {
    return (
      /^(?:[a-z][a-z0-9+.-]*:\/\/[^/?#]*)?([^?#]*)/i.exec(this.#url ?? this.span.text("grpc.path") ?? "")?.[1] ||
      undefined
    );
  }

  /** The host of the request's URL: what the caller wrote, without the port. */
  get authority(): string | undefined {
    const match = /^[a-z][a-z0-9+.-]*:\/\/(?:\[([^\]]+)\]|([^/?#:]+))/i.exec(this.#url ?? "");
    return known((match?.[1] ?? match?.[2])?.toLowerCase());
  }

  /** The address that the request came from or, on the span of one attempt, that it went to. */
  get peerAddress(): string | undefined {
    return hostOf(this.span.text("peer.address"));
  }

  /** The address that the proxy sent the request to. */
  get upstreamAddress(): string | undefined {
    return hostOf(this.span.text("upstream_address"));
  }

  /** Whether this span is one attempt of the request that `parent`, of the same proxy, stands for. */
  isAttemptOf(parent: IstioSpan): boolean {
    if (this.span.kind !== "client" || !this.isOfProxyOf(parent)) return false;
    const [own, whole] = [this.upstream, parent.upstream];
    return (
      own !== undefined && own.direction === whole?.direction && own.host === whole.host && own.port === whole.port
    );
  }

  /** Whether one proxy made both spans. */
  isOfProxyOf(other: IstioSpan): boolean {
    if (this.node === undefined || other.node === undefined) return this.span.service === other.span.service;
    return (
      this.node.pod === other.node.pod &&
      this.node.namespace === other.node.namespace &&
      this.node.address === other.node.address
    );
  }

  get #url(): string | undefined {
    return this.span.text("http.url") ?? this.span.text("url.full") ?? this.span.text("http.target");
  }
}

/** The tags that tell of one end, put together once: they are asked for of every span. */
const endTags = (end: "destination" | "source") => ({
  workload: `istio.${end}_workload`,
  namespace: `istio.${end}_namespace`,
  service: `istio.${end}_canonical_service`,
  app: `istio.${end}_app`,
  revision: `istio.${end}_canonical_revision`,
  version: `istio.${end}_app_version`,
  cluster: `istio.${end}_cluster_id`,
  pod: `istio.${end}_instance_name`,
  principal: `istio.${end}_principal`,
  plainPrincipal: `${end}_principal`,
});
const END_TAGS = { destination: endTags("destination"), source: endTags("source") } as const;

/** The names of proxies and clusters that were read before. */
export class ReadNames {
  readonly #nodes = new Map<string, ProxyNode | undefined>();
  readonly #clusters = new Map<string, UpstreamCluster>();

  node(nodeId: string): ProxyNode | undefined {
    if (!this.#nodes.has(nodeId)) this.#nodes.set(nodeId, proxyNode(nodeId));
    return this.#nodes.get(nodeId);
  }

  /** Where the span's request was sent by the name that Istio gave the cluster: the one for statistics can be the mesh's own. */
  clusterOf(span: Span): UpstreamCluster | undefined {
    const named = this.#cluster(known(span.text("upstream_cluster")));
    if (named !== undefined && named.direction !== "other") return named;
    const observed = this.#cluster(known(span.text("upstream_cluster.name")));
    return observed !== undefined && (named === undefined || observed.direction !== "other") ? observed : named;
  }

  #cluster(name: string | undefined): UpstreamCluster | undefined {
    if (name === undefined) return undefined;
    const read = this.#clusters.get(name) ?? upstreamCluster(name);
    this.#clusters.set(name, read);
    return read;
  }
}

function roleOf(span: Span, node: ProxyNode | undefined, upstream: UpstreamCluster | undefined): ProxyRole | undefined {
  if (node?.type === "waypoint" || upstream?.direction === "inbound-vip") return "waypoint";
  if (node?.type === "router") return "caller";
  switch (upstream?.direction) {
    case "inbound":
      return "receiver";
    case "outbound":
    case "passthrough":
    case "black-hole":
      return "caller";
    default:
      break;
  }
  if (span.kind === "client") return "caller";
  if (span.kind === "server") return "receiver";
  if (/^egress\b/.test(span.operation)) return "caller";
  return /^ingress\b/.test(span.operation) ? "receiver" : undefined;
}

/**
 * The parts of the name under which a proxy reports: `frontend.default` (the app's label and the namespace) in Istio's
 * default form, the app or workload alone in others.
 */
function serviceNameOf(
  name: string,
  namespace: string | undefined,
): { app: string | undefined; namespace: string | undefined } {
  if (namespace !== undefined && name.endsWith(`.${namespace}`))
    return { app: known(name.slice(0, -namespace.length - 1)), namespace };
  const dot = name.lastIndexOf(".");
  if (namespace !== undefined || dot <= 0 || dot === name.length - 1) return { app: known(name), namespace: undefined };
  return { app: name.slice(0, dot), namespace: name.slice(dot + 1) };
}

/** Istio and Envoy write `unknown`, `-` or nothing for what they do not know. */
const known = (text: string | undefined): string | undefined =>
  text === undefined || text === "" || text === "-" || text === "unknown" || text === "istio-proxy" ? undefined : text;

/** `10.44.1.27` of `10.44.1.27:80`, `::1` of `[::1]:80`. */
function hostOf(address: string | undefined): string | undefined {
  if (known(address) === undefined || address === undefined) return undefined;
  const match = /^\[([^\]]+)\](?::\d+)?$/.exec(address) ?? /^([^:/]+)(?::\d+)?$/.exec(address);
  return match?.[1] ?? (/^[0-9a-f:.]+$/i.test(address) ? address : undefined);
}
