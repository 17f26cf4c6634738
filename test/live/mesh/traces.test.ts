import { beforeAll, describe, expect, inject, it } from "vitest";
import { createMesh, jaeger, type Peer, type Trace, zipkin } from "../../../src/index.ts";
import type { Hop } from "../../../src/traces/hop.ts";
import { type LoadedTrace, loadTraces } from "../../mesh/load-traces.ts";
import type { TracedCall, TracedHop } from "../../mesh/traced-call.ts";

const truth = inject("truth");
const range = { from: truth.measuredFromMs - 2000, to: truth.measuredToMs + 2000 };
const backends = {
  "Jaeger's older API": jaeger(inject("jaegerUrl"), { api: "legacy" }),
  "Jaeger's API v3": jaeger(inject("jaegerUrl"), { api: "v3" }),
  Zipkin: zipkin(inject("zipkinUrl")),
};

/** What a caller or an app takes beside its proxy, on a machine with other things to do. */
const OVERHEAD_MS = 60;

const nameOf = ({ service }: TracedHop) => service.split(".", 1)[0] ?? service;
const isKnown = ({ source, service }: TracedHop) => source !== "unknown" && service !== "unknown";
const failed = ({ code, grpcStatus }: TracedHop) =>
  grpcStatus === undefined ? code === 0 || code >= 500 : [2, 4, 12, 13, 14, 15].includes(grpcStatus);

const edges = [
  ...new Set(truth.traces.flatMap((call) => call.hops.filter(isKnown).map((hop) => `${hop.source} ${nameOf(hop)}`))),
];
const crossing = (source: string, service: string) => (hop: TracedHop) =>
  hop.source === source && nameOf(hop) === service;
const ids = (traces: Iterable<{ readonly id: string }>) => Array.from(traces, (trace) => trace.id).sort();
const idsOf = (calls: readonly TracedCall[]) => calls.map((call) => call.traceId.replace(/^0{16}/, "")).sort();

/** A hop as far as the truth knows it. */
const seen = (hop: Hop) => ({
  source: hop.source.workload ?? "unknown",
  destination: hop.destination.workload ?? "unknown",
  version: hop.destination.version ?? "unknown",
  service: hop.client === undefined ? undefined : (hop.destination.host ?? "unknown"),
  protocol: hop.protocol,
  code: hop.code,
  grpcStatus: hop.grpcStatus,
  flags: hop.client === undefined ? undefined : [...new Set(hop.client.text("response_flags")?.split(","))],
  attempts: hop.attempts.map((span) => Number(span.text("http.status_code"))),
});
/** Who answered shows in spans only where a proxy stood before it. */
const sent = (hop: TracedHop) => ({
  source: hop.source,
  destination: hop.attempts.length === 0 ? "unknown" : hop.destination,
  version: hop.attempts.length === 0 ? "unknown" : hop.destinationVersion,
  service: hop.source === "unknown" ? undefined : hop.service,
  protocol: hop.protocol,
  code: hop.code,
  grpcStatus: hop.grpcStatus,
  flags: hop.source === "unknown" ? undefined : hop.flags.split(","),
  attempts: hop.attempts.map((attempt) => attempt.code),
});

describe.each(Object.entries(backends))("%s", (_, traces) => {
  const mesh = createMesh({ traces });
  const found = new Map<string, Trace>();

  beforeAll(async () => {
    const all = await mesh.all().traces(range);
    expect(all.meta).toMatchObject({ complete: true, ratio: 1 });
    for (const trace of all) found.set(trace.id, trace);
  });

  const traceOf = (call: TracedCall) => found.get(call.traceId.replace(/^0{16}/, ""));

  it("has every call of the scenario", () => {
    expect(truth.traces.length).toBeGreaterThan(1000);
    expect(idsOf(truth.traces).filter((id) => !found.has(id))).toEqual([]);
  });

  it.each(edges)("finds by its edge every call %s, and no other", async (edge) => {
    const [source = "", service = ""] = edge.split(" ");
    const answer = await mesh.edge(source, { service }).traces(range);
    expect(answer.meta.complete).toBe(true);
    const expected = truth.traces.filter((call) => call.hops.some(crossing(source, service)));
    // A call that its user gave up before any app saw it has a trace whose id nobody knows.
    const unknown = new Set(ids(answer));
    for (const id of idsOf(truth.traces)) unknown.delete(id);
    expect(ids(answer).filter((id) => !unknown.has(id))).toEqual(idsOf(expected));
    expect(unknown.size).toBeLessThanOrEqual(answer.length / 50);
  });

  it("finds the calls of an edge to a workload, with its namespace and version", async () => {
    const to: Peer = { workload: "backend-v2", namespace: "default", version: "v2" };
    const answer = await mesh.edge("frontend.default", to).traces(range);
    const expected = truth.traces.filter((call) =>
      call.hops.some((hop) => hop.source === "frontend" && hop.destination === "backend-v2"),
    );
    expect(expected.length).toBeGreaterThan(50);
    expect(idsOf(expected).filter((id) => !ids(answer).includes(id))).toEqual([]);
  });

  it("has the hops of every call as they were sent, in their order", () => {
    for (const call of truth.traces) {
      const hops = traceOf(call)?.hops() ?? [];
      // No service is where there was no route; the trace shows what the caller wrote.
      const shown = hops.map((hop, i) =>
        call.hops[i]?.service === "unknown" ? { ...seen(hop), service: "unknown" } : seen(hop),
      );
      expect(shown, `${call.part} ${call.traceId}`).toEqual(call.hops.map(sent));
    }
  });

  it("has durations between what the app and what the caller saw", () => {
    for (const call of truth.traces) {
      const hops = traceOf(call)?.hops() ?? [];
      for (const [i, hop] of call.hops.entries()) {
        const what = `${call.part} ${call.traceId} ${hop.service}`;
        const clientMs = hops[i]?.clientMs ?? hops[i]?.serverMs ?? Number.NaN;
        // A caller that went away did so before its proxy knew.
        expect(clientMs, what).toBeLessThanOrEqual(hop.clientMs + (hop.code === 0 ? OVERHEAD_MS : 2));
        // A try that the caller's proxy gave up went on without it.
        const awaited = hop.attempts.filter((attempt) => attempt.code !== 0);
        const appsMs = awaited.reduce((total, attempt) => total + (attempt.appMs ?? 0), 0);
        expect(clientMs, what).toBeGreaterThanOrEqual(appsMs - 1);
        const [attempt] = hop.attempts;
        if (hop.attempts.length === 1 && attempt?.appMs !== undefined && attempt.code !== 0) {
          expect(hops[i]?.serverMs, what).toBeGreaterThanOrEqual(attempt.appMs - 1);
        }
      }
    }
  });

  it.each(["frontend backend", "frontend recommender", "frontend ghost"])(
    "finds the failures of %s, and no others",
    async (edge) => {
      const [source = "", service = ""] = edge.split(" ");
      const expected = truth.traces.filter((call) =>
        call.hops.some((hop) => crossing(source, service)(hop) && failed(hop)),
      );
      expect(expected.length).toBeGreaterThan(10);
      const answer = await mesh.edge(source, { service }).traces({ ...range, errors: true });
      expect(idsOf(expected).filter((id) => !ids(answer).includes(id))).toEqual([]);
      const failures = await mesh.edge(source, { service }).failures(range);
      expect(failures.every(({ hop }) => hop.failed === true)).toBe(true);
      expect(failures.meta.complete).toBe(true);
      expect(new Set(failures.map(({ trace }) => trace.id))).toEqual(new Set(ids(answer)));
    },
  );

  it("finds the slowest calls of an edge", async () => {
    const edge = mesh.edge("frontend", { service: "backend" });
    const slowest = await edge.slowest({ ...range, limit: 5 });
    const durations = [...found.values()]
      .flatMap((trace) => trace.hops())
      .filter((hop) => hop.source.workload === "frontend" && hop.destination.host?.startsWith("backend."))
      .flatMap((hop) => hop.clientMs ?? [])
      .sort((a, b) => b - a);
    expect(slowest.map(({ hop }) => hop.clientMs)).toEqual(durations.slice(0, 5));
    const slow = await edge.traces({ ...range, slowerThan: "250ms" });
    expect(slow.every((trace) => trace.hops().some((hop) => (hop.clientMs ?? 0) >= 250))).toBe(true);
    expect(slow.length).toBeGreaterThan(5);
  });

  it("says of quantiles that they are of samples, and of how many", async () => {
    const answer = await mesh.edge("frontend", { service: "ratings" }).latencyFromTraces(0.5, range);
    const calls = truth.traces.flatMap((call) => call.hops.filter(crossing("frontend", "ratings")));
    expect(answer.samples).toBe(calls.length);
    // Each call took no longer than its caller saw, and no less than its app.
    const half = (durations: readonly number[]) =>
      durations.toSorted((a, b) => a - b)[Math.ceil(durations.length / 2) - 1];
    expect(answer.value).toBeLessThanOrEqual((half(calls.map(({ clientMs }) => clientMs)) ?? 0) + 2);
    expect(answer.value).toBeGreaterThanOrEqual((half(calls.map(({ attempts }) => attempts[0]?.appMs ?? 0)) ?? 0) - 1);
    expect(answer.meta.warnings.join()).toContain("nothing about rates");
  });

  it("has a trace by its id, and none by an id that nobody has", async () => {
    const [call] = truth.traces;
    if (call === undefined) throw new Error("the scenario has traces");
    const trace = await mesh.trace(call.traceId.replace(/^0+/, "").toUpperCase());
    expect(trace?.hops().map(seen)).toEqual(call.hops.map(sent));
    expect(await mesh.trace("0123456789abcdef0123456789abcdef")).toBeUndefined();
    const many = await traces.traces([call.traceId, "0123456789abcdef0123456789abcdef"]);
    expect(many.traces.map((one) => one.id)).toEqual([trace?.id]);
    expect(many.missing).toEqual(["0123456789abcdef0123456789abcdef"]);
  });

  it("names its services, their operations, and who called whom", async () => {
    const services = await traces.services();
    for (const name of ["frontend.default", "backend.default", "istio-ingressgateway.istio-system"]) {
      expect(services).toContain(name);
    }
    const operations = await traces.operations("backend.default");
    expect(operations.map(({ name }) => name)).toContain("backend.default.svc.cluster.local:9090/*");
    const calls = await traces.dependencies({ fromMs: range.from, toMs: range.to });
    const among = calls.find(({ parent, child }) => parent === "frontend.default" && child === "backend.default");
    expect(among?.calls).toBeGreaterThan(100);
  });

  it("puts the gateway before the frontend before the backend, and the time where it was spent", () => {
    const call = truth.traces.find(({ part }) => part === "slow");
    const trace = call && traceOf(call);
    expect(trace?.hops().map((hop) => hop.source.workload)).toEqual(["istio-ingressgateway", "frontend"]);
    const path = trace?.criticalPath();
    expect(path?.sections.reduce((sum, section) => sum + section.selfMs, 0)).toBeCloseTo(trace?.durationMs ?? 0, 1);
    expect(trace?.tree()).toContain("backend");
  });
});

describe("what all tracing backends hold", () => {
  it("is the same calls, hop by hop, to the microsecond", async () => {
    const [first, ...others] = await Promise.all(
      Object.values(backends).map(async (traces) => {
        const all = await createMesh({ traces }).all().traces(range);
        return new Map(
          all.map((trace) => [
            trace.id,
            trace.hops().map((hop) => ({
              ...seen(hop),
              clientUs: us(hop.clientMs),
              serverUs: us(hop.serverMs),
              flags: hop.flags,
            })),
          ]),
        );
      }),
    );
    expect(first?.size).toBeGreaterThan(1000);
    for (const other of others) expect(other).toEqual(first);
  });
});

const us = (ms: number | undefined) => (ms === undefined ? undefined : Math.round(ms * 1000));

describe("5,000 traces in one range", () => {
  const from = truth.measuredFromMs - 3_600_000;
  const to = from + 600_000;
  let loaded: readonly LoadedTrace[];

  beforeAll(async () => {
    loaded = await loadTraces({ count: 5000, fromMs: from, toMs: to });
  });

  it.each(Object.entries(backends))("come back complete from %s, although each call is cut", async (_, traces) => {
    const answer = await createMesh({ traces }).edge("frontend", "backend").traces({ from, to, perCall: 150 });
    expect(answer.meta.complete).toBe(true);
    expect(answer.meta.requests).toBeGreaterThan(30);
    expect(ids(answer)).toEqual(loaded.map(({ traceId }) => traceId.replace(/^0{16}/, "")).sort());
    const starts = answer.map((trace) => trace.startMs);
    expect(starts).toEqual([...starts].sort((a, b) => b - a));
  });

  it.each(Object.entries(backends))("come from %s the latest first, as many as were asked for", async (_, traces) => {
    const answer = await createMesh({ traces }).edge("frontend", "backend").traces({ from, to, limit: 50 });
    const latest = [...loaded].sort((a, b) => b.startUs - a.startUs).slice(0, 50);
    expect(answer.length).toBe(50);
    expect(Math.round((answer.at(-1)?.startMs ?? 0) * 1000)).toBe(latest.at(-1)?.startUs);
    expect(answer.meta.complete).toBe(false);
    expect(answer.meta.warnings.join()).toContain("limit of 50");
  });
});
