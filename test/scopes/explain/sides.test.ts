import { describe, expect, test } from "vitest";
import type { Endpoint, Mesh } from "../../../src/index.ts";
import type { Traffic } from "../../../src/mesh/traffic.ts";
import {
  type Counter,
  callee,
  caller,
  durations,
  END,
  end,
  type Labels,
  MINUTE,
  meshOf,
  nobody,
  requests,
  service,
  sumOf,
} from "../counters.ts";

type Counters = readonly (Counter | readonly Counter[])[];

const FRONTEND = { ...end("source", "frontend"), source_principal: "spiffe://cluster.local/ns/default/sa/frontend" };
const BACKEND = { ...end("destination", "backend"), ...service("backend"), destination_version: "v1" };
const TO_BACKEND = [FRONTEND, BACKEND];
const failed = { response_code: "503" };
const both = (rate: Parameters<typeof requests>[0], ...labels: readonly Labels[]) => [
  requests(rate, callee, ...labels),
  requests(rate, caller, ...labels),
];

async function found(counters: Counters, scopeOf: (mesh: Mesh) => Traffic = (mesh) => mesh.service("backend")) {
  const { mesh } = meshOf(counters);
  const { findings, figures } = await scopeOf(mesh).explain({ last: "10m" });
  return { mesh, findings, figures, kinds: findings.map(({ kind }) => kind) };
}

const outbound = (mesh: Mesh): Endpoint => mesh.workload("frontend").outbound;

describe("each request counts once", () => {
  const failing = [...both(20, ...TO_BACKEND), ...both([4, 10], ...TO_BACKEND, failed)];

  test("in the query that shows a finding, as in its figures", async () => {
    const { mesh, findings } = await found(failing);
    const [errors] = findings;
    expect(errors).toMatchObject({ kind: "errors", figures: [{}, { after: expect.closeTo(10, 6) }] });
    const [shown] = await mesh.promql(errors?.promql[0] ?? "");
    expect(shown?.value).toBeCloseTo(10, 6);
  });

  test("in the course that tells when it began", async () => {
    const { findings } = await found(failing);
    expect(Math.abs((findings[0]?.sinceMs ?? 0) - (END - 10 * MINUTE))).toBeLessThanOrEqual(80_000);
  });

  test("as its caller saw it, where that was asked for", async () => {
    const denied = { response_code: "403" };
    const gateway = end("source", "istio-ingressgateway");
    const counters = [
      ...both(20, gateway, BACKEND),
      requests([0, 10], caller, gateway, { ...nobody("destination"), ...service("backend") }, denied),
    ];
    const { kinds, figures } = await found(counters, (mesh) => mesh.gateway("istio-ingressgateway"));
    expect(kinds).toEqual(["denied"]);
    expect(figures.find(({ name }) => name === "requests")?.after).toBeCloseTo(30, 6);
  });
});

describe("where one service has proxies and another has none", () => {
  const api: Labels = {
    ...nobody("destination"),
    destination_service: "api.example.org",
    destination_service_name: "api.example.org",
  };

  test("what fails at the other is told as the caller saw it", async () => {
    const counters = [
      ...both(20, ...TO_BACKEND),
      requests([5, 0], caller, FRONTEND, api),
      requests([0, 5], caller, FRONTEND, api, failed),
    ];
    const { findings, figures } = await found(counters, outbound);
    expect(findings[0]).toMatchObject({ kind: "errors", affected: expect.closeTo(5, 6) });
    expect(findings[0]?.promql[0]).toContain('reporter="source"');
    expect(figures.find(({ name }) => name === "requests")).toMatchObject({
      before: expect.closeTo(25, 6),
      after: expect.closeTo(25, 6),
    });
  });

  test("so are its durations", async () => {
    const counters = [
      ...durations(20, callee, ...TO_BACKEND),
      ...both(20, ...TO_BACKEND),
      ...durations(20, caller, FRONTEND, api).filter(({ metric }) => !metric.endsWith("_sum")),
      sumOf(20 * 300, caller, FRONTEND, api),
      requests(20, caller, FRONTEND, api),
    ];
    const { figures } = await found(counters, outbound);
    expect(figures.find(({ name }) => name === "mean latency")?.after).toBeCloseTo(200, 6);
  });

  test("calls without a proxy on the other side are no calls that are tried again", async () => {
    const stranger = [callee, nobody("source"), BACKEND];
    const { kinds } = await found([...both(20, ...TO_BACKEND), requests([0, 15], ...stranger)]);
    expect(kinds).not.toContain("retried");
  });
});

describe("what only one side knows", () => {
  test("is no change where that side did not report before", async () => {
    const { kinds } = await found([
      requests(20, caller, ...TO_BACKEND, { source_principal: "unknown" }),
      requests([0, 20], callee, ...TO_BACKEND),
    ]);
    expect(kinds).toEqual([]);
  });

  test("calls that a gateway's authorizer turned away are denied, and did not find nobody", async () => {
    const gateway = end("source", "istio-ingressgateway");
    const turned = { ...nobody("destination"), ...service("backend"), response_code: "403", response_flags: "UAEX" };
    const { findings } = await found([...both(20, gateway, BACKEND), requests([0, 5], caller, gateway, turned)]);
    expect(findings[0]).toMatchObject({ kind: "denied", message: expect.stringContaining("403 UAEX at 5 req/s") });
  });

  const lost = (name: string, namespace = "default"): readonly Labels[] => [
    caller,
    FRONTEND,
    { ...nobody("destination"), ...service(name), destination_service_namespace: namespace },
    { response_code: "503", response_flags: "UF" },
  ];

  test("calls that find nobody in a namespace are told of the namespace", async () => {
    const { findings } = await found([...both(20, ...TO_BACKEND), requests([0, 5], ...lost("ghost"))], (mesh) =>
      mesh.namespace("default"),
    );
    expect(findings[0]).toMatchObject({ kind: "unreachable", affected: expect.closeTo(5, 6) });
  });

  test("calls that find nobody at a service of the same name elsewhere are not told of this one", async () => {
    const { kinds } = await found([...both(20, ...TO_BACKEND), requests([0, 5], ...lost("backend", "other"))], (mesh) =>
      mesh.edge("frontend", "backend"),
    );
    expect(kinds).toEqual([]);
  });
});

describe("the query that shows a finding has the labels that its series have", () => {
  const shown = async (counters: Counters) => {
    const { mesh, findings } = await found(counters);
    const [value] = await mesh.promql(findings[0]?.promql[0] ?? "");
    return [findings[0]?.kind, value?.value];
  };

  test("of a caller with dots in its name, in its namespace", async () => {
    const dotted = end("source", "batch.v2", { source_workload_namespace: "jobs" });
    const other = end("source", "batch.v2", { source_workload_namespace: "other" });
    const counters = [
      requests(10, callee, ...TO_BACKEND),
      requests(10, callee, other, BACKEND),
      requests([10, 8], callee, dotted, BACKEND),
      requests([0, 2], callee, dotted, BACKEND, failed),
    ];
    expect(await shown(counters)).toEqual(["failing-caller", expect.closeTo(2, 6)]);
  });

  test("of a version that only the canonical revision tells", async () => {
    const versioned = (version: string): Labels => ({
      ...end("destination", `backend-${version}`),
      ...service("backend"),
      destination_version: "unknown",
    });
    const counters = [
      requests(10, callee, FRONTEND, versioned("v1")),
      requests([10, 8], callee, FRONTEND, versioned("v2")),
      requests([0, 2], callee, FRONTEND, versioned("v2"), failed),
    ];
    expect(await shown(counters)).toEqual(["failing-version", expect.closeTo(2, 6)]);
  });

  test("of calls that are tried again", async () => {
    const counters = [requests([20, 30], callee, ...TO_BACKEND), requests(20, caller, ...TO_BACKEND)];
    expect(await shown(counters)).toEqual(["retried", expect.closeTo(1.5, 6)]);
  });
});
