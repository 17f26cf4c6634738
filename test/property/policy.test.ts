import fc from "fast-check";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { type AuthorizationRule, createMesh, type PolicyRequest } from "../../src/index.ts";
import { normalizedPath, type PathNormalization } from "../../src/mesh/policy/path.ts";
import { smallestRules } from "../../src/mesh/policy/smallest-rule.ts";
import { request, setting } from "../policy/generated.ts";
import { policyRequest } from "../policy/policy-request.ts";

const mesh = createMesh();
const RUNS = { numRuns: 1_500, seed: 47 };

/** What of a request may be left out, each on its own. */
const FIELDS = [
  "method",
  "path",
  "host",
  "headers",
  "serverName",
  "claims",
  "security",
  "principal",
  "ip",
  "remoteIp",
  "port",
  "destinationIp",
  "labels",
] as const;

function without(whole: PolicyRequest, dropped: ReadonlySet<string>): PolicyRequest {
  const kept = <T extends object>(all: T, names: Readonly<Record<string, string>> = {}): T =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !dropped.has(names[name] ?? name))) as T;
  const destination = kept(whole.destination, { ip: "destinationIp" });
  return {
    ...kept(whole),
    source: kept(whole.source ?? {}),
    destination: dropped.has("labels") ? { ...destination, labelsComplete: false } : destination,
  };
}

it("a verdict on less is the same or cannot be told, and then names something that is missing", () => {
  let unknown = 0;
  fc.assert(
    fc.property(
      setting,
      request,
      fc.subarray([...FIELDS], { minLength: 1 }),
      ({ policies, destination, ...options }, sent, dropped) => {
        const judge = mesh.policies(policies, options);
        const whole = policyRequest(sent, destination);
        const known = judge.verdict(whole);
        expect(known.decision).not.toBe("unknown");
        const { decision, missing } = judge.verdict(without(whole, new Set(dropped)));
        if (decision !== "unknown") expect(decision).toBe(known.decision);
        else unknown++;
        expect(missing.length > 0).toBe(decision === "unknown");
      },
    ),
    RUNS,
  );
  expect(unknown).toBeGreaterThan(100);
});

it("policies mean the same as objects and as YAML", () => {
  fc.assert(
    fc.property(setting, ({ policies, destination: _, ...options }) => {
      const read = (given: typeof policies | string) =>
        mesh.policies(given, options).resources.map(({ origin: _, ...one }) => one);
      expect(read(policies.map((one) => stringify(one)).join("---\n"))).toEqual(read(policies));
    }),
    { ...RUNS, numRuns: 300 },
  );
});

it("the order in which policies are given does not matter", () => {
  fc.assert(
    fc.property(setting, request, ({ policies, destination, ...options }, sent) => {
      const whole = policyRequest(sent, destination);
      const verdict = (given: typeof policies) => mesh.policies(given, options).verdict(whole);
      expect(verdict([...policies].reverse())).toEqual(verdict(policies));
    }),
    { ...RUNS, numRuns: 500 },
  );
});

it("the smallest rules allow all that a rule allowed of the traffic, and nothing that it did not", () => {
  let narrowed = 0;
  const traffic = fc.array(request, { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(setting, traffic, traffic, ({ policies, destination, ...options }, sent, others) => {
      const [rule] = policies.flatMap(({ spec }) => spec.rules ?? []);
      if (rule === undefined) return;
      const by = (rules: readonly AuthorizationRule[]) => {
        const metadata = { name: "a", namespace: destination.namespace };
        const policy = { apiVersion: "security.istio.io/v1", kind: "AuthorizationPolicy", metadata, spec: { rules } };
        const judge = mesh.policies(policy, { ...options, trustDomainAliases: [] });
        return (one: PolicyRequest) => judge.verdict(one).decision === "allowed";
      };
      const [ofSent, ofOthers] = [sent, others].map((all) => all.map((one) => policyRequest(one, destination)));
      const allows = by([rule]);
      const seen = (ofSent ?? [])
        .map((one) => ({ ...one, path: normalizedPath(one.path ?? "", options.pathNormalization) }))
        .filter(allows);
      if (seen.length === 0) return;
      const smallest = smallestRules(rule, seen);
      const stillAllows = by(smallest);
      for (const one of seen) expect(stillAllows(one)).toBe(true);
      for (const one of ofOthers ?? []) if (stillAllows(one)) expect(allows(one)).toBe(true);
      if ((ofOthers ?? []).some((one) => allows(one) && !stillAllows(one))) narrowed++;
    }),
    RUNS,
  );
  expect(narrowed).toBeGreaterThan(50);
});

it("a path that was normalized stays as it is", () => {
  const part = fc.constantFrom(
    "a",
    ".",
    "..",
    "/",
    "//",
    "%2e",
    "%2F",
    "%5c",
    "\\",
    "%41",
    "%25",
    "%zz",
    "{",
    "~",
    "?q=/../x",
    "é",
  );
  const how = fc.constantFrom<PathNormalization>("BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES", "NONE");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 10 }), how, (parts, normalization) => {
      const once = normalizedPath(`/${parts.join("")}`, normalization);
      expect(normalizedPath(once, normalization)).toBe(once);
    }),
    RUNS,
  );
});
