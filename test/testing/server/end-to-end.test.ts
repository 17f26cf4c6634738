/** The whole library over HTTP gives what it gives of the same mesh within the process. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createMesh, elasticsearch, jaeger, loki, type Mesh, prometheus, zipkin } from "../../../src/index.ts";
import type { Matrix } from "../../../src/results/matrix.ts";
import { type SimulatedServer, simulatedMesh } from "../../../src/testing/index.ts";
import type { Trace } from "../../../src/traces/trace.ts";

// While the backend fails checkouts, and its second version has been slow this day.
const sim = simulatedMesh({ seed: 7, now: "2026-11-16T13:20:00Z" });
const within = createMesh(sim.backends());
const { now } = sim;

let server: SimulatedServer;
const meshes: Record<string, Mesh> = {};
beforeAll(async () => {
  server = await sim.listen();
  const metrics = prometheus(server.prometheus);
  const logIndex = { index: "logstash-*" };
  Object.assign(meshes, {
    "Prometheus, Jaeger's older API, Loki": createMesh({
      metrics,
      traces: jaeger(server.jaeger),
      logs: loki(server.loki),
      now,
    }),
    "Prometheus, Jaeger's newer API, Elasticsearch": createMesh({
      metrics,
      traces: jaeger(server.jaegerV3),
      logs: elasticsearch(server.elasticsearch, logIndex),
      now,
    }),
    "Prometheus, Zipkin, OpenSearch": createMesh({
      metrics,
      traces: zipkin(server.zipkin),
      logs: elasticsearch(server.opensearch, logIndex),
      now,
    }),
  });
});
afterAll(() => server?.close());

const NAMES = [
  "Prometheus, Jaeger's older API, Loki",
  "Prometheus, Jaeger's newer API, Elasticsearch",
  "Prometheus, Zipkin, OpenSearch",
] as const;

const columns = (matrix: Matrix) =>
  Array.from(matrix, ({ labels, timesMs, values }) => ({ labels, times: [...timesMs], values: [...values] }));

/** Metrics do not differ by what else a mesh has. */
const METRICS: Readonly<Record<string, (mesh: Mesh) => Promise<unknown>>> = {
  "a rate": async (mesh) => (await mesh.edge("frontend", "backend").rate("5m")).value,
  "a rate at an instant": async (mesh) =>
    (await mesh.edge("frontend", "backend").rate("5m").at("2026-11-15T08:00:00Z")).value,
  "a rate by code": async (mesh) =>
    Array.from(await mesh.edge("frontend", "backend").rate("5m").by("response_code"), ({ labels, value }) => [
      labels,
      value,
    ]),
  "a share of successes": async (mesh) => (await mesh.edge("frontend", "backend").success("5m")).value,
  "successes over gRPC": async (mesh) => (await mesh.edge("frontend", "recommender").success("10m")).value,
  "errors over a day": async (mesh) =>
    columns(await mesh.workload("backend").inbound.errors("10m").over({ last: "1d", step: "30m" })),
  "a share over an hour": async (mesh) =>
    columns(await mesh.edge("frontend", "backend").success("5m").over({ last: "1h", step: "1m" })),
  "a quantile": async (mesh) => (await mesh.edge("frontend", "backend").latency(0.99, "5m")).value,
  "quantiles by version": async (mesh) =>
    columns(
      await mesh
        .service("backend")
        .inbound.latency(0.9, "10m")
        .by("destination_version")
        .over({ last: "4h", step: "20m" }),
    ),
  "a mean": async (mesh) => (await mesh.gateway("istio-ingressgateway").outbound.meanLatency("5m")).value,
  "bytes over TCP": async (mesh) => (await mesh.edge("frontend", "ledger").tcpSent("10m")).value,
  "a comparison with the day before": async (mesh) => {
    const rate = mesh.edge("frontend", "backend").rate("5m");
    return (await rate.dividedBy(rate.offset("1d"))).value;
  },
  "the rate of who never was": async (mesh) => (await mesh.edge("nobody", "backend").rate("5m")).value,
  "the mesh as a graph": async (mesh) => {
    const { meta: _, ...graph } = (await mesh.graph({ last: "10m" })).toJSON() as unknown as { meta?: unknown };
    return graph;
  },
};

const traceOf = ({ id, spans }: Trace) => ({
  id,
  spans: spans
    .map(({ id, parentId, kind, service, operation, startMs, durationMs, error, tags }) => ({
      id,
      parentId,
      kind,
      service,
      operation,
      startMs,
      durationMs,
      error,
      code: tags["http.status_code"],
      flags: tags.response_flags,
      request: tags["guid:x-request-id"],
      cluster: tags["upstream_cluster.name"] ?? tags.upstream_cluster,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1)),
});
/** Jaeger finds a trace by any span within the time, also one that began before. */
const begun = (found: readonly Trace[], seconds: number) =>
  found.filter(({ startMs }) => startMs >= now() - seconds * 1_000);
const traces = (found: readonly Trace[], seconds = 3_600) =>
  begun(found, seconds)
    .map(traceOf)
    .sort((a, b) => (a.id < b.id ? -1 : 1));

const OTHERS: Readonly<Record<string, (mesh: Mesh) => Promise<unknown>>> = {
  "an edge's traces": async (mesh) => traces(await mesh.edge("frontend", "backend").traces({ last: "30s" }), 30),
  "an edge's failed traces": async (mesh) =>
    traces(await mesh.edge("frontend", "backend").traces({ last: "1m", errors: true }), 60),
  "the latest few": async (mesh) => traces(await mesh.workload("ratings").inbound.traces({ last: "5m", limit: 5 })),
  "slow traces": async (mesh) =>
    traces(await mesh.edge("frontend", "backend").traces({ last: "1m", slowerThan: "100ms" }), 60),
  "a trace by its id": async (mesh) => {
    const [first] = sim.telemetry.traces(now() - 60_000, now());
    const trace = await mesh.trace(first?.id ?? "");
    return trace && traceOf(trace);
  },
  "the hops of traces": async (mesh) =>
    begun(await mesh.edge("frontend", "backend").traces({ last: "20s" }), 20)
      .flatMap((trace) =>
        trace.hops().map(({ source, destination, clientMs }) => [source.workload, destination.workload, clientMs]),
      )
      .sort(),
  "an edge's lines": (mesh) => lines(mesh, { last: "20s" }),
  "lines by status": (mesh) => lines(mesh, { last: "25s", status: "5xx" }),
  "lines by flags": (mesh) => lines(mesh, { last: "40s", flags: ["UF", "UT", "UH"] }),
  "lines by path": (mesh) => lines(mesh, { last: "25s", path: "/checkout" }),
  "lines by a pattern": (mesh) => lines(mesh, { last: "25s", path: /\/(?:work|limited).*/ }),
  "lines by method": (mesh) => lines(mesh, { last: "25s", method: "POST" }),
  "slow lines": (mesh) => lines(mesh, { last: "25s", slowerThan: "150ms" }),
  "the callee's lines": (mesh) => lines(mesh, { last: "15s", side: "server" }),
  "failed lines": (mesh) => lines(mesh, { last: "25s", errors: true }),
  "the first few lines": (mesh) => lines(mesh, { last: "1m", limit: 7 }),
  "an edge's calls": async (mesh) => {
    const calls = await mesh.edge("frontend", "backend").calls({ last: "20s" });
    const shown = calls.map(({ requestId, code, flags, alone, attempts }) => [
      requestId,
      code,
      flags,
      alone,
      attempts.length,
    ]);
    return shown.map((one) => JSON.stringify(one)).sort();
  },
  "paths by how often": async (mesh) =>
    [...(await mesh.edge("frontend", "backend").topPaths({ last: "20s" }))].map((one) => JSON.stringify(one)).sort(),
  "errors by code": async (mesh) => [...(await mesh.edge("frontend", "backend").errorsBy("code", { last: "30s" }))],
  "a quantile of lines": async (mesh) =>
    (await mesh.edge("frontend", "backend").latencyFromLogs(0.9, { last: "20s" })).value,
  denials: async (mesh) =>
    [...(await mesh.workload("backend").inbound.denials({ last: "1m" }))].map((one) => JSON.stringify(one)).sort(),
};

async function lines(mesh: Mesh, options: Parameters<ReturnType<Mesh["edge"]>["logs"]>[0]): Promise<readonly string[]> {
  const found = await mesh.edge("frontend", "backend").logs(options);
  const shown = found.map(({ timestampNs, side, requestId, code, path, flags, durationMs, origin }) =>
    JSON.stringify([String(timestampNs), side, requestId, code, path, flags, durationMs, origin]),
  );
  // How far was looked for the few that were wanted differs by the size of pages.
  return [...shown.sort(), ...found.meta.warnings.map((warning) => warning.replace(/, at .*/, ""))];
}

/** Asked once, for all that it is compared with. */
const known = new Map<string, Promise<unknown>>();
function expectedOf(name: string, ask: (mesh: Mesh) => Promise<unknown>): Promise<unknown> {
  const answer = known.get(name) ?? ask(within);
  known.set(name, answer);
  return answer;
}

describe("over HTTP is as within the process:", () => {
  test.each(Object.keys(METRICS))("%s", async (name) => {
    const ask = METRICS[name];
    const mesh = meshes[NAMES[0]];
    if (ask === undefined || mesh === undefined) throw new Error(name);
    const expected = await ask(within);
    expect(await ask(mesh)).toEqual(expected);
    if (!name.endsWith("never was")) expect(expected).toBeDefined();
  });

  describe.each(NAMES)("%s", (which) => {
    test.each(Object.keys(OTHERS))("%s", async (name) => {
      const ask = OTHERS[name];
      const mesh = meshes[which];
      if (ask === undefined || mesh === undefined) throw new Error(name);
      const expected = await expectedOf(name, ask);
      expect(await ask(mesh)).toEqual(expected);
      expect(expected).toBeDefined();
      if (Array.isArray(expected)) expect(expected).not.toEqual([]);
    });
  });
});
