import { describe, expect, test } from "vitest";
import { createMesh, type Mesh } from "../../../src/mesh/mesh.ts";
import { type SimulatedIncident, simulatedMesh } from "../../../src/testing/index.ts";

/** The incident began ten minutes ago, after an hour without any. */
const NOW = "2026-11-20T10:00:00Z";
const during = { from: "2026-11-20T09:50:00Z", to: NOW } as const;

const shop = (incident: SimulatedIncident): Mesh =>
  createMesh(
    simulatedMesh({
      seed: 7,
      now: NOW,
      start: "2026-11-20T00:00:00Z",
      rhythm: "steady",
      services: {
        front: {},
        back: { mtls: "permissive", versions: { v1: { weight: 3 }, v2: { weight: 1 } }, allow: ["front", "batch"] },
      },
      clients: { gateway: { kind: "gateway" }, batch: { kind: "sidecar" } },
      flows: [
        { from: "gateway", to: "front", path: "/", perSecond: 2, calls: [{ to: "back", path: "/items" }] },
        { from: "gateway", to: "front", path: "/cart", perSecond: 1, calls: [{ to: "back", path: "/cart" }] },
        { from: "batch", to: "back", path: "/batch", perSecond: 1 },
      ],
      incidents: [incident],
    }).backends(),
  );

describe("what is wrong with a simulated mesh is named first", () => {
  test.each<[string, SimulatedIncident, string]>([
    ["a slow version", { kind: "slow", service: "back", version: "v2", factor: 10, ...during }, "slow-version"],
    [
      "a failing version",
      { kind: "failing", service: "back", version: "v2", share: 0.5, code: 503, ...during },
      "failing-version",
    ],
    [
      "a failing path",
      { kind: "failing", service: "back", path: "/cart", share: 0.8, code: 500, ...during },
      "failing-path",
    ],
    ["an unreachable host", { kind: "unreachable", service: "back", share: 0.5, ...during }, "unreachable"],
    ["a rate limit", { kind: "limited", service: "back", share: 0.3, ...during }, "rate-limited"],
    [
      "plaintext creeping in",
      { kind: "plaintext", service: "back", caller: "batch", share: 0.5, ...during },
      "plaintext",
    ],
    [
      "a lost identity",
      { kind: "identity-lost", service: "back", caller: "batch", share: 0.5, ...during },
      "plaintext",
    ],
    ["a caller that is denied", { kind: "denied", service: "back", caller: "batch", ...during }, "denied"],
  ])("%s", async (_, incident, kind) => {
    const report = await shop(incident).service("back").explain({ last: "10m", timeoutMs: 60_000 });
    expect(report.findings.map((finding) => finding.kind)[0]).toBe(kind);
    expect(report.meta.warnings).toEqual([]);
  });
});
