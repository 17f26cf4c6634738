/** What a policy or route is called, and where. */
export interface ResourceName {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly namespace: string;
}

/** The kinds of Istio's resources that are read here. */
export type ResourceKind =
  | "AuthorizationPolicy"
  | "Gateway"
  | "PeerAuthentication"
  | "RequestAuthentication"
  | "VirtualService";

/** One resource as it was written. */
export interface Resource<K extends ResourceKind = ResourceKind, S = unknown> extends ResourceName {
  readonly kind: K;
  readonly annotations: Readonly<Record<string, string>>;
  /** Epoch milliseconds; `undefined` where the resource does not say, as in a file that was never applied. */
  readonly createdMs: number | undefined;
  /** Where it was read, such as `"payments.yaml, document 2"`. */
  readonly origin: string;
  readonly spec: S;
}

/** Who may call whom, and who may not. */
export type AuthorizationPolicy = Resource<"AuthorizationPolicy", AuthorizationSpec>;
/** Whether calls must come under mutual TLS. */
export type PeerAuthentication = Resource<"PeerAuthentication", PeerAuthenticationSpec>;
/** Which tokens are looked for in requests. */
export type RequestAuthentication = Resource<"RequestAuthentication", RequestAuthenticationSpec>;
/** Which routes calls to a host take. */
export type VirtualService = Resource<"VirtualService", VirtualServiceSpec>;
/** Which hosts and ports a gateway opens. */
export type Gateway = Resource<"Gateway", GatewaySpec>;
/** Any resource that is read here. */
export type AnyResource = AuthorizationPolicy | Gateway | PeerAuthentication | RequestAuthentication | VirtualService;

/** The labels that a workload must have. */
export interface WorkloadSelector {
  readonly matchLabels?: Readonly<Record<string, string>> | undefined;
}

/** A resource that a policy is attached to. */
export interface TargetRef {
  readonly group?: string | undefined;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** Which workloads a policy is for. */
export interface Attachment {
  readonly selector?: WorkloadSelector | undefined;
  readonly targetRef?: TargetRef | undefined;
  readonly targetRefs?: readonly TargetRef[] | undefined;
}

/** What an authorization policy does about the requests that it matches. */
export type Action = "ALLOW" | "AUDIT" | "CUSTOM" | "DENY";

/** What an {@link AuthorizationPolicy} says. */
export interface AuthorizationSpec extends Attachment {
  readonly action?: Action | undefined;
  readonly provider?: { readonly name: string } | undefined;
  readonly rules?: readonly AuthorizationRule[] | undefined;
}

/** Matches a request that one source, one operation and every condition match; without any it matches all. */
export interface AuthorizationRule {
  readonly from?: readonly { readonly source: RuleSource }[] | undefined;
  readonly to?: readonly { readonly operation: RuleOperation }[] | undefined;
  readonly when?: readonly RuleCondition[] | undefined;
}

type Texts = readonly string[] | undefined;

/** Who sends a request; all that is given must hold. */
export interface RuleSource {
  readonly principals?: Texts;
  readonly notPrincipals?: Texts;
  readonly requestPrincipals?: Texts;
  readonly notRequestPrincipals?: Texts;
  readonly namespaces?: Texts;
  readonly notNamespaces?: Texts;
  readonly serviceAccounts?: Texts;
  readonly notServiceAccounts?: Texts;
  readonly trustDomains?: Texts;
  readonly notTrustDomains?: Texts;
  readonly ipBlocks?: Texts;
  readonly notIpBlocks?: Texts;
  readonly remoteIpBlocks?: Texts;
  readonly notRemoteIpBlocks?: Texts;
}

/** What a request asks for; all that is given must hold. */
export interface RuleOperation {
  readonly hosts?: Texts;
  readonly notHosts?: Texts;
  readonly ports?: Texts;
  readonly notPorts?: Texts;
  readonly methods?: Texts;
  readonly notMethods?: Texts;
  readonly paths?: Texts;
  readonly notPaths?: Texts;
}

/** What an attribute must be, and must not be. */
export interface RuleCondition {
  readonly key: string;
  readonly values?: Texts;
  readonly notValues?: Texts;
}

/** Whether connections to a workload are mutual TLS: only, too, or never. */
export type MutualTlsMode = "DISABLE" | "PERMISSIVE" | "STRICT";

export interface MutualTls {
  readonly mode?: MutualTlsMode | "UNSET" | undefined;
}

/** What a {@link PeerAuthentication} says. */
export interface PeerAuthenticationSpec {
  readonly selector?: WorkloadSelector | undefined;
  readonly mtls?: MutualTls | undefined;
  /** By the workload's port. */
  readonly portLevelMtls?: Readonly<Record<string, MutualTls>> | undefined;
}

/** Which tokens prove who a request is from. Only that they are looked for matters here. */
export interface RequestAuthenticationSpec extends Attachment {
  readonly jwtRules?: readonly { readonly issuer?: string | undefined }[] | undefined;
}

/** How a text must be; an empty one asks only that there is any. */
export interface StringMatch {
  readonly exact?: string | undefined;
  readonly prefix?: string | undefined;
  /** RE2, of the whole text. */
  readonly regex?: string | undefined;
}

export interface HttpMatch {
  readonly name?: string | undefined;
  readonly uri?: StringMatch | undefined;
  readonly scheme?: StringMatch | undefined;
  readonly method?: StringMatch | undefined;
  readonly authority?: StringMatch | undefined;
  readonly headers?: Readonly<Record<string, StringMatch>> | undefined;
  readonly withoutHeaders?: Readonly<Record<string, StringMatch>> | undefined;
  readonly queryParams?: Readonly<Record<string, StringMatch>> | undefined;
  readonly ignoreUriCase?: boolean | undefined;
  readonly port?: number | undefined;
  readonly sourceLabels?: Readonly<Record<string, string>> | undefined;
  readonly sourceNamespace?: string | undefined;
  readonly gateways?: Texts;
  readonly statPrefix?: string | undefined;
}

export interface HttpRoute {
  readonly name?: string | undefined;
  /** One of these must hold; without any, all requests match. */
  readonly match?: readonly HttpMatch[] | undefined;
}

/** What a {@link VirtualService} says, as far as it is looked at. */
export interface VirtualServiceSpec {
  readonly hosts?: Texts;
  readonly gateways?: Texts;
  readonly http?: readonly HttpRoute[] | undefined;
}

/** What a {@link Gateway} says, as far as it is looked at. */
export interface GatewaySpec {
  readonly selector?: Readonly<Record<string, string>> | undefined;
  readonly servers?:
    | readonly {
        readonly name?: string | undefined;
        readonly port: {
          readonly number: number;
          readonly protocol: string;
          readonly name?: string | undefined;
        };
        readonly hosts: readonly string[];
      }[]
    | undefined;
}

/** `"AuthorizationPolicy deny-admin.shop"`: how a resource reads in errors and reports. */
export const resourceText = ({ kind, name, namespace }: ResourceName): string => `${kind} ${name}.${namespace}`;
