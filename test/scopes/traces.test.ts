import { describe, expect, it } from "vitest";
import { createMesh, type MetricsBackend, QueryError, type TraceBackend, type TraceQuery } from "../../src/index.ts";
import { HOP_LABELS, hopLabels } from "../../src/mesh/hop-labels.ts";
import { labelTest } from "../../src/mesh/label-test.ts";
import { matcher } from "../../src/promql/index.ts";
import type { SearchPage } from "../../src/traces/backend.ts";
import type { Hop } from "../../src/traces/hop.ts";
import { Span, type SpanFields } from "../../src/traces/span.ts";
import { Trace } from "../../src/traces/trace.ts";

const NOW = 1_800_000_000_000;

interface Sketch {
  readonly from?: string;
  readonly to?: string;
  readonly ms?: number;
  readonly code?: string;
  readonly flags?: string;
  readonly grpc?: string;
}

/** A call as the caller's and the callee's proxies show it; either may have no span. */
function call(index: number, { from, to, ms = 10, code = "200", flags = "-", grpc }: Sketch): Trace {
  const id = (index + 1).toString(16).padStart(16, "0");
  const span = (fields: Partial<SpanFields>, workload: string, tags: Record<string, string>) => {
    const all: Record<string, string> = {
      component: "proxy",
      "http.status_code": code,
      response_flags: flags,
      node_id: `sidecar~10.0.0.${workload.length}~${workload}-6c9f7d5b48-k2x9p.default~default.svc.cluster.local`,
      "istio.canonical_service": workload,
      "istio.namespace": "default",
      ...(grpc !== undefined && { "grpc.status_code": grpc }),
      ...tags,
    };
    return new Span(
      {
        traceId: id,
        id,
        parentId: undefined,
        shared: false,
        kind: "client",
        service: `${workload}.default`,
        operation: "x",
        startMs: NOW - 60_000 + index,
        durationMs: ms,
        error: false,
        links: [],
        warnings: [],
        ...fields,
      },
      { tag: (name) => all[name], tags: () => all, events: () => [], processTags: () => ({}) },
    );
  };
  const spans: Span[] = [];
  if (from !== undefined) {
    spans.push(span({}, from, { upstream_cluster: `outbound|9090||${to ?? "ghost"}.default.svc.cluster.local` }));
  }
  if (to !== undefined) {
    const server = { id: `f${id.slice(1)}`, kind: "server" as const, ...(from !== undefined && { parentId: id }) };
    spans.push(span({ ...server, durationMs: ms - 1 }, to, { upstream_cluster: "inbound|9090||" }));
  }
  return new Trace(id, spans);
}

class Store implements TraceBackend {
  readonly name = "store";
  readonly finestWindowMs = 1;
  readonly mostPerCall = 1000;
  readonly asked: TraceQuery[] = [];
  readonly kept: readonly Trace[];
  readonly names: readonly string[];

  constructor(kept: readonly Trace[], names = ["frontend.default", "backend.default", "ratings.default"]) {
    this.kept = kept;
    this.names = names;
  }

  services = async () => this.names;
  operations = async () => [];
  dependencies = async () => [];
  trace = async (id: string) => this.kept.find((trace) => trace.id === id);
  traces = async (ids: readonly string[]) => ({
    traces: this.kept.filter((trace) => ids.includes(trace.id)),
    missing: ids.filter((id) => !this.kept.some((trace) => trace.id === id)),
  });

  async search(query: TraceQuery): Promise<SearchPage> {
    this.asked.push(query);
    const traces = this.kept.filter(
      (trace) =>
        trace.startMs >= query.fromMs &&
        trace.startMs <= query.toMs &&
        trace.spans.some((span) => query.service === undefined || span.service === query.service),
    );
    return { traces, full: false, unapplied: [], warnings: [], complete: true };
  }
}

const meshOver = (store: TraceBackend, metrics?: MetricsBackend) =>
  createMesh({ traces: store, metrics, now: () => NOW });
const last = { last: "5m" } as const;
const servicesOf = (store: Store) => [...new Set(store.asked.map((query) => query.service))];

describe("the traces of a scope", () => {
  const kept = [
    call(0, { from: "frontend", to: "backend" }),
    call(1, { from: "frontend", to: "ratings" }),
    call(2, { from: "frontend", to: "backend", code: "503", ms: 300 }),
    call(3, { to: "backend" }),
    call(4, { from: "frontend", code: "503", flags: "UF" }),
    call(5, { from: "frontend", to: "backend", grpc: "5", code: "200" }),
    call(6, { from: "frontend", to: "backend", grpc: "14", code: "200" }),
  ];
  const idsOf = (traces: readonly Trace[]) => traces.map((trace) => Number.parseInt(trace.id, 16) - 1).sort();

  it("are those with a call of it, asked for by its caller's name", async () => {
    const store = new Store(kept);
    const found = await meshOver(store).edge("frontend", "backend").traces(last);
    expect(idsOf(found)).toEqual([0, 2, 5, 6]);
    expect(servicesOf(store)).toEqual(["frontend.default"]);
    expect(found.meta.complete).toBe(true);
  });

  it("are asked for by the callee's name where no caller is named", async () => {
    const store = new Store(kept);
    expect(idsOf(await meshOver(store).workload("backend").traces(last))).toEqual([0, 2, 3, 5, 6]);
    expect(servicesOf(store)).toEqual(["backend.default"]);
  });

  it("are looked for under every name where none can be the scope's", async () => {
    const store = new Store(kept, ["a.default", "b.default"]);
    await meshOver(store).workload("backend").traces(last);
    expect(servicesOf(store)).toEqual(["a.default", "b.default"]);
  });

  it("are looked for under the names that are given", async () => {
    const store = new Store(kept);
    await meshOver(store)
      .workload("backend")
      .traces({ ...last, services: ["ratings.default"] });
    expect(servicesOf(store)).toEqual(["ratings.default"]);
  });

  it("are looked for under an app that the workload's name begins with, and under waypoints", async () => {
    const store = new Store(kept, ["reviews.default", "reviews.other", "rev.default", "waypoint.default", "details"]);
    await meshOver(store).workload("reviews-v1.default").traces(last);
    expect(servicesOf(store)).toEqual(["reviews.default", "waypoint.default"]);
  });

  it("without a caller's proxy are those of the unknown one", async () => {
    expect(idsOf(await meshOver(new Store(kept)).edge("unknown", "backend").traces(last))).toEqual([3]);
  });

  it("can be those that failed, gRPC by its own status", async () => {
    const edge = meshOver(new Store(kept)).edge("frontend", "backend");
    expect(idsOf(await edge.traces({ ...last, errors: true }))).toEqual([2, 6]);
    const failures = await edge.failures(last);
    expect(failures.map(({ hop }) => hop.code).sort()).toEqual([200, 503]);
  });

  it("follow the scope's own rule of what failed", async () => {
    const edge = meshOver(new Store(kept))
      .edge("frontend", "backend")
      .failures([{ grpc_response_status: "5" }]);
    expect(idsOf(await edge.traces({ ...last, errors: true }))).toEqual([5]);
  });

  it("hold the scope's conditions", async () => {
    const mesh = meshOver(new Store(kept));
    const from = mesh.workload("frontend").outbound;
    expect(idsOf(await from.where({ response_code: /5../ }).traces(last))).toEqual([2, 4]);
    expect(idsOf(await from.where({ response_flags: "UF" }).traces(last))).toEqual([4]);
    expect(idsOf(await from.where({ destination_workload: { not: ["backend", "unknown"] } }).traces(last))).toEqual([
      1,
    ]);
  });

  it("can be slow or quick", async () => {
    const edge = meshOver(new Store(kept)).edge("frontend", "backend");
    expect(idsOf(await edge.traces({ ...last, slowerThan: "250ms" }))).toEqual([2]);
    expect(idsOf(await edge.traces({ ...last, fasterThan: "50ms" }))).toEqual([0, 5, 6]);
    expect((await edge.slowest({ ...last, limit: 2 })).map(({ hop }) => hop.clientMs)).toEqual([300, 10]);
  });

  it("give quantiles by the callee's clock, by the caller's where it reports, with a warning", async () => {
    const edge = meshOver(new Store(kept)).edge("frontend", "backend");
    expect(await edge.latencyFromTraces(1, last)).toMatchObject({ value: 299, unit: "ms", samples: 4 });
    const seen = await edge.reportedBy("source").latencyFromTraces(0.5, last);
    expect(seen.value).toBe(10);
    expect(seen.meta.warnings[0]).toContain("sampled");
    expect(await edge.latencyFromTraces(0.5, { from: 0, to: 1 })).toMatchObject({ value: undefined, samples: 0 });
  });
});

describe("a mesh without a tracing backend", () => {
  it("says how to give one", async () => {
    const edge = createMesh({}).edge("frontend", "backend");
    expect(() => edge.traces(last)).toThrow(/traces: jaeger\("http/);
    await expect(createMesh({}).trace("ab")).rejects.toThrow(QueryError);
  });

  it("refuses what is none", () => {
    expect(() => createMesh({ traces: {} as TraceBackend })).toThrow(/traces is no backend/);
  });
});

describe("one trace", () => {
  it("is found by its id, however many zeros are before it, and refused where it is none", async () => {
    const mesh = meshOver(new Store([call(9, { from: "frontend", to: "backend" })]));
    expect((await mesh.trace("A"))?.id).toBe("000000000000000a");
    expect(await mesh.trace("b")).toBeUndefined();
    await expect(mesh.trace("xyz")).rejects.toMatchObject({ code: "id" });
    await expect(mesh.trace("0000")).rejects.toMatchObject({ code: "id" });
  });
});

describe("examples of a metric", () => {
  const kept = [
    call(0, { from: "frontend", to: "backend", ms: 40 }),
    call(1, { from: "frontend", to: "backend", ms: 400 }),
  ];
  const metrics = (ids: readonly string[], fail?: Error): MetricsBackend => ({
    name: "metrics",
    scrapeIntervalMs: 1000,
    instant: async () => {
      throw new Error("not asked here");
    },
    range: async () => {
      throw new Error("not asked here");
    },
    exemplars: async () => {
      if (fail !== undefined) throw fail;
      const data = ids.map((id, i) => ({
        series: {},
        labels: { traceID: id },
        value: i === 0 ? 40 : 400,
        timeMs: NOW + i,
      }));
      return { data, warnings: [], infos: [], complete: true, tookMs: 1 };
    },
  });

  it("come from exemplars of the wanted durations", async () => {
    const mesh = meshOver(new Store(kept), metrics(["1", "2"]));
    const found = await mesh.edge("frontend", "backend").examples({ ...last, slowerThan: "100ms" });
    expect(found.map((trace) => trace.id)).toEqual(["0000000000000002"]);
    expect(found.meta).toMatchObject({ origin: "exemplars", complete: true });
  });

  it("say so where exemplars name more of them than were asked for", async () => {
    const edge = meshOver(new Store(kept), metrics(["1", "2"])).edge("frontend", "backend");
    const one = await edge.examples({ ...last, limit: 1 });
    expect(one).toHaveLength(1);
    expect(one.meta).toMatchObject({ complete: false, warnings: [expect.stringContaining("limit of 1")] });
    expect((await edge.examples({ ...last, limit: 2 })).meta).toMatchObject({ complete: true, warnings: [] });
  });

  it("come from a search where exemplars name no trace of the scope, or none at all", async () => {
    const store = new Store(kept);
    for (const ids of [[], ["not an id"], ["ffff"]]) {
      const found = await meshOver(store, metrics(ids)).edge("frontend", "backend").examples(last);
      expect(found.meta.origin).toBe("search");
      expect(found).toHaveLength(2);
    }
    const backendless = await createMesh({ traces: store, now: () => NOW })
      .edge("frontend", "backend")
      .examples(last);
    expect(backendless.meta.origin).toBe("search");
  });

  it("do not hide an error that is not the backend's no", async () => {
    const mesh = meshOver(new Store(kept), metrics([], new TypeError("a slip")));
    await expect(mesh.edge("frontend", "backend").examples(last)).rejects.toThrow("a slip");
  });
});

describe("the labels of a hop", () => {
  const [hop] = call(0, { from: "frontend", to: "backend", code: "503", flags: "UF,URX" }).hops() as [Hop];

  it("are Istio's, with its values for what is not known", () => {
    expect(hopLabels(hop)).toMatchObject({
      source_workload: "frontend",
      destination_workload: "backend",
      destination_service: "backend.default.svc.cluster.local",
      destination_service_name: "backend",
      response_code: "503",
      response_flags: "UF,URX",
      grpc_response_status: "",
      connection_security_policy: "unknown",
    });
  });

  it.each([
    [{ host: "backend.default.svc.cluster.local", service: "backend" }, "backend"],
    [{ host: "backend", service: undefined }, "backend"],
    [{ host: "backend.default", service: "backend" }, "backend"],
    [{ host: "api.example.org", service: undefined }, "api.example.org"],
    [{ host: undefined, service: undefined }, ""],
  ])("name the service of %j as the metrics do", (destination, name) => {
    const labels = hopLabels({ ...hop, source: {}, flags: [], destination } as unknown as Hop);
    expect(labels.destination_service_name).toBe(name);
  });

  it.each([
    ["=", "503", true],
    ["=", "50", false],
    ["!=", "503", false],
    ["=~", "5..", true],
    ["=~", "50", false],
    ["!~", "4..", true],
    ["=~", "(?i)5(?P<x>\\x{30})3", true],
  ] as const)("hold response_code %s %s: %s", (op, value, holds) => {
    expect(labelTest([matcher("response_code", op, value)], HOP_LABELS)(hopLabels(hop))).toBe(holds);
  });

  it("refuse a condition on what no trace shows", () => {
    expect(() => labelTest([matcher("pod", "=", "x")], HOP_LABELS)).toThrow(/traces: they do not show the label pod/);
  });
});
