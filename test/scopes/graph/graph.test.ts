import { describe, expect, test } from "vitest";
import { QueryError } from "../../../src/errors.ts";
import { diff } from "../../../src/mesh/graph/diff.ts";
import { createMesh } from "../../../src/mesh/mesh.ts";
import type { Progress } from "../../../src/results/progress.ts";
import { recordingBackend, vectorData } from "../../metrics/recording-backend.ts";
import {
  bytes,
  type Counter,
  callee,
  caller,
  durations,
  END,
  end,
  MINUTE,
  meshOf,
  nobody,
  requests,
  service,
  sumOf,
} from "../counters.ts";

const FRONTEND_TO_BACKEND = [end("source", "frontend"), end("destination", "backend"), service("backend")];
const graphOf = async (...counters: readonly (Counter | readonly Counter[])[]) =>
  meshOf(counters).mesh.graph({ last: "10m" });

describe("histograms", () => {
  test("of workloads with bounds of their own are one for what they are grouped by", async () => {
    const [v1, v2] = ["backend-v1", "backend-v2"].map((name) => [
      callee,
      end("source", "frontend"),
      end("destination", name),
      service("backend"),
    ]);
    const bucket = (le: string, perSecond: number, labels: typeof v1 = []): Counter => ({
      metric: "istio_request_duration_milliseconds_bucket",
      labels: Object.assign({ le }, ...labels),
      perSecond,
    });
    const counters = [
      requests(10, ...(v1 ?? [])),
      requests(10, ...(v2 ?? [])),
      ...[bucket("100", 10, v1), bucket("+Inf", 10, v1)],
      ...[bucket("200", 10, v2), bucket("+Inf", 10, v2)],
    ];
    const graph = await meshOf(counters).mesh.graph({ last: "10m", groupBy: "app" });
    expect(graph.edge("frontend.default", "backend.default")?.latency(0.75)).toBeCloseTo(100, 6);
  });

  test("may be native ones, and count once where both forms are kept", async () => {
    const labels = Object.assign({}, callee, ...FRONTEND_TO_BACKEND);
    const native = {
      count: 10,
      sum: 1500,
      buckets: [
        { lower: 64, upper: 128, count: 4, bounds: "right" },
        { lower: 128, upper: 256, count: 6, bounds: "right" },
      ],
    } as const;
    const classic = [
      [{ ...labels, le: "250" }, 10],
      [{ ...labels, le: "+Inf" }, 10],
      [{ ...labels, le: "sum" }, 1200],
    ] as const;
    const asked = (...kept: readonly (readonly [typeof labels, number])[]) => {
      const durationRows = vectorData(...kept, [labels, Number.NaN]);
      const backend = recordingBackend({
        instant: (promql) => {
          if (promql.includes("istio_requests_total")) return vectorData([labels, 10]);
          if (!promql.includes("duration")) {
            const sizes = vectorData([{ ...labels, signal: "requestBytes" }, Number.NaN]);
            return { ...sizes, histograms: new Map([[0, native]]) };
          }
          return { ...durationRows, histograms: new Map([[kept.length, native]]) };
        },
      });
      return createMesh({ metrics: backend, now: () => END }).graph({ last: "10m" });
    };
    const alone = (await asked()).edge("frontend.default", "backend.default");
    expect(alone?.meanMs).toBe(150);
    expect(alone?.latency(0.4)).toBeCloseTo(128, 6);
    expect(alone?.bytes.request).toBe(1500);
    const both = await asked(...classic);
    expect(both.edge("frontend.default", "backend.default")?.meanMs).toBe(120);
    expect(both.meta.promql.join()).not.toMatch(/histogram_\w+\(/);
  });
});

describe("a request that both sides report", () => {
  const both = [
    requests(10, callee, ...FRONTEND_TO_BACKEND),
    requests(2, callee, ...FRONTEND_TO_BACKEND, { response_code: "503" }),
    requests(10, caller, ...FRONTEND_TO_BACKEND),
    requests(1, caller, ...FRONTEND_TO_BACKEND, { response_code: "503" }),
    ...durations(12, callee, ...FRONTEND_TO_BACKEND),
    ...durations(500, caller, ...FRONTEND_TO_BACKEND),
  ];

  test("counts once, as its callee's side saw it", async () => {
    const edge = (await graphOf(both)).edge("frontend.default", "backend.default");
    expect(edge?.rate).toBeCloseTo(12, 9);
    expect(edge?.received).toBeCloseTo(12, 9);
    expect(edge?.sent).toBeCloseTo(11, 9);
    expect(edge?.errors).toBeCloseTo(2, 9);
    expect(edge?.success).toBeCloseTo(10 / 12, 9);
    expect([...(edge?.codes ?? [])].map(([code, rate]) => [code, Math.round(rate)])).toEqual([
      ["200", 10],
      ["503", 2],
    ]);
    expect(edge?.lost).toBe(0);
    expect(edge?.mutualTls.requests).toBe(1);
  });

  test("took as long as its callee's side says, whatever form a bound has", async () => {
    const graph = await graphOf(both);
    const edge = graph.edge("frontend.default", "backend.default");
    expect(edge?.meanMs).toBeCloseTo(100, 6);
    expect(edge?.latency(0.5)).toBeCloseTo(75, 6);
    expect(graph.node("backend.default")?.inbound.latency(1)).toBeCloseTo(100, 6);
    expect(edge?.latency(2)).toBe(Number.POSITIVE_INFINITY);
  });

  test("is found under its nodes, in and out", async () => {
    const graph = await graphOf(both);
    expect(graph.nodes.map(({ id, kind, inMesh }) => ({ id, kind, inMesh }))).toEqual([
      { id: "backend.default", kind: "workload", inMesh: true },
      { id: "frontend.default", kind: "workload", inMesh: true },
    ]);
    expect(graph.node("frontend.default")?.outbound.rate).toBeCloseTo(12, 9);
    expect(graph.node("frontend.default")?.inbound.rate).toBe(0);
    expect(graph.node("frontend.default")?.inbound.success).toBeUndefined();
  });
});

describe("what only callers know", () => {
  test("calls that never arrived are added to those that did", async () => {
    const graph = await graphOf(
      requests(9, callee, ...FRONTEND_TO_BACKEND),
      requests(9, caller, ...FRONTEND_TO_BACKEND),
      requests(1, caller, ...FRONTEND_TO_BACKEND, { response_code: "503", response_flags: "UF,URX" }),
    );
    const edge = graph.edge("frontend.default", "backend.default");
    expect(edge?.rate).toBeCloseTo(10, 9);
    expect(edge?.lost).toBeCloseTo(1, 9);
    expect(edge?.success).toBeCloseTo(0.9, 9);
    expect([...(edge?.flags.keys() ?? [])]).toEqual(["UF,URX"]);
  });

  test("a service of which nothing answered is a node of its own, and nobody's proxy", async () => {
    const lost = { response_code: "503", response_flags: "UH" };
    const graph = await graphOf(
      requests(2, caller, end("source", "frontend"), nobody("destination"), service("ghost"), lost),
    );
    expect(graph.node("ghost.default.svc")).toMatchObject({ kind: "service", inMesh: undefined });
    expect(graph.edge("frontend.default", "ghost.default.svc")?.success).toBe(0);
  });

  test("a workload that answers and never reports is outside the mesh", async () => {
    const graph = await graphOf(requests(2, caller, end("source", "frontend"), end("destination", "legacy")));
    expect(graph.node("legacy.default")?.inMesh).toBe(false);
    expect(graph.edge("frontend.default", "legacy.default")?.rate).toBeCloseTo(2, 9);
    expect(graph.edge("frontend.default", "legacy.default")?.mutualTls.requests).toBeUndefined();
  });

  test.each([
    ["PassthroughCluster", "passthrough", false],
    ["BlackHoleCluster", "blackhole", undefined],
    ["api.example.org", "external", false],
  ])("%s is %s", async (name, kind, inMesh) => {
    const host = {
      destination_service: name,
      destination_service_name: name,
      destination_service_namespace: "unknown",
    };
    const graph = await graphOf(requests(2, caller, end("source", "frontend"), nobody("destination"), host));
    expect(graph.node(name)).toMatchObject({ kind, inMesh });
  });
});

test("a caller without a proxy is unknown, and its requests are plaintext", async () => {
  const plain = { reporter: "destination", connection_security_policy: "none" };
  const graph = await graphOf(
    requests(3, callee, ...FRONTEND_TO_BACKEND),
    requests(1, plain, nobody("source"), end("destination", "backend"), service("backend")),
  );
  expect(graph.edge("unknown", "backend.default")?.mutualTls.requests).toBe(0);
  expect(graph.node("backend.default")?.inbound.mutualTls.requests).toBeCloseTo(0.75, 9);
});

describe("TCP", () => {
  const ends = [end("source", "frontend"), end("destination", "ledger"), service("ledger")];

  test("is counted by its callee's side, with its own share of mutual TLS", async () => {
    const graph = await graphOf(
      bytes("connections_opened", 2, callee, ...ends),
      bytes("connections_opened", 2, caller, ...ends),
      bytes("sent_bytes", 500, callee, ...ends),
      bytes("received_bytes", 70, callee, ...ends),
    );
    const edge = graph.edge("frontend.default", "ledger.default");
    expect(edge?.tcp?.opened).toBeCloseTo(2, 9);
    expect(edge?.tcp?.sent).toBeCloseTo(500, 6);
    expect(edge?.tcp?.received).toBeCloseTo(70, 6);
    expect(edge?.rate).toBe(0);
    expect(edge?.mutualTls).toEqual({ requests: undefined, connections: 1 });
  });

  test("that a waypoint's requests are carried by is not counted beside them", async () => {
    const tunnel = { app: "ztunnel", connection_security_policy: "mutual_tls" };
    const waypoint = { reporter: "waypoint", connection_security_policy: "mutual_tls" };
    const graph = await graphOf(
      requests(4, waypoint, ...FRONTEND_TO_BACKEND),
      bytes("connections_opened", 1, tunnel, { reporter: "source" }, ...FRONTEND_TO_BACKEND),
      bytes(
        "connections_opened",
        1,
        tunnel,
        { reporter: "destination" },
        end("source", "waypoint"),
        end("destination", "backend"),
      ),
      bytes("connections_opened", 3, tunnel, { reporter: "destination" }, ...ends),
    );
    expect(graph.edges.map(({ from, to, rate, tcp }) => [from.id, to.id, Math.round(rate), tcp?.opened ?? 0])).toEqual([
      ["frontend.default", "backend.default", 4, 0],
      ["frontend.default", "ledger.default", 0, expect.closeTo(3, 9)],
    ]);
    expect(graph.edge("frontend.default", "ledger.default")?.mutualTls.connections).toBe(1);
    expect(graph.meta.infos.join()).toContain("counted already");
  });
});

describe("grouping", () => {
  const versions = [
    requests(3, callee, end("source", "frontend"), end("destination", "backend"), service("backend")),
    requests(1, callee, end("source", "frontend"), end("destination", "backend-v2"), service("backend")),
  ];

  test.each([
    ["workload", ["backend-v2.default", "backend.default"]],
    ["app", ["backend.default"]],
    ["service", ["backend.default.svc"]],
    ["version", ["backend.default:v1", "backend.default:v2"]],
  ] as const)("by %s gives %j", async (groupBy, ids) => {
    const graph = await meshOf([versions]).mesh.graph({ last: "10m", groupBy });
    expect(graph.edges.map(({ to }) => to.id)).toEqual(ids);
    expect(graph.edges.reduce((sum, { rate }) => sum + rate, 0)).toBeCloseTo(4, 9);
  });

  test("names the clusters where there are several", async () => {
    const graph = await graphOf(
      requests(3, callee, end("source", "frontend"), end("destination", "backend")),
      requests(1, callee, end("source", "frontend"), end("destination", "backend", { destination_cluster: "two" })),
    );
    expect(graph.edges.map(({ to }) => to.id)).toEqual(["backend.default@one", "backend.default@two"]);
  });

  test("a service is one of the namespaces' when either end is", async () => {
    const { mesh, backend } = meshOf([versions]);
    await mesh.graph({ last: "10m", namespaces: ["default", "a.b"] });
    expect(backend.asked[0]?.promql).toContain('source_workload_namespace=~"default|a\\\\.b"');
    expect(backend.asked[0]?.promql).toContain('destination_service_namespace=~"default|a\\\\.b"');
  });
});

test.each([10, 100, 10_000])("a mesh of %d edges takes three requests, six with an earlier window", async (edges) => {
  const rows = Array.from(
    { length: edges },
    (_, i) => [{ ...callee, ...end("source", `w${i}`), ...end("destination", `w${i + 1}`) }, 1] as const,
  );
  const backend = recordingBackend({
    instant: (promql) => (promql.includes("istio_requests_total") ? vectorData(...rows) : vectorData()),
  });
  const mesh = createMesh({ metrics: backend });
  const graph = await mesh.graph({ last: "10m" });
  expect(graph.edges).toHaveLength(edges);
  expect(backend.asked).toHaveLength(3);
  const told: Progress[] = [];
  const onProgress = (progress: Progress) => told.push(progress);
  await mesh.graph({ last: "10m", against: "1d", namespaces: ["a", "b", "c"], groupBy: "service", onProgress });
  expect(told.map(({ done }) => done)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(told.at(-1)).toEqual({ what: "graph", unit: "question", done: 6, total: 6, ratio: 1, ended: true });
  expect(backend.asked).toHaveLength(9);
});

describe("against an earlier window", () => {
  const asked = async (against?: string) => {
    const { mesh, backend } = meshOf([requests(3, callee, ...FRONTEND_TO_BACKEND)]);
    return { graph: await mesh.graph({ last: "5m", against }), backend };
  };

  test("six requests are made, three without", async () => {
    expect((await asked()).backend.asked).toHaveLength(3);
    const { graph, backend } = await asked("10m");
    expect(backend.asked).toHaveLength(6);
    expect(backend.asked[3]?.promql).toContain("[5m] offset 10m");
    expect(graph.before?.meta.toMs).toBe(END - 10 * MINUTE);
    expect(graph.meta.requests).toBe(6);
  });

  test("each edge has what it was before, and the graph what changed", async () => {
    const { graph } = await asked("10m");
    expect(graph.edges[0]?.before?.rate).toBeCloseTo(3, 9);
    expect(graph.changes?.edges.kept.map(({ rateRatio, success }) => [rateRatio, success])).toEqual([
      [expect.closeTo(1, 9), 0],
    ]);
    const { graph: young } = await asked("20m");
    expect(young.edges[0]?.before).toBeUndefined();
    expect(young.changes?.edges.added).toEqual(young.edges);
    expect(diff(young, young.before ?? young).edges.removed).toEqual(young.edges);
  });
});

describe("what a graph is asked", () => {
  const hop = (from: string, to: string, perSecond: number, ms: number) => {
    const ends = [end("source", from), end("destination", to), service(to)];
    return [
      requests(perSecond, callee, ...ends),
      sumOf(ms * perSecond, callee, ...ends),
      {
        metric: "istio_request_duration_milliseconds_bucket",
        labels: Object.assign({ le: "+Inf" }, callee, ...ends),
        perSecond,
      },
    ];
  };
  const shop = [
    hop("gateway", "front", 10, 100),
    hop("front", "cart", 10, 20),
    hop("cart", "db", 20, 5),
    hop("front", "db", 1, 5),
  ];

  test("its paths, the shortest first", async () => {
    const graph = await graphOf(...shop);
    const paths = graph.paths("gateway.default", "db.default");
    expect(paths.map(({ edges }) => edges.map(({ to }) => to.name).join(" "))).toEqual(["front db", "front cart db"]);
    expect(paths.complete).toBe(true);
    expect(graph.paths("gateway.default", "db.default", { limit: 1 })).toMatchObject({ length: 1, complete: false });
    expect(graph.paths("gateway.default", "db.default", { maxLength: 2 }).complete).toBe(false);
    expect(graph.paths("db.default", "gateway.default")).toHaveLength(0);
  });

  test("a path from what it does not have names what was meant", async () => {
    const graph = await graphOf(...shop);
    expect(() => graph.paths("gateway", "db.default")).toThrow('did you mean "gateway.default"?');
    expect(() => graph.paths("gateway.default", "db.default", { limit: 0 })).toThrow(QueryError);
  });

  test("its bottlenecks: own time, without that of the calls made", async () => {
    const own = (await graphOf(...shop)).bottlenecks();
    expect(own.map(({ node, selfMs }) => [node.name, Number(selfMs.toFixed(3))])).toEqual([
      ["front", 79.5],
      ["db", 5],
      ["cart", 10],
    ]);
    expect(own.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });
});

describe("bad options are refused by name", () => {
  test.each([
    [{ last: "10 minutes" }, "graph: last"],
    [{ last: "10m", groupBy: "pod" as "app" }, 'groupBy "pod" is none of'],
    [{ last: "10m", namespaces: [] }, "namespaces is a list of names"],
    [{ last: "10m", against: "yesterday" }, "graph: against"],
    [{ from: END, to: END }, "range"],
  ])("%j", async (options, text) => {
    const { mesh, backend } = meshOf([]);
    await expect(mesh.graph(options)).rejects.toThrow(text);
    expect(backend.asked).toEqual([]);
  });

  test("a mesh without metrics", async () => {
    await expect(createMesh().graph({ last: "10m" })).rejects.toMatchObject({ name: "QueryError", code: "config" });
  });
});
