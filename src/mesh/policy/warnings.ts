import { shown } from "../../time.ts";
import { isAttached, isSelected } from "./attachment.ts";
import type { MeshSettings } from "./request.ts";
import { type AnyResource, type AuthorizationPolicy, type AuthorizationRule, resourceText } from "./resource.ts";

/** What Istio takes as it stands, and its author most likely did not mean. */
export function warningsOf(resources: readonly AnyResource[], settings: MeshSettings): readonly string[] {
  const looks = resources.filter((one) => one.kind === "RequestAuthentication");
  return resources.flatMap((resource) => {
    const said: string[] = [];
    if (resource.kind === "AuthorizationPolicy") {
      for (const [i, rule] of (resource.spec.rules ?? []).entries()) {
        for (const warning of ruleWarnings(rule, resource)) said.push(`rule ${i} ${warning}`);
        const { namespace } = resource;
        const where = { namespace, labels: resource.spec.selector?.matchLabels ?? {}, labelsComplete: false };
        const isLookedFor = looks.some(
          (one) => namespace === settings.rootNamespace || isAttached(one, one.spec, where, settings) !== false,
        );
        if (asksForTokens(rule) && !isLookedFor) {
          said.push(
            `rule ${i} asks for tokens, and no RequestAuthentication that was given looks for them: none is valid`,
          );
        }
      }
    }
    if (resource.kind === "PeerAuthentication" && resource.namespace === settings.rootNamespace) {
      if (isSelected(resource.spec.selector, { namespace: resource.namespace }) !== true) {
        said.push(
          `has a selector in the root namespace ${shown(settings.rootNamespace)}, where Istio does not look at it`,
        );
      }
    }
    return said.map((warning) => `${resourceText(resource)}: ${warning}`);
  });
}

const WILDCARDS = ["principals", "notPrincipals", "hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"];

function ruleWarnings(rule: AuthorizationRule, { spec }: AuthorizationPolicy): readonly string[] {
  const said: string[] = [];
  const groups = [
    ...(rule.from ?? []).map(({ source }) => source),
    ...(rule.to ?? []).map(({ operation }) => operation),
  ];
  for (const group of groups) {
    for (const [key, values = []] of Object.entries(group) as [string, readonly string[] | undefined][]) {
      for (const value of values) {
        if (/principals/i.test(key) && !/request/i.test(key) && value.startsWith("spiffe://")) {
          said.push(`has ${shown(value)} in ${key}: Istio puts "spiffe://" before it itself, so that it never matches`);
        }
        if (WILDCARDS.includes(key) && /.\*./.test(value) && !/\{\*\*?\}/.test(value)) {
          said.push(`has ${shown(value)} in ${key}: a "*" within a text is no wildcard`);
        }
        if ((key === "methods" || key === "notMethods") && value !== value.toUpperCase()) {
          said.push(`has ${shown(value)} in ${key}: methods are written in capitals, and compared as they are`);
        }
        if ((key === "paths" || key === "notPaths") && !/^[/*{]/.test(value)) {
          said.push(`has ${shown(value)} in ${key}: every path begins with "/"`);
        }
      }
    }
  }
  if (spec.action === "DENY" && isHttpAlone(rule)) {
    said.push("denies all TCP traffic in its scope, which has nothing of what it asks for: name its ports");
  }
  return said;
}

/** Whether a rule asks for nothing that a connection has. */
function isHttpAlone({ from, to, when = [] }: AuthorizationRule): boolean {
  const asksOf = (group: object, keys: readonly string[]) =>
    Object.entries(group).some(
      ([key, values]) =>
        keys.includes(key.replace(/^not(.)/, (_, c: string) => c.toLowerCase())) && values !== undefined,
    );
  const ofTcp = ["principals", "namespaces", "serviceAccounts", "trustDomains", "ipBlocks", "remoteIpBlocks"];
  const isFrom = (from ?? []).some(({ source }) => asksOf(source, ofTcp));
  const isTo = (to ?? []).some(({ operation }) => asksOf(operation, ["ports"]));
  const isWhen = when.some(({ key }) => !key.startsWith("request."));
  return (from ?? to ?? when[0]) !== undefined && !isFrom && !isTo && !isWhen;
}

const asksForTokens = ({ from = [], when = [] }: AuthorizationRule): boolean =>
  from.some(({ source }) => (source.requestPrincipals?.length ?? 0) > 0) ||
  when.some(({ key, values }) => key.startsWith("request.auth.") && (values?.length ?? 0) > 0);
