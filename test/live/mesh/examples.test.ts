import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createMesh, jaeger, prometheus } from "../../../src/index.ts";
import { until } from "../../mesh/processes.ts";
import { type SinglePrometheus, singlePrometheus } from "../single-prometheus.ts";

const truth = inject("truth");
const traces = jaeger(inject("jaegerUrl"));
const range = { from: truth.measuredFromMs - 2000, to: Date.now() + 60_000 };

/** Calls that took a little, and calls that took long, of frontend to backend. */
const calls = truth.traces.flatMap((call) =>
  call.hops.filter((hop) => hop.source === "frontend" && hop.destination === "backend").map((hop) => ({ call, hop })),
);
const [quick] = calls.filter(({ hop }) => hop.clientMs < 50);
const [slow] = calls.filter(({ hop }) => hop.clientMs > 160 && hop.clientMs < 450 && hop.code === 200);

/** What an application with OpenMetrics says of its durations, with an exemplar of a quick and of a slow call. */
function exposition(): string {
  const labels = 'reporter="destination",source_workload="frontend",destination_workload="backend"';
  const at = Date.now() / 1000;
  const exemplar = (id: string | undefined, ms: number) => `# {trace_id="${id}"} ${ms} ${at}`;
  return [
    "# TYPE istio_request_duration_milliseconds histogram",
    `istio_request_duration_milliseconds_bucket{${labels},le="50"} 1 ${exemplar(quick?.call.traceId, 30)}`,
    `istio_request_duration_milliseconds_bucket{${labels},le="500"} 2 ${exemplar(slow?.call.traceId, 200)}`,
    `istio_request_duration_milliseconds_bucket{${labels},le="+Inf"} 3 ${exemplar("deadbeefdeadbeefdeadbeefdeadbeef", 900)}`,
    `istio_request_duration_milliseconds_sum{${labels}} 1130`,
    `istio_request_duration_milliseconds_count{${labels}} 3`,
    "# EOF",
    "",
  ].join("\n");
}

describe("traces behind a metric", () => {
  let target: Server;
  let server: SinglePrometheus;

  beforeAll(async () => {
    target = createServer((_, response) => {
      response.writeHead(200, { "content-type": "application/openmetrics-text; version=1.0.0; charset=utf-8" });
      response.end(exposition());
    });
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    const { port } = target.address() as AddressInfo;
    server = await singlePrometheus({ target: `127.0.0.1:${port}`, flags: ["--enable-feature=exemplar-storage"] });
    const metrics = prometheus(server.url);
    const edge = createMesh({ metrics, traces }).edge("frontend", "backend");
    await until(
      "the exemplars to be scraped",
      20_000,
      async () => (await edge.examples(range)).meta.origin === "exemplars",
    );
  });
  afterAll(async () => {
    await server?.stop();
    await new Promise((resolve) => target.close(resolve));
  });

  const edge = () => createMesh({ metrics: prometheus(server.url), traces }).edge("frontend", "backend");

  it("are those that the metrics kept as exemplars, and one that is gone is told", async () => {
    const found = await edge().examples(range);
    const ids = [quick, slow].map((one) => one?.call.traceId.replace(/^0{16}/, ""));
    expect(found.map((trace) => trace.id).sort()).toEqual(ids.sort());
    expect(found.meta).toMatchObject({ origin: "exemplars", complete: false, backend: "jaeger" });
    expect(found.meta.warnings.join()).toContain("1 traces that exemplars name");
  });

  it("are of the durations that were asked for", async () => {
    const found = await edge().examples({ ...range, slowerThan: "100ms", fasterThan: "500ms" });
    expect(found.map((trace) => trace.id)).toEqual([slow?.call.traceId.replace(/^0{16}/, "")]);
  });

  it("are searched for where the metrics kept none", async () => {
    const mesh = createMesh({ metrics: prometheus(inject("prometheusUrl")), traces });
    const failing = mesh.edge("frontend", { service: "backend" }).where({ response_code: "503" });
    const found = await failing.examples({ ...range, limit: 5 });
    expect(found.meta.origin).toBe("search");
    expect(found.length).toBe(5);
    for (const trace of found) expect(trace.hops().some((hop) => hop.code === 503)).toBe(true);
  });
});
