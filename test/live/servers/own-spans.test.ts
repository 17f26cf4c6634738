/** The library's own spans, sent by OpenTelemetry's SDK to a real Jaeger, and found there by the library. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { context, propagation, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createMesh, jaeger, prometheus, type Span, type Trace } from "../../../src/index.ts";
import { recipeFile } from "../../mesh/go-program.ts";
import { install } from "../../mesh/install.ts";
import { latestPrometheus } from "../../mesh/latest-prometheus.ts";
import { type Started, start, stop, until } from "../../mesh/processes.ts";
import { freePort, type SinglePrometheus, singlePrometheus } from "../single-prometheus.ts";

const SERVICE = "canary-gate";
let directory: string;
let tracing: Started;
let metrics: SinglePrometheus;
let provider: NodeTracerProvider;
let jaegerUrl: string;

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "meshquery-own-spans-"));
  const onSlow = (what: string) => console.log(`          ${what}`);
  const { tracing: programs } = await install({ tracing: true, logging: false, onSlow });
  if (programs === undefined) throw new Error("the backends of traces were asked for");
  const [query = 0, grpc = 0, otlp = 0, zipkin = 0] = await Promise.all([1, 2, 3, 4].map(freePort));
  for (const [name, port] of Object.entries({ QUERY: query, GRPC: grpc, OTLP: otlp, ZIPKIN: zipkin })) {
    process.env[`JAEGER_${name}_PORT`] = String(port);
  }
  const config = recipeFile("jaeger", "jaeger.yaml");
  tracing = await start("jaeger", programs.jaeger, ["--config", config], path.join(directory, "jaeger.txt"));
  jaegerUrl = `http://127.0.0.1:${query}`;
  await until("Jaeger to be ready", 30_000, async () => (await fetch(`${jaegerUrl}/api/services`)).ok);
  metrics = await singlePrometheus({
    programs: await latestPrometheus(),
    target: "self",
    spans: `127.0.0.1:${otlp}`,
  });
  const scraped = createMesh({ metrics: prometheus(metrics.url) }).promql("up");
  await until("a first scrape", 20_000, async () => [...(await scraped)].length > 0);
  const exporter = new OTLPTraceExporter({ url: `http://127.0.0.1:${otlp}/v1/traces` });
  provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ "service.name": SERVICE }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  provider.register();
}, 600_000);

afterAll(async () => {
  await provider?.shutdown();
  for (const api of [trace, propagation, context]) api.disable();
  await metrics?.stop();
  await stop(tracing === undefined ? [] : [tracing]);
  rmSync(directory, { recursive: true, force: true });
});

test("a question is found in Jaeger as one trace: the application, the question, its requests, the server", async () => {
  // What is asked with and what looks at it are two clients; the second makes no spans of its own.
  const mesh = createMesh({ metrics: prometheus(metrics.url) });
  const { traceId } = await trace.getTracer("application").startActiveSpan("gate", async (span) => {
    await mesh.promql('count(up{job="x"})');
    await mesh.promql("rate(prometheus_http_requests_total[30s])").over({ last: "1m", step: "5s" });
    span.end();
    return span.spanContext();
  });
  await provider.forceFlush();

  const reader = createMesh({ traces: jaeger(jaegerUrl, { telemetry: false }) });
  const servers = ({ spans }: Trace) => spans.filter(({ service }) => service === "prometheus");
  let found: Trace | undefined;
  await until("Jaeger to keep the spans of both", 30_000, async () => {
    found = await reader.trace(traceId);
    return found !== undefined && servers(found).some(({ operation }) => operation.includes("query_range"));
  });
  const all = found?.spans ?? [];
  const named = (operation: string): Span => {
    const one = all.find((span) => span.operation === operation);
    return one ?? expect.unreachable(`no span ${operation} among ${all.map((span) => span.operation).join(", ")}`);
  };
  const gate = named("gate");
  const question = named("query up");
  const range = named("query_range prometheus_http_requests_total");
  expect([question, range].map(({ parentId, service, kind }) => [parentId, service, kind])).toEqual([
    [gate.id, SERVICE, "client"],
    [gate.id, SERVICE, "client"],
  ]);
  expect(question.text("db.system.name")).toBe("prometheus");
  expect(question.text("db.query.text")).toBe("count(up{job=?})");
  expect(question.text("db.response.returned_rows")).toBe("1");
  expect(question.text("meshquery.complete")).toBe("true");
  const requests = all.filter(({ parentId }) => parentId === question.id);
  expect(requests.map(({ operation }) => operation)).toContain("GET");
  expect(requests[0]?.text("url.full")).toBe(`${metrics.url}/api/v1/query?query=REDACTED&timeout=30`);
  // The context went over the wire: what the server did is below what asked for it.
  const ids = new Set(requests.map(({ id }) => id));
  const below = found === undefined ? [] : servers(found).filter(({ parentId = "" }) => ids.has(parentId));
  expect(below.map(({ operation }) => operation).join()).toContain("/api/v1/query");
});

test("they are searched for as any service's", async () => {
  const traces = jaeger(jaegerUrl, { telemetry: false });
  const toMs = Date.now();
  const tags = { "db.system.name": "prometheus" };
  const { traces: found } = await traces.search({ service: SERVICE, tags, fromMs: toMs - 120_000, toMs, limit: 10 });
  expect(found.map(({ spans }) => spans.some(({ operation }) => operation === "gate"))).toContain(true);
  expect(await traces.operations(SERVICE)).toContainEqual(expect.objectContaining({ name: "query up" }));
});
