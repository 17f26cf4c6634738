import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { context, createContextKey, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type HttpOptions, httpClient } from "../../../src/http/client.ts";
import { scriptedEnvironment } from "../environment.ts";
import { answering, freePort, type Listener } from "../listener.ts";
import { type Recording, record } from "../recording.ts";

const get = { method: "GET", path: "/api/v1/query", idempotent: true } as const;
let server: Listener;
let recording: Recording;
let traceparents: (string | string[] | undefined)[] = [];

beforeAll(async () => {
  server = await answering((request, response) => {
    traceparents.push(request.headers.traceparent);
    const asked = new URL(request.url ?? "", "http://h").searchParams.get("status");
    if (asked !== "never") response.writeHead(Number(asked ?? 200), { location: "/moved" }).end();
  });
});
beforeEach(() => {
  traceparents = [];
  recording = record();
});
afterEach(() => recording.stop());
afterAll(() => server.close());

const client = (options: HttpOptions = {}) => httpClient("prometheus", server.url, options, scriptedEnvironment());
const traceparent = ({ traceId, id }: { readonly traceId: string; readonly id: string }) => `00-${traceId}-${id}-01`;

test("a request is one client span by the HTTP conventions, and its context goes over the wire", async () => {
  await client().send({ ...get, query: [["query", "up"]] });
  const [span, ...others] = recording.spans();
  expect(others).toEqual([]);
  expect(span).toMatchObject({ name: "GET", kind: SpanKind.CLIENT, status: { code: SpanStatusCode.UNSET } });
  expect(span?.attributes).toEqual({
    "http.request.method": "GET",
    "server.address": "127.0.0.1",
    "server.port": server.port,
    "url.full": `${server.url}/api/v1/query?query=REDACTED`,
    "http.response.status_code": 200,
  });
  expect(traceparents).toEqual(recording.spans().map(traceparent));
});

test("each try is a span of its own, which is counted from the second on", async () => {
  await client().send({ ...get, query: [["status", "503"]] });
  const told = recording
    .spans()
    .map(({ attributes, status }) => [
      attributes["http.request.resend_count"],
      attributes["http.response.status_code"],
      attributes["error.type"],
      status.code,
    ]);
  expect(told).toEqual([
    [undefined, 503, "503", SpanStatusCode.ERROR],
    [1, 503, "503", SpanStatusCode.ERROR],
    [2, 503, "503", SpanStatusCode.ERROR],
  ]);
  expect(traceparents).toEqual(recording.spans().map(traceparent));
});

test("a redirect that was followed is a request sent again", async () => {
  await client().send({ ...get, query: [["status", "302"]] });
  expect(recording.spans().map(({ attributes }) => attributes)).toMatchObject([
    { "http.response.status_code": 302 },
    { "http.request.resend_count": 1, "http.response.status_code": 200, "url.full": `${server.url}/moved` },
  ]);
});

test("a request without an answer is an error by its code", async () => {
  const nowhere = httpClient("prometheus", `http://127.0.0.1:${await freePort()}`, { retries: 0 });
  await expect(nowhere.send(get)).rejects.toThrow();
  expect(recording.spans()).toMatchObject([
    {
      attributes: { "error.type": "refused" },
      status: { code: SpanStatusCode.ERROR, message: expect.stringContaining("nothing listens") },
    },
  ]);
});

test.each([
  ["the caller's reason, by its name alone", { signal: true }, "TypeError"],
  ["the deadline", { timeoutMs: 50 }, "deadline"],
])("a request that is given up tells of %s", async (_, how, type) => {
  const controller = new AbortController();
  const options = "signal" in how ? { signal: controller.signal } : how;
  const sent = client().send({ ...get, query: [["status", "never"]], ...options });
  if ("signal" in how) {
    await vi.waitFor(() => expect(traceparents).toHaveLength(1), 10_000);
    controller.abort(new TypeError("canary"));
  }
  await expect(sent).rejects.toThrow();
  await vi.waitFor(() => expect(recording.spans()).toHaveLength(1), 10_000);
  expect(recording.spans()[0]?.attributes).toMatchObject({ "error.type": type });
  expect(JSON.stringify(recording.spans())).not.toContain("canary");
});

test("numbers and instants stay in the address, texts do not; with whole queries they all do", async () => {
  const query = [
    ["match[]", 'up{job="secret"}'],
    ["start", "1800000.5"],
    ["from", "2026-11-20T10:00:00Z"],
    ["step", "30s"],
    ["service", "secret"],
  ] as const;
  await client().send({ ...get, query });
  await client({ telemetry: { queryText: "whole" } }).send({ ...get, query });
  const [hidden, whole] = recording.spans().map(({ attributes }) => new URL(String(attributes["url.full"])));
  expect([...(hidden?.searchParams ?? [])]).toEqual([
    ["match[]", "REDACTED"],
    ["start", "1800000.5"],
    ["from", "2026-11-20T10:00:00Z"],
    ["step", "30s"],
    ["service", "REDACTED"],
  ]);
  expect([...(whole?.searchParams ?? [])]).toEqual(query);
});

test("durations are measured by method, server and outcome", async () => {
  await client({ retries: 0 }).send(get);
  await client({ retries: 0 }).send({ ...get, query: [["status", "503"]] });
  const { "http.client.request.duration": points = [] } = await recording.durations();
  const common = { "http.request.method": "GET", "server.address": "127.0.0.1", "server.port": server.port };
  expect(points.map(({ attributes }) => attributes)).toEqual([
    { ...common, "http.response.status_code": 200 },
    { ...common, "http.response.status_code": 503, "error.type": "503" },
  ]);
  expect(points[0]?.value.buckets.boundaries).toContain(0.075);
  expect(points[0]?.value.sum).toBeGreaterThan(0);
  expect(points[0]?.value.sum).toBeLessThan(10);
});

test("whose question it is decides the parent, not who sends the request on", async () => {
  const one = client({ concurrency: 1 });
  const tracer = trace.getTracer("application");
  const within = (name: string, path: string) =>
    tracer.startActiveSpan(name, async (span) => {
      await one.send({ ...get, path });
      span.end();
    });
  await Promise.all([within("first", "/first"), within("second", "/second")]);
  const byId = new Map(recording.spans().map((span) => [span.id, span.name]));
  const parents = recording
    .spans()
    .filter(({ name }) => name === "GET")
    .map(({ attributes, parentId = "" }) => [new URL(String(attributes["url.full"])).pathname, byId.get(parentId)]);
  expect(parents).toEqual([
    ["/first", "first"],
    ["/second", "second"],
  ]);
});

test("where others' spans are suppressed, the request runs so, and yet bears its context", async () => {
  const key = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");
  const suppressed: unknown[] = [];
  const look = () => suppressed.push(context.active().getValue(key));
  subscribe("http.client.request.start", look);
  for (const suppressNested of [false, true]) await client({ telemetry: { suppressNested } }).send(get);
  unsubscribe("http.client.request.start", look);
  expect(suppressed).toEqual([undefined, true]);
  expect(recording.spans()).toHaveLength(2);
  expect(traceparents).toEqual(recording.spans().map(traceparent));
});

test("who has suppressed tracing gets no span, and nothing is carried on", async () => {
  const key = createContextKey("OpenTelemetry SDK Context Key SUPPRESS_TRACING");
  await context.with(context.active().setValue(key, true), () => client().send(get));
  expect(recording.spans()).toEqual([]);
  expect(traceparents).toEqual([undefined]);
});

test.each([
  ["without an SDK", () => recording.stop(), {}],
  ["with telemetry: false", () => {}, { telemetry: false } as const],
])("%s nothing is added to the request", async (_, prepare, options) => {
  prepare();
  await client(options).send(get);
  expect(traceparents).toEqual([undefined]);
  expect(recording.spans()).toEqual([]);
});

test("an SDK that comes after the first request hears of the next", async () => {
  recording.stop();
  const early = client();
  await early.send(get);
  recording = record();
  await early.send(get);
  expect(recording.spans()).toHaveLength(1);
  expect(Object.keys(await recording.durations())).toEqual(["http.client.request.duration"]);
});
