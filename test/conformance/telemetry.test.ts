/** What every driver tells OpenTelemetry of its questions, held against servers of their APIs. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  BackendError,
  createMesh,
  elasticsearch,
  type HttpOptions,
  jaeger,
  loki,
  type Mesh,
  prometheus,
  zipkin,
} from "../../src/index.ts";
import { parse } from "../../src/promql/index.ts";
import { type SimulatedServer, simulatedMesh } from "../../src/testing/index.ts";
import { type RecordedSpan, type Recording, record } from "../http/recording.ts";

const sim = simulatedMesh({ seed: 7, now: "2026-11-16T13:20:00Z" });
const { now } = sim;
const atMs = now();
let server: SimulatedServer;
let recording: Recording;

beforeAll(async () => {
  server = await sim.listen();
});
afterAll(() => server?.close());
beforeEach(() => {
  recording = record();
});
afterEach(() => recording.stop());

const isRequest = ({ name }: RecordedSpan) => /^(?:DELETE|GET|POST)$/.test(name);

/** The questions' spans, and of what is below each: every request belongs to one of them. */
function questions(): readonly RecordedSpan[] {
  const spans = recording.spans();
  const asked = spans.filter((span) => !isRequest(span));
  const ids = new Set(asked.map(({ id }) => id));
  expect(spans.filter((span) => isRequest(span) && !ids.has(span.parentId ?? ""))).toEqual([]);
  return asked;
}

const attributesOf = (name: string) =>
  questions()
    .filter((span) => span.name === name)
    .map(({ attributes }) => attributes);

test("prometheus: queries by their metrics, look-ups by their names", async () => {
  const client = prometheus(server.prometheus);
  const { data } = await client.instant(
    parse('sum by (job) (rate(istio_requests_total{reporter="source"}[5m]))'),
    atMs,
  );
  await client.range(parse("istio_requests_total"), { startMs: atMs - 60_000, endMs: atMs, stepMs: 15_000 });
  await client.labelValues("reporter", { over: { from: atMs - 600_000, to: atMs } });
  await client.rules();
  expect(questions().map(({ name }) => name)).toEqual([
    "query istio_requests_total",
    "query_range istio_requests_total",
    "label_values",
    "rules",
  ]);
  expect(attributesOf("query istio_requests_total")).toMatchObject([
    {
      "db.system.name": "prometheus",
      "db.query.text": "sum by (job) (rate(istio_requests_total{reporter=?}[5m]))",
      "db.response.returned_rows": data.kind === "vector" ? data.labels.length : -1,
      "meshquery.complete": true,
      "meshquery.warnings": 0,
    },
  ]);
  expect(attributesOf("query_range istio_requests_total")[0]?.["db.response.returned_rows"]).toBeGreaterThan(10);
  expect(attributesOf("label_values")[0]?.["db.response.returned_rows"]).toBe(2);
});

test("prometheus: a refusal is an error with its status, and a tenant a namespace", async () => {
  const client = prometheus(server.prometheus, { dialect: { kind: "mimir", tenant: ["a", "b"] } });
  const long = { startMs: 0, endMs: 20_000_000, stepMs: 1_000 };
  await expect(client.range(parse("up"), long)).rejects.toThrow(BackendError);
  expect(attributesOf("query_range up")).toMatchObject([
    { "db.namespace": "a|b", "error.type": "bad-query", "db.response.status_code": "400" },
  ]);
});

describe.each([
  ["jaeger", () => jaeger(server.jaeger)],
  ["jaeger", () => jaeger(server.jaegerV3)],
  ["zipkin", () => zipkin(server.zipkin)],
] as const)("%s", (system, make) => {
  test("searches, traces and look-ups", async () => {
    const client = make();
    const [service = ""] = await client.services();
    await client.operations(service);
    const { traces } = await client.search({ service, fromMs: atMs - 60_000, toMs: atMs, limit: 5 });
    await client.trace(traces[0]?.id ?? "");
    await client.dependencies({ fromMs: atMs - 60_000, toMs: atMs });
    expect(questions().map(({ name }) => name)).toEqual([
      "list services",
      "list operations",
      "search traces",
      "get traces",
      "list dependencies",
    ]);
    expect(attributesOf("search traces")).toMatchObject([
      {
        "db.system.name": system,
        "db.operation.name": "search",
        "db.response.returned_rows": traces.length,
        "meshquery.complete": true,
      },
    ]);
    expect(attributesOf("get traces")).toMatchObject([{ "db.response.returned_rows": 1 }]);
  });
});

describe("logs", () => {
  const span = {
    fromNs: BigInt(atMs - 30_000) * 1_000_000n,
    toNs: BigInt(atMs) * 1_000_000n,
    order: "forward",
  } as const;
  const filter = { origin: { namespace: "default" } };
  const measure = {
    filter,
    measurement: { kind: "count" },
    by: [],
    windowMs: 60_000,
    fromMs: atMs,
    toMs: atMs,
    stepMs: 0,
  } as const;

  test("loki: a span for each page of lines, and one for a measurement", async () => {
    const client = loki(server.loki, { tenant: "shop" });
    let [pages, lines] = [0, 0];
    for await (const { entries } of client.entries({ ...filter, ...span, limit: 30 }, { perCall: 10 })) {
      pages++;
      lines += entries.length;
    }
    await client.measure(measure);
    expect([pages, lines]).toEqual([questions().length - 1, 30]);
    expect(attributesOf("query_range lines")[0]).toMatchObject({
      "db.system.name": "loki",
      "db.namespace": "shop",
      "db.query.text": expect.stringMatching(/^\{namespace=\?/),
      "db.response.returned_rows": 10,
      "meshquery.complete": true,
    });
    expect(attributesOf("query series")).toMatchObject([{ "db.response.returned_rows": 1 }]);
  });

  test.each([
    ["elasticsearch", () => server.elasticsearch],
    ["opensearch", () => server.opensearch],
  ])("%s: what its own conventions want", async (system, url) => {
    const client = elasticsearch(url(), { index: "logstash-*" });
    const pages = [];
    for await (const page of client.entries({ ...filter, ...span, limit: 30 }, { perCall: 10 })) pages.push(page);
    await client.measure(measure);
    expect(attributesOf("search logstash-*")[0]).toMatchObject({
      "db.system.name": system,
      "db.operation.name": "search",
      "db.collection.name": "logstash-*",
      "db.operation.parameter.index": "logstash-*",
      "http.request.method": "POST",
      "url.full": `${url()}/logstash-*/_search`,
      "db.response.returned_rows": 10,
      "meshquery.backend": "elasticsearch",
    });
  });
});

test("no secret, and unless asked for no text of a query, is in what a whole mesh's questions leave behind", async () => {
  const SECRET = "canary-4711";
  const TEXT = "canary-0815";
  const options = (telemetry: HttpOptions["telemetry"]): HttpOptions => ({
    auth: { basic: { username: "user", password: SECRET } },
    headers: { "x-api-key": SECRET },
    ...(telemetry === undefined ? {} : { telemetry }),
  });
  const meshOf = (telemetry?: HttpOptions["telemetry"]): Mesh =>
    createMesh({
      metrics: prometheus(server.prometheus, options(telemetry)),
      traces: jaeger(server.jaeger, options(telemetry)),
      logs: loki(server.loki, options(telemetry)),
      now,
    });
  const long = { startMs: 0, endMs: 20_000_000, stepMs: 1_000 };
  const ask = async (telemetry?: HttpOptions["telemetry"]) => {
    const mesh = meshOf(telemetry);
    const edge = mesh.edge(TEXT, "backend");
    const last = "5m" as const;
    await edge.rate("5m");
    await edge.traces({ last });
    await edge.logs({ last });
    const refused = prometheus(server.prometheus, options(telemetry)).range(parse(`up{job="${TEXT}"}`), long);
    await expect(refused).rejects.toThrow(BackendError);
  };
  await ask();
  const told = async () => JSON.stringify([recording.spans(), await recording.durations()]);
  expect(recording.spans().length).toBeGreaterThan(4);
  expect(await told()).not.toMatch(new RegExp(`${SECRET}|${TEXT}`));
  await ask({ queryText: "whole" });
  expect(await told()).toContain(TEXT);
  expect(await told()).not.toContain(SECRET);
});
