import type { PathNormalization } from "./path.ts";

/**
 * A request or connection as its callee's proxy sees it.
 *
 * What is left out is not known, and a verdict that depends on it cannot be told; `null` says that there is none.
 */
export interface PolicyRequest {
  /** What the callee's proxy takes it for: `"tcp"` on ports that are not HTTP to it. */
  readonly protocol: "grpc" | "http" | "tcp";
  /** Whether it came with a certificate of the mesh. */
  readonly security?: "mutual_tls" | "none" | undefined;
  readonly source?: RequestSource | undefined;
  readonly destination: RequestDestination;
  readonly method?: string | undefined;
  /** As it was sent, or as a proxy normalized it; what follows `?` or `#` is not looked at. */
  readonly path?: string | undefined;
  /** The host that is asked for, with its port where the caller wrote one. */
  readonly host?: string | undefined;
  /** What the TLS handshake asked for. */
  readonly serverName?: string | null | undefined;
  /** By their names in lower case; those that are not named are not known. */
  readonly headers?: Readonly<Record<string, string | null>> | undefined;
  /** Of its valid token; `null` where it has none. */
  readonly claims?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Who sends it. */
export interface RequestSource {
  /** The identity of its certificate, with or without `spiffe://`; `null` for none. */
  readonly principal?: string | null | undefined;
  /** The namespace that it runs in; under mutual TLS also that of its identity. */
  readonly namespace?: string | undefined;
  /** Of the connection itself. */
  readonly ip?: string | undefined;
  /** Of who began it, by `x-forwarded-for` or the proxy protocol; that of the connection where there is neither. */
  readonly remoteIp?: string | undefined;
}

/** The workload that is asked, and the proxy that stands before it. */
export interface RequestDestination {
  readonly namespace: string;
  /** Those of its pods, or of the gateway's. */
  readonly labels?: Readonly<Record<string, string | null>> | undefined;
  /** Whether `labels` are all that there are (the default), or the rest is not known. */
  readonly labelsComplete?: boolean | undefined;
  /** Of the workload, not of its service. */
  readonly port?: number | undefined;
  readonly ip?: string | undefined;
  /**
   * What enforces the policies: the workload's own proxy (the default), the node's ztunnel, which reads no HTTP, the
   * waypoint of the service, or a gateway.
   */
  readonly proxy?: "gateway" | "sidecar" | "waypoint" | "ztunnel" | undefined;
  /** The service, `"name"` or `"name.namespace"`, to which a waypoint's policies may be attached. */
  readonly service?: string | undefined;
}

/** What a mesh is configured with beside its policies. */
export interface MeshSettings {
  /** The namespace whose policies hold for the whole mesh. */
  readonly rootNamespace: string;
  readonly trustDomain: string;
  /** Former or other trust domains, whose identities policies take for those of `trustDomain`. */
  readonly trustDomainAliases: readonly string[];
  readonly pathNormalization: PathNormalization;
  /** The names in `meshConfig.extensionProviders`, for CUSTOM policies; `undefined` where they are not known. */
  readonly extensionProviders?: readonly string[] | undefined;
}
