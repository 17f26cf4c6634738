import { DiagLogLevel, diag } from "@opentelemetry/api";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type HttpOptions, httpClient } from "../../src/http/client.ts";
import { scriptedEnvironment } from "./environment.ts";
import { answering, type Listener } from "./listener.ts";

const get = { method: "GET", path: "/api/v1/query", idempotent: true } as const;
let server: Listener;
let logged: [string, Readonly<Record<string, unknown>>][] = [];
const logger = {
  debug: (message: string, details: Readonly<Record<string, unknown>>) => void logged.push([message, details]),
};

beforeAll(async () => {
  server = await answering((request, response) => {
    const status = new URL(request.url ?? "", "http://h").searchParams.get("status");
    response.writeHead(Number(status ?? 200)).end();
  });
});
beforeEach(() => {
  logged = [];
});
afterAll(() => server.close());

const client = (options: HttpOptions) => httpClient("prometheus", server.url, options, scriptedEnvironment());
const steps = () => logged.map(([message]) => message.replace(/^.*? http\S+ /, "").replace(/\d+ ms/, "… ms"));

test("every step is told, in words and as fields", async () => {
  await client({ logger }).send({ ...get, query: [["query", "up"]] });
  const url = `${server.url}/api/v1/query?query=up`;
  const common = { backend: "prometheus", method: "GET", url };
  expect(logged).toEqual([
    [`meshquery: prometheus: GET ${url} is sent`, { ...common, tries: 1 }],
    [expect.stringMatching(/ answered 200 in \d+ ms$/), { ...common, status: 200, tookMs: expect.any(Number) }],
  ]);
});

test("pauses and what led to them are told", async () => {
  await client({ logger, retries: 1 }).send({ ...get, query: [["status", "503"]] });
  expect(steps()).toEqual([
    "is sent",
    "answered 503 in … ms",
    "is sent again in … ms (503)",
    "is sent",
    "answered 503 in … ms",
  ]);
});

test("who waits for another's answer, and who gives up", async () => {
  const one = client({ logger });
  const aborted = new AbortController();
  const both = [one.send(get), one.send({ ...get, signal: aborted.signal })];
  aborted.abort(new Error("secret"));
  await Promise.allSettled(both);
  expect(steps()).toEqual(
    expect.arrayContaining(["waits for the same one under way", "failed: Error", "answered 200 in … ms"]),
  );
  expect(JSON.stringify(logged)).not.toContain("secret");
});

test("a logger that fails is no failure of the question", async () => {
  const debug = () => {
    throw new Error("disk full");
  };
  expect((await client({ logger: { debug } }).send(get)).status).toBe(200);
});

test("OpenTelemetry's own diagnostics are a logger too", async () => {
  const ignore = () => {};
  const debug = (message: string) => void logged.push([message, {}]);
  diag.setLogger({ debug, error: ignore, warn: ignore, info: ignore, verbose: ignore }, DiagLogLevel.DEBUG);
  await client({ logger: diag }).send(get);
  diag.disable();
  expect(steps()).toContain("is sent");
});
