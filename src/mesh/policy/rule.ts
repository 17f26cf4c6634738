import { attribute, HOST, METHOD, PATH, type ValueTest } from "./attributes.ts";
import type { MeshSettings, PolicyRequest } from "./request.ts";
import type { AuthorizationPolicy, AuthorizationRule, RuleOperation, RuleSource } from "./resource.ts";
import { and, not, or, type Tristate } from "./tristate.ts";

/** Whether a rule matches a request. */
export type RuleTest = (request: PolicyRequest) => Tristate;

/** The values that an attribute must have one of, and must have none of. */
interface Field {
  readonly key: string;
  readonly httpOnly: boolean;
  readonly values: readonly ValueTest[];
  readonly notValues: readonly ValueTest[];
}

/**
 * The test of one rule.
 *
 * What is asked of HTTP cannot be asked of a connection: an ALLOW rule that does then allows none, and any other one
 * does as though it had not asked.
 *
 * @see Istio, pilot/pkg/security/authz/model/model.go
 */
export function ruleTest(
  rule: AuthorizationRule,
  { namespace, spec }: AuthorizationPolicy,
  settings: MeshSettings,
): RuleTest {
  const make = (key: string, values: Texts, notValues: Texts): Field[] => {
    const known = attribute(key);
    if (known === undefined || ((values?.length ?? 0) === 0 && (notValues?.length ?? 0) === 0)) return [];
    const tests = (given: Texts) => migrated(key, given ?? [], settings).map((value) => known.test(value, namespace));
    return [{ key, httpOnly: known.httpOnly, values: tests(values), notValues: tests(notValues) }];
  };
  const when = (rule.when ?? []).flatMap(({ key, values, notValues }) => make(key, values, notValues));
  const from = (rule.from ?? []).map(({ source }) => fields(SOURCE_KEYS, source, make));
  const to = (rule.to ?? []).map(({ operation }) => fields(OPERATION_KEYS, operation, make));
  const isAllow = (spec.action ?? "ALLOW") === "ALLOW";
  const tunnelled = ztunnelTest({ from, to, when }, isAllow);
  const isLost = isAllow && [when, ...from, ...to].flat().some(({ httpOnly }) => httpOnly);
  return (request) => {
    if (request.destination.proxy === "ztunnel") return tunnelled(request);
    const isTcp = request.protocol === "tcp";
    if (isTcp && isLost) return false;
    const holds = (all: readonly Field[]) =>
      and(all.map((field) => (isTcp && field.httpOnly ? true : fieldHolds(field, request))));
    const any = (groups: readonly (readonly Field[])[]) => (groups.length === 0 ? true : or(groups.map(holds)));
    return and([any(from), any(to), holds(when)]);
  };
}

/** A rule's fields: those of each source, of each operation, and its conditions. */
interface RuleFields {
  readonly from: readonly (readonly Field[])[];
  readonly to: readonly (readonly Field[])[];
  readonly when: readonly Field[];
}

/** What ztunnel knows of a connection, by the keys of conditions. */
const ZTUNNEL_KEYS = ["destination.ip", "destination.port", "source.ip", "source.namespace", "source.principal"];
const ZTUNNEL_FIELDS: ReadonlySet<string> = new Set([...ZTUNNEL_KEYS, "source.serviceAccount"]);
/** What a source or operation may ask for that no connection has, to ztunnel. */
const ZTUNNEL_HTTP: ReadonlySet<string> = new Set([HOST, METHOD, PATH, "remote.ip", "request.auth.principal"]);

/**
 * The test of a rule as ztunnel is told it. An ALLOW rule that asks for more than it knows is left out; of another one
 * that part is, and where nothing is left of a source, of an operation or of a condition, it matches nothing.
 *
 * @see Istio, handleRule in pilot/pkg/serviceregistry/ambient/authorization.go
 */
function ztunnelTest({ from, to, when }: RuleFields, isAllow: boolean): RuleTest {
  const asksForMore =
    [...from, ...to].flat().some(({ key }) => ZTUNNEL_HTTP.has(key)) ||
    when.some(({ key }) => !ZTUNNEL_KEYS.includes(key));
  if (isAllow && asksForMore) return () => false;
  const clauses = [from, to, ...when.map((field) => [[field]])].filter((clause) => clause.length > 0);
  const told = clauses.map((clause) =>
    clause.map((fields) => fields.filter(({ key }) => ZTUNNEL_FIELDS.has(key))).filter((fields) => fields.length > 0),
  );
  return (request) =>
    and(told.map((clause) => or(clause.map((all) => and(all.map((field) => fieldHolds(field, request)))))));
}

type Texts = readonly string[] | undefined;

function fieldHolds({ values, notValues }: Field, request: PolicyRequest): Tristate {
  const isOne = values.length === 0 ? true : or(values.map((test) => test(request)));
  return and([isOne, not(or(notValues.map((test) => test(request))))]);
}

function fields<Group extends RuleOperation | RuleSource>(
  keys: readonly (readonly [keyof Group, keyof Group, string])[],
  group: Group,
  make: (key: string, values: Texts, notValues: Texts) => Field[],
): readonly Field[] {
  return keys.flatMap(([values, notValues, key]) => make(key, group[values] as Texts, group[notValues] as Texts));
}

const SOURCE_KEYS = [
  ["principals", "notPrincipals", "source.principal"],
  ["requestPrincipals", "notRequestPrincipals", "request.auth.principal"],
  ["namespaces", "notNamespaces", "source.namespace"],
  ["serviceAccounts", "notServiceAccounts", "source.serviceAccount"],
  ["trustDomains", "notTrustDomains", "source.trustDomain"],
  ["ipBlocks", "notIpBlocks", "source.ip"],
  ["remoteIpBlocks", "notRemoteIpBlocks", "remote.ip"],
] as const satisfies readonly (readonly [keyof RuleSource, keyof RuleSource, string])[];

const OPERATION_KEYS = [
  ["hosts", "notHosts", HOST],
  ["methods", "notMethods", METHOD],
  ["paths", "notPaths", PATH],
  ["ports", "notPorts", "destination.port"],
] as const satisfies readonly (readonly [keyof RuleOperation, keyof RuleOperation, string])[];

/**
 * The values with what the trust domain's aliases add to them.
 *
 * @see Istio, pilot/pkg/security/trustdomain/bundle.go
 */
function migrated(
  key: string,
  values: readonly string[],
  { trustDomain, trustDomainAliases }: MeshSettings,
): readonly string[] {
  const domains = [trustDomain, ...trustDomainAliases];
  if (key === "source.trustDomain") {
    return [...new Set(values.flatMap((value) => (domains.includes(value) ? domains : [value])))];
  }
  if (key !== "source.principal") return values;
  return values.flatMap((principal) => {
    const [domain = "", ...rest] = principal.split("/");
    if (rest.length !== 4 || domain === "*") return [principal];
    if (domain !== "cluster.local" && !domains.some((one) => areAlike(domain, one))) return [principal];
    const known = domains.map((one) => (hasSuffix(one, domain) ? principal : [one, ...rest].join("/")));
    return [...new Set(known)];
  });
}

const areAlike = (a: string, b: string): boolean =>
  a === b || b === "*" || hasPrefix(a, b) || hasPrefix(b, a) || hasSuffix(a, b) || hasSuffix(b, a);
const hasPrefix = (text: string, pattern: string): boolean =>
  pattern.endsWith("*") && text.startsWith(pattern.slice(0, -1));
const hasSuffix = (text: string, pattern: string): boolean =>
  pattern.startsWith("*") && text.endsWith(pattern.slice(1));
