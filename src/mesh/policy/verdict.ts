import { isAttached } from "./attachment.ts";
import { normalizedPath } from "./path.ts";
import { oldestFirst, type PortMode, possibleModes } from "./peer-authentication.ts";
import type { MeshSettings, PolicyRequest } from "./request.ts";
import type {
  AnyResource,
  AuthorizationPolicy,
  PeerAuthentication,
  RequestAuthentication,
  ResourceName,
} from "./resource.ts";
import { type RuleTest, ruleTest } from "./rule.ts";
import { and, missingIn, not, or, type Tristate } from "./tristate.ts";

/** What becomes of a request: `"unknown"` where it depends on what is not known of it. */
export type Decision = "allowed" | "denied" | "unknown";

/** A rule of an authorization policy. */
export interface RuleName {
  readonly policy: string;
  readonly namespace: string;
  /** The place of the rule within the policy, from 0. */
  readonly rule: number;
}

/**
 * What decided. `no-policy`: nothing restricts the destination. `allow`, `deny`: this rule. `no-match`: there are ALLOW
 * policies, and none of their rules matches. `plaintext`: the port takes mutual TLS only. `custom`: the rule asks a
 * provider, whose answer is not known. `missing`: it depends on what is missing.
 */
export type Reason =
  | { readonly kind: "allow" | "deny"; readonly rule: RuleName }
  | { readonly kind: "custom"; readonly rule: RuleName; readonly provider: string }
  | { readonly kind: "missing"; readonly rules: readonly RuleName[] }
  | { readonly kind: "no-match"; readonly policies: readonly ResourceName[] }
  | { readonly kind: "no-policy" }
  | { readonly kind: "plaintext"; readonly policy: ResourceName };

/** What Istio would do about a request, and why. */
export interface Verdict {
  readonly decision: Decision;
  readonly reason: Reason;
  /** What would have to be known; empty unless the decision is `"unknown"`. */
  readonly missing: readonly string[];
  /** The rules of AUDIT policies that match: they decide nothing. */
  readonly audited: readonly RuleName[];
  /** The rules that would match and only run dry (`istio.io/dry-run`): they decide nothing either. */
  readonly dryRun: readonly RuleName[];
}

/** An authorization policy with the tests of its rules. */
interface Compiled {
  readonly policy: AuthorizationPolicy;
  readonly rules: readonly { readonly name: RuleName; readonly test: RuleTest }[];
  readonly isDryRun: boolean;
}

/** How a policy stands to one request. */
interface Standing {
  readonly policy: AuthorizationPolicy;
  readonly isDryRun: boolean;
  readonly attached: Tristate;
  readonly rules: readonly { readonly name: RuleName; readonly matches: Tristate }[];
}

/** Judges requests by a set of policies, which it takes for all that there are. */
export class Judge {
  readonly #settings: MeshSettings;
  /** By namespace, in the order of their names. */
  readonly #authorization: ReadonlyMap<string, readonly Compiled[]>;
  readonly #peers: readonly PeerAuthentication[];
  readonly #tokens: readonly RequestAuthentication[];

  constructor(resources: readonly AnyResource[], settings: MeshSettings) {
    this.#settings = settings;
    const policies = resources.filter((one) => one.kind === "AuthorizationPolicy");
    const sorted = policies.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1)).map((policy) => compiled(policy, settings));
    const byNamespace = new Map<string, Compiled[]>();
    for (const one of sorted) {
      const near = byNamespace.get(one.policy.namespace);
      if (near === undefined) byNamespace.set(one.policy.namespace, [one]);
      else near.push(one);
    }
    this.#authorization = byNamespace;
    this.#peers = oldestFirst(resources.filter((one) => one.kind === "PeerAuthentication"));
    this.#tokens = resources.filter((one) => one.kind === "RequestAuthentication");
  }

  /** What Istio would do about the request. */
  verdict(request: PolicyRequest): Verdict {
    const { modes, missing } = possibleModes(this.#peers, request.destination, this.#settings);
    const seen = this.#seen(request);
    const verdicts = modes.map((mode) => this.#under(mode, seen));
    const [first, ...others] = verdicts;
    if (first === undefined) throw new Error("unreachable: there is always a mode");
    if (others.every(({ decision }) => decision === first.decision)) return first;
    const rules = verdicts.flatMap(({ reason }) => (reason.kind === "missing" ? reason.rules : []));
    const all = [...new Set([...missing, ...verdicts.flatMap((one) => one.missing)])];
    return { ...first, decision: "unknown", reason: { kind: "missing", rules }, missing: all };
  }

  /** The rules of every policy that matches, or may match, whatever it decides: which ones traffic makes use of. */
  matches(request: PolicyRequest): readonly { readonly name: RuleName; readonly matches: Tristate }[] {
    return this.#standings(this.#seen(request)).flatMap(({ attached, rules }) =>
      rules.map(({ name, matches }) => ({ name, matches: and([attached, matches]) })),
    );
  }

  #under({ mode, policy }: PortMode, request: PolicyRequest): Verdict {
    const isTunnel = request.destination.proxy === "ztunnel";
    // Where a port takes no mutual TLS, callers' proxies send plaintext to it: no identity, no handshake. Ztunnels do not.
    const seen: PolicyRequest =
      mode === "DISABLE" && !isTunnel ? { ...request, security: "none", serverName: null } : request;
    const authorized = this.#authorized(seen);
    if (mode !== "STRICT" || seen.security === "mutual_tls" || policy === undefined) return authorized;
    if (seen.security === "none")
      return { ...authorized, decision: "denied", reason: { kind: "plaintext", policy: nameOf(policy) }, missing: [] };
    if (authorized.decision === "denied" || typeof seen.source?.principal === "string") return authorized;
    return {
      ...authorized,
      decision: "unknown",
      reason: { kind: "missing", rules: authorized.reason.kind === "missing" ? authorized.reason.rules : [] },
      missing: [...new Set([...authorized.missing, "connection_security_policy"])],
    };
  }

  /** The request as policies see it: its path normalized, and without a token where none is looked for. */
  #seen(request: PolicyRequest): PolicyRequest {
    const { path } = request;
    const seen =
      path === undefined ? request : { ...request, path: normalizedPath(path, this.#settings.pathNormalization) };
    if (request.claims !== undefined) return seen;
    const looks = this.#tokens.some((one) => isAttached(one, one.spec, request.destination, this.#settings) !== false);
    return looks ? seen : { ...seen, claims: null };
  }

  #standings(request: PolicyRequest): readonly Standing[] {
    const isTunnel = request.destination.proxy === "ztunnel";
    return this.#near(request.destination).flatMap(({ policy, rules, isDryRun }) => {
      const { action } = policy.spec;
      if (isTunnel && (action === "AUDIT" || action === "CUSTOM")) return [];
      const attached = isAttached(policy, policy.spec, request.destination, this.#settings);
      if (attached === false) return [];
      return [{ policy, isDryRun, attached, rules: rules.map(({ name, test }) => ({ name, matches: test(request) })) }];
    });
  }

  /** The policies of the namespaces that have a say about a destination. */
  #near({ namespace, service }: PolicyRequest["destination"]): readonly Compiled[] {
    const ofService = service?.split(".")[1] ?? namespace;
    const names = new Set([this.#settings.rootNamespace, namespace, ofService]);
    return [...names].flatMap((name) => this.#authorization.get(name) ?? []);
  }

  #authorized(request: PolicyRequest): Verdict {
    const standings = this.#standings(request);
    const of = (action: string) =>
      standings.filter(({ policy, isDryRun }) => (policy.spec.action ?? "ALLOW") === action && !isDryRun);
    const audited = matching(of("AUDIT")).map(({ name }) => name);
    const dryRun = matching(standings.filter(({ isDryRun }) => isDryRun)).map(({ name }) => name);
    const decided = (decision: Decision, reason: Reason, missing: readonly string[] = []): Verdict =>
      Object.freeze({ decision, reason: Object.freeze(reason), missing, audited, dryRun });

    const asked = matching(of("CUSTOM"));
    // Istio takes one provider for a workload, and denies what policies with several match, or with one it has not.
    const providers = new Set(
      of("CUSTOM").flatMap(({ policy, attached }) => (attached === true ? providerOf(policy) : [])),
    );
    const { extensionProviders } = this.#settings;
    const isRefused = ({ policy }: Matching) =>
      providers.size > 1 || extensionProviders?.includes(providerOf(policy)) === false;
    const refused = asked.filter(isRefused).sort(byProvider);
    const denying = [...refused, ...matching(of("DENY"))];
    const [denied] = denying.filter(({ holds }) => holds === true);
    if (denied !== undefined) return decided("denied", { kind: "deny", rule: denied.name });
    const allow = allowance(of("ALLOW"));
    if (allow.holds === false) {
      return decided("denied", {
        kind: "no-match",
        policies: of("ALLOW")
          .map(({ policy }) => policy)
          .map(nameOf),
      });
    }
    if (allow.holds === true && denying.length === 0) {
      const [rule] = asked;
      if (rule === undefined) return decided("allowed", allow.reason);
      const provider = providerOf(rule.policy);
      const missing = [`the answer of provider ${provider}`, ...missingIn(asked.map(({ holds }) => holds))];
      return decided("unknown", { kind: "custom", rule: rule.name, provider }, missing);
    }
    const open = [...denying, ...matching(of("ALLOW"))].filter(({ holds }) => holds !== true);
    const rules = open.map(({ name }) => name);
    return decided("unknown", { kind: "missing", rules }, missingIn([...open.map(({ holds }) => holds), allow.holds]));
  }
}

function compiled(policy: AuthorizationPolicy, settings: MeshSettings): Compiled {
  const { name, namespace, spec, annotations } = policy;
  const rules = (spec.rules ?? []).map((rule, i) => ({
    name: Object.freeze({ policy: name, namespace, rule: i }),
    test: ruleTest(rule, policy, settings),
  }));
  return { policy, rules, isDryRun: /^(1|t|true)$/i.test(annotations["istio.io/dry-run"] ?? "") };
}

interface Matching {
  readonly policy: AuthorizationPolicy;
  readonly name: RuleName;
  readonly holds: Tristate;
}

/** The rules that match or may match. */
const matching = (standings: readonly Standing[]): readonly Matching[] =>
  standings
    .flatMap(({ policy, attached, rules }) =>
      rules
        .map(({ name, matches }) => ({ policy, name, holds: and([attached, matches]) }))
        .filter(({ holds }) => holds !== false),
    )
    .sort((a, b) => (idOf(a.name) < idOf(b.name) ? -1 : 1));

/** What proxies call a policy or a rule: of several that match, they name the first in the order of these. */
const idOf = ({ policy, name = policy, namespace, rule = 0 }: Partial<ResourceName & RuleName>): string =>
  `ns[${namespace}]-policy[${name}]-rule[${rule}]`;

/**
 * What ALLOW policies come to: without any all is allowed, with some what one of their rules matches. Whether a policy
 * is attached counts for both, so that it cannot be left to the logic of the parts.
 */
function allowance(standings: readonly Standing[]): { readonly holds: Tristate; readonly reason: Reason } {
  const rules = matching(standings);
  const certain = rules.find(({ holds }) => holds === true);
  if (certain !== undefined) return { holds: true, reason: { kind: "allow", rule: certain.name } };
  const none: Reason = { kind: "no-policy" };
  if (standings.length === 0) return { holds: true, reason: none };
  const isAny = standings.some(({ attached }) => attached === true);
  const ifAttached = standings.map(({ rules: own }) => or(own.map(({ matches }) => matches)));
  if (!isAny && ifAttached.every((one) => one === true)) return { holds: true, reason: none };
  if (isAny && rules.length === 0) return { holds: false, reason: none };
  const parts = [...ifAttached, ...standings.map(({ attached }) => not(attached))];
  return { holds: { missing: missingIn(parts) }, reason: none };
}

/** One filter for each provider, in the order of their names. */
const byProvider = (a: Matching, b: Matching): number =>
  providerOf(a.policy) < providerOf(b.policy) ? -1 : providerOf(a.policy) > providerOf(b.policy) ? 1 : 0;

const providerOf = ({ spec }: AuthorizationPolicy): string => spec.provider?.name ?? "";

const nameOf = ({ kind, name, namespace }: ResourceName): ResourceName => Object.freeze({ kind, name, namespace });
