import { INSPECT } from "../results/mime.ts";
import { plain } from "../results/text.ts";
import { type Address, parseAddress } from "./address.ts";
import { type Cluster, parseCluster, parseServerName, type ServerName, serviceOf } from "./cluster.ts";
import { type RateLimit, type RbacDenial, rateLimit, rbacDenial } from "./denial.ts";
import { FIELD, type Field, type LineFields } from "./fields.ts";
import { type ResponseFlag, responseFlags } from "./flags.ts";
import { grpcStatusNumber } from "./grpc-status.ts";
import { requestLine } from "./request-line.ts";

/** Which proxy wrote a line: the caller's, the called workload's, a gateway or a waypoint. */
export type Side = "client" | "gateway" | "server" | "waypoint";

/** One end of a request, as far as the line tells. */
export interface LogPeer {
  readonly workload: string | undefined;
  readonly namespace: string | undefined;
  readonly service: string | undefined;
  /** The identity of its certificate, such as `spiffe://cluster.local/ns/shop/sa/web`. */
  readonly principal: string | undefined;
  readonly cluster: string | undefined;
  /** IP address. */
  readonly ip: string | undefined;
}

/** The end that was called, and as what. */
export interface LogDestination extends LogPeer {
  /** The service's host as the mesh knows it; never the `authority`, which is the caller's word. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly subset: string | undefined;
}

/** A line that is no access log entry of a known format. */
export interface Unparsed {
  readonly kind: "unparsed";
  readonly raw: string;
  /** What was missing or wrong, in a few words. */
  readonly reason: string;
}

/** Makes an {@link Unparsed}. */
export const unparsed = (raw: string, reason: string): Unparsed => Object.freeze({ kind: "unparsed", raw, reason });

/** What is known of a line beside its fields. */
export interface Provenance {
  readonly raw: string;
  readonly suspicious?: string | undefined;
  /** Epoch nanoseconds at which the container's runtime, or whoever collected the line, took it. */
  readonly writtenNs?: bigint | undefined;
  readonly origin?: LogOrigin | undefined;
  readonly peers?: KnownPeers | undefined;
}

/** Where a line was written, in the words of Kubernetes. */
export interface LogOrigin {
  readonly app?: string | undefined;
  readonly container?: string | undefined;
  readonly namespace?: string | undefined;
  readonly pod?: string | undefined;
}

/** What is known of the ends of a request from elsewhere: where the line was written, and the line of the other side. */
export interface KnownPeers {
  readonly source?: Partial<LogPeer> | undefined;
  readonly destination?: Partial<LogPeer> | undefined;
}

/**
 * One line of an access log: one request, attempt or connection, as one proxy saw it.
 *
 * A field that the format lacks, or for which the proxy wrote `-`, `null` or nothing, is `undefined`, never 0. Fields
 * are read out of the line when they are asked for.
 */
export class AccessLogEntry {
  readonly #fields: LineFields;
  readonly #writtenNs: bigint | undefined;
  readonly #peers: KnownPeers | undefined;
  readonly kind = "entry";
  /** The line as the proxy wrote it, without what a container's runtime put around it. */
  readonly raw: string;
  /**
   * Why the line should not be believed: a header of the request can be read as other fields of it.
   *
   * Proxies do not escape what they write as text, so a caller can choose a `user-agent` with quotes in it that looks
   * like the rest of a line. The fields are then those of the likeliest reading.
   */
  readonly suspicious: string | undefined;
  /** Where the line was written, as far as whoever collected it says. */
  readonly origin: LogOrigin | undefined;

  constructor(fields: LineFields, { raw, suspicious, writtenNs, origin, peers }: Provenance) {
    this.#fields = fields;
    this.#writtenNs = writtenNs;
    this.#peers = peers;
    this.raw = raw;
    this.suspicious = suspicious;
    this.origin = origin;
  }

  /** The same entry, taken by a container's runtime at `writtenNs`, with what `labels` add to `extra`. */
  wrapped(writtenNs: bigint | undefined, labels?: Readonly<Record<string, unknown>>): AccessLogEntry {
    const fields = labels === undefined ? this.#fields : withLabels(this.#fields, labels);
    return new AccessLogEntry(fields, { raw: this.raw, suspicious: this.suspicious, writtenNs });
  }

  /** The same entry with what is known beside its line; what the line itself says of its ends is kept. */
  knowing({ origin, peers, writtenNs }: Omit<Provenance, "raw" | "suspicious">): AccessLogEntry {
    return new AccessLogEntry(this.#fields, {
      raw: this.raw,
      suspicious: this.suspicious,
      writtenNs: writtenNs ?? this.#writtenNs,
      origin: origin ?? this.origin,
      peers: peers ?? this.#peers,
    });
  }

  /** Epoch milliseconds of the request's first byte; where the format lacks it, of when the line was taken. */
  get timeMs(): number | undefined {
    const ms = this.#fields.startMs();
    if (ms !== undefined || this.#writtenNs === undefined) return ms;
    return Number(this.#writtenNs / 1_000_000n);
  }

  /** The same in nanoseconds; most formats write whole milliseconds. */
  get timestampNs(): bigint | undefined {
    return this.#fields.startNs() ?? this.#writtenNs;
  }

  /**
   * Which proxy wrote the line, as far as it tells: an outbound cluster is a client's, an inbound one a server's.
   *
   * A gateway is told from a client where it ended or passed on TLS that no sidecar began; otherwise it reads `client`.
   */
  get side(): Side | undefined {
    const direction = this.#fields.text(FIELD.direction);
    if (direction === "inbound") return "server";
    if (direction === "outbound") return "client";
    const { cluster, serverName } = this;
    const meshTls = serverName?.port !== undefined;
    switch (cluster?.direction) {
      case "inbound":
        return "server";
      case "inbound-vip":
        return "waypoint";
      case "outbound":
        if (cluster.passesTls) return "gateway";
        return serverName !== undefined && !meshTls && !this.isTcp ? "gateway" : "client";
      case "black-hole":
      case "passthrough":
        return "client";
      default:
        return cluster === undefined && meshTls ? "server" : undefined;
    }
  }

  /**
   * Epoch nanoseconds at which whoever collected the line took it, after the request had ended; `undefined` where
   * nobody says.
   */
  get writtenNs(): bigint | undefined {
    return this.#writtenNs;
  }

  /**
   * Who called. The formats of Istio's sidecars tell the address only; ztunnel's and custom ones may tell the workload,
   * and where the line was written may.
   */
  get source(): LogPeer {
    const principal = this.#fields.text(FIELD.sourcePrincipal);
    const known = this.#peers?.source;
    return Object.freeze({
      workload: this.#fields.text(FIELD.sourceWorkload) ?? known?.workload,
      namespace: this.#fields.text(FIELD.sourceNamespace) ?? namespaceOf(principal) ?? known?.namespace,
      service: this.#fields.text(FIELD.sourceService) ?? known?.service,
      principal: principal ?? known?.principal,
      cluster: this.#fields.text(FIELD.sourceCluster) ?? known?.cluster,
      ip: this.downstreamRemote?.host,
    });
  }

  /** Who was called: by the fields that name it, else by the cluster, else by the server name of mutual TLS. */
  get destination(): LogDestination {
    const called = this.#called();
    const principal = this.#fields.text(FIELD.destinationPrincipal);
    const service = this.#fields.text(FIELD.destinationService) ?? called?.host;
    const name = service === undefined ? undefined : serviceOf(service);
    const known = this.#peers?.destination;
    return Object.freeze({
      workload: this.#fields.text(FIELD.destinationWorkload) ?? known?.workload,
      namespace:
        this.#fields.text(FIELD.destinationNamespace) ?? name?.namespace ?? namespaceOf(principal) ?? known?.namespace,
      service: name?.service ?? this.#fields.text(FIELD.destinationService) ?? known?.service,
      principal: principal ?? known?.principal,
      cluster: this.#fields.text(FIELD.destinationCluster) ?? known?.cluster,
      ip: this.side === "server" ? (this.downstreamLocal?.host ?? this.upstreamHost?.host) : this.upstreamHost?.host,
      host: called?.host ?? (name === undefined ? undefined : service),
      port: called?.port,
      subset: called?.subset,
    });
  }

  #called():
    | { readonly host: string | undefined; readonly port: number | undefined; subset: string | undefined }
    | undefined {
    const { cluster, serverName } = this;
    if (cluster?.host !== undefined) return cluster;
    if (serverName?.port !== undefined) return serverName;
    return cluster?.port === undefined ? undefined : cluster;
  }

  /** Whether it is a connection rather than a request. */
  get isTcp(): boolean {
    return this.method === undefined && this.protocol === undefined && !this.#fields.number(FIELD.code);
  }

  /** HTTP method. */
  get method(): string | undefined {
    return this.#fields.text(FIELD.method);
  }

  /** With its query, as the caller wrote it, before any rewriting. */
  get path(): string | undefined {
    return this.#fields.text(FIELD.path);
  }

  /** `"HTTP/1.1"`, `"HTTP/2"`, … */
  get protocol(): string | undefined {
    return this.#fields.text(FIELD.protocol);
  }

  /** The HTTP status; 0 when the request ended without an answer. `undefined` of a connection. */
  get code(): number | undefined {
    const code = this.#fields.number(FIELD.code);
    return code === 0 && this.isTcp ? undefined : code;
  }

  /** What went wrong, in Envoy's short names; empty when nothing did. */
  get flags(): readonly ResponseFlag[] {
    const text = this.#fields.text(FIELD.flags);
    return text === undefined ? NO_FLAGS : responseFlags(text);
  }

  /** Why the answer was what it was, such as `"via_upstream"`. */
  get responseCodeDetails(): string | undefined {
    return this.#fields.text(FIELD.codeDetails);
  }

  /** Why the proxy ended the connection. */
  get connectionTerminationDetails(): string | undefined {
    return this.#fields.text(FIELD.terminationDetails);
  }

  /** Why the connection to the upstream failed, such as a TLS error. */
  get transportFailureReason(): string | undefined {
    return this.#fields.text(FIELD.transportFailure);
  }

  /** From the request's first byte to the last byte of the answer. */
  get durationMs(): number | undefined {
    return this.#fields.number(FIELD.duration);
  }

  /** What the upstream took, its own proxy included. */
  get upstreamServiceTimeMs(): number | undefined {
    return this.#fields.number(FIELD.serviceTime);
  }

  /** Bytes from the caller: of a request its body. */
  get bytesReceived(): number | undefined {
    return this.#fields.number(FIELD.bytesReceived);
  }

  /** Bytes to the caller: of an answer its body. */
  get bytesSent(): number | undefined {
    return this.#fields.number(FIELD.bytesSent);
  }

  /** Where the proxy took the request: of a callee's line its own address and port. */
  get downstreamLocal(): Address | undefined {
    return this.#address(FIELD.downstreamLocal);
  }

  /** Of the caller; of a server's line equal to `upstreamLocal` of its client's. */
  get downstreamRemote(): Address | undefined {
    return this.#address(FIELD.downstreamRemote);
  }

  /** Where the proxy sent the request from. */
  get upstreamLocal(): Address | undefined {
    return this.#address(FIELD.upstreamLocal);
  }

  /** Whom the proxy chose to send the request to. */
  get upstreamHost(): Address | undefined {
    return this.#address(FIELD.upstreamHost);
  }

  #address(field: Field): Address | undefined {
    const text = this.#fields.text(field);
    return text === undefined ? undefined : parseAddress(text);
  }

  /** In the caller's own words. */
  get userAgent(): string | undefined {
    return this.#fields.text(FIELD.userAgent);
  }

  /** `x-request-id`: the same in the lines of both sides and of every attempt. */
  get requestId(): string | undefined {
    return this.#fields.text(FIELD.requestId);
  }

  /** The host that the caller asked for, in its own words. */
  get authority(): string | undefined {
    return this.#fields.text(FIELD.authority);
  }

  /** Where the proxy sent the request, by its own name for it. */
  get cluster(): Cluster | undefined {
    const name = this.#fields.text(FIELD.cluster);
    return name === undefined ? undefined : parseCluster(name);
  }

  /** What the client asked for in the TLS handshake. */
  get serverName(): ServerName | undefined {
    const name = this.#fields.text(FIELD.serverName);
    return name === undefined ? undefined : parseServerName(name);
  }

  /** The route that the request matched, by its name. */
  get routeName(): string | undefined {
    return this.#fields.text(FIELD.routeName);
  }

  /** The addresses of `x-forwarded-for` in its order, the first caller first; empty where it is missing. */
  get forwardedFor(): readonly string[] {
    const text = this.#fields.text(FIELD.forwardedFor);
    if (text === undefined) return NO_ADDRESSES;
    return Object.freeze(text.split(",").flatMap((part) => part.trim() || []));
  }

  /** The number of the gRPC status, where the format has it; Istio's own formats do not. */
  get grpcStatus(): number | undefined {
    const text = this.#fields.text(FIELD.grpcStatus);
    return text === undefined ? undefined : grpcStatusNumber(text);
  }

  /** Where the format has it; of a `traceparent` header the id alone. */
  get traceId(): string | undefined {
    const text = this.#fields.text(FIELD.traceId);
    if (text === undefined) return undefined;
    return (/^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}$/i.exec(text)?.[1] ?? text).toLowerCase();
  }

  /** What ztunnel says of a connection that failed. */
  get error(): string | undefined {
    return this.#fields.text(FIELD.error);
  }

  /** The authorization policy that turned it away. */
  get rbac(): RbacDenial | undefined {
    return rbacDenial(this.responseCodeDetails) ?? rbacDenial(this.connectionTerminationDetails);
  }

  /** Whose rate limit turned it away. */
  get rateLimit(): RateLimit | undefined {
    return rateLimit(this.flags, this.responseCodeDetails);
  }

  /** What a custom format has beside the fields above, by its operator's text or its JSON key. */
  get extra(): Readonly<Record<string, unknown>> {
    return this.#fields.extra();
  }

  /** The request in a line: when, who called whom, what, and how it ended. */
  toString(): string {
    return requestLine(this);
  }

  /** The request in a line, and the line as the proxy wrote it. */
  [INSPECT](): string {
    return `${requestLine(this)}\n  ${this.side ?? "a proxy"}: ${plain(this.raw)}`;
  }

  /** Every field that is there, as plain data; `timestampNs` as decimal text. */
  toJSON(): Readonly<Record<string, unknown>> {
    const fields = NAMES.map((name) => [name, this[name]] as const);
    return Object.fromEntries(
      [...fields, ["timestampNs", this.timestampNs?.toString()]].filter(([, value]) => value !== undefined),
    );
  }
}

const NAMES = [
  "kind",
  "timeMs",
  "origin",
  "side",
  "source",
  "destination",
  "isTcp",
  "method",
  "path",
  "protocol",
  "code",
  "flags",
  "responseCodeDetails",
  "connectionTerminationDetails",
  "transportFailureReason",
  "durationMs",
  "upstreamServiceTimeMs",
  "bytesReceived",
  "bytesSent",
  "downstreamLocal",
  "downstreamRemote",
  "upstreamLocal",
  "upstreamHost",
  "userAgent",
  "requestId",
  "authority",
  "cluster",
  "serverName",
  "routeName",
  "forwardedFor",
  "grpcStatus",
  "traceId",
  "error",
  "rbac",
  "rateLimit",
  "extra",
  "suspicious",
  "raw",
] as const satisfies readonly (keyof AccessLogEntry)[];

const withLabels = (line: LineFields, labels: Readonly<Record<string, unknown>>): LineFields => ({
  text: (field) => line.text(field),
  number: (field) => line.number(field),
  startMs: () => line.startMs(),
  startNs: () => line.startNs(),
  extra: () => Object.freeze({ ...labels, ...line.extra() }),
});

const NO_FLAGS: readonly ResponseFlag[] = Object.freeze([]);
const NO_ADDRESSES: readonly string[] = Object.freeze([]);

/** The namespace of `spiffe://cluster.local/ns/shop/sa/web`. */
function namespaceOf(principal: string | undefined): string | undefined {
  return principal === undefined ? undefined : /^spiffe:\/\/[^/]+\/ns\/([^/]+)\/sa\//.exec(principal)?.[1];
}
