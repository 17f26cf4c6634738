import { isIP } from "node:net";
import type { PolicyRequest } from "./request.ts";
import type { AuthorizationRule, RuleOperation, RuleSource } from "./resource.ts";

/**
 * The narrowest rules that still match all of the requests that a rule matched: who sent them, and which methods, paths
 * and ports they asked for. What the rule asks for beside that is kept.
 *
 * Callers with the same operations share one rule. Where someone has no identity, or something is not known of a
 * request, that part stays as it is.
 */
export function smallestRules(
  rule: AuthorizationRule,
  requests: readonly PolicyRequest[],
): readonly AuthorizationRule[] {
  const groups = new Map<string, { readonly operations: readonly RuleOperation[]; readonly principals: string[] }>();
  const callers = byCaller(requests);
  for (const [principal, own] of callers) {
    const operations = operationsOf(rule, own);
    const key = JSON.stringify(operations);
    const group = groups.get(key) ?? { operations, principals: [] };
    if (principal !== undefined) group.principals.push(principal);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ operations, principals }) => ({
    ...fromOf(rule, callers.has(undefined) ? undefined : principals),
    ...(operations.length > 0 && { to: operations.map((operation) => ({ operation })) }),
    ...(rule.when !== undefined && { when: rule.when }),
  }));
}

/** The requests of each identity; those of all callers together where one of them has none. */
function byCaller(requests: readonly PolicyRequest[]): ReadonlyMap<string | undefined, readonly PolicyRequest[]> {
  const callers = new Map<string | undefined, PolicyRequest[]>();
  for (const request of requests) {
    const principal = request.source?.principal?.replace(/^spiffe:\/\//, "");
    callers.set(principal, [...(callers.get(principal) ?? []), request]);
  }
  return callers.has(undefined) ? new Map([[undefined, requests]]) : callers;
}

function fromOf(rule: AuthorizationRule, principals: readonly string[] | undefined): Pick<AuthorizationRule, "from"> {
  const own = rule.from === undefined ? {} : { from: rule.from };
  if (principals === undefined) return own;
  const [first = {}, ...others] = (rule.from ?? [{ source: {} }]).map(({ source }) => withoutIdentity(source));
  // Sources that ask for different things beside an identity would each get all callers.
  if (others.some((one) => JSON.stringify(one) !== JSON.stringify(first))) return own;
  return { from: [{ source: { principals: [...principals].sort(), ...first } }] };
}

const IDENTITY = /^(?:not)?(?:principals|namespaces|serviceAccounts|trustDomains)$/i;

const withoutIdentity = (source: RuleSource): RuleSource =>
  Object.fromEntries(Object.entries(source).filter(([key, values]) => !IDENTITY.test(key) && values !== undefined));

function operationsOf(rule: AuthorizationRule, requests: readonly PolicyRequest[]): readonly RuleOperation[] {
  const allowed = rule.to?.map(({ operation }) => operation) ?? [{}];
  // Several operations in one rule are each as narrow as their author wrote them.
  if (allowed.length > 1 || requests.some(({ protocol }) => protocol === "tcp")) return portsOnly(rule, requests);
  const [operation = {}] = allowed;
  const byMethod = new Map<string, PolicyRequest[]>();
  for (const request of requests) {
    const method = request.method ?? (request.protocol === "grpc" ? "POST" : undefined);
    // Without its method or path a request is matched by what its author wrote only.
    if (method === undefined || request.path === undefined || request.path === "")
      return rule.to === undefined ? [] : [operation];
    byMethod.set(method, [...(byMethod.get(method) ?? []), request]);
  }
  const grouped = new Map<
    string,
    {
      readonly paths: readonly string[] | undefined;
      readonly methods: string[];
      readonly ports: readonly string[] | undefined;
    }
  >();
  for (const [method, own] of byMethod) {
    const paths = pathsOf(operation, own);
    const ports = portsOf(own);
    const key = JSON.stringify([paths, ports]);
    const group = grouped.get(key) ?? { paths, methods: [], ports };
    group.methods.push(method);
    grouped.set(key, group);
  }
  return [...grouped.values()].map(({ paths, methods, ports }) => {
    const { paths: _, methods: __, ports: ___, ...kept } = operation;
    return { methods: methods.sort(), paths, ...(ports !== undefined && { ports }), ...kept };
  });
}

/** What a rule that connections match can be narrowed by. */
function portsOnly({ to }: AuthorizationRule, requests: readonly PolicyRequest[]): readonly RuleOperation[] {
  if (to !== undefined) return to.map(({ operation }) => operation);
  const ports = portsOf(requests);
  return ports === undefined ? [] : [{ ports }];
}

function portsOf(requests: readonly PolicyRequest[]): readonly string[] | undefined {
  const ports = new Set(requests.map(({ destination }) => destination.port));
  return ports.has(undefined) ? undefined : [...ports].map(String).sort();
}

const MOST_PATHS = 8;

/** The paths themselves while they are few; where they differ in what looks like a name of one thing, a template. */
function pathsOf({ paths }: RuleOperation, requests: readonly PolicyRequest[]): readonly string[] | undefined {
  const seen = [...new Set(requests.map(({ path = "" }) => path))].sort();
  // No rule can name such a path: a star at its end would be a wildcard.
  if (seen.some((path) => /[{}]|\*$/.test(path))) return paths;
  if (seen.length <= MOST_PATHS) return seen;
  const templates = [...new Set(seen.map(template))].sort();
  // A template may match more than was allowed so far, unless all below its beginning was.
  const isWithin = templates.every((one) => paths === undefined || paths.some((path) => covers(path, one)));
  return isWithin && templates.length < seen.length ? templates : seen;
}

/** Segments that name one of many things: numbers, hexadecimal ids, addresses. */
const ID = /^(?:\d+|[0-9a-f]{8,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;
const TEMPLATE_SEGMENT = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=]+$/;

function template(path: string): string {
  const segments = path.split("/");
  if (segments.some((segment) => segment !== "" && !TEMPLATE_SEGMENT.test(segment))) return path;
  return segments.map((segment) => (ID.test(segment) || isIP(segment) !== 0 ? "{*}" : segment)).join("/");
}

function covers(allowed: string, wanted: string): boolean {
  if (!wanted.includes("{*}"))
    return allowed === wanted || allowed === "*" || (allowed.endsWith("*") && wanted.startsWith(allowed.slice(0, -1)));
  if (allowed === "*" || allowed === "/{**}") return true;
  return (
    allowed.endsWith("*") &&
    !allowed.includes("{") &&
    wanted.slice(0, wanted.indexOf("{*}")).startsWith(allowed.slice(0, -1))
  );
}
