import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMesh, type Policies, type Verdict } from "../../../src/index.ts";
import { request, setting } from "../../policy/generated.ts";
import { policyRequest } from "../../policy/policy-request.ts";
import { type Outcome, type PolicyProxy, startProxy } from "../../policy/proxy.ts";

const SETTINGS = 60;
const REQUESTS = 10;
const SEED = 31;

describe("the verdict on generated policies and requests", () => {
  const settings = fc.sample(setting, { numRuns: SETTINGS, seed: SEED });
  const requests = fc.sample(fc.array(request, { minLength: REQUESTS, maxLength: REQUESTS }), {
    numRuns: SETTINGS,
    seed: SEED,
  });
  const mesh = createMesh();
  let judges: readonly Policies[];
  let proxy: PolicyProxy;

  beforeAll(async () => {
    judges = settings.map(({ policies, destination: _, ...options }) => mesh.policies(policies, options));
    proxy = await startProxy(settings);
  });
  afterAll(() => proxy?.stop());

  it("is what a real Envoy does with Istio's filters, and names the same rule", async () => {
    const counts = { allow: 0, deny: 0, "no-match": 0, "no-policy": 0, plaintext: 0 };
    const differences: unknown[] = [];
    for (const [i, { destination }] of settings.entries()) {
      for (const sent of requests[i] ?? []) {
        const outcome = await proxy.send(i, sent);
        const verdict = judges[i]?.verdict(policyRequest(sent, destination));
        if (verdict === undefined) throw new Error("each setting has its judge");
        const { kind } = verdict.reason;
        if (kind in counts) counts[kind as keyof typeof counts]++;
        if (!isSame(verdict, outcome)) differences.push({ setting: settings[i], sent, outcome, verdict });
      }
    }
    expect(differences).toEqual([]);
    expect(SETTINGS * REQUESTS).toBeGreaterThanOrEqual(300);
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(10);
  });
});

/** Whether the proxy did what was said, for the reason that was said, as far as it tells one. */
function isSame({ decision, reason }: Verdict, outcome: Outcome): boolean {
  if (outcome.kind === "answered") return decision === "allowed";
  if (decision !== "denied") return false;
  if (outcome.kind === "closed") return true;
  const policy = /^rbac_access_denied_matched_policy\[(.*)\]$/.exec(outcome.details)?.[1];
  if (reason.kind === "no-match") return policy === "none";
  if (reason.kind !== "deny") return false;
  const { namespace, policy: name, rule } = reason.rule;
  return policy === `ns[${namespace}]-policy[${name}]-rule[${rule}]`;
}
