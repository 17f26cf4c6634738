import { describe, expect, test } from "vitest";
import {
  createMesh,
  elasticsearch,
  jaeger,
  loki,
  type MeshOptions,
  prometheus,
  type TraceBackend,
  zipkin,
} from "../../src/index.ts";
import { simulatedMesh } from "../../src/testing/index.ts";
import { Span, type SpanFields } from "../../src/traces/span.ts";
import { Trace } from "../../src/traces/trace.ts";
import { answering } from "../http/listener.ts";
import { AT, recordingBackend, vectorData } from "../metrics/recording-backend.ts";
import { LogStore } from "./log-store.ts";

const statuses = async (options: MeshOptions) => {
  const checkup = await createMesh({ now: () => AT, ...options }).doctor();
  return Object.fromEntries(Array.from(checkup, ({ signal, name, status }) => [`${signal} ${name}`, status]));
};

test("a mesh that has everything is healthy in every signal", async () => {
  const checkup = await createMesh(simulatedMesh({ seed: 7, now: AT }).backends()).doctor();
  expect(checkup.isHealthy).toBe(true);
  expect(checkup.get("metrics", "reporters")?.found).toMatchObject({
    reporters: { destination: expect.any(Number), source: expect.any(Number) },
  });
  expect(checkup.get("metrics", "histogram")?.message).toContain("classic, with bounds of");
  expect(checkup.get("metrics", "scrape interval")?.found).toEqual({ scrapeIntervalMs: 15_000 });
  for (const signal of ["metrics", "traces", "logs"] as const) {
    expect(checkup.get(signal, "server")).toMatchObject({
      status: "ok",
      message: "a simulated mesh, within this process",
      found: { product: "a simulated mesh", version: undefined, dialect: "in-process" },
    });
  }
  for (const [signal, name] of [
    ["metrics", "authorised"],
    ["metrics", "clock"],
    ["metrics", "labels"],
    ["traces", "spans"],
    ["traces", "naming"],
    ["traces", "propagation"],
    ["traces", "proxies' clocks"],
    ["traces", "sampling"],
    ["logs", "lines"],
    ["logs", "format"],
    ["logs", "labels"],
    ["logs", "request ids"],
  ] as const) {
    expect([signal, name, checkup.get(signal, name)?.status]).toEqual([signal, name, "ok"]);
  }
});

test.each([0.02, 1])("a sampling of %d is told by spans and by the ids of requests", async (sampling) => {
  const sim = simulatedMesh({ sampling, seed: 3, scrapeInterval: "5s", now: AT });
  const checkup = await createMesh(sim.backends()).doctor();
  const { share, shareByRequestIds, requestIds } = checkup.get("traces", "sampling")?.found ?? {};
  expect(share).toBeGreaterThan(sampling * 0.7);
  expect(share).toBeLessThan(sampling * 1.4);
  if (sampling === 1) expect(shareByRequestIds).toBe(1);
  expect(requestIds === undefined || Number(requestIds) > 10).toBe(true);
});

test("a mesh without backends is told how to give them", async () => {
  const checkup = await createMesh().doctor();
  expect(checkup.checks.map(({ status }) => status)).toEqual(["skipped", "skipped", "skipped"]);
  expect(checkup.remedies[0]).toBe('createMesh({ metrics: prometheus("http://prometheus:9090") })');
});

test("servers are named, with their versions, dialects and clocks", async () => {
  await using server = await simulatedMesh({ seed: 7 }).listen();
  const described = async (options: MeshOptions) => {
    const checkup = await createMesh(options).doctor();
    return [...checkup].filter(({ name }) => name === "server").map(({ status, found }) => ({ status, ...found }));
  };
  const index = "logstash-*";
  expect(
    await described({
      metrics: prometheus(server.prometheus),
      traces: jaeger(server.jaeger),
      logs: loki(server.loki),
    }),
  ).toEqual([
    { status: "ok", product: "Prometheus", version: "3.16.0", dialect: "prometheus" },
    { status: "ok", product: "Jaeger", version: "2.20.0", dialect: "legacy" },
    { status: "ok", product: "Loki", version: "3.5.0", dialect: "loki" },
  ]);
  expect(await described({ traces: zipkin(server.zipkin), logs: elasticsearch(server.opensearch, { index }) })).toEqual(
    [
      { status: "ok", product: "Zipkin", version: "3.4.4", dialect: "v2" },
      { status: "ok", product: "OpenSearch", version: "2.19.1", dialect: "opensearch" },
    ],
  );
  expect(
    await described({ traces: jaeger(server.jaegerV3), logs: elasticsearch(server.elasticsearch, { index }) }),
  ).toEqual([
    { status: "ok", product: "Jaeger", version: "2.21.0", dialect: "v3" },
    { status: "ok", product: "Elasticsearch", version: "8.19.0", dialect: "elasticsearch" },
  ]);
});

test("a server of another clock is told apart by the dates of its answers", async () => {
  const now = () => Date.UTC(2026, 10, 20, 10);
  await using server = await simulatedMesh({ seed: 7, now: now() + 60_000 }).listen();
  const mesh = createMesh({ traces: zipkin(server.zipkin), logs: loki(server.loki), now });
  const checkup = await mesh.doctor();
  for (const signal of ["traces", "logs"] as const) {
    expect(checkup.get(signal, "clock")).toMatchObject({ status: "warning", found: { clockAheadMs: 60_000 } });
  }
});

test("a server that is spoken to as another one is told of, with what to write", async () => {
  await using server = await simulatedMesh({ seed: 7 }).listen();
  const checkup = await createMesh({ metrics: prometheus(server.prometheus, { dialect: "thanos" }) }).doctor();
  expect(checkup.get("metrics", "server")).toMatchObject({
    status: "warning",
    message: "Prometheus 3.16.0, spoken to as thanos",
    remedy: 'write prometheus(url, { dialect: "prometheus" }), or leave the dialect out',
  });
});

test.each([
  [401, "unauthorized", "give credentials"],
  [403, "forbidden", "let these credentials read"],
])("a server that answers %d is reachable, and not authorised", async (status, code, remedy) => {
  const server = await answering((_, response) => response.writeHead(status).end());
  const { url } = server;
  const checkup = await createMesh({
    metrics: prometheus(url, { retries: 0 }),
    traces: jaeger(url, { api: "legacy", retries: 0 }),
    logs: loki(url, { retries: 0 }),
  }).doctor();
  await server.close();
  expect(checkup.isHealthy).toBe(false);
  for (const signal of ["metrics", "traces", "logs"] as const) {
    expect(checkup.get(signal, "reachable")?.status).toBe("ok");
    expect(checkup.get(signal, "authorised")).toMatchObject({
      status: "failed",
      found: { code },
      remedy: expect.stringContaining(remedy),
    });
  }
});

test("a server that is not there fails, and nothing more is asked of it", async () => {
  const metrics = prometheus("http://127.0.0.1:9", { retries: 0 });
  const checkup = await createMesh({ metrics }).doctor();
  expect(checkup.isHealthy).toBe(false);
  expect(checkup.checks.filter(({ signal }) => signal === "metrics").map(({ name, status }) => [name, status])).toEqual(
    [["reachable", "failed"]],
  );
  expect(checkup.get("metrics", "reachable")?.found).toEqual({ code: "refused", retryable: true });
});

describe("of metrics", () => {
  const over = (answers: Readonly<Record<string, ReturnType<typeof vectorData>>>, timeMs = AT) =>
    recordingBackend({
      instant: (promql) => {
        if (promql === "time()") return { kind: "scalar", timeMs, value: timeMs / 1000 };
        const found = Object.entries(answers).find(([part]) => promql.includes(part));
        return found?.[1] ?? vectorData();
      },
    });
  const reporters = (...names: readonly string[]) => vectorData(...names.map((reporter) => [{ reporter }, 3] as const));

  test("that are not Istio's, it says what to scrape", async () => {
    const checkup = await createMesh({ metrics: over({}), now: () => AT }).doctor();
    expect(checkup.isHealthy).toBe(false);
    expect(checkup.remedies).toContain(
      "scrape the proxies' port 15090, path /stats/prometheus (Istio's prometheus.io annotations do so)",
    );
  });

  test.each([
    [["source"], "only source reports"],
    [["destination"], "no caller does"],
  ])("of which %j report, it says whose proxies are missing", async (names, text) => {
    const metrics = over({ "count by (reporter) (istio_requests_total)": reporters(...names) });
    const checkup = await createMesh({ metrics, now: () => AT }).doctor();
    expect(checkup.get("metrics", "reporters")?.message).toContain(text);
    expect(checkup.get("metrics", "reporters")?.status).toBe("warning");
  });

  test("of which a label was dropped, it says what has no answer then", async () => {
    const labels = vectorData([{ reporter: "destination", source_workload: "a", team: "x" }, 3]);
    const checkup = await createMesh({ metrics: over({ topk: labels }), now: () => AT }).doctor();
    const check = checkup.get("metrics", "labels");
    expect(check?.message).toContain("source_principal (identity)");
    expect(check?.found).toMatchObject({ own: ["team"] });
  });

  test("by another clock, it says by how much", async () => {
    const checkup = await createMesh({ metrics: over({}, AT + 90_000), now: () => AT }).doctor();
    expect(checkup.get("metrics", "clock")).toMatchObject({ status: "warning", found: { clockAheadMs: 90_000 } });
    expect(String(checkup)).toContain("! metrics clock: its clock is 1m30s ahead of this one\n    → set both clocks");
  });
});

describe("of histograms", () => {
  const over = (kept: "both" | "classic" | "native", histograms?: MeshOptions["histograms"]) => {
    const metrics = recordingBackend({
      instant: (promql) => {
        if (promql === "time()") return { kind: "scalar", timeMs: AT, value: AT / 1000 };
        const isNative = promql === "count(istio_request_duration_milliseconds)";
        if (isNative) return kept === "classic" ? vectorData() : vectorData([{}, 4]);
        const isClassic = promql.includes("_bucket") && kept !== "native";
        return isClassic ? vectorData([{ le: "5" }, 1], [{ le: "1000.0" }, 1], [{ le: "+Inf" }, 1]) : vectorData();
      },
    });
    return createMesh({ metrics, histograms, now: () => AT }).doctor();
  };

  test.each([
    ["classic", undefined, "ok", "classic, with bounds of 5, 1000 ms"],
    ["native", "native", "ok", "native"],
    ["native", "auto", "ok", "native"],
    ["both", undefined, "ok", "classic, with bounds of 5, 1000 ms and native"],
    ["native", undefined, "warning", "native, and the mesh is told of classic ones"],
    ["classic", "native", "warning", "classic, with bounds of 5, 1000 ms, and the mesh is told of native ones"],
  ] as const)("%s ones where the mesh is told of %s: %s", async (kept, histograms, status, message) => {
    const check = (await over(kept, histograms)).get("metrics", "histogram");
    expect(check).toMatchObject({ status, message });
    if (status === "warning") expect(check?.remedy).toBe(`write createMesh({ histograms: "${kept}" })`);
  });
});

describe("of traces", () => {
  const span = (fields: Partial<SpanFields>, tags: Readonly<Record<string, string>>) =>
    new Span(
      {
        traceId: "1",
        id: "1",
        parentId: undefined,
        shared: false,
        kind: "client",
        service: "web.shop",
        operation: "api.shop.svc.cluster.local:80/*",
        startMs: AT - 60_000,
        durationMs: 10,
        error: false,
        links: [],
        warnings: [],
        ...fields,
      },
      { tag: (name) => tags[name], tags: () => tags, events: () => [], processTags: () => ({}) },
    );
  const proxy = (workload: string) => `sidecar~10.0.0.1~${workload}-6c9f7d5b48-k2x9p.shop~shop.svc.cluster.local`;
  const over = (...spans: readonly Span[]) => {
    const traces: TraceBackend = {
      name: "store",
      finestWindowMs: 1,
      mostPerCall: 1000,
      services: async () => ["web.shop"],
      operations: async () => [],
      trace: async () => undefined,
      traces: async () => ({ traces: [], missing: [] }),
      dependencies: async () => [],
      search: async () => ({
        traces: [new Trace("1", spans)],
        full: false,
        unapplied: [],
        warnings: [],
        complete: true,
      }),
    };
    return createMesh({ traces, now: () => AT }).doctor();
  };

  test("whose spans do not say whose they are, it quotes one, and says what to keep", async () => {
    const outbound = { component: "proxy", upstream_cluster: "outbound|80||api.shop.svc.cluster.local" };
    expect((await over(span({}, { ...outbound, node_id: proxy("web") }))).get("traces", "naming")).toMatchObject({
      status: "ok",
      found: { spans: 1, unnamed: 0 },
    });
    expect((await over(span({}, outbound))).get("traces", "naming")).toMatchObject({
      status: "warning",
      message: `1 of 1 spans of proxies name no workload, such as "api.shop.svc.cluster.local:80/*" of "web.shop"`,
      remedy: expect.stringContaining("node_id"),
      found: { services: ["web.shop"], operations: ["api.shop.svc.cluster.local:80/*"] },
    });
  });

  test("of proxies with other clocks, it says whose and by how much", async () => {
    const client = span({}, { component: "proxy", node_id: proxy("web"), upstream_cluster: "outbound|80||api.shop" });
    const server = span(
      { id: "2", parentId: "1", kind: "server", service: "api.shop", startMs: AT - 62_500, durationMs: 8 },
      { component: "proxy", node_id: proxy("api"), upstream_cluster: "inbound|80||" },
    );
    expect((await over(client, server)).get("traces", "proxies' clocks")).toMatchObject({
      status: "warning",
      message: "clocks disagree: api.shop against web.shop by 2s500ms behind",
      remedy: "set the nodes' clocks by NTP",
      found: { aheadMs: { "api.shop against web.shop": -2_500 } },
    });
  });

  test("without metrics, it says that sampling cannot be figured", async () => {
    const one = span({}, { component: "proxy", node_id: proxy("web"), upstream_cluster: "outbound|80||api.shop" });
    expect((await over(one)).get("traces", "sampling")).toMatchObject({
      status: "skipped",
      remedy: 'createMesh({ metrics: prometheus("http://prometheus:9090") })',
    });
  });
});

describe("of access logs", () => {
  const line = (text: string) => ({
    timestampNs: BigInt(AT - 60_000) * 1_000_000n,
    line: text,
    origin: { container: "istio-proxy" },
    labels: {},
  });

  test("without lines it says how to turn them on", async () => {
    expect(await statuses({ logs: new LogStore([]) })).toMatchObject({
      "logs reachable": "ok",
      "logs lines": "warning",
    });
  });

  test("that it cannot read, it says where to give the format", async () => {
    const logs = new LogStore([line("what is this"), line("and this")]);
    const checkup = await createMesh({ logs, now: () => AT }).doctor();
    expect(checkup.get("logs", "format")).toMatchObject({
      status: "failed",
      found: { lines: 2, unparsed: 2, example: expect.any(String) },
    });
    expect(checkup.get("logs", "labels")?.message).toBe("no line tells its namespace or pod");
  });
});
