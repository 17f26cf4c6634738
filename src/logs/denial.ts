import type { ResponseFlag } from "./flags.ts";

/** The authorization policy that turned a request away. */
export interface RbacDenial {
  /** `undefined` when no ALLOW policy matched: then none in particular turned it away. */
  readonly policy: string | undefined;
  readonly namespace: string | undefined;
  /** The place of the rule within the policy, from 0. */
  readonly rule: number | undefined;
}

const DENIED = "rbac_access_denied_matched_policy[";

/**
 * Reads `rbac_access_denied_matched_policy[ns[shop]-policy[deny-admin]-rule[0]]` out of a request's details.
 *
 * Envoy writes "_" for white space in the name. A policy that is not Istio's is named as the proxy has it.
 *
 * @see Envoy, `responseDetail` in source/extensions/filters/common/rbac/utility.cc
 */
export function rbacDenial(details: string | undefined): RbacDenial | undefined {
  const at = details === undefined ? -1 : details.indexOf(DENIED);
  if (details === undefined || at === -1) return undefined;
  const end = details.lastIndexOf("]");
  const id = details.slice(at + DENIED.length, Math.max(end, at + DENIED.length));
  if (id === "none" || id === "") return denial(undefined, undefined, undefined);
  const match = /^ns\[([^\]]*)\]-policy\[([^\]]*)\]-rule\[(\d{1,9})\]$/.exec(id);
  return match === null ? denial(id, undefined, undefined) : denial(match[2], match[1], Number(match[3]));
}

const denial = (policy: string | undefined, namespace: string | undefined, rule: number | undefined): RbacDenial =>
  Object.freeze({ policy, namespace, rule });

/**
 * Who limited the rate: `local` the proxy by itself, `global` the rate limit service, `service-error` that service
 * failed, `unknown` one of the first two.
 */
export type RateLimit = "global" | "local" | "service-error" | "unknown";

/** Tells a limited rate from the flags and details; `undefined` when no limit of this proxy took part. */
export function rateLimit(flags: readonly ResponseFlag[], details: string | undefined): RateLimit | undefined {
  if (details === "local_rate_limited") return "local";
  if (details === "request_rate_limited") return "global";
  if (details === "rate_limiter_error" || flags.includes("RLSE")) return "service-error";
  return flags.includes("RL") ? "unknown" : undefined;
}
