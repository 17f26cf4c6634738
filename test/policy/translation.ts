/**
 * Policies as the RBAC filters and listeners that Istio's documentation says they become; written without a look at how
 * this library judges.
 */
import type { JsonObject } from "../mesh/json.ts";
import type { GeneratedPolicy, GeneratedRule, Lists, Setting } from "./generated.ts";
import { ROOT_NAMESPACE } from "./generated.ts";

type Mode = "DISABLE" | "PERMISSIVE" | "STRICT";

/** The policies of one kind that hold for the destination. */
function applying({ policies, destination }: Setting, kind: GeneratedPolicy["kind"]): readonly GeneratedPolicy[] {
  return policies.filter(({ kind: own, metadata: { namespace }, spec: { selector } }) => {
    if (own !== kind || (namespace !== ROOT_NAMESPACE && namespace !== destination.namespace)) return false;
    return Object.entries(selector?.matchLabels ?? {}).every(([name, value]) => destination.labels[name] === value);
  });
}

/** What the documentation of PeerAuthentication says of a port: the narrowest scope that says anything. */
export function portMode(setting: Setting, port: number): Mode {
  const oldestFirst = [...applying(setting, "PeerAuthentication")].sort((a, b) => {
    const [one, other] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? "9999"} ${metadata.name}`);
    return (one ?? "") < (other ?? "") ? -1 : 1;
  });
  const isWide = ({ spec }: GeneratedPolicy) => Object.keys(spec.selector?.matchLabels ?? {}).length === 0;
  const inRoot = ({ metadata }: GeneratedPolicy) => metadata.namespace === ROOT_NAMESPACE;
  const mesh = oldestFirst.find((one) => isWide(one) && inRoot(one));
  const namespace = oldestFirst.find((one) => isWide(one) && !inRoot(one));
  const workload = oldestFirst.find((one) => !isWide(one) && !inRoot(one));
  const said = [
    workload?.spec.portLevelMtls?.[port]?.mode,
    workload?.spec.mtls?.mode,
    namespace?.spec.mtls?.mode,
    mesh?.spec.mtls?.mode,
  ];
  return (said.find((mode) => mode !== undefined && mode !== "UNSET") ?? "PERMISSIVE") as Mode;
}

/** The RBAC filters in their order, none where no policy asks for one. */
export function rbacFilters(setting: Setting, isTcp: boolean): readonly JsonObject[] {
  const policies = applying(setting, "AuthorizationPolicy");
  return (["AUDIT", "DENY", "ALLOW"] as const).flatMap((action) => {
    const own = policies.filter(({ spec }) => (spec.action ?? "ALLOW") === action);
    if (own.length === 0) return [];
    const entries = own.flatMap((policy) => translated(policy, setting, isTcp));
    return [{ action: action === "AUDIT" ? "LOG" : action, policies: Object.fromEntries(entries) }];
  });
}

/** The filters that ask providers: one that only notes which rule matches, and one that asks where one did. */
export function customFilters(setting: Setting, authorizer: JsonObject): readonly JsonObject[] {
  const policies = applying(setting, "AuthorizationPolicy").filter(({ spec }) => spec.action === "CUSTOM");
  const providers = [...new Set(policies.map(({ spec }) => spec.provider?.name ?? ""))].sort();
  return providers.flatMap((provider): readonly JsonObject[] => {
    const own = policies.filter(({ spec }) => spec.provider?.name === provider);
    const rules = Object.fromEntries(own.flatMap((policy) => translated(policy, setting, false)));
    const named = (before: string, after: string) =>
      Object.fromEntries(Object.entries(rules).map(([name, rule]) => [`${before}${name}${after}`, rule]));
    // More than one provider is a fault, and what their policies match is refused.
    if (providers.length > 1) {
      return [{ rbac: { rules: { action: "DENY", policies: named("", "-deny-due-to-bad-CUSTOM-action") } } }];
    }
    return [
      {
        rbac: {
          shadow_rules: { action: "DENY", policies: named("istio-ext-authz-", "") },
          shadow_rules_stat_prefix: "istio_ext_authz_",
        },
      },
      {
        ext_authz: {
          ...authorizer,
          filter_enabled_metadata: {
            filter: "envoy.filters.http.rbac",
            path: [{ key: MATCHED_CUSTOM }],
            value: { string_match: { prefix: "istio-ext-authz" } },
          },
        },
      },
    ];
  });
}

/** Where the first of those filters notes the rule. */
export const MATCHED_CUSTOM = "istio_ext_authz_shadow_effective_policy_id";

function translated(policy: GeneratedPolicy, setting: Setting, isTcp: boolean): [string, JsonObject][] {
  const { name, namespace } = policy.metadata;
  const { rules = [], action = "ALLOW" } = policy.spec;
  const nameOf = (i: number) => `ns[${namespace}]-policy[${name}]-rule[${i}]`;
  if (rules.length === 0) {
    return [[nameOf(0), { permissions: [{ not_rule: { any: true } }], principals: [{ not_id: { any: true } }] }]];
  }
  return rules.flatMap((rule, i) => {
    // A rule that asks HTTP of a connection: allowing gives up the rule, denying gives up the question.
    if (isTcp && action === "ALLOW" && asksHttp(rule)) return [];
    return [[nameOf(i), ruleOf(rule, { namespace, setting, isTcp })] as [string, JsonObject]];
  });
}

const HTTP_ONLY = /^(not)?(paths|methods|hosts|requestPrincipals)$|^request\./i;

const asksHttp = ({ from = [], to = [], when = [] }: GeneratedRule): boolean =>
  [
    ...from.flatMap(({ source }) => Object.keys(source)),
    ...to.flatMap(({ operation }) => Object.keys(operation)),
    ...when.map(({ key }) => key),
  ].some((key) => HTTP_ONLY.test(key));

interface Place {
  readonly namespace: string;
  readonly setting: Setting;
  readonly isTcp: boolean;
}

function ruleOf({ from, to, when = [] }: GeneratedRule, place: Place): JsonObject {
  const conditions = when.map(({ key, values, notValues }) => ({
    key,
    lists: { ...(values && { values }), ...(notValues && { notValues }) },
  }));
  const ofPermissions = conditions.filter(({ key }) => /^(destination|connection)\./.test(key));
  const ofPrincipals = conditions.filter((one) => !ofPermissions.includes(one));
  const shared = (some: typeof conditions, kind: Kind) =>
    some.flatMap(({ key, lists }) => clauses(lists, kind, place, () => key));
  const permissions = (to ?? [undefined]).map((one) =>
    every([...clauses(one?.operation ?? {}, "rules", place), ...shared(ofPermissions, "rules")], "rules"),
  );
  const principals = (from ?? [undefined]).map((one) =>
    every([...clauses(one?.source ?? {}, "ids", place), ...shared(ofPrincipals, "ids")], "ids"),
  );
  return { permissions, principals };
}

/** Envoy calls the parts of permissions rules, and those of principals ids. */
type Kind = "ids" | "rules";

const every = (parts: readonly JsonObject[], kind: Kind): JsonObject =>
  parts.length === 0 ? { any: true } : { [`and_${kind}`]: { [kind]: [...parts] } };

/** For each field that any of its values holds, and for each `not…` that none does. */
function clauses(lists: Lists, kind: Kind, place: Place, keyOf = (field: string) => field): JsonObject[] {
  return Object.entries(lists).flatMap(([field, values]) => {
    const isNot = field.startsWith("not");
    const positive = isNot ? `${field[3]?.toLowerCase()}${field.slice(4)}` : field;
    const key = keyOf(positive);
    if (place.isTcp && HTTP_ONLY.test(key)) return [];
    const either = { [`or_${kind}`]: { [kind]: values.flatMap((value) => matchers(key, value, place)) } };
    return [isNot ? { [kind === "rules" ? "not_rule" : "not_id"]: either } : either];
  });
}

function matchers(key: string, value: string, { namespace, setting }: Place): JsonObject[] {
  const authenticated = (principal_name: JsonObject) => ({ authenticated: { principal_name } });
  const regex = (text: string): JsonObject => ({ safe_regex: { regex: text } });
  const domains = ["cluster.local", ...setting.trustDomainAliases];
  switch (key) {
    case "principals":
    case "source.principal":
      return aliased(value, domains).map((one) => {
        if (one === "*") return authenticated(regex(".+"));
        if (one.startsWith("*")) return authenticated(regex(`spiffe://.*${quoted(one.slice(1))}`));
        return authenticated(
          one.endsWith("*") ? { prefix: `spiffe://${one.slice(0, -1)}` } : { exact: `spiffe://${one}` },
        );
      });
    case "namespaces":
    case "source.namespace":
      return [authenticated(regex(`.*/ns/${value.split("*").map(quoted).join(".*")}/.*`))];
    case "serviceAccounts":
    case "source.serviceAccount": {
      const [first = "", second] = value.split("/");
      const [of, account] = second === undefined ? [namespace, first] : [first, second];
      return [authenticated(regex(`spiffe://.+/ns/${quoted(of)}/(.+/|)sa/${quoted(account)}(/.+)?`))];
    }
    case "trustDomains":
    case "source.trustDomain":
      return (domains.includes(value) ? domains : [value]).map((one) => {
        if (one === "*") return authenticated({ prefix: "spiffe://" });
        if (!one.includes("*")) return authenticated({ prefix: `spiffe://${one}/` });
        return authenticated(regex(`spiffe://${one.split("*").map(quoted).join("[^/]*")}/.*`));
      });
    case "ipBlocks":
    case "source.ip":
      return [{ direct_remote_ip: range(value) }];
    case "remoteIpBlocks":
    case "remote.ip":
      return [{ remote_ip: range(value) }];
    case "destination.ip":
      return [{ destination_ip: range(value) }];
    case "ports":
    case "destination.port":
      return [{ destination_port: Number(value) }];
    case "connection.sni":
      return [{ requested_server_name: text(value) }];
    case "hosts":
      return [{ header: headerMatch(":authority", value, true) }];
    case "methods":
      return [{ header: headerMatch(":method", value) }];
    case "paths":
      return [pathMatch(value)];
    case "request.auth.claims[iss]":
      return [
        {
          metadata: {
            filter: "envoy.filters.http.jwt_authn",
            path: [{ key: "payload" }, { key: "iss" }],
            value: { list_match: { one_of: { string_match: text(value) } } },
          },
        },
      ];
    default: {
      const name = /^request\.headers\[(.*)\]$/.exec(key)?.[1];
      if (name === undefined) throw new Error(`no translation of ${key}`);
      return [{ header: headerMatch(name, value) }];
    }
  }
}

function pathMatch(value: string): JsonObject {
  if (!/\{\*\*?\}/.test(value)) return { url_path: { path: text(value) } };
  const typed_config = {
    "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
    path_template: value.replace(/\{(\*\*?)\}/g, "$1"),
  };
  return { uri_template: { name: "uri-template", typed_config } };
}

function text(value: string, ignore_case = false): JsonObject {
  const how = ignore_case ? { ignore_case } : {};
  if (value === "*") return { safe_regex: { regex: ".+" } };
  if (value.startsWith("*")) return { suffix: value.slice(1), ...how };
  return value.endsWith("*") ? { prefix: value.slice(0, -1), ...how } : { exact: value, ...how };
}

const headerMatch = (name: string, value: string, ignoreCase = false): JsonObject =>
  value === "*" ? { name, present_match: true } : { name, string_match: text(value, ignoreCase) };

function range(value: string): JsonObject {
  const [address_prefix = "", bits] = value.split("/");
  return { address_prefix, prefix_len: bits === undefined ? (address_prefix.includes(":") ? 128 : 32) : Number(bits) };
}

/** An identity of the mesh's own trust domain is one of its aliases' too. */
function aliased(principal: string, domains: readonly string[]): readonly string[] {
  const [domain = "", ...rest] = principal.split("/");
  const covers = (one: string) => domain.startsWith("*") && one.endsWith(domain.slice(1));
  if (rest.length !== 4 || domain === "*" || !(domains.includes(domain) || domains.some(covers))) return [principal];
  return domains.map((one) => [one, ...rest].join("/"));
}

const quoted = (literal: string): string => literal.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
