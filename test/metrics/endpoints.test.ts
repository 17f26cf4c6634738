import { afterEach, describe, expect, test } from "vitest";
import { BackendError, DecodeError, QueryError } from "../../src/errors.ts";
import type { Prometheus } from "../../src/metrics/prometheus/prometheus.ts";
import { call, matrix, parse, selector } from "../../src/promql/index.ts";
import { label } from "../../src/results/labels.ts";
import { type FakePrometheus, fakePrometheus, type Reply, success } from "./fake-prometheus.ts";

let fake: FakePrometheus;
afterEach(() => fake?.close());

/** A client of a server whose one endpoint answers so. */
async function answered(path: string, reply: Reply): Promise<Prometheus> {
  fake = await fakePrometheus((asked) => (asked === path ? reply : undefined));
  return fake.client({ dialect: "prometheus" });
}

const fieldsOf = () => fake.got[0]?.fields;

describe("the series", () => {
  test("come with what selects them, when, and at most how many", async () => {
    const client = await answered("series", success([{ __name__: "up", job: "a" }]));
    const over = { from: 1_000, to: 2_500 };
    const answer = await client.series(['up{job="a"}', selector("down")], { over, limit: 5 });
    expect(answer).toMatchObject({ data: [{ __name__: "up", job: "a" }], complete: true, warnings: [], infos: [] });
    expect(fieldsOf()).toEqual([
      ["match[]", 'up{job="a"}'],
      ["match[]", "down"],
      ["start", "1"],
      ["end", "2.5"],
      ["limit", "6"],
    ]);
  });

  test("are not complete where there are more than the limit, also from a server that knows no limit", async () => {
    const client = await answered("series", success([{ a: "1" }, { a: "2" }, { a: "3" }]));
    expect(await client.series("up", { limit: 2 })).toMatchObject({
      data: [{ a: "1" }, { a: "2" }],
      complete: false,
      warnings: ["there are more than the 2 series of the limit"],
    });
    expect((await client.series("up", { limit: 3 })).complete).toBe(true);
  });

  test("are not complete where the server says so", async () => {
    const client = await answered("series", success([], { warnings: ["results truncated due to limit"] }));
    expect((await client.series("up")).complete).toBe(false);
  });

  test.each([
    ["a call", "rate(up[5m])"],
    ["a range", "up[5m]"],
    ["an earlier time", "up offset 5m"],
    ["an instant", "up @ 0"],
  ])("are refused for %s", async (_, text) => {
    const client = await answered("series", success([]));
    for (const match of [text, parse(text)]) {
      await expect(client.series(match)).rejects.toThrow(
        expect.objectContaining({
          name: "QueryError",
          code: "promql",
          message: expect.stringContaining("is no selector; write one such as"),
        }),
      );
    }
    expect(fake.all).toEqual([]);
  });

  test("are refused for text that is no PromQL, with its place", async () => {
    const client = await answered("series", success([]));
    await expect(client.series('up{job="a"')).rejects.toMatchObject({ name: "PromqlSyntaxError", column: 11 });
  });

  test.each([0, -1, 1.5, Number.NaN])("are refused for a limit of %d", async (limit) => {
    const client = await answered("series", success([]));
    await expect(client.series("up", { limit })).rejects.toThrow(QueryError);
  });

  test("go into the body where the selectors are long", async () => {
    const client = await answered("series", success([]));
    const long = `up{job="${"x".repeat(1_600)}"}`;
    await client.series(long);
    expect(fieldsOf()).toEqual([["match[]", long]]);
    expect(fake.got[0]?.headers["content-type"]).toMatch(/form/);
  });
});

describe("the labels", () => {
  test("are those of all series, or of the matching ones", async () => {
    const client = await answered("labels", success(["__name__", "job"]));
    expect((await client.labels()).data).toEqual(["__name__", "job"]);
    await client.labels({ match: "up", limit: 1 });
    expect(fake.got.map(({ fields }) => fields)).toEqual([
      [],
      [
        ["match[]", "up"],
        ["limit", "2"],
      ],
    ]);
  });

  test.each([
    ["job", "job"],
    ["service.name", "U__service_2e_name"],
    ["日本", "U___65e5__672c_"],
    ["U__x", "U__U____x"],
    ["1st", "U___31_st"],
    ["a/b", "U__a_2f_b"],
    ["..", "U___2e__2e_"],
  ])("have the values of %j, which stands in the path as %s", async (name, segment) => {
    const client = await answered(`label/${segment}/values`, success(["a"]));
    expect((await client.labelValues(name)).data).toEqual(["a"]);
    expect((await client.labelValues(label(name))).data).toEqual(["a"]);
  });

  test("have values whose label stands in the path as it is for VictoriaMetrics", async () => {
    fake = await fakePrometheus(() => success([]));
    await fake.client({ dialect: "victoria-metrics" }).labelValues("a.b/c");
    expect(fake.got[0]?.path).toBe("label/a.b%2Fc/values");
  });

  test("have a name", async () => {
    const client = await answered("labels", success([]));
    await expect(client.labelValues("")).rejects.toMatchObject({ code: "label" });
  });
});

test("the metadata come by the metric's name, at most so many", async () => {
  const counter = { type: "counter", help: "Requests.", unit: "" };
  const client = await answered("metadata", success({ a_total: [counter], b: [{ type: "gauge", help: "" }] }));
  const answer = await client.metadata({ metric: "a_total", limit: 1 });
  expect(answer).toMatchObject({ data: new Map([["a_total", [counter]]]), complete: false });
  expect((await client.metadata()).data.get("b")).toEqual([{ type: "gauge", help: "", unit: "" }]);
  expect(fieldsOf()).toEqual([
    ["metric", "a_total"],
    ["limit", "2"],
  ]);
});

test("exemplars have their series, labels, value and time", async () => {
  const exemplars = [
    { labels: { trace_id: "1" }, value: "0.5", timestamp: 1.5 },
    { labels: {}, value: "+Inf", timestamp: 2 },
  ];
  const client = await answered("query_exemplars", success([{ seriesLabels: { le: "1" }, exemplars }]));
  const span = { fromMs: 0, toMs: 1_000 };
  expect((await client.exemplars(selector("x"), span)).data).toEqual([
    { series: { le: "1" }, labels: { trace_id: "1" }, value: 0.5, timeMs: 1_500 },
    { series: { le: "1" }, labels: {}, value: Number.POSITIVE_INFINITY, timeMs: 2_000 },
  ]);
  expect(await client.exemplars(selector("x"), span, { limit: 1 })).toMatchObject({ complete: false });
  expect(fieldsOf()).toEqual([
    ["query", "x"],
    ["start", "0"],
    ["end", "1"],
  ]);
});

const group = (name: string, ...rules: object[]) => ({
  name,
  file: "rules.yml",
  interval: 15,
  limit: 0,
  evaluationTime: 0.25,
  lastEvaluation: "2026-11-20T10:00:00.5Z",
  rules,
});
const alertJson = {
  labels: { alertname: "Down" },
  annotations: { summary: "it is down" },
  state: "firing",
  activeAt: "2026-11-20T10:00:00Z",
  value: "1e+00",
};
const recording = { type: "recording", name: "a:b", query: "sum(b)", health: "err", lastError: "many to many" };
const alerting = {
  type: "alerting",
  name: "Down",
  query: "up == 0",
  state: "firing",
  duration: 60,
  keepFiringFor: 0,
  labels: { severity: "page" },
  annotations: { summary: "{{ $labels.job }}" },
  alerts: [alertJson],
  health: "ok",
  evaluationTime: 0.001,
  lastEvaluation: "0001-01-01T00:00:00Z",
};
const alert = {
  labels: { alertname: "Down" },
  annotations: { summary: "it is down" },
  state: "firing",
  activeAtMs: Date.UTC(2026, 10, 20, 10),
  value: 1,
};

describe("the rules", () => {
  test("come in their groups, in milliseconds", async () => {
    const client = await answered("rules", success({ groups: [group("g", recording, alerting)] }));
    expect((await client.rules()).data).toEqual([
      {
        name: "g",
        file: "rules.yml",
        intervalMs: 15_000,
        limit: 0,
        evaluationMs: 250,
        lastEvaluationMs: Date.UTC(2026, 10, 20, 10, 0, 0, 500),
        rules: [
          {
            kind: "recording",
            name: "a:b",
            promql: "sum(b)",
            labels: {},
            health: "err",
            lastError: "many to many",
            evaluationMs: 0,
            lastEvaluationMs: undefined,
          },
          {
            kind: "alerting",
            name: "Down",
            promql: "up == 0",
            labels: { severity: "page" },
            annotations: { summary: "{{ $labels.job }}" },
            health: "ok",
            lastError: undefined,
            state: "firing",
            forMs: 60_000,
            keepFiringForMs: 0,
            evaluationMs: 1,
            lastEvaluationMs: undefined,
            alerts: [alert],
          },
        ],
      },
    ]);
  });

  test("are narrowed here too, where a server does not know how", async () => {
    const client = await answered(
      "rules",
      success({ groups: [group("g", recording, alerting), group("h", alerting)] }),
    );
    const named = async (options: Parameters<Prometheus["rules"]>[0]) =>
      (await client.rules(options)).data.map(({ name, rules }) => [name, ...rules.map((rule) => rule.name)]);
    expect(await named({ kind: "recording" })).toEqual([["g", "a:b"]]);
    expect(await named({ kind: "alerting", groups: ["h"] })).toEqual([["h", "Down"]]);
    expect(await named({ names: ["Down"] })).toEqual([
      ["g", "Down"],
      ["h", "Down"],
    ]);
    expect(await named({ files: ["other.yml"] })).toEqual([]);
    expect(fake.got[1]?.fields).toEqual([
      ["type", "alert"],
      ["rule_group[]", "h"],
    ]);
  });

  test("are not complete where there are more groups, whoever counted", async () => {
    const client = await answered("rules", success({ groups: [group("g"), group("h")] }));
    expect(await client.rules({ limit: 1 })).toMatchObject({ data: [{ name: "g" }], complete: false });
    await fake.close();
    const paging = await answered("rules", success({ groups: [group("g")], groupNextToken: "x" }));
    expect(await paging.rules({ limit: 1 })).toMatchObject({ data: [{ name: "g" }], complete: false });
    expect(fieldsOf()).toEqual([["group_limit", "1"]]);
    expect(await paging.rules()).toMatchObject({
      complete: false,
      warnings: ["there are more than the 1 groups that the server gives at once"],
    });
  });

  test("may be none", async () => {
    const client = await answered("rules", success({ groups: null }));
    expect((await client.rules()).data).toEqual([]);
  });
});

test("the alerts have their state and since when", async () => {
  const client = await answered("alerts", success({ alerts: [alertJson] }));
  expect((await client.alerts()).data).toEqual([alert]);
  expect(await client.alerts({ limit: 1 })).toMatchObject({ complete: true });
});

describe("the targets", () => {
  const active = {
    labels: { job: "a" },
    discoveredLabels: { __address__: "x:1" },
    scrapePool: "a",
    scrapeUrl: "http://x:1/metrics",
    health: "down",
    lastError: "refused",
    lastScrape: "2026-11-20T10:00:00Z",
    lastScrapeDuration: 0.5,
    scrapeInterval: "1m",
    scrapeTimeout: "10s",
  };
  const dropped = { discoveredLabels: { job: "b" } };

  test("that are active have their health, in milliseconds", async () => {
    const client = await answered("targets", success({ activeTargets: [active], droppedTargets: [dropped] }));
    expect((await client.targets()).data).toEqual({
      active: [
        {
          labels: { job: "a" },
          discoveredLabels: { __address__: "x:1" },
          scrapePool: "a",
          scrapeUrl: "http://x:1/metrics",
          health: "down",
          lastError: "refused",
          lastScrapeMs: Date.UTC(2026, 10, 20, 10),
          lastScrapeDurationMs: 500,
          scrapeIntervalMs: 60_000,
          scrapeTimeoutMs: 10_000,
        },
      ],
      dropped: [{ discoveredLabels: { job: "b" }, scrapePool: "b" }],
    });
  });

  test("are narrowed here too, where a server does not know how", async () => {
    const client = await answered("targets", success({ activeTargets: [active], droppedTargets: [dropped] }));
    expect((await client.targets({ state: "active" })).data).toMatchObject({ active: [{}], dropped: [] });
    expect((await client.targets({ state: "dropped" })).data).toMatchObject({ active: [], dropped: [{}] });
    expect((await client.targets({ scrapePool: "b" })).data).toMatchObject({ active: [], dropped: [{}] });
    expect(fake.got[2]?.fields).toEqual([["scrapePool", "b"]]);
  });

  test("are not complete beyond the limit, nor where the server keeps fewer than it dropped", async () => {
    const counts = { droppedTargetCounts: { b: 7 } };
    const client = await answered(
      "targets",
      success({ activeTargets: [active, active], droppedTargets: [dropped], ...counts }),
    );
    expect(await client.targets({ state: "active", limit: 1 })).toMatchObject({ complete: false });
    expect(await client.targets({ state: "active" })).toMatchObject({ complete: true });
    expect(await client.targets()).toMatchObject({
      complete: false,
      warnings: ["the server keeps 1 of 7 dropped targets (keep_dropped_targets)"],
    });
  });
});

test("a query is formatted by the server, from text or tree", async () => {
  const client = await answered("format_query", success("sum by (a) (up)"));
  expect((await client.format("sum(up)by(a)")).data).toBe("sum by (a) (up)");
  await client.format(call("rate", matrix(selector("up"), 1_000)));
  expect(fake.got.map(({ fields }) => fields[0]?.[1])).toEqual(["sum(up)by(a)", "rate(up[1s])"]);
});

test("the make has no empty parts", async () => {
  const client = await answered("status/buildinfo", success({ version: "", goVersion: "go1.26", application: "X" }));
  expect((await client.buildInfo()).data).toEqual({
    application: "X",
    version: undefined,
    revision: undefined,
    branch: undefined,
    goVersion: "go1.26",
  });
});

test("the features are had by subject and name", async () => {
  const client = await answered("features", success({ promql: { at_modifier: true } }));
  expect((await client.features()).data.promql?.at_modifier).toBe(true);
});

describe("an endpoint", () => {
  test.each<[string, Reply]>([
    ["is not there", { status: 404, body: "404 page not found" }],
    [
      "is not VictoriaMetrics'",
      {
        status: 400,
        body: 'remoteAddr: "x"; requestURI: /api/v1/features; unsupported path requested: "/api/v1/features"',
      },
    ],
  ])("that %s is a BackendError that says so", async (_, reply) => {
    const client = await answered("features", reply);
    const error = await client.features().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ code: "not-found", backend: "prometheus", retryable: false });
  });

  test("that says no in the API's words is a BackendError", async () => {
    const body = JSON.stringify({ status: "error", errorType: "bad_data", error: "bad matcher" });
    const client = await answered("labels", { status: 400, body });
    await expect(client.labels()).rejects.toMatchObject({
      code: "bad-query",
      message: expect.stringContaining("bad matcher"),
    });
  });

  test.each<[string, string, Reply]>([
    ["half a document", "syntax", { status: 200, body: '{"status":"success","data":[' }],
    ["other data", "shape", success({ names: [] })],
    ["another API's answer", "shape", { hello: "world" }],
    ["no body", "shape", { status: 200, body: "" }],
    ["a page", "content-type", { status: 200, body: "<html>" }],
  ])("that answers %s is a DecodeError", async (_, code, reply) => {
    const client = await answered("labels", reply);
    const error = await client.labels().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DecodeError);
    expect(error).toMatchObject({ code, backend: "prometheus" });
  });
});
