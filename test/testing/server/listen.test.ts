import { request } from "node:http";
import { gunzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { createMesh, prometheus, QueryError } from "../../../src/index.ts";
import { memoryStorage, parse } from "../../../src/promql/index.ts";
import { seriesMetrics, simulatedMesh } from "../../../src/testing/index.ts";
import { type ListenOptions, listen, type SimulatedServer } from "../../../src/testing/server/listen.ts";
import { durationMs } from "../../../src/time.ts";
import { type HandMade, handMade } from "./hand-made.ts";

const servers: SimulatedServer[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function serve(mesh: HandMade = {}, options?: ListenOptions): Promise<SimulatedServer> {
  const server = await listen(handMade(mesh), options);
  servers.push(server);
  return server;
}

const storage = memoryStorage();
storage.load(
  'istio_requests_total{reporter="destination",destination_workload="backend",response_code="200"} 0+30x40',
  {
    step: "15s",
    start: 0,
  },
);

describe("a simulated server", () => {
  test("answers the library's own questions", async () => {
    const { prometheus: url } = await serve({ series: storage });
    const mesh = createMesh({ metrics: prometheus(url) });
    expect((await mesh.workload("backend").inbound.rate("5m").at(600_000)).value).toBeCloseTo(2, 12);
    const matrix = await mesh.workload("backend").inbound.rate("5m").over({ from: 300_000, to: 600_000, step: "1m" });
    expect(Array.from(matrix, ({ values }) => values.map((rate) => Number(rate.toFixed(12))))).toEqual([
      Float64Array.of(2, 2, 2, 2, 2, 2),
    ]);
  });

  test("answers with native histograms, beside numbers and no further than now", async () => {
    const series = memoryStorage();
    series.load(
      "a {{count:3 sum:4.5 z_bucket:1 z_bucket_w:0.5 n_buckets:[2] n_offset:1}} 7 {{count:1 sum:Inf buckets:[1]}} {{count:9}}",
      { step: "1m" },
    );
    series.load("b {{schema:-53 custom_values:[1 2] count:3 sum:4 buckets:[1 0 2]}}", { step: "1m" });
    const { prometheus: url } = await serve({ series }, { now: () => 150_000 });
    const [asked, backend] = [prometheus(url), seriesMetrics(series)];
    const grid = { startMs: 0, endMs: 120_000, stepMs: 60_000 };
    for (const query of ["a", "b", "sum(a)", "count_values('x', b)", "a * 2", "up"]) {
      const expr = parse(query);
      const found = await asked.range(expr, grid);
      expect(found.data).toEqual((await backend.range(expr, grid)).data);
      expect((await asked.instant(expr, 0)).data).toEqual((await backend.instant(expr, 0)).data);
    }
    const latest = await asked.instant(parse("timestamp(a)"), 180_000);
    expect(latest.data).toMatchObject({ values: Float64Array.of(120) });
  });

  test.each(["5s", "1m", "10m"])("tells how often its targets are scraped: %s", async (scrapeInterval) => {
    const now = Date.parse("2026-03-01T12:00:00Z");
    const server = await simulatedMesh({ seed: 7, now, scrapeInterval }).listen();
    servers.push(server);
    const { active } = (await prometheus(server.prometheus).targets()).data;
    expect(new Set(active.map((target) => target.scrapeIntervalMs))).toEqual(
      new Set([durationMs(scrapeInterval, "test")]),
    );
  });

  test("knows nothing of what has not happened yet", async () => {
    let nowMs = 300_000;
    const { prometheus: url } = await serve({ series: storage }, { now: () => nowMs });
    const backend = prometheus(url);
    const mesh = createMesh({ metrics: backend });
    const count = () => mesh.workload("backend").inbound.requests("5m").at(600_000);
    expect((await count()).value).toBeUndefined();
    nowMs = 600_000;
    expect((await count()).value).toBeCloseTo(600, 9);
  });

  test("takes a question of any length", async () => {
    const { prometheus: url } = await serve({ series: storage });
    const names = Array.from({ length: 20_000 }, (_, i) => `workload-${i}`);
    const body = new URLSearchParams({
      time: "600",
      query: `count(istio_requests_total{destination_workload=~"backend|${names.join("|")}"})`,
    });
    const answer = await fetch(`${url}/api/v1/query`, { method: "POST", body });
    expect(await answer.json()).toMatchObject({ data: { result: [{ value: [600, "1"] }] } });
  });

  test("packs a long answer for who can unpack it, and for nobody else", async () => {
    const { port } = await serve({ series: storage });
    const path = "/prometheus/api/v1/query_range?query=vector(1)&start=0&end=10000&step=1";
    const ask = (coding: string | undefined): Promise<readonly [string | undefined, Buffer]> =>
      new Promise((resolve, reject) => {
        const headers = coding === undefined ? {} : { "accept-encoding": coding };
        const asked = request({ host: "127.0.0.1", port, path, headers }, (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => resolve([response.headers["content-encoding"], Buffer.concat(chunks)]));
        });
        asked.on("error", reject);
        asked.end();
      });
    const [none, plain] = await ask(undefined);
    expect(none).toBeUndefined();
    for (const coding of ["gzip", "deflate, gzip;q=0.5"]) {
      const [packed, body] = await ask(coding);
      expect(packed).toBe("gzip");
      expect(gunzipSync(body).equals(plain)).toBe(true);
    }
    for (const coding of ["gzip;q=0", "br"]) expect((await ask(coding))[0]).toBeUndefined();
  });

  test("says which paths there are", async () => {
    const { port } = await serve();
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).toMatch(/nothing is served at \/api\/v1\/query; there are .*\/prometheus/);
  });

  test("refuses what is too large and goes on", async () => {
    const { prometheus: url } = await serve();
    const body = Buffer.alloc(33 << 20, "a");
    expect((await fetch(`${url}/api/v1/query`, { method: "POST", body })).status).toBe(413);
    expect((await fetch(`${url}/api/v1/query?query=1`)).status).toBe(200);
  });

  test("goes on when a client leaves in the middle of its request", async () => {
    const { port, prometheus: url } = await serve();
    const left = Array.from(
      { length: 50 },
      () =>
        new Promise<void>((resolve) => {
          const headers = { "content-length": 1_000 };
          const asked = request({ host: "127.0.0.1", port, method: "POST", path: "/prometheus/api/v1/query", headers });
          asked.on("error", () => resolve());
          asked.write("query=1", () => asked.destroy(new Error("left")));
        }),
    );
    await Promise.all(left);
    expect((await fetch(`${url}/api/v1/query?query=1`)).status).toBe(200);
  });

  test("ends with all of its connections, once", async () => {
    const server = await serve();
    await fetch(`${server.prometheus}/-/ready`);
    await Promise.all([server.close(), server.close(), server[Symbol.asyncDispose]()]);
    await expect(fetch(`${server.prometheus}/-/ready`)).rejects.toThrow();
  });

  test("listens where it is told to, and says when it cannot", async () => {
    const { port } = await serve();
    await expect(listen(handMade({}), { port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  test.each<[ListenOptions, RegExp]>([
    [{ port: -1 }, /^listen: port must be a port, 0 to 65535$/],
    [{ port: 1.5 }, /^listen: port must be a port, 0 to 65535$/],
    [{ now: 5 as never }, /^listen: now must be a function/],
    [{ prot: 5 } as never, /^listen: prot is not known; did you mean "port"\?$/],
  ])("refuses %j", async (options, message) => {
    const refused = listen(handMade({}), options);
    await expect(refused).rejects.toBeInstanceOf(QueryError);
    await expect(refused).rejects.toThrow(message);
  });
});
