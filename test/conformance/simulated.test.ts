/** The drivers over the simulated server: what holds with answers by hand holds with those that it gives. */
import { getEventListeners } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { elasticsearch, jaeger, loki, prometheus, zipkin } from "../../src/index.ts";
import type { LogBackend, LogQuery } from "../../src/logs/backend.ts";
import { memoryStorage, selector } from "../../src/promql/index.ts";
import { listen, type SimulatedServer } from "../../src/testing/server/listen.ts";
import type { EmittedTrace } from "../../src/testing/telemetry.ts";
import type { AskOptions } from "../../src/time.ts";
import { handMade } from "../testing/server/hand-made.ts";

const START_MS = Date.parse("2026-11-24T10:00:00Z");
const now = () => START_MS + 3_600_000;

const trace = (i: number): EmittedTrace => ({
  id: (0xa000 + i).toString(16).padStart(32, "1"),
  spans: [
    {
      id: (0xb000 + i).toString(16).padStart(16, "0"),
      parentId: undefined,
      kind: "server",
      service: "web.shop",
      operation: "web.shop.svc.cluster.local:80/*",
      startUs: (START_MS + i) * 1000,
      durationUs: 500,
      address: "10.0.0.1",
      tags: { "http.status_code": "200" },
    },
  ],
});

const series = memoryStorage();
series.load('up{job="a"} 1x400', { step: "15s", start: START_MS - 3_000_000 });
const lines = Array.from({ length: 20 }, (_, i) => ({
  timeNs: BigInt(START_MS + i) * 1_000_000n,
  namespace: "shop",
  pod: "web-0",
  container: "istio-proxy",
  app: "web",
  text: `line ${i}`,
}));

const search = { service: "web.shop", fromMs: START_MS, toMs: START_MS + 1_000, limit: 5 };
const query: LogQuery = {
  origin: { namespace: "shop" },
  fromNs: BigInt(START_MS) * 1_000_000n,
  toNs: BigInt(START_MS + 1_000) * 1_000_000n,
  order: "forward",
};
type Ask = (options: AskOptions) => Promise<number>;

const entries =
  (backend: LogBackend): Ask =>
  async (options) => {
    let count = 0;
    for await (const page of backend.entries(query, options)) count += page.entries.length;
    return count;
  };
const traces =
  (backend: ReturnType<typeof jaeger>): Ask =>
  async (options) =>
    (await backend.search(search, options)).traces.length;

/** What each driver finds there, and with how many questions of its own it makes a thousand requests. */
const ASKS: readonly (readonly [string, number, number, (server: SimulatedServer) => Ask])[] = [
  [
    "prometheus",
    1,
    1_000,
    (server) => {
      const backend = prometheus(server.prometheus);
      return async (options) => {
        const { data } = await backend.instant(selector("up"), START_MS, options);
        return data.kind === "vector" ? data.values.length : 0;
      };
    },
  ],
  ["jaeger's older API", 5, 1_000, (server) => traces(jaeger(server.jaeger, { api: "legacy" }))],
  ["jaeger's newer API", 5, 1_000, (server) => traces(jaeger(server.jaegerV3, { api: "v3" }))],
  ["zipkin", 5, 1_000, (server) => traces(zipkin(server.zipkin))],
  ["loki", 20, 1_000, (server) => entries(loki(server.loki))],
  ["elasticsearch", 20, 334, (server) => entries(elasticsearch(server.elasticsearch, { index: "logstash-*" }))],
  ["opensearch", 20, 334, (server) => entries(elasticsearch(server.opensearch, { index: "logstash-*" }))],
];

describe.each(ASKS)("%s over a simulated server", (_, found, asks, make) => {
  let own: SimulatedServer;
  beforeAll(async () => {
    own = await listen(handMade({ series, traces: Array.from({ length: 20 }, (_, i) => trace(i)), lines }), { now });
  });
  afterAll(() => own.close());

  test("sends a thousand requests and leaves nothing behind", async () => {
    const { signal } = new AbortController();
    const ask = make(own);
    for (let i = 0; i < 2; i++) expect(await ask({ signal })).toBe(found);
    // The server's end of its one connection, since the client's keeps no process alive; others may still be closing.
    await expect.poll(() => resources().sockets, { timeout: 10_000 }).toBe(1);
    const warnings: string[] = [];
    const warn = (warning: Error) => warnings.push(warning.message);
    process.on("warning", warn);
    const before = resources();
    for (let i = 0; i < asks; i++) await ask({ signal });
    const after = resources();
    expect(after.sockets).toBe(before.sockets);
    expect(after.timers).toBeLessThan(before.timers + 10);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    process.off("warning", warn);
    expect(warnings).toEqual([]);
  });

  test("asks a hundred times at once", async () => {
    const ask = make(own);
    expect(await Promise.all(Array.from({ length: 100 }, () => ask({})))).toEqual(
      Array.from({ length: 100 }, () => found),
    );
  });

  test("leaves at any moment, and the server goes on", async () => {
    const ask = make(own);
    const reason = new Error("enough");
    for (let i = 0; i < 60; i++) {
      const leaving = new AbortController();
      const asked = Promise.all(Array.from({ length: 4 }, () => ask({ signal: leaving.signal })));
      if (i % 2 === 0) await new Promise((resolve) => setTimeout(resolve, i % 7));
      leaving.abort(reason);
      await asked.catch((error: unknown) => expect(error).toBe(reason));
    }
    expect(await ask({})).toBe(found);
  });
});

/** How many sockets and timers this process has that were started and have not ended. */
function resources(): { readonly sockets: number; readonly timers: number } {
  const names = process.getActiveResourcesInfo();
  const count = (name: string) => names.filter((one) => one === name).length;
  return { sockets: count("TCPSocketWrap"), timers: count("Timeout") };
}
