import { afterEach, describe, expect, test, vi } from "vitest";
import { QueryError } from "../../src/errors.ts";
import type { Dialect, DialectKind } from "../../src/metrics/prometheus/dialect.ts";
import { type PrometheusOptions, prometheus } from "../../src/metrics/prometheus/prometheus.ts";
import { matcher, selector } from "../../src/promql/index.ts";
import { type FakePrometheus, fakePrometheus, type Reply, success } from "./fake-prometheus.ts";

let fake: FakePrometheus;
afterEach(() => fake?.close());

const EMPTY = success({ resultType: "vector", result: [] });
const up = selector("up");

describe("a dialect adds", () => {
  const cases: readonly (readonly [Dialect, { query?: string[]; catalog?: string[]; headers?: object }])[] = [
    [{ kind: "prometheus" }, {}],
    [
      {
        kind: "thanos",
        tenant: "shop",
        deduplicate: false,
        replicaLabels: ["replica", "rule_replica"],
        partialResponse: true,
        maxSourceResolution: "5m",
        engine: "thanos",
      },
      {
        query: [
          "dedup=false",
          "replicaLabels[]=replica",
          "replicaLabels[]=rule_replica",
          "partial_response=true",
          "max_source_resolution=5m",
          "engine=thanos",
        ],
        catalog: ["partial_response=true"],
        headers: { "thanos-tenant": "shop" },
      },
    ],
    [{ kind: "thanos", maxSourceResolution: "auto" }, { query: ["max_source_resolution=auto"] }],
    [
      { kind: "mimir", tenant: "shop", noCache: true },
      { headers: { "x-scope-orgid": "shop", "cache-control": "no-store" } },
    ],
    [{ kind: "cortex", tenant: ["a", "b"] }, { headers: { "x-scope-orgid": "a|b" } }],
    [
      {
        kind: "victoria-metrics",
        extraLabels: { team: 'a="b' },
        extraFilters: ['{env="prod"}', selector(undefined, [matcher("env", "=", '"')])],
        noCache: true,
        partialResponse: false,
      },
      {
        query: [
          'extra_label=team=a="b',
          'extra_filters[]={env="prod"}',
          'extra_filters[]={env="\\""}',
          "deny_partial_response=1",
          "nocache=1",
        ],
        catalog: [
          'extra_label=team=a="b',
          'extra_filters[]={env="prod"}',
          'extra_filters[]={env="\\""}',
          "deny_partial_response=1",
        ],
      },
    ],
  ];

  test.each(cases)("what %j says", async (dialect, { query = [], catalog = [], headers = {} }) => {
    fake = await fakePrometheus((path) =>
      path === "query"
        ? EMPTY
        : path === "series"
          ? success([])
          : path === "stores"
            ? success({})
            : success({ groups: [] }),
    );
    const client = fake.client({ dialect });
    await client.instant(up, 0);
    await client.series("up");
    await client.rules();
    const added = (path: string, own: number) =>
      fake.got
        .find((got) => got.path === path)
        ?.fields.slice(own)
        .map((field) => field.join("="));
    expect(added("query", 3)).toEqual(query);
    expect(added("series", 1)).toEqual(catalog);
    expect(added("rules", 0)).toEqual([]);
    for (const got of fake.got) expect(got.headers).toMatchObject(headers);
    if (dialect.kind !== "mimir") for (const got of fake.got) expect(got.headers).not.toHaveProperty("cache-control");
  });

  test("nothing beside its name where that is all", async () => {
    fake = await fakePrometheus(() => EMPTY);
    await fake.client({ dialect: "mimir" }).instant(up, 0);
    expect(fake.got[0]?.headers).not.toHaveProperty("x-scope-orgid");
    expect(fake.all).toHaveLength(1);
  });
});

test.each<[DialectKind | undefined, number, string[]]>([
  ["victoria-metrics", 1_000, ["nocache=1"]],
  [undefined, 1_000, ["nocache=1"]],
  ["victoria-metrics", 60_000, []],
  ["prometheus", 1_000, []],
])(
  "of %s, a range from %d ms on is asked for at its very instants, whatever is cached",
  async (dialect, startMs, added) => {
    fake = await fakePrometheus(() => success({ resultType: "matrix", result: [] }));
    await fake.client(dialect && { dialect }).range(up, { startMs, endMs: startMs + 6_000_000, stepMs: 60_000 });
    const fields = fake.got[0]?.fields.map((field) => field.join("=")) ?? [];
    expect(fields.filter((field) => !/^(?:query|start|end|step|timeout)=/.test(field))).toEqual(added);
  },
);

describe("a dialect that cannot be meant is refused", () => {
  test.each<[unknown, RegExp]>([
    ["prom", /dialect "prom" is not known; there are "prometheus", "thanos", "mimir", "cortex", "victoria-metrics"/],
    [{}, /dialect an object is not known/],
    [{ kind: "mimir", tennant: "a" }, /dialect: tennant is not known; did you mean "tenant"\?/],
    [{ kind: "prometheus", tenant: "a" }, /tenant is not known/],
    [{ kind: "mimir", tenant: "a|b" }, /tenant must not hold "\|"; write a list/],
    [{ kind: "mimir", tenant: "a\r\nb: c" }, /tenant must have no line break/],
    [{ kind: "mimir", tenant: 1 }, /tenant must be text without "\|", or a list of such/],
    [{ kind: "thanos", tenant: "" }, /tenant must not be empty/],
    [{ kind: "thanos", deduplicate: "no" }, /deduplicate must be true or false/],
    [{ kind: "thanos", engine: "fast" }, /engine must be "prometheus" or "thanos"/],
    [
      { kind: "thanos", maxSourceResolution: "5 minutes" },
      /maxSourceResolution: "5 minutes" is not a positive PromQL duration/,
    ],
    [{ kind: "thanos", rememberStores: "soon" }, /rememberStores: "soon" is not a positive PromQL duration/],
    [{ kind: "victoria-metrics", extraFilters: ["rate(x[1m])"] }, /extraFilters: "rate\(x\[1m\]\)" is no selector/],
  ])("%j", (dialect, message) => {
    const attempt = () => prometheus("http://x", { dialect } as PrometheusOptions);
    expect(attempt).toThrow(QueryError);
    expect(attempt).toThrow(message);
  });
});

describe("a server that is not named is asked once whose dialect it speaks", () => {
  const build = (data: object, headers: Record<string, string> = {}): Reply => ({
    status: 200,
    body: JSON.stringify({ status: "success", data }),
    headers,
  });
  const STORES = success({ sidecar: [] });

  test.each<[string, DialectKind, Reply | undefined, Reply | undefined]>([
    ["its version", "prometheus", build({ version: "2.42.0", goVersion: "go1.19" }), undefined],
    ["its lack of stores", "prometheus", build({ version: "", goVersion: "go1.26" }), undefined],
    ["its lack of such an answer", "prometheus", undefined, undefined],
    ["its refusal", "prometheus", { status: 403, body: "no" }, undefined],
    ["its stores", "thanos", build({ version: "0.40.1" }), STORES],
    ["its stores alone", "thanos", build({ version: "" }), STORES],
    ["stores that are none", "prometheus", build({ version: "" }), EMPTY],
    ["its application", "mimir", build({ application: "Grafana Mimir", version: "2.9.0" }), undefined],
    ["its application", "cortex", build({ application: "Cortex", version: "1.18.0" }), undefined],
    ["its header", "victoria-metrics", build({}, { "x-server-hostname": "vm" }), undefined],
  ])("and known by %s: %s", async (_, kind, buildinfo, stores) => {
    fake = await fakePrometheus((path) =>
      path === "status/buildinfo" ? buildinfo : path === "stores" ? stores : EMPTY,
    );
    const client = fake.client();
    await Promise.all([client.instant(up, 0), client.instant(selector("down"), 0)]);
    expect(await client.dialect()).toBe(kind);
    await client.instant(up, 0);
    expect(fake.all.filter(({ path }) => path === "status/buildinfo")).toHaveLength(1);
  });

  const vmMetrics: Reply = {
    status: 200,
    body: 'vm_rows 1\nvm_app_version{version="victoria-metrics-20220628-tags-v1.79.0-0-g1", short_version="v1.79.0"} 1\n',
  };
  test.each<[string, string | undefined, Reply | undefined, Reply | undefined]>([
    ["Prometheus", "2.42.0", build({ version: "2.42.0" }), undefined],
    ["Prometheus", undefined, { status: 403, body: "no" }, undefined],
    ["Thanos", "0.40.1", build({ version: "0.40.1" }), STORES],
    ["Grafana Mimir", "2.9.0", build({ application: "Grafana Mimir", version: "2.9.0" }), undefined],
    ["Cortex", "1.18.0", build({ application: "Cortex", version: "1.18.0" }), undefined],
    ["VictoriaMetrics", "1.79.0", build({ version: "2.24.0" }, { "x-server-hostname": "vm" }), vmMetrics],
    ["VictoriaMetrics", undefined, build({ version: "2.24.0" }, { "x-server-hostname": "vm" }), undefined],
  ])("and described as %s %s", async (product, version, buildinfo, other) => {
    fake = await fakePrometheus((path) => (path === "status/buildinfo" ? buildinfo : other));
    expect(await fake.client().describe()).toMatchObject({ product, version, remedy: undefined });
  });

  test("and held against the dialect that it is told", async () => {
    fake = await fakePrometheus((path) =>
      path === "status/buildinfo" ? build({ application: "Grafana Mimir", version: "2.9.0" }) : EMPTY,
    );
    const described = async (dialect: DialectKind) => fake.client({ dialect }).describe();
    expect(await described("prometheus")).toMatchObject({
      product: "Grafana Mimir",
      dialect: "prometheus",
      remedy: 'write prometheus(url, { dialect: "mimir" }), or leave the dialect out',
    });
    // Mimir takes what Cortex does.
    expect((await described("cortex")).remedy).toBeUndefined();
  });

  test.each<[string, DialectKind, readonly Reply[], readonly Reply[]]>([
    ["what it is", "cortex", [{ status: 503, body: "starting" }, success({ application: "Cortex" })], []],
    [
      "whether it has stores",
      "thanos",
      [build({ version: "0.40.1" }), build({ version: "0.40.1" })],
      [{ status: 503, body: "starting" }, STORES],
    ],
  ])("and again a while after it could not say %s", async (_, kind, ...replies) => {
    const [builds, stores] = replies.map((list) => [...list]);
    fake = await fakePrometheus((path) =>
      path === "status/buildinfo" ? builds?.shift() : path === "stores" ? stores?.shift() : EMPTY,
    );
    const client = fake.client();
    for (let i = 0; i < 2; i++) expect(await client.dialect()).toBe("prometheus");
    const later = performance.now() + 61_000;
    const passed = vi.spyOn(performance, "now").mockImplementation(() => later);
    try {
      expect(await client.dialect()).toBe(kind);
    } finally {
      passed.mockRestore();
    }
    expect(fake.all.filter(({ path }) => path === "status/buildinfo")).toHaveLength(2);
  });

  test("within the question's own deadline, and the answer comes without it", async () => {
    let silence = () => {};
    const silent = new Promise<void>((resolve) => {
      silence = resolve;
    });
    fake = await fakePrometheus((path) => {
      if (path === "query") return EMPTY;
      silence();
      return new Promise(() => {});
    });
    const client = fake.client();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const asked = client.instant(up, 0, { timeoutMs: 300 });
      await silent;
      vi.advanceTimersByTime(300);
      expect(await asked).toMatchObject({ complete: true });
      const kind = client.dialect({ timeoutMs: 200 });
      const values = client.labelValues("a.b", { timeoutMs: 200 });
      const late = { name: "TimeoutError", timeoutMs: 200, message: expect.stringContaining("name it: { dialect: ") };
      const both = Promise.all([kind, values].map((one) => expect(one).rejects.toMatchObject(late)));
      await new Promise(setImmediate);
      vi.advanceTimersByTime(200);
      await both;
    } finally {
      vi.useRealTimers();
    }
    const reason = new Error("enough");
    await expect(client.dialect({ signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ name: "TimeoutError" });
    await expect(client.dialect({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(client.dialect({ timeoutMs: -1 })).rejects.toMatchObject({ name: "QueryError", code: "timeout" });
  });
});
