import { describe, expect, test } from "vitest";
import { QueryError } from "../../src/errors.ts";
import { type SimulatedMeshOptions, simulatedMesh } from "../../src/testing/index.ts";

const mesh: SimulatedMeshOptions = {
  services: { web: {}, api: { versions: { v1: {}, v2: {} } } },
  clients: { gateway: { kind: "gateway" } },
  flows: [{ from: "gateway", to: "web", perSecond: 1, calls: [{ to: "api" }] }],
};
const DAILY = { daily: "13:20", for: "20m" } as const;

describe("a declared mesh", () => {
  test.each<[string, unknown, RegExp]>([
    ["a misspelt option", { sede: 7 }, /sede is not known; did you mean "seed"\?/],
    ["a seed that is no number", { seed: "7" }, /seed must be a whole number/],
    ["more than all requests traced", { sampling: 2 }, /sampling must be a share from 0 to 1/],
    ["a service's slip", { ...mesh, services: { web: { prot: 80 } } }, /services\.web\.prot is not known/],
    ["no port", { ...mesh, services: { web: { port: 0 } } }, /services\.web\.port must be a port/],
    ["no protocol", { ...mesh, services: { web: { protocol: "udp" } } }, /protocol must be "http", "grpc" or "tcp"/],
    ["a name with a dot", { ...mesh, services: { "web.shop": {} } }, /must be a name of Kubernetes/],
    ["more failures than calls", { ...mesh, services: { web: { failures: { 500: 0.7, 503: 0.7 } } } }, /shares of 1/],
    ["a status by name", { ...mesh, services: { web: { failures: { oops: 0.1 } } } }, /keyed by status/],
    ["p99 below p50", { ...mesh, services: { web: { latencyMs: { p50: 9, p99: 3 } } } }, /p99 that is no less/],
    ["no version", { ...mesh, services: { web: { versions: {} } } }, /one version at least/],
    [
      "an unknown caller",
      { ...mesh, flows: [{ from: "me", to: "web", perSecond: 1 }] },
      /flows\.0\.from is no client.*web/,
    ],
    [
      "an unknown service",
      { ...mesh, flows: [{ from: "web", to: "apo", perSecond: 1 }] },
      /flows\.0\.to is no service.*api/,
    ],
    [
      "an unknown service further on",
      {
        ...mesh,
        flows: [{ from: "web", to: "api", perSecond: 1, calls: [{ to: "db" }] }],
      },
      /flows\.0\.calls\.0\.to is no service/,
    ],
    [
      "a call's slip further on",
      {
        ...mesh,
        flows: [
          {
            from: "web",
            to: "api",
            perSecond: 1,
            calls: [{ to: "web", pathh: "/" }],
          },
        ],
      },
      /flows\.0\.calls\.0\.pathh is not known/,
    ],
    [
      "a version that is none",
      {
        ...mesh,
        flows: [{ from: "web", to: "api", version: "v3", perSecond: 1 }],
      },
      /v1, v2/,
    ],
    [
      "no requests",
      { ...mesh, flows: [{ from: "web", to: "api", perSecond: 0 }] },
      /perSecond must be a number above 0/,
    ],
    [
      "a path with spaces",
      {
        ...mesh,
        flows: [{ from: "web", to: "api", perSecond: 1, path: "/a b" }],
      },
      /no spaces/,
    ],
    ["two workloads of one name", { ...mesh, clients: { web: { kind: "sidecar" } } }, /"web" that is there already/],
    ["no kind of incident", { incidents: [{ kind: "odd", ...DAILY }] }, /incidents\.0.* must have a kind: slow/],
    [
      "an incident at no time",
      { incidents: [{ kind: "surge", factor: 2 }] },
      /incidents\.0 must say when: \{ from, to \}, or/,
    ],
    [
      "an incident at no time of day",
      { incidents: [{ kind: "surge", factor: 2, daily: "25:00", for: "5m" }] },
      /"13:20"/,
    ],
    [
      "an incident without length",
      {
        incidents: [{ kind: "surge", factor: 2, daily: "13:00", for: "long" }],
      },
      /incidents\.0\.for/,
    ],
    [
      "an incident of a day",
      { incidents: [{ kind: "surge", factor: 2, daily: "13:00", for: "1d" }] },
      /shorter than a day/,
    ],
    [
      "an incident backwards",
      { incidents: [{ kind: "surge", factor: 2, from: 2_000, to: 1_000 }] },
      /swap from and to/,
    ],
    [
      "an incident of nobody",
      {
        incidents: [{ kind: "denied", caller: "web", service: "backend", ...DAILY }],
      },
      /is no client/,
    ],
    [
      "an incident of no version",
      {
        incidents: [
          {
            kind: "slow",
            service: "backend",
            version: "v9",
            factor: 2,
            ...DAILY,
          },
        ],
      },
      /v1, v2/,
    ],
    ["a failure that is a success", { ...mesh, services: { web: { failures: { 200: 0.1 } } } }, /from 400 to 599/],
    [
      "a failure of HTTP over gRPC",
      {
        ...mesh,
        services: { web: { protocol: "grpc", failures: { 503: 0.1 } } },
      },
      /over grpc write a status from 1 to 16/,
    ],
    [
      "failures of TCP",
      {
        ...mesh,
        services: { web: { protocol: "tcp", failures: { 503: 0.1 } } },
      },
      /no answer has/,
    ],
    ["policies of TCP", { ...mesh, services: { web: { protocol: "tcp", allow: ["gateway"] } } }, /nobody is denied/],
    [
      "an unknown name in a policy",
      { ...mesh, services: { web: { allow: ["me"] }, api: {} } },
      /"me", which nobody is/,
    ],
    [
      "retries of gRPC",
      {
        ...mesh,
        services: { web: { protocol: "grpc" } },
        flows: [{ from: "gateway", to: "web", perSecond: 1, recovered: 0.1 }],
      },
      /flows\.0\.recovered is not for a call of grpc/,
    ],
    ["failing TCP", { incidents: [{ kind: "failing", service: "ledger", ...DAILY }] }, /ledger, which speaks TCP/],
    ["a start that is none", { start: "soon" }, /start: "soon" is not an instant/],
    ["a present that is none", { now: "soon" }, /now: "soon" is not an instant/],
    ["an interval that is none", { scrapeInterval: "often" }, /scrapeInterval/],
  ])("is refused with %s", (_, options, message) => {
    const make = () => simulatedMesh(options as SimulatedMeshOptions);
    expect(make).toThrow(QueryError);
    expect(make).toThrow(message);
    expect(make).toThrow(/^simulatedMesh: /);
  });

  test("takes the shop's place as a whole", () => {
    const { telemetry } = simulatedMesh({ ...mesh, rhythm: "steady" });
    const at = Date.parse("2026-11-20T10:00:00Z");
    const names = new Set<string>();
    for (const { spans } of telemetry.traces(at, at + 60_000)) for (const { service } of spans) names.add(service);
    expect([...names].sort()).toEqual(["api.default", "gateway.istio-system", "web.default"]);
  });

  test("has nothing before its start", () => {
    const start = Date.parse("2026-11-20T10:00:00Z");
    const { telemetry } = simulatedMesh({ ...mesh, start });
    const lines = (fromMs: number, toMs: number) => [
      ...telemetry.lines(BigInt(fromMs) * 1_000_000n, BigInt(toMs) * 1_000_000n, "forward"),
    ];
    expect(lines(start - 60_000, start)).toEqual([]);
    expect([...telemetry.traces(start - 60_000, start)]).toEqual([]);
    expect([...telemetry.series.select([], start - 60_000, start - 1)]).toEqual([]);
    expect(lines(start, start + 60_000).length).toBeGreaterThan(10);
  });
});
