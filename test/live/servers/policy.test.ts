import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMesh, type Policies, type RuleName, type Verdict } from "../../../src/index.ts";
import { customSetting, request, setting, TCP_PORT } from "../../policy/generated.ts";
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

describe("the verdict where CUSTOM policies ask a provider", () => {
  const settings = fc.sample(customSetting, { numRuns: SETTINGS, seed: SEED });
  const overHttp = request.filter(({ port }) => port !== TCP_PORT);
  const requests = fc.sample(fc.array(overHttp, { minLength: REQUESTS, maxLength: REQUESTS }), {
    numRuns: SETTINGS,
    seed: SEED,
  });
  const mesh = createMesh();
  let asked = 0;
  const authorizer = createServer(({ headers }, response) => {
    asked++;
    response.writeHead(headers["x-grant"] === "yes" ? 200 : 403).end();
  });
  let proxy: PolicyProxy;

  beforeAll(async () => {
    await new Promise<void>((resolve) => authorizer.listen(0, "127.0.0.1", resolve));
    proxy = await startProxy(settings, (authorizer.address() as AddressInfo).port);
  });
  afterAll(async () => {
    await proxy?.stop();
    authorizer.close();
    authorizer.closeAllConnections();
  });

  it("is its provider's to say, exactly where a real Envoy asks it and does what it says", async () => {
    const counts = { allowed: 0, custom: 0, denied: 0, several: 0 };
    const differences: unknown[] = [];
    for (const [i, setting] of settings.entries()) {
      const { policies, destination, ...options } = setting;
      const judge = mesh.policies(policies, options);
      for (const sent of requests[i] ?? []) {
        const before = asked;
        const granted = await proxy.send(i, { ...sent, headers: { ...sent.headers, "x-grant": "yes" } });
        const wasAsked = asked > before;
        const refused = await proxy.send(i, sent);
        const verdict = judge.verdict(policyRequest(sent, destination));
        const { decision, reason } = verdict;
        const isCustom = decision === "unknown" && reason.kind === "custom";
        if (isCustom) counts.custom++;
        else if (decision !== "unknown") counts[decision]++;
        if (reason.kind === "deny" && reason.rule.policy.startsWith("c")) counts.several++;
        const holds = isCustom
          ? wasAsked && isAskedBy(reason.rule, granted) && isRefusedBy(refused, "ext_authz_denied")
          : // What is denied anyway may be asked first; who grants it changes nothing.
            isSame(verdict, granted) && (decision === "denied" ? refused.kind !== "answered" : !wasAsked);
        if (!holds) differences.push({ setting, sent, granted, refused, wasAsked, verdict });
      }
    }
    expect(differences).toEqual([]);
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(10);
  });
});

const isAskedBy = ({ namespace, policy, rule }: RuleName, outcome: Outcome): boolean =>
  outcome.kind === "answered" && outcome.custom === `istio-ext-authz-ns[${namespace}]-policy[${policy}]-rule[${rule}]`;

const isRefusedBy = (outcome: Outcome, details: string): boolean =>
  outcome.kind === "refused" && outcome.details === details;

/** Whether the proxy did what was said, for the reason that was said, as far as it tells one. */
function isSame({ decision, reason }: Verdict, outcome: Outcome): boolean {
  if (outcome.kind === "answered") return decision === "allowed";
  if (decision !== "denied") return false;
  if (outcome.kind === "closed") return true;
  const policy = /^rbac_access_denied_matched_policy\[(.*?)(?:-deny-due-to-bad-CUSTOM-action)?\]$/.exec(
    outcome.details,
  )?.[1];
  if (reason.kind === "no-match") return policy === "none";
  if (reason.kind !== "deny") return false;
  const { namespace, policy: name, rule } = reason.rule;
  return policy === `ns[${namespace}]-policy[${name}]-rule[${rule}]`;
}
