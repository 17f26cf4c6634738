/** The library's questions to simulated meshes of which the answer is known beforehand. */
import { beforeAll, describe, expect, test } from "vitest";
import { createMesh, type Mesh } from "../../src/index.ts";
import { type SimulatedMesh, type SimulatedMeshOptions, simulatedMesh } from "../../src/testing/index.ts";

const NOW = Date.parse("2026-11-20T10:00:00Z");
const at = (time: string): number => Date.parse(`2026-11-20T${time}Z`);

const SMALL = {
  seed: 7,
  rhythm: "steady",
  sampling: 1,
  services: {
    web: { latencyMs: { p50: 5, p99: 20 } },
    api: {
      port: 9090,
      versions: { v1: { weight: 3 }, v2: { weight: 1, logs: "json" } },
      latencyMs: { p50: 20, p99: 200 },
      failures: { 500: 0.02, 404: 0.01 },
      allow: ["web"],
      deny: ["/admin"],
    },
    scores: { protocol: "grpc", failures: { 14: 0.05, 5: 0.1 } },
    store: { protocol: "tcp" },
    open: { mtls: "permissive" },
    outside: { proxy: false },
    nowhere: { unreachable: true },
  },
  clients: { gateway: { kind: "gateway" }, stranger: { kind: "sidecar" }, legacy: { kind: "outside" } },
  flows: [
    {
      from: "gateway",
      to: "web",
      path: "/items",
      perSecond: 10,
      calls: [
        { to: "api", path: "/items" },
        { to: "scores", optional: true },
      ],
    },
    {
      from: "web",
      to: "api",
      path: "/flaky",
      perSecond: 1,
      recovered: 0.5,
      exhausted: 0.1,
      failures: { 404: 0, 500: 0 },
    },
    { from: "web", to: "api", path: "/late", perSecond: 1, timeouts: 0.3, timeoutMs: 700 },
    { from: "web", to: "api", path: "/limited", perSecond: 1, limited: 0.3 },
    { from: "web", to: "api", path: "/admin", perSecond: 0.5 },
    { from: "web", to: "store", perSecond: 2, requestBytes: 500 },
    { from: "web", to: "outside", perSecond: 1 },
    { from: "web", to: "nowhere", perSecond: 0.5 },
    { from: "stranger", to: "api", path: "/items", perSecond: 0.5 },
    { from: "legacy", to: "open", perSecond: 1 },
    { from: "web", to: "open", perSecond: 3, aborted: 0.1 },
    { from: "legacy", to: "api", perSecond: 0.2 },
  ],
} as const satisfies SimulatedMeshOptions;

let sim: SimulatedMesh;
let mesh: Mesh;

beforeAll(() => {
  sim = simulatedMesh({ ...SMALL, now: NOW });
  mesh = createMesh(sim.backends());
});

describe("metrics of a declared mesh", () => {
  test("have the rates that were declared", async () => {
    expect((await mesh.edge("gateway", "web").rate("10m")).value).toBeCloseTo(10, 1);
    const items = await mesh.all().where({ request_protocol: "grpc" }).rate("10m");
    expect(items.value).toBeCloseTo(10 * 0.98, 0);
    const versions = await mesh.edge("gateway", {}).rate("10m");
    expect(versions.value).toBeCloseTo(10, 1);
    const api = await mesh
      .service("api")
      .where({ source_workload: "web", response_code: "200" })
      .rate("1h")
      .by("destination_version");
    const [v1, v2] = Array.from(api, ({ value = 0 }) => value);
    expect((v1 ?? 0) / (v2 ?? 1)).toBeCloseTo(3, 0);
  });

  test("have the failures that were declared, gRPC's among them", async () => {
    expect((await mesh.edge("web", "scores").success("1h")).value).toBeCloseTo(0.95, 2);
    const grpc = await mesh.edge("web", "scores").rate("1h").by("grpc_response_status", "response_code");
    expect(Array.from(grpc, ({ labels }) => `${labels.response_code} ${labels.grpc_response_status}`).sort()).toEqual([
      "200 0",
      "200 14",
      "200 5",
    ]);
    const gateway = await mesh.gateway("gateway").success("1h");
    expect(gateway.value).toBeCloseTo(0.98, 2);
  });

  test("have the latencies that were declared, within their buckets", async () => {
    const items = mesh.service("api").where({ source_workload: "web", response_code: "200" });
    expect((await items.latency(0.5, "1h")).value).toBeGreaterThan(10);
    expect((await items.latency(0.5, "1h")).value).toBeLessThan(25);
    expect((await items.latency(0.99, "1h")).value).toBeGreaterThan(100);
    expect((await items.latency(0.99, "1h")).value).toBeLessThan(250);
  });

  test("count at each side what that side sees", async () => {
    const by = async (edge: ReturnType<Mesh["edge"]>) =>
      Array.from(
        await edge.rate("1h").by("response_code", "response_flags", "connection_security_policy"),
        ({ labels, value = 0 }) =>
          `${labels.response_code} ${labels.response_flags} ${labels.connection_security_policy} ${value.toFixed(1)}`,
      ).sort();
    expect(await by(mesh.edge("web", { service: "nowhere" }).reportedBy("source"))).toEqual(["503 UF unknown 0.5"]);
    expect(await by(mesh.edge("web", { service: "nowhere" }))).toEqual([]);
    expect(await by(mesh.edge("web", "outside").reportedBy("source"))).toEqual(["200 - unknown 1.0"]);
    expect(await by(mesh.edge("web", "outside"))).toEqual([]);
    expect(await by(mesh.edge("stranger", { service: "api" }))).toEqual(["403 - mutual_tls 0.5"]);
    expect(await by(mesh.edge({ workload: "unknown" }, "open"))).toEqual(["200 - none 1.0"]);
    expect(await by(mesh.edge("web", "open"))).toEqual(["0 DC mutual_tls 0.3", "200 - mutual_tls 2.7"]);
  });

  test("count one request of a retried call at its caller, and every attempt where it was called", async () => {
    const edge = mesh.service("api").where({ source_workload: "web" });
    const failed = async (reporter: "destination" | "source") =>
      (await edge.reportedBy(reporter).where({ response_code: "503" }).rate("1h")).value ?? 0;
    expect(await failed("source")).toBeCloseTo(0.1, 1);
    expect(await failed("destination")).toBeCloseTo(0.5 + 3 * 0.1, 1);
    const late = edge.reportedBy("source").where({ response_flags: "UT" });
    expect((await late.rate("1h")).value).toBeCloseTo(0.3, 1);
    expect((await late.latency(0.5, "1h")).value).toBeGreaterThan(500);
  });

  test("have the bytes and connections of TCP", async () => {
    const store = mesh.edge("web", "store");
    expect((await store.tcpReceived("1h")).value).toBeCloseTo(1_000, -2);
    expect((await store.tcpOpened("1h")).value).toBeCloseTo(2, 1);
    expect((await store.tcpClosed("1h")).value).toBeCloseTo(2, 1);
    expect((await store.requests("1h")).value).toBeUndefined();
  });

  test("know whether proxies are up, and of which version", async () => {
    const up = [...sim.telemetry.series.select([{ label: "__name__", op: "=", value: "up" }], NOW - 60_000, NOW)];
    expect(up.length).toBe(8);
    expect(up.every(({ values }) => values.length === 4)).toBe(true);
  });
});

describe("traces of a declared mesh", () => {
  test("show every hop as it was declared", async () => {
    const [trace] = await mesh.edge("gateway", "web").traces({ last: "1m", limit: 1 });
    const hops = trace
      ?.hops()
      .map(({ source, destination, protocol }) => [source.workload, destination.service, protocol]);
    expect(hops).toEqual([
      ["gateway", "web", "http"],
      ["web", "api", "http"],
      ["web", "scores", "grpc"],
    ]);
    for (const hop of trace?.hops() ?? []) {
      expect(hop.arrived).toBe(true);
      expect(hop.skewed).toBe(false);
      expect(hop.networkMs).toBeGreaterThan(0);
    }
  });

  test("are as many as the metrics count, where all requests are traced", async () => {
    const span = { from: NOW - 300_000, to: NOW };
    const failed = await mesh.edge("web", "scores").failures(span);
    const counted = await mesh.edge("web", "scores").reportedBy("source").errors("5m");
    expect(failed.meta.complete).toBe(true);
    expect(failed.length / 300).toBeCloseTo(counted.value ?? 0, 1);
    expect(failed.every(({ hop }) => hop.grpcStatus === 14)).toBe(true);
  });

  test("show attempts, and whom nothing reached", async () => {
    const flaky = await mesh.all().traces({ last: "2m" });
    const attempts = flaky
      .flatMap((trace) => trace.hops())
      .filter(({ path }) => path === "/flaky")
      .map((hop) => `${hop.code} ${hop.attempts.length}`);
    expect([...new Set(attempts)].sort()).toEqual(["200 1", "200 2", "503 3"].sort());
    const [nowhere] = await mesh.edge("web", { service: "nowhere" }).traces({ last: "1m", limit: 1 });
    expect(nowhere?.hops()[0]).toMatchObject({ arrived: false, code: 503, flags: ["UF"] });
    const [plain] = await mesh
      .edge({}, "open")
      .traces({ last: "1m" })
      .then((all) => all.filter((one) => one.hops()[0]?.client === undefined));
    expect(plain?.hops()[0]?.source.address).toBe("10.244.1.13");
  });
});

describe("access logs of a declared mesh", () => {
  test("have both sides of every call, joined", async () => {
    const calls = await mesh.edge("web", "scores").calls({ last: "20s" });
    expect(calls.length).toBeGreaterThan(150);
    expect(calls.filter(({ client, server }) => client === undefined || server === undefined)).toEqual([]);
    const flaky = await mesh.edge("web", { service: "api" }).calls({ last: "1m", path: "/flaky" });
    expect(new Set(flaky.map(({ code, attempts }) => `${code} ${attempts.length}`))).toEqual(
      new Set(["200 1", "200 2", "503 3"]),
    );
  });

  test("say whom a policy turned away, and what was over a limit", async () => {
    const denials = await mesh.service("api").denials({ last: "2m" });
    expect(new Set(denials.map(({ call }) => call.source.workload))).toEqual(new Set(["stranger", "web"]));
    const limited = await mesh.edge("web", { service: "api" }).rateLimited({ last: "2m" });
    expect(limited.length).toBeGreaterThan(20);
  });

  test("lead to the trace of a line, and back", async () => {
    const [entry] = await mesh.edge("web", { service: "api" }).logs({ last: "1m", status: 500, limit: 1 });
    if (entry === undefined) throw new Error("no line");
    const trace = await mesh.traceOf(entry);
    expect(trace?.spans.some((span) => span.text("guid:x-request-id") === entry.requestId)).toBe(true);
    const lines = trace === undefined ? [] : await mesh.logsOf(trace);
    expect(lines.map(({ raw }) => raw)).toContain(entry.raw);
    expect(lines.length).toBe(trace?.spans.length);
  });
});

describe("times to come", () => {
  const later = { from: NOW, to: NOW + 600_000 };

  test("are known to no backend, but to the simulation", async () => {
    expect(
      (
        await mesh
          .all()
          .rate("5m")
          .at(NOW + 600_000)
      ).value,
    ).toBeUndefined();
    expect((await mesh.all().traces(later)).length).toBe(0);
    expect((await mesh.all().logs(later)).length).toBe(0);
    expect([...sim.telemetry.traces(NOW, NOW + 5_000)].length).toBeGreaterThan(30);
  });
});

describe("incidents", () => {
  const between = { from: at("08:00:00"), to: at("09:00:00") };
  const during = async (incident: NonNullable<SimulatedMeshOptions["incidents"]>[number]) => {
    const troubled = createMesh(simulatedMesh({ ...SMALL, incidents: [incident], now: NOW }).backends());
    return { troubled, within: at("08:45:00"), after: at("09:45:00") };
  };

  test("slow a version down for their time only", async () => {
    const { troubled, within, after } = await during({
      kind: "slow",
      service: "api",
      version: "v2",
      factor: 10,
      ...between,
    });
    const [v1, v2] = ["v1", "v2"].map((version) => troubled.service("api").version(version).latency(0.5, "10m"));
    expect((await v1?.at(within))?.value).toBeLessThan(30);
    expect((await v2?.at(within))?.value).toBeGreaterThan(100);
    expect((await v2?.at(after))?.value).toBeLessThan(30);
  });

  test.each([
    ["fail a path", { kind: "failing", service: "api", path: "/items", code: 502, share: 0.5 }, "502 - mutual_tls"],
    ["limit a path", { kind: "limited", service: "api", path: "/items", share: 0.5 }, "429 RL mutual_tls"],
    ["lose an identity", { kind: "identity-lost", caller: "web", service: "open", share: 0.2 }, "200 - none"],
    ["let plaintext in", { kind: "plaintext", caller: "web", service: "open", share: 0.2 }, "200 - none"],
    ["turn a caller away", { kind: "denied", caller: "web", service: "open" }, "403 - mutual_tls"],
  ] as const)("%s", async (_, incident, seen) => {
    const { troubled, within, after } = await during({ ...incident, ...between });
    const shown = async (ms: number) =>
      Array.from(
        await troubled
          .service(incident.service)
          .rate("10m")
          .by("response_code", "response_flags", "connection_security_policy", "source_workload")
          .at(ms),
        ({ labels, value = 0 }) => {
          const { response_code: code, response_flags: flags, connection_security_policy: policy } = labels;
          return `${labels.source_workload} ${code} ${flags} ${policy} ${value > 0.4}`;
        },
      );
    const caller = incident.kind === "plaintext" ? "unknown" : "web";
    expect(await shown(within)).toContain(`${caller} ${seen} true`);
    if (incident.kind !== "plaintext") expect(await shown(after)).not.toContain(`${caller} ${seen} true`);
  });

  test("keep calls from being connected", async () => {
    const { troubled, within, after } = await during({
      kind: "unreachable",
      service: "scores",
      share: 0.6,
      ...between,
    });
    const edge = troubled.edge("web", { service: "scores" }).reportedBy("source").where({ response_flags: "UF" });
    expect((await edge.rate("10m").at(within)).value).toBeCloseTo(10 * 0.97 * 0.6, 0);
    expect((await edge.rate("10m").at(after)).value ?? 0).toBe(0);
  });

  test("bring more requests", async () => {
    const { troubled, within, after } = await during({ kind: "surge", caller: "gateway", factor: 3, ...between });
    expect((await troubled.edge("gateway", "web").rate("10m").at(within)).value).toBeCloseTo(30, 0);
    expect((await troubled.edge("gateway", "web").rate("10m").at(after)).value).toBeCloseTo(10, 0);
  });
});
