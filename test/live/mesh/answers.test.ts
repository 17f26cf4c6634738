import { describe, expect, inject, it } from "vitest";
import { createMesh, prometheus } from "../../../src/index.ts";
import type { Traffic } from "../../../src/mesh/traffic.ts";
import type { Flow } from "../../mesh/mesh.ts";
import { compare, isExact } from "../../mesh/verify.ts";
import { bucketsOf, countOf, failedOf, meanBoundsOf, requestsOf, sum } from "./expected.ts";

const truth = inject("truth");
const mesh = createMesh({ metrics: prometheus(inject("prometheusUrl"), { scrapeInterval: "1s" }) });

/** The window lies in the quiet before and after the play, so that it holds all of it. */
const MARGIN_MS = 2000;
const toMs = truth.measuredToMs + MARGIN_MS;
const seconds = Math.ceil((toMs - truth.measuredFromMs + MARGIN_MS) / 1000);
const window = `${seconds}s`;
const TOLERANCE = 0.02;
/** A bin of Envoy's histograms is a tenth wide at most, and its middle stands for all that is in it. */
const BIN = TOLERANCE + 0.05;

interface Case {
  readonly title: string;
  readonly scope: Traffic;
  readonly of: (flow: Flow) => boolean;
}

const at = (reporter: Flow["reporter"]) => (flow: Flow) => flow.reporter === reporter;
const both =
  (...conditions: ((flow: Flow) => boolean)[]) =>
  (flow: Flow) =>
    conditions.every((holds) => holds(flow));
const from = (source: string) => (flow: Flow) => flow.source === source;
const to = (destination: string) => (flow: Flow) => flow.destination === destination;
const serving = (service: string) => (flow: Flow) => flow.destinationService.startsWith(`${service}.default.`);
const inDefault = (flow: Flow) => flow.destination !== "unknown";
const seen = at("destination");
const sent = at("source");

const backend = mesh.edge("frontend", "backend");
const cases: readonly Case[] = [
  { title: 'edge("frontend", "backend")', scope: backend, of: both(seen, from("frontend"), to("backend")) },
  {
    title: "the same edge with namespaces",
    scope: mesh.edge("frontend.default", "backend.default"),
    of: both(seen, from("frontend"), to("backend")),
  },
  {
    title: "the same edge as its caller saw it",
    scope: backend.reportedBy("source"),
    of: both(sent, from("frontend"), to("backend")),
  },
  {
    title: "the same edge by whoever reports",
    scope: backend.reportedBy("auto"),
    of: both(seen, from("frontend"), to("backend")),
  },
  {
    title: "an edge to a service of two workloads",
    scope: mesh.edge("frontend", { service: "backend" }),
    of: both(seen, from("frontend"), serving("backend")),
  },
  {
    title: "an edge to a service as its caller saw it, retries counted once",
    scope: mesh.edge("frontend", { service: "backend" }).reportedBy("source"),
    of: both(sent, from("frontend"), serving("backend")),
  },
  {
    title: "an edge to one version of a service",
    scope: mesh.edge("frontend", { service: "backend" }).version("v2"),
    of: both(seen, from("frontend"), serving("backend"), (flow) => flow.destinationVersion === "v2"),
  },
  {
    title: "an edge under conditions",
    scope: mesh.edge("frontend", { service: "backend" }).where({ response_code: /4../ }),
    of: both(seen, from("frontend"), serving("backend"), (flow) => (flow.code ?? 0) >= 400 && (flow.code ?? 0) < 500),
  },
  {
    title: "a gRPC edge",
    scope: mesh.edge("frontend", "recommender"),
    of: both(seen, from("frontend"), to("recommender")),
  },
  {
    title: "a gRPC edge as its caller saw it",
    scope: mesh.edge("frontend", "recommender").reportedBy("source"),
    of: both(sent, from("frontend"), to("recommender")),
  },
  { title: "a TCP edge", scope: mesh.edge("frontend", "ledger"), of: both(seen, from("frontend"), to("ledger")) },
  {
    title: "a TCP edge as its caller saw it",
    scope: mesh.edge("frontend", "ledger").reportedBy("source"),
    of: both(sent, from("frontend"), to("ledger")),
  },
  {
    title: "a denied caller",
    scope: mesh.edge("stranger", { service: "backend" }),
    of: both(seen, from("stranger"), serving("backend")),
  },
  {
    title: "a caller in plaintext",
    scope: mesh.edge("unknown", "ratings"),
    of: both(seen, from("unknown"), to("ratings")),
  },
  {
    title: "the plaintext share of a service",
    scope: mesh.service("ratings").where({ connection_security_policy: "none" }),
    of: both(seen, serving("ratings"), (flow) => flow.security === "none"),
  },
  {
    title: "calls that never arrived",
    scope: mesh.edge("frontend", { service: "ghost" }).reportedBy("source"),
    of: both(sent, from("frontend"), serving("ghost")),
  },
  {
    title: "a service outside the mesh, by whoever reports",
    scope: mesh.edge("frontend", { service: "external" }).reportedBy("auto"),
    of: both(sent, from("frontend"), serving("external")),
  },
  { title: "a workload", scope: mesh.workload("backend"), of: both(seen, to("backend")) },
  { title: "a workload's inbound", scope: mesh.workload("ratings.default").inbound, of: both(seen, to("ratings")) },
  { title: "a workload's outbound", scope: mesh.workload("frontend").outbound, of: both(seen, from("frontend")) },
  {
    title: "a workload's outbound as it saw it itself",
    scope: mesh.workload("frontend").outbound.reportedBy("source"),
    of: both(sent, from("frontend")),
  },
  { title: "a service", scope: mesh.service("backend"), of: both(seen, serving("backend")) },
  {
    title: "a service by its DNS name",
    scope: mesh.service("backend.default.svc.cluster.local"),
    of: both(seen, serving("backend")),
  },
  { title: "a service's outbound", scope: mesh.service("frontend").outbound, of: both(seen, from("frontend")) },
  { title: "a namespace", scope: mesh.namespace("default"), of: both(seen, inDefault) },
  {
    title: "a namespace's outbound",
    scope: mesh.namespace("default").outbound,
    of: both(seen, (flow) => !["unknown", "istio-ingressgateway"].includes(flow.source)),
  },
  {
    title: "a gateway",
    scope: mesh.gateway("istio-ingressgateway.istio-system"),
    of: both(sent, from("istio-ingressgateway")),
  },
  {
    title: "what a gateway passed on as it arrived",
    scope: mesh.gateway("istio-ingressgateway").reportedBy("destination"),
    of: both(seen, from("istio-ingressgateway")),
  },
  { title: "all traffic", scope: mesh.all(), of: seen },
  { title: "all traffic as its callers saw it", scope: mesh.all().reportedBy("source"), of: sent },
];

const ask = async (query: { at(ms: number): PromiseLike<{ readonly value: number | undefined }> }) =>
  (await query.at(toMs)).value;

function near(value: number | undefined, expected: number, tolerance = TOLERANCE): void {
  expect(value).toBeDefined();
  expect(Math.abs((value ?? Number.NaN) - expected)).toBeLessThanOrEqual(tolerance * expected + 1e-9);
}

/** Of each quantile that was compared, how many buckets the truth left it. */
const quantiles: number[] = [];

describe.each(cases)("$title", ({ scope, of }) => {
  const flows = truth.flows.filter(of);
  const requests = countOf(flows);

  it("had traffic in the scenario", () => {
    expect(flows.length).toBeGreaterThan(0);
  });

  it("has the rate and the number of requests that were sent", async () => {
    if (requests === 0) {
      expect(await ask(scope.rate(window))).toBeUndefined();
      expect(await ask(scope.requests(window))).toBeUndefined();
    } else {
      near(await ask(scope.rate(window)), requests / seconds);
      near(await ask(scope.requests(window)), requests);
    }
  });

  it("has the failures that happened", async () => {
    const failed = failedOf(flows);
    if (requests === 0) {
      expect(await ask(scope.errors(window))).toBeUndefined();
      expect(await ask(scope.success(window))).toBeUndefined();
    } else {
      near(await ask(scope.errors(window)), failed / seconds);
      near(await ask(scope.success(window)), 1 - failed / requests);
    }
  });

  it("has every quantile in the bucket of the true one", async () => {
    for (const quantile of [0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]) {
      const value = await ask(scope.latency(quantile, window));
      if (requests === 0) {
        expect(value).toBeUndefined();
        continue;
      }
      const { lower, upper, buckets } = bucketsOf(flows, quantile, TOLERANCE / 2);
      expect(value, `${quantile} of ${requests}`).toBeGreaterThanOrEqual(lower);
      expect(value, `${quantile} of ${requests}`).toBeLessThanOrEqual(upper);
      quantiles.push(buckets);
    }
  });

  it("has in one histogram all the quantiles that the server finds", async () => {
    const [all] = await scope.latencyHistogram(window).at(toMs);
    if (requests === 0) return expect(all).toBeUndefined();
    near(all?.histogram.count, requests / seconds);
    for (const quantile of [0.1, 0.5, 0.9, 0.99]) {
      const value = await ask(scope.latency(quantile, window));
      expect(all?.histogram.quantile(quantile)).toBeCloseTo(value ?? Number.NaN, 6);
    }
  });

  it("has the mean duration, between what the apps and what their callers saw", async () => {
    const value = await ask(scope.meanLatency(window));
    if (requests === 0) return expect(value).toBeUndefined();
    const [least, most] = meanBoundsOf(flows);
    expect(value).toBeGreaterThanOrEqual(least * 0.97 - 1);
    expect(value).toBeLessThanOrEqual(most * 1.03 + 1);
  });

  it("has the bytes, connections and messages that went over it", async () => {
    const expected = [
      [scope.tcpOpened(window), (flow: Flow) => flow.tcp?.opened],
      [scope.tcpClosed(window), (flow: Flow) => flow.tcp?.closed],
      [scope.tcpSent(window), (flow: Flow) => flow.tcp?.sentBytes],
      [scope.tcpReceived(window), (flow: Flow) => flow.tcp?.receivedBytes],
      [scope.messagesSent(window), (flow: Flow) => flow.requestMessages],
      [scope.messagesReceived(window), (flow: Flow) => flow.responseMessages],
    ] as const;
    for (const [query, part] of expected) {
      const value = await ask(query);
      if (flows.some((flow) => part(flow) !== undefined)) near(value, sum(flows, part) / seconds);
      else expect(value, query.unit).toBeUndefined();
    }
  });

  it("has the bytes of bodies, as near as the bins of a proxy's histogram are", async () => {
    for (const [query, part] of [
      [scope.requestBytes(window), (flow: Flow) => flow.requestBytes],
      [scope.responseBytes(window), (flow: Flow) => flow.responseBytes],
    ] as const) {
      const value = await ask(query);
      const expected = sum(requestsOf(flows), part) / seconds;
      if (requests === 0) expect(value).toBeUndefined();
      else near(value, expected, BIN);
    }
  });

  it("answers by response code what was sent by response code", async () => {
    const byCode = await scope.requests(window).by("response_code").at(toMs);
    const codes = new Set(requestsOf(flows).map((flow) => String(flow.code)));
    for (const code of codes) {
      near(byCode.get({ response_code: code })?.value, countOf(flows.filter((flow) => String(flow.code) === code)));
    }
    expect(byCode.length).toBeGreaterThanOrEqual(codes.size);
  });
});

// On a busy machine a request waits on both sides of its proxy, so that a bucket's bound more often lies between them.
it("held quantiles to a bucket or its neighbour, since the truth knew it", () => {
  expect(quantiles.length).toBeGreaterThan(100);
  expect(quantiles.reduce((a, b) => a + b, 0) / quantiles.length).toBeLessThanOrEqual(2);
});

describe("what was not sent", () => {
  const silent = mesh.workload("silent");

  it("has no value of any signal for a workload that nobody calls", async () => {
    expect(truth.silent).toContain("silent");
    const queries = [
      silent.rate(window),
      silent.requests(window),
      silent.errors(window),
      silent.success(window),
      silent.latency(0.99, window),
      silent.meanLatency(window),
      silent.requestBytes(window),
      silent.tcpSent(window),
      silent.messagesSent(window),
    ] as const;
    for (const query of queries) expect((await query.at(toMs)).value, query.promql).toBeUndefined();
    expect((await silent.rate("1m").by("response_code").at(toMs)).length).toBe(0);
    expect((await silent.latencyHistogram("1m").at(toMs)).length).toBe(0);
    expect((await silent.rate("1m").over({ from: toMs - 60_000, to: toMs, step: "10s" })).length).toBe(0);
  });

  it("has success 1 and errors 0 where requests were sent and none failed", async () => {
    const clean = mesh.edge("frontend", "ratings");
    expect(failedOf(truth.flows.filter(both(seen, from("frontend"), to("ratings"))))).toBe(0);
    expect((await clean.success(window).at(toMs)).value).toBe(1);
    expect((await clean.errors(window).at(toMs)).value).toBe(0);
  });

  it("has no success, but a rate of 0, where the requests are long past", async () => {
    const later = toMs + 1500;
    expect((await backend.rate("2s").at(later)).value).toBe(0);
    expect((await backend.success("2s").at(later)).value).toBeUndefined();
    expect((await backend.latency(0.5, "2s").at(later)).value).toBeUndefined();
  });

  it("has no request of a plaintext caller at a workload that refuses plaintext", async () => {
    expect((await mesh.edge("unknown", { service: "backend" }).requests(window).at(toMs)).value).toBeUndefined();
  });
});

describe("the seed sentence", () => {
  it("prints the query that people would write by hand, and means it", async () => {
    expect(backend.rate("5m").promql).toBe(
      'sum(rate(istio_requests_total{reporter="destination",source_workload="frontend",destination_workload="backend"}[5m]))',
    );
    const ours = await backend.rate("5m").at(toMs);
    const url = new URL("/api/v1/query", inject("prometheusUrl"));
    url.searchParams.set("query", ours.meta.promql);
    url.searchParams.set("time", String(toMs / 1000));
    const body = (await (await fetch(url)).json()) as { data: { result: { value: [number, string] }[] } };
    expect(ours.value).toBe(Number(body.data.result[0]?.value[1]));
    expect(ours).toMatchObject({ unit: "req/s", at: toMs, meta: { complete: true, backend: "prometheus" } });
  });

  it("draws the course of the rate over the scenario", async () => {
    const matrix = await backend.rate("10s").over({ from: truth.measuredFromMs, to: toMs, step: "5s" });
    expect(matrix.length).toBe(1);
    const [series] = matrix;
    const points = Math.floor((toMs - truth.measuredFromMs) / 5000) + 1;
    expect(series?.length).toBe(points);
    expect(series?.timesMs[1]).toBe(Math.round(truth.measuredFromMs) + 5000);
    // The mean over disjoint windows of 10 s is the mean over all of them.
    const every10s = series?.values.filter((_, i) => i % 2 === 0).slice(1) ?? new Float64Array();
    const flows = truth.flows.filter(both(seen, from("frontend"), to("backend")));
    const mean = every10s.reduce((a, b) => a + b, 0) / every10s.length;
    expect(Math.abs(mean - countOf(flows) / (every10s.length * 10))).toBeLessThanOrEqual(0.12 * mean);
  });
});

describe("raw counters", () => {
  it("equal what was sent to the last request and byte, label by label, under both reporters", async () => {
    const compared = await compare(truth);
    expect(compared.length).toBeGreaterThan(300);
    expect(compared.filter((one) => !isExact(one))).toEqual([]);
  });
});
