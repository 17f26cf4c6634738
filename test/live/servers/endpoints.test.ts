import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Prometheus, prometheus } from "../../../src/index.ts";
import { parse, selector } from "../../../src/promql/index.ts";
import { latestPrometheus } from "../../mesh/latest-prometheus.ts";
import { until } from "../../mesh/processes.ts";
import { type SinglePrometheus, singlePrometheus } from "../single-prometheus.ts";
import { type SingleVictoriaMetrics, singleVictoriaMetrics } from "../single-victoria-metrics.ts";

/** What is scraped: a counter with a value that is hard to carry, and a histogram with an exemplar. */
const HOSTILE = 'a"b\\c{}\n😀';
const EXPOSED = `# HELP shop_requests Requests of the shop.
# TYPE shop_requests counter
shop_requests_total{path="a\\"b\\\\c{}\\n😀"} 7
# TYPE shop_seconds histogram
# UNIT shop_seconds seconds
shop_seconds_bucket{le="1"} 1 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.25
shop_seconds_bucket{le="+Inf"} 1
shop_seconds_sum 0.25
shop_seconds_count 1
# EOF
`;
const RULES = [
  {
    name: "shop",
    rules: [
      { record: "shop:up:sum", expr: "sum(up)" },
      {
        alert: "ShopUp",
        expr: "up == 1",
        for: "1h",
        labels: { severity: "page" },
        annotations: { summary: "{{ $labels.job }}" },
      },
    ],
  },
];

let target: Server;
const servers: SinglePrometheus[] = [];
afterAll(async () => {
  for (const server of servers) await server.stop();
  target?.close();
});
beforeAll(async () => {
  target = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/openmetrics-text; version=1.0.0; charset=utf-8" });
    response.end(EXPOSED);
  });
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
});

async function served(programs?: Awaited<ReturnType<typeof latestPrometheus>>): Promise<Prometheus> {
  const { port } = target.address() as AddressInfo;
  const dropping = { action: "drop", source_labels: ["__address__"], regex: "dropped:1" };
  const server = await singlePrometheus({
    target: `127.0.0.1:${port}`,
    scrape: {
      static_configs: [{ targets: [`127.0.0.1:${port}`, "dropped:1"] }],
      relabel_configs: [dropping],
    },
    rules: RULES,
    flags: ["--enable-feature=exemplar-storage"],
    ...(programs && { programs }),
  });
  servers.push(server);
  const client = prometheus(server.url);
  const isThere = async (text: string) => {
    const { data } = await client.instant(parse(text), undefined);
    return data.kind === "vector" && data.labels.length > 0;
  };
  await until(
    "a scrape and an evaluation",
    20_000,
    async () => (await isThere("count_over_time(shop:up:sum[1m]) > 2")) && isThere("ALERTS"),
  );
  return client;
}

describe.each([
  ["2.42", async () => served()],
  ["3", async () => served(await latestPrometheus({ onSlow: console.log }))],
] as const)("Prometheus %s", (version, start) => {
  let client: Prometheus;
  beforeAll(async () => {
    client = await start();
  }, 1_800_000);

  it("is known for what it is", async () => {
    expect(await client.dialect()).toBe("prometheus");
    const { data } = await client.buildInfo();
    expect(data.goVersion).toMatch(/^go1\./);
    if (version === "2.42") expect(data.version).toMatch(/^2\.42\.0/);
    expect(await client.describe()).toEqual({ product: "Prometheus", version: data.version, dialect: "prometheus" });
  });

  it("lists series, labels and values, there and back", async () => {
    const match = selector("shop_requests_total");
    const [series] = (await client.series(match, { over: { last: "5m" } })).data;
    expect(series).toMatchObject({ __name__: "shop_requests_total", path: HOSTILE, job: "x" });
    expect((await client.labels({ match })).data).toEqual(["__name__", "instance", "job", "path"]);
    expect((await client.labelValues("path")).data).toEqual([HOSTILE]);
    expect((await client.labelValues("path", { match: "up" })).data).toEqual([]);
  });

  it("gives no more than the limit, and says that there is more", async () => {
    expect(await client.series('{__name__=~".+"}', { limit: 2 })).toMatchObject({ complete: false, data: [{}, {}] });
    expect(await client.labels({ limit: 2 })).toMatchObject({ complete: false, data: ["__name__", "alertname"] });
    expect(await client.labelValues("__name__", { limit: 1 })).toMatchObject({
      complete: false,
      data: [expect.any(String)],
    });
    expect((await client.metadata({ limit: 1 })).data.size).toBe(1);
    expect(await client.labels({ limit: 1000 })).toMatchObject({ complete: true });
  });

  it("describes metrics", async () => {
    const metric = "shop_requests";
    const { data } = await client.metadata({ metric });
    expect(data.get(metric)).toEqual([{ type: "counter", help: "Requests of the shop.", unit: "" }]);
    expect((await client.metadata()).data.get("shop_seconds")?.[0]).toMatchObject({
      type: "histogram",
      unit: "seconds",
    });
  });

  it("gives exemplars, which lead to traces", async () => {
    const nowMs = Date.now();
    const { data } = await client.exemplars(parse("shop_seconds_bucket"), { fromMs: nowMs - 60_000, toMs: nowMs });
    expect(data[0]).toMatchObject({
      series: { __name__: "shop_seconds_bucket", le: version === "3" ? "1.0" : "1" },
      labels: { trace_id: "0af7651916cd43dd8448eb211c80319c" },
      value: 0.25,
    });
    expect(Math.abs((data[0]?.timeMs ?? 0) - nowMs)).toBeLessThan(60_000);
  });

  it("lists its rules and their alerts", async () => {
    const [group] = (await client.rules()).data;
    expect(group).toMatchObject({
      name: "shop",
      intervalMs: 1_000,
      rules: [{ kind: "recording" }, { kind: "alerting" }],
    });
    expect(group?.file).toMatch(/rules\.yml$/);
    expect(Math.abs((group?.lastEvaluationMs ?? 0) - Date.now())).toBeLessThan(60_000);
    const [recording] = (await client.rules({ kind: "recording" })).data[0]?.rules ?? [];
    expect(recording).toMatchObject({ name: "shop:up:sum", promql: "sum(up)", health: "ok", lastError: undefined });
    const [alerting] = (await client.rules({ names: ["ShopUp"] })).data[0]?.rules ?? [];
    expect(alerting).toMatchObject({
      kind: "alerting",
      state: "pending",
      forMs: 3_600_000,
      annotations: { summary: "{{ $labels.job }}" },
      alerts: [{ state: "pending", value: 1, annotations: { summary: "x" } }],
    });
    expect(await client.rules({ groups: ["other"] })).toMatchObject({ data: [], complete: true });
    expect(await client.rules({ limit: 1 })).toMatchObject({ data: [{}], complete: true });
    const [alert] = (await client.alerts()).data;
    expect(alert).toMatchObject({ state: "pending", labels: { alertname: "ShopUp", severity: "page" }, value: 1 });
    expect(alert?.activeAtMs).toBeGreaterThan(Date.now() - 600_000);
  });

  it("lists its targets", async () => {
    const { data, complete } = await client.targets();
    expect(complete).toBe(true);
    expect(data.active[0]).toMatchObject({
      labels: { job: "x" },
      health: "up",
      lastError: undefined,
      scrapeIntervalMs: 1_000,
      scrapePool: "x",
    });
    expect(data.dropped).toEqual([
      { discoveredLabels: expect.objectContaining({ __address__: "dropped:1" }), scrapePool: "x" },
    ]);
    expect((await client.targets({ state: "active" })).data.dropped).toEqual([]);
    expect((await client.targets({ scrapePool: "y" })).data).toEqual({ active: [], dropped: [] });
  });

  it("formats a query, and says where one is none", async () => {
    expect((await client.format("sum(up)by(job)")).data).toBe("sum by (job) (up)");
    await expect(client.format("sum(up")).rejects.toMatchObject({
      name: "BackendError",
      code: "bad-query",
      status: 400,
      message: expect.stringMatching(/1:7: parse error: unclosed left parenthesis/),
    });
  });

  it("says what it can do, or that it does not say", async () => {
    const asked = client.features();
    if (version === "3") expect((await asked).data.promql?.at_modifier).toBe(true);
    else await expect(asked).rejects.toMatchObject({ name: "BackendError", code: "not-found" });
  });

  it("refuses what it cannot evaluate, and warns of what it can", async () => {
    const many = client.instant(parse('{__name__=~"shop_.*"} * on(job) {__name__=~"shop_.*"}'), undefined);
    await expect(many).rejects.toMatchObject({ name: "BackendError", code: "execution", status: 422 });
    const { complete, infos, warnings } = await client.instant(parse("rate(up[1m])"), undefined);
    expect({ complete, warnings }).toEqual({ complete: true, warnings: [] });
    expect(infos.length > 0).toBe(version === "3");
  });

  it("gives scalars and strings", async () => {
    expect((await client.instant(parse("1 / 0"), 5_000)).data).toEqual({
      kind: "scalar",
      timeMs: 5_000,
      value: Number.POSITIVE_INFINITY,
    });
    expect((await client.instant(parse('"a\\nb"'), 5_000)).data).toEqual({
      kind: "string",
      timeMs: 5_000,
      value: "a\nb",
    });
  });
});

describe("VictoriaMetrics", () => {
  let server: SingleVictoriaMetrics;
  let client: Prometheus;
  const atMs = Date.now() - 60_000;
  beforeAll(async () => {
    const lines = [-30_000, -15_000, 0].map(
      (ms, i) => `shop_requests_total{path="a\\"b\\\\c{}\\n😀",env="prod"} ${i * 15} ${atMs + ms}`,
    );
    server = await singleVictoriaMetrics(`${lines.join("\n")}\nshop_up{env="test"} 1 ${atMs}\n`);
    client = prometheus(server.url);
    const isThere = async () => (await client.labelValues("env")).data.length === 2;
    await until("the samples to be found", 20_000, isThere);
  });
  afterAll(() => server?.stop());

  it("is known for what it is", async () => {
    expect(await client.dialect()).toBe("victoria-metrics");
    expect((await client.buildInfo()).data.application).toBeUndefined();
    // Debian's build has no version.
    expect(await client.describe()).toMatchObject({
      product: "VictoriaMetrics",
      version: undefined,
      dialect: "victoria-metrics",
    });
    const told = prometheus(server.url, { dialect: "prometheus" });
    expect((await told.describe()).remedy).toContain('{ dialect: "victoria-metrics" }');
  });

  it("lists series, labels and values, there and back", async () => {
    const over = { from: atMs - 60_000, to: atMs };
    expect((await client.series("shop_requests_total", { over })).data).toEqual([
      { __name__: "shop_requests_total", path: HOSTILE, env: "prod" },
    ]);
    expect((await client.labels()).data).toEqual(["__name__", "env", "path"]);
    expect((await client.labelValues("path")).data).toEqual([HOSTILE]);
    expect(await client.labels({ limit: 1 })).toMatchObject({ data: ["__name__"], complete: false });
  });

  it("answers queries, each reading no more than it was told to", async () => {
    const asked = async (metrics: Prometheus) => {
      const { data, complete } = await metrics.instant(parse('{__name__=~"shop_.*"}'), atMs);
      return { complete, envs: data.kind === "vector" ? data.labels.map(({ env }) => env).sort() : [] };
    };
    expect(await asked(client)).toEqual({ complete: true, envs: ["prod", "test"] });
    const told = prometheus(server.url, {
      dialect: { kind: "victoria-metrics", extraLabels: { env: "prod" }, noCache: true },
    });
    expect(await asked(told)).toEqual({ complete: true, envs: ["prod"] });
    const filtered = prometheus(server.url, {
      dialect: { kind: "victoria-metrics", extraFilters: ['{env="test"}'], partialResponse: false },
    });
    expect(await asked(filtered)).toEqual({ complete: true, envs: ["test"] });
    expect((await filtered.labelValues("env")).data).toEqual(["test"]);
  });

  it("answers for the instants of a range as they were asked for, multiples of the step or not", async () => {
    const whole = Math.floor(atMs / 60_000) * 60_000;
    for (const startMs of [whole - 7_200_000, whole - 7_193_000]) {
      const { data } = await client.range(parse("time()"), { startMs, endMs: startMs + 119 * 60_000, stepMs: 60_000 });
      expect([...(data.series[0]?.timesMs ?? [])]).toEqual(Array.from({ length: 120 }, (_, i) => startMs + i * 60_000));
    }
  });

  it("answers the API's other endpoints, as far as it has them", async () => {
    expect((await client.metadata()).data.size).toBe(0);
    expect((await client.rules()).data).toEqual([]);
    expect((await client.alerts()).data).toEqual([]);
    expect((await client.targets()).data).toEqual({ active: [], dropped: [] });
    expect((await client.exemplars(selector("up"), { fromMs: 0, toMs: 1 })).data).toEqual([]);
    await expect(client.format("up")).rejects.toMatchObject({ code: "not-found" });
    await expect(client.features()).rejects.toMatchObject({ code: "not-found" });
  });

  it("says no in its own way, with a number for the kind of its error", async () => {
    const asked = client.instant(parse('shop_up * on() group_left() {__name__=~"shop_.*"}'), atMs);
    await expect(asked).rejects.toMatchObject({ name: "BackendError", code: "execution", status: 422 });
  });
});
