import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { httpClient } from "../../src/http/client.ts";
import { scriptedEnvironment } from "./environment.ts";
import { answering, freePort, type Listener } from "./listener.ts";
import { recordSpans, TRACEPARENT } from "./tracing.ts";

const get = { method: "GET", path: "/api/v1/query", idempotent: true } as const;
let server: Listener;
let recording: ReturnType<typeof recordSpans>;
let traceparents: (string | string[] | undefined)[] = [];

beforeAll(async () => {
  server = await answering((request, response) => {
    traceparents.push(request.headers.traceparent);
    const code = Number(new URL(request.url ?? "", "http://h").searchParams.get("status") ?? 200);
    response.writeHead(code, { location: "/moved" }).end();
  });
});
beforeEach(() => {
  traceparents = [];
  recording = recordSpans();
});
afterEach(() => recording.stop());
afterAll(() => server.close());

const client = () => httpClient("prometheus", server.url, {}, scriptedEnvironment());

test("a question is one client span by the HTTP conventions, and its context goes over the wire", async () => {
  await client().send({ ...get, query: [["query", "up"]] });
  expect(recording.spans).toEqual([
    {
      name: "GET",
      kind: SpanKind.CLIENT,
      attributes: {
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "url.full": `${server.url}/api/v1/query?query=up`,
        "http.response.status_code": 200,
      },
      status: undefined,
      ended: 1,
    },
  ]);
  expect(traceparents).toEqual([TRACEPARENT]);
});

test("retries stay in the same span, which counts them", async () => {
  await client().send({ ...get, query: [["status", "503"]] });
  expect(recording.spans).toHaveLength(1);
  expect(recording.spans[0]).toMatchObject({
    attributes: { "http.request.resend_count": 2, "http.response.status_code": 503, "error.type": "503" },
    status: { code: SpanStatusCode.ERROR },
    ended: 1,
  });
  expect(traceparents).toEqual([TRACEPARENT, TRACEPARENT, TRACEPARENT]);
});

test("a redirect that was followed counts as sent again", async () => {
  await client().send({ ...get, query: [["status", "302"]] });
  expect(recording.spans[0]?.attributes).toMatchObject({ "http.request.resend_count": 1 });
});

test("a question without an answer is an error by its code", async () => {
  const nowhere = httpClient("prometheus", `http://127.0.0.1:${await freePort()}`, { retries: 0 });
  await expect(nowhere.send(get)).rejects.toThrow();
  expect(recording.spans[0]).toMatchObject({
    attributes: { "error.type": "refused" },
    status: { code: SpanStatusCode.ERROR, message: expect.stringContaining("nothing listens") },
    ended: 1,
  });
});

test("an abort is an error by its reason's name alone", async () => {
  const controller = new AbortController();
  const sent = client().send({ ...get, signal: controller.signal });
  controller.abort(new TypeError("canary"));
  await expect(sent).rejects.toThrow("canary");
  expect(recording.spans[0]).toMatchObject({ attributes: { "error.type": "TypeError" }, ended: 1 });
  expect(JSON.stringify(recording.spans)).not.toContain("canary");
});

test("without a provider nothing is added to the request", async () => {
  recording.stop();
  await client().send(get);
  expect(traceparents).toEqual([undefined]);
});
