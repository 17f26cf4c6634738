/** Every driver of logs over the simulated server: what holds with a server by hand holds with this one. */
import { bypass, HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll } from "vitest";
import { elasticsearch, loki } from "../../src/index.ts";
import type { LogBackend } from "../../src/logs/backend.ts";
import { listen, type SimulatedServer } from "../../src/testing/server/listen.ts";
import type { EmittedLine, Telemetry } from "../../src/testing/telemetry.ts";
import { handMade } from "../testing/server/hand-made.ts";
import { conforms, type Kept } from "./log-driver.ts";

const START_MS = Date.parse("2026-11-24T10:00:00Z");
const now = () => START_MS + 3_600_000;

/** A mesh whose lines are those that it was last told to have. */
class Told {
  lines: readonly EmittedLine[] = [];

  get telemetry(): Telemetry {
    return {
      ...handMade({}),
      lines: (...question) => handMade({ lines: this.lines }).lines(...question),
    };
  }

  tell(kept: readonly Kept[]): void {
    this.lines = kept.map(({ ms, pod, text }) => ({
      timeNs: BigInt(ms) * 1_000_000n,
      namespace: "shop",
      pod,
      container: "istio-proxy",
      app: "web",
      text,
    }));
  }
}

const BASE = "http://simulated.test";
const told = new Told();
const network = setupServer();
let server: SimulatedServer;
let searches = 0;
beforeAll(async () => {
  server = await listen(told.telemetry, { now });
  network.listen({ onUnhandledRequest: "bypass" });
});
afterEach(() => {
  network.resetHandlers();
  searches = 0;
});
afterAll(async () => {
  network.close();
  await server.close();
});

/** Hands a request on to the simulated server, and counts it where it is for lines. */
async function forwarded(request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  if (/_search$|query_range$/.test(pathname)) searches++;
  const body = request.body === null ? undefined : await request.arrayBuffer();
  const { method, headers } = request;
  const url = `http://127.0.0.1:${server.port}${pathname}${search}`;
  const answer = await fetch(bypass(url, { method, headers, ...(body === undefined ? {} : { body }) }));
  // What was packed is unpacked by now.
  const own = { "content-type": answer.headers.get("content-type") ?? "" };
  return new HttpResponse(await answer.text(), { status: answer.status, headers: own });
}

const LOG_DRIVERS: readonly (readonly [string, () => LogBackend])[] = [
  ["The simulated Loki's", () => loki(`${BASE}/loki`, { retries: 0 })],
  ["The simulated Elasticsearch's", () => elasticsearch(`${BASE}/elasticsearch`, { index: "logstash-*", retries: 0 })],
  ["The simulated OpenSearch's", () => elasticsearch(`${BASE}/opensearch`, { index: "logstash-*", retries: 0 })],
];

for (const [name, make] of LOG_DRIVERS) {
  conforms(name, {
    make,
    keeps: (lines) => {
      told.tell(lines);
      network.use(http.all(`${BASE}/*`, ({ request }) => forwarded(request)));
    },
    answers: (reply) =>
      network.use(
        http.all(`${BASE}/*`, () => {
          const response = reply();
          return new HttpResponse(response.body, response);
        }),
      ),
    asked: () => searches,
  });
}
