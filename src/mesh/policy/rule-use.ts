import type { JudgedFlow } from "./flows.ts";
import type { Action, AuthorizationPolicy, AuthorizationRule } from "./resource.ts";
import { smallestRules } from "./smallest-rule.ts";
import type { Judge, RuleName } from "./verdict.ts";

/** What traffic made of one rule. */
export interface RuleUse {
  readonly rule: RuleName;
  readonly action: Action;
  /** Requests that it matches, whatever decided about them. */
  readonly requests: number;
  /** Requests of which it cannot be told whether it matches. */
  readonly untold: number;
  /** What would have to be known to tell. */
  readonly missing: readonly string[];
}

/** An ALLOW rule that allows more than it was used for. */
export interface BroadRule {
  readonly rule: RuleName;
  readonly requests: number;
  /** What the traffic did not need, in words. */
  readonly unneeded: readonly string[];
  /** The narrowest rules that allow all of the traffic. */
  readonly smallest: readonly AuthorizationRule[];
}

/** How each rule was used, and which could be narrower. */
export function ruleUses(
  policies: readonly AuthorizationPolicy[],
  flows: readonly JudgedFlow[],
  judge: Judge,
): { readonly uses: readonly RuleUse[]; readonly broad: readonly BroadRule[] } {
  const found = new Map<
    string,
    { requests: number; untold: number; readonly missing: Set<string>; readonly matched: JudgedFlow[] }
  >();
  const keyOf = ({ policy, namespace, rule }: RuleName) => JSON.stringify([policy, namespace, rule]);
  for (const judged of flows) {
    const { requests } = judged.flow;
    for (const { name, matches } of judge.matches(judged.request)) {
      if (matches === false) continue;
      const key = keyOf(name);
      const use = found.get(key) ?? { requests: 0, untold: 0, missing: new Set(), matched: [] };
      found.set(key, use);
      if (matches === true) {
        use.requests += requests;
        use.matched.push(judged);
      } else {
        use.untold += requests;
        for (const name of matches.missing) use.missing.add(name);
      }
    }
  }
  const rules = policies.flatMap(({ name, namespace, spec }) =>
    (spec.rules ?? []).map((rule, i) => ({
      rule,
      action: spec.action ?? "ALLOW",
      name: { policy: name, namespace, rule: i },
    })),
  );
  const uses = rules.map(({ name, action }): RuleUse => {
    const { requests = 0, untold = 0, missing = [] } = found.get(keyOf(name)) ?? {};
    return Object.freeze({ rule: Object.freeze(name), action, requests, untold, missing: [...missing] });
  });
  const broad = rules.flatMap(({ rule, action, name }): BroadRule[] => {
    const { matched = [], requests = 0, untold = 0 } = found.get(keyOf(name)) ?? {};
    // What cannot be told may need all of the rule.
    if (action !== "ALLOW" || matched.length === 0 || untold > 0) return [];
    const passing = matched.filter(({ flow }) => flow.verdict.decision === "allowed").map(({ request }) => request);
    const smallest = passing.length === 0 ? [] : smallestRules(rule, passing);
    const unneeded = smallest.length === 0 ? [] : unneededIn(rule, smallest);
    return unneeded.length === 0 ? [] : [Object.freeze({ rule: Object.freeze(name), requests, unneeded, smallest })];
  });
  return { uses, broad };
}

/** In what a rule allows more than its narrowest form. */
function unneededIn(rule: AuthorizationRule, smallest: readonly AuthorizationRule[]): readonly string[] {
  const said: string[] = [];
  const principals = new Set(
    smallest.flatMap(({ from = [] }) => from.flatMap(({ source }) => source.principals ?? [])),
  );
  if (smallest.every(({ from }) => from?.every(({ source }) => source.principals !== undefined))) {
    const sources = rule.from?.map(({ source }) => source);
    const callers = `${principals.size} ${principals.size === 1 ? "caller needs" : "callers need"} it`;
    if (
      sources === undefined ||
      sources.some((one) => one.principals === undefined && one.serviceAccounts === undefined)
    ) {
      said.push(`any caller ${sources === undefined ? "at all" : "of the source"}: ${callers}`);
    } else {
      const named = sources.flatMap((one) => [...(one.principals ?? []), ...(one.serviceAccounts ?? [])]);
      if (named.some((one) => one.includes("*"))) said.push(`callers by a wildcard: ${callers}`);
      else if (named.length > principals.size) said.push(`${named.length} callers: ${callers}`);
    }
  }
  const operations = smallest.flatMap(({ to = [] }) => to.map(({ operation }) => operation));
  const own = rule.to?.map(({ operation }) => operation) ?? [{}];
  for (const key of ["methods", "paths", "ports"] as const) {
    const needed = new Set(operations.flatMap((one) => one[key] ?? []));
    if (needed.size === 0 || operations.some((one) => one[key] === undefined)) continue;
    const given = own.flatMap((one) => one[key] ?? []);
    const list = [...needed].slice(0, 3).join(", ");
    const needs = `${list}${needed.size > 3 ? ` and ${needed.size - 3} more` : ""} would do`;
    if (own.some((one) => one[key] === undefined)) said.push(`any of the ${key}: ${needs}`);
    else if (given.some((one) => !needed.has(one))) said.push(`${key} ${given.join(", ")}: ${needs}`);
  }
  return said;
}
