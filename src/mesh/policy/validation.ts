import { isIP } from "node:net";
import { shown } from "../../time.ts";
import type {
  AnyResource,
  Attachment,
  AuthorizationPolicy,
  AuthorizationRule,
  PeerAuthentication,
  RuleCondition,
  RuleOperation,
  RuleSource,
} from "./resource.ts";

/** What is wrong with a resource of the right form, and where below its `spec`. */
export interface Fault {
  readonly path: readonly (number | string)[];
  readonly message: string;
}

/**
 * What Istio's own validation refuses.
 *
 * @see Istio, pkg/config/validation/validation.go and pkg/config/security/security.go
 */
export function faultsOf(resource: AnyResource): readonly Fault[] {
  switch (resource.kind) {
    case "AuthorizationPolicy":
      return authorizationFaults(resource);
    case "PeerAuthentication":
      return peerAuthenticationFaults(resource);
    case "RequestAuthentication":
      return attachmentFaults(resource.spec);
    case "Gateway":
    case "VirtualService":
      return [];
  }
}

function attachmentFaults({ selector, targetRef, targetRefs = [] }: Attachment): Fault[] {
  const faults = selectorFaults(selector);
  if ([selector, targetRef, targetRefs[0]].filter((one) => one !== undefined).length > 1) {
    faults.push({ path: [], message: "has a selector and targetRefs; write one of them" });
  }
  for (const [i, { namespace }] of targetRefs.entries()) {
    if (namespace === undefined) continue;
    faults.push({
      path: ["targetRefs", i, "namespace"],
      message: "must not be set: Istio refers to no other namespace",
    });
  }
  return faults;
}

function selectorFaults(selector: Attachment["selector"]): Fault[] {
  return Object.entries(selector?.matchLabels ?? {}).flatMap(([name, value]) =>
    name === "" || `${name}${value}`.includes("*")
      ? [{ path: ["selector", "matchLabels", name], message: "is empty or has a wildcard; a selector takes none" }]
      : [],
  );
}

function peerAuthenticationFaults({ spec }: PeerAuthentication): Fault[] {
  const faults = selectorFaults(spec.selector);
  const { portLevelMtls } = spec;
  if (portLevelMtls === undefined) return faults;
  const path = ["portLevelMtls"];
  if (Object.keys(spec.selector?.matchLabels ?? {}).length === 0) {
    faults.push({ path, message: "needs a selector: a whole namespace or mesh has no ports" });
  }
  if (Object.keys(portLevelMtls).length === 0) faults.push({ path, message: "is empty; name a port, or leave it out" });
  for (const port of Object.keys(portLevelMtls)) {
    if (!isPort(port) || port === "0") faults.push({ path: [...path, port], message: "is no port from 1 to 65535" });
  }
  return faults;
}

function authorizationFaults({ spec }: AuthorizationPolicy): Fault[] {
  const { action = "ALLOW", provider, rules } = spec;
  const faults = attachmentFaults(spec);
  if ((action === "DENY" || action === "CUSTOM") && rules === undefined) {
    faults.push({
      path: ["rules"],
      message: `is missing: a ${action} policy without rules never acts; write [{}] for all`,
    });
  }
  if (action === "CUSTOM" && (provider === undefined || provider.name === "")) {
    faults.push({ path: ["provider"], message: "is missing: a CUSTOM policy names the provider that decides" });
  }
  if (action !== "CUSTOM" && provider !== undefined) {
    faults.push({ path: ["provider"], message: `goes with action CUSTOM, not with ${action}` });
  }
  for (const [i, rule] of (rules ?? []).entries()) {
    const found = [...ruleFaults(rule), ...(action === "CUSTOM" ? customFaults(rule) : [])];
    faults.push(...found.map(({ path, message }) => ({ path: ["rules", i, ...path], message })));
  }
  return faults;
}

function ruleFaults({ from, to, when = [] }: AuthorizationRule): Fault[] {
  const faults: Fault[] = [];
  if (from?.length === 0) faults.push({ path: ["from"], message: "is empty; leave it out to mean everyone" });
  if (to?.length === 0) faults.push({ path: ["to"], message: "is empty; leave it out to mean everything" });
  for (const [i, { source }] of (from ?? []).entries()) {
    faults.push(
      ...sourceFaults(source).map(({ path, message }) => ({ path: ["from", i, "source", ...path], message })),
    );
  }
  for (const [i, { operation }] of (to ?? []).entries()) {
    const found = operationFaults(operation);
    faults.push(...found.map(({ path, message }) => ({ path: ["to", i, "operation", ...path], message })));
  }
  for (const [i, condition] of when.entries()) {
    faults.push(...conditionFaults(condition).map(({ path, message }) => ({ path: ["when", i, ...path], message })));
  }
  return faults;
}

function sourceFaults(source: RuleSource): Fault[] {
  const faults = emptyFaults(source);
  const { principals, notPrincipals, namespaces, notNamespaces, serviceAccounts, notServiceAccounts } = source;
  if (any(serviceAccounts, notServiceAccounts) && any(principals, notPrincipals, namespaces, notNamespaces)) {
    faults.push({ path: [], message: "has serviceAccounts beside principals or namespaces; write one of them" });
  }
  for (const key of ["ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks"] as const) {
    faults.push(...valueFaults(key, source[key], ipFault));
  }
  for (const key of ["serviceAccounts", "notServiceAccounts"] as const) {
    faults.push(...valueFaults(key, source[key], serviceAccountFault));
    if ((source[key]?.length ?? 0) > 16) faults.push({ path: [key], message: "has more than 16 values" });
  }
  for (const key of ["trustDomains", "notTrustDomains"] as const) {
    faults.push(...valueFaults(key, source[key], (value) => wildcardFault(value) ?? slashFault(value)));
  }
  return faults;
}

function operationFaults(operation: RuleOperation): Fault[] {
  const faults = emptyFaults(operation);
  for (const key of ["ports", "notPorts"] as const) faults.push(...valueFaults(key, operation[key], portFault));
  for (const key of ["paths", "notPaths"] as const) faults.push(...valueFaults(key, operation[key], templateFault));
  return faults;
}

/** A mapping without any value, and values without any text. */
function emptyFaults(lists: RuleOperation | RuleSource): Fault[] {
  const entries = Object.entries(lists).filter((entry): entry is [string, readonly string[]] => entry[1] !== undefined);
  if (entries.every(([, values]) => values.length === 0))
    return [{ path: [], message: "is empty; it must name something" }];
  return entries.flatMap(([key, values]) => valueFaults(key, values, emptyFault));
}

const any = (...lists: readonly (readonly string[] | undefined)[]): boolean =>
  lists.some((one) => (one?.length ?? 0) > 0);

function valueFaults(
  key: string,
  values: readonly string[] | undefined,
  faultOf: (value: string) => string | undefined,
): Fault[] {
  return (values ?? []).flatMap((value, i) => {
    const message = value === "" && faultOf !== emptyFault ? undefined : faultOf(value);
    return message === undefined ? [] : [{ path: [key, i], message }];
  });
}

const emptyFault = (value: string): string | undefined => (value === "" ? "is empty; write a value" : undefined);
const slashFault = (value: string): string | undefined =>
  value.includes("/") ? `is ${shown(value)}; a trust domain has no "/"` : undefined;
const isPort = (value: string): boolean => /^\d{1,5}$/.test(value) && Number(value) <= 65_535;
const portFault = (value: string): string | undefined =>
  isPort(value) ? undefined : `is ${shown(value)}, and no port from 0 to 65535`;

function wildcardFault(value: string): string | undefined {
  const stars = value.split("*").length - 1;
  if (stars === 0 || (stars === 1 && (value.startsWith("*") || value.endsWith("*")))) return undefined;
  return `is ${shown(value)}; one "*" may stand at the beginning or the end`;
}

function ipFault(value: string): string | undefined {
  const [address = "", bits, ...rest] = value.split("/");
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const isRange =
    bits === undefined || (/^\d{1,3}$/.test(bits) && String(Number(bits)) === bits && Number(bits) <= most);
  if (version !== 0 && isRange && rest.length === 0) return undefined;
  return `is ${shown(value)}; write an IP address or a range such as "10.0.0.0/8"`;
}

function serviceAccountFault(value: string): string | undefined {
  const parts = value.split("/");
  if (parts.length <= 2 && parts.every((part) => part !== "") && !value.includes("*") && value.length <= 320) {
    return undefined;
  }
  return `is ${shown(value)}; write "name" or "namespace/name", without wildcards`;
}

const LITERAL = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=]+$/;

/** A path with `{*}` or `{**}` in it is a template, in which each stands for whole segments, `{**}` last. */
function templateFault(path: string): string | undefined {
  const isTemplate = path.includes("{*}") || path.includes("{**}");
  let last = false;
  for (const part of path.replace(/^\/+|\/+$/g, "").split("/")) {
    if (part === "{*}" || part === "{**}") {
      if (last) return `is ${shown(path)}; {**} must be the last operator of a template`;
      last = part === "{**}";
    } else if (/[{}]/.test(part)) {
      return `is ${shown(path)}; "{" and "}" stand in {*} and {**} only, each as a whole segment`;
    } else if (isTemplate && !LITERAL.test(part)) {
      return `is ${shown(path)}; the segment ${shown(part)} has characters that a template cannot have`;
    }
  }
  return undefined;
}

const CONDITION_KEYS = [
  "source.ip",
  "remote.ip",
  "source.namespace",
  "source.principal",
  "source.serviceAccount",
  "source.trustDomain",
  "request.auth.principal",
  "request.auth.audiences",
  "request.auth.presenter",
  "destination.ip",
  "destination.port",
  "connection.sni",
];
const KEYED =
  /^(?:request\.headers|request\.auth\.claims|experimental\.envoy\.filters\.[^[\]]+)\[[^[\]]+\](?:\[[^[\]]+\])*$/;

function conditionFaults({ key, values, notValues }: RuleCondition): Fault[] {
  if (!CONDITION_KEYS.includes(key) && !KEYED.test(key)) {
    const known = [...CONDITION_KEYS, "request.headers[name]", "request.auth.claims[name]"].join(", ");
    return [{ path: ["key"], message: `is ${shown(key)}; there are ${known}` }];
  }
  if (!any(values, notValues)) return [{ path: [], message: "has neither values nor notValues; write one" }];
  const faultOf = (value: string): string | undefined => {
    if (value === "") return emptyFault(value);
    if (key.endsWith(".ip")) return ipFault(value);
    if (key === "destination.port") return portFault(value);
    if (key === "source.serviceAccount") return serviceAccountFault(value);
    return key === "source.trustDomain" ? wildcardFault(value) : undefined;
  };
  return [...valueFaults("values", values, faultOf), ...valueFaults("notValues", notValues, faultOf)];
}

const NOT_CUSTOM = ["namespaces", "serviceAccounts", "trustDomains", "principals", "requestPrincipals"] as const;

/** What a CUSTOM policy may not ask for. */
function customFaults({ from = [], when = [] }: AuthorizationRule): Fault[] {
  const message = "is not supported with action CUSTOM";
  return [
    ...from.flatMap(({ source }, i) =>
      NOT_CUSTOM.flatMap((key) => [key, `not${key[0]?.toUpperCase()}${key.slice(1)}` as keyof RuleSource])
        .filter((key) => any(source[key as keyof RuleSource]))
        .map((key) => ({ path: ["from", i, "source", key], message })),
    ),
    ...when.flatMap(({ key }, i) =>
      /^source\.(namespace|serviceAccount|trustDomain|principal)$|^request\.auth\./.test(key)
        ? [{ path: ["when", i, "key"], message }]
        : [],
    ),
  ];
}
