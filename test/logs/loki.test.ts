import fc from "fast-check";
import { HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DecodeError } from "../../src/errors.ts";
import type { LogLine, LogMeasure, LogPage, LogQuery } from "../../src/logs/backend.ts";
import { decodeEntries, decodeSeries } from "../../src/logs/loki/decode.ts";
import { type LokiOptions, loki } from "../../src/logs/loki/loki.ts";
import { answerOf, fakeLoki, type KeptLine, refusedBy } from "./fake-loki.ts";

const BASE = "http://loki.test:3100";
const server = fakeLoki(BASE);
const make = (options: LokiOptions = {}) => loki(BASE, { retries: 0, ...options });
const query: LogQuery = { origin: { namespace: "shop" }, fromNs: 0n, toNs: 100n, order: "forward" };

async function drain(pages: AsyncIterable<LogPage>) {
  const all: LogPage[] = [];
  for await (const page of pages) all.push(page);
  return { pages: all, entries: all.flatMap(({ entries }) => entries), missing: all.flatMap(({ missing }) => missing) };
}

const lines = (...at: readonly number[]): KeptLine[] =>
  at.map((ns, i) => ({ stream: `p${i % 3}`, ns: BigInt(ns), line: `line ${i}` }));
const shown = ({ timestampNs, origin, line }: LogLine) => `${timestampNs} ${origin.pod} ${line}`;
const kept = ({ ns, stream, line }: KeptLine) => `${ns} ${stream} ${line}`;
const none = () => HttpResponse.json({ status: "success", data: { resultType: "streams", result: [] } });
const logql = () => server.asked.map(({ query }) => query.get("query"));

describe("pages", () => {
  test.each([
    ["forward", "0 1 1 1 2 2 5"],
    ["backward", "5 2 2 1 1 1 0"],
  ] as const)("go %s over lines that share an instant", async (order, times) => {
    server.keeps(lines(0, 1, 1, 1, 2, 2, 5));
    const { entries, pages } = await drain(make().entries({ ...query, order }, { perCall: 4 }));
    expect(entries.map(({ timestampNs }) => timestampNs).join(" ")).toBe(times);
    expect(new Set(entries.map(shown)).size).toBe(7);
    expect(pages.every(({ complete }) => complete)).toBe(true);
  });

  test("begin with the first instant and end before the last", async () => {
    server.keeps(lines(9, 10, 19, 20));
    const { entries } = await drain(make().entries({ ...query, fromNs: 10n, toNs: 20n }));
    expect(entries.map(({ timestampNs }) => timestampNs)).toEqual([10n, 19n]);
  });

  test("of no time are none, and nothing is asked", async () => {
    expect((await drain(make().entries({ ...query, toNs: 0n }))).pages).toEqual([]);
    expect(server.asked).toEqual([]);
  });

  test("ask for more where one instant fills a call", async () => {
    server.keeps(lines(1, 1, 1, 1, 1, 1, 2));
    const { entries, missing } = await drain(make().entries(query, { perCall: 2 }));
    expect([entries.length, missing]).toEqual([7, []]);
    expect(server.asked.map(({ query }) => query.get("limit"))).toEqual(["2", "8"]);
  });

  test.each(["forward", "backward"] as const)(
    "going %s declare what the server does not give of an instant",
    async (order) => {
      server.keeps(lines(1, 2, 2, 2, 2, 2, 3), { entries: 3 });
      const { entries, missing, pages } = await drain(make().entries({ ...query, order }, { perCall: 10 }));
      expect(missing).toEqual([{ fromNs: 2n, toNs: 3n }]);
      expect(entries.map(({ timestampNs }) => timestampNs).filter((ns) => ns !== 2n)).toHaveLength(2);
      const lossy = pages.find(({ missing }) => missing.length > 0);
      expect(lossy).toMatchObject({
        complete: false,
        warnings: [expect.stringMatching(/more lines than the 3 .* narrow/)],
      });
    },
  );

  test("learn what the server gives at most, and keep to it", async () => {
    server.keeps(lines(1, 2, 3, 4, 5), { entries: 3 });
    const backend = make();
    for (let i = 0; i < 2; i++) expect((await drain(backend.entries(query))).entries).toHaveLength(5);
    expect(server.asked.map(({ query }) => query.get("limit"))).toEqual(["1000", "3", "3", "3", "3", "3", "3"]);
  });

  test.each(["forward", "backward"] as const)(
    "going %s learn how long a time the server reads at once",
    async (order) => {
      const second = 1_000_000_000;
      server.keeps(lines(0, 3 * second, 7 * second, 7 * second + 1), { spanNs: 2n * BigInt(second) });
      const { entries } = await drain(make().entries({ ...query, toNs: 10n * BigInt(second), order }));
      expect(entries).toHaveLength(4);
      expect(server.asked).toHaveLength(6);
    },
  );

  test("end with the limit, and ask for no more than that", async () => {
    server.keeps(lines(1, 2, 3, 4, 5));
    const { entries } = await drain(make().entries({ ...query, limit: 3 }, { perCall: 2 }));
    expect(entries.map(({ timestampNs }) => timestampNs)).toEqual([1n, 2n, 3n]);
  });

  test("are asked for only as far as they are read", async () => {
    server.keeps(lines(1, 2, 3, 4, 5));
    for await (const _ of make().entries(query, { perCall: 2 })) break;
    expect(server.asked).toHaveLength(1);
  });

  test("lose nothing and repeat nothing, whatever shares an instant and whatever the server gives", async () => {
    const line = fc.record({
      stream: fc.constantFrom("a", "b", "c"),
      ns: fc.integer({ min: 0, max: 12 }).map(BigInt),
      line: fc.nat({ max: 1_000_000 }).map(String),
    });
    const some = fc.uniqueArray(line, { maxLength: 60, selector: kept });
    const sizes = fc.integer({ min: 1, max: 20 });
    const order = fc.constantFrom("forward" as const, "backward" as const);
    await fc.assert(
      fc.asyncProperty(
        some,
        sizes,
        sizes,
        order,
        fc.option(fc.integer({ min: 1, max: 70 })),
        async (all, perCall, entries, order, limit) => {
          server.keeps(all, { entries });
          const within = { ...query, fromNs: 2n, toNs: 11n, order, ...(limit === null ? {} : { limit }) };
          const got = await drain(make().entries(within, { perCall }));
          const found = got.entries.map(shown);
          const wanted = all.filter(({ ns }) => ns >= 2n && ns < 11n);
          expect(new Set(found).size).toBe(found.length);
          expect(wanted.map(kept)).toEqual(expect.arrayContaining(found));
          const times = got.entries.map(({ timestampNs }) => timestampNs);
          expect(times).toEqual(times.toSorted((a, b) => Number(order === "forward" ? a - b : b - a)));
          const lost = wanted.filter((one) => !found.includes(kept(one)));
          const declared = ({ ns }: KeptLine) => got.missing.some(({ fromNs, toNs }) => ns >= fromNs && ns < toNs);
          if (limit === null) expect(lost.filter((one) => !declared(one))).toEqual([]);
          else expect(found.length).toBeLessThanOrEqual(limit);
          if (limit !== null && got.missing.length === 0) expect(found.length).toBe(Math.min(limit, wanted.length));
        },
      ),
      { seed: 20261124, numRuns: 150 },
    );
  });
});

describe("a question", () => {
  test.each<readonly [string, LokiOptions, Partial<LogQuery>, string]>([
    [
      "names the origin",
      {},
      { origin: { namespace: "shop", pod: { pattern: "web-.+" }, container: "istio-proxy", app: "web" } },
      '{namespace="shop",pod=~"web-.+",container="istio-proxy",app="web"}',
    ],
    ["of any origin selects by namespace", {}, { origin: {} }, '{namespace=~".+"}'],
    [
      "filters lines",
      {},
      { lines: [{ text: '"GET' }, { text: "x", not: true }, { pattern: " 5.. " }, { pattern: "y", not: true }] },
      '{namespace="shop"} |= "\\"GET" != "x" |~ " 5.. " !~ "y"',
    ],
    [
      "takes nothing for a text that every line holds",
      {},
      { lines: [{ texts: ["", "x"] }, { texts: ["a.b", "c"] }] },
      '{namespace="shop"} |= "" |~ "a\\\\.b|c"',
    ],
    [
      "filters fields",
      {},
      {
        fields: [
          { field: "response_code", op: ">=", number: 500 },
          { field: "x.y-z", op: "=~", pattern: "a|b" },
          { field: "0", op: "!=", value: '"' },
        ],
      },
      '{namespace="shop"} | json | response_code >= 500 | x_y_z=~"a|b" | _0!="\\"" | __error__=""',
    ],
    [
      "uses OpenTelemetry's labels",
      { labels: "otel" },
      { origin: { namespace: "shop", pod: "web-1", app: "web" } },
      '{k8s_namespace_name="shop",service_name="web"} | k8s_pod_name="web-1"',
    ],
    [
      "uses labels of one's own",
      { labels: { app: "service", namespace: { metadata: "ns" } } },
      { origin: { app: "web", namespace: "shop" } },
      '{service="web"} | ns="shop"',
    ],
  ])("%s", async (_, options, given, printed) => {
    server.answers(none);
    await drain(make(options).entries({ ...query, ...given }));
    expect(logql()).toEqual([printed]);
  });

  test("gives early instants in a form that is not taken for seconds", async () => {
    server.answers(none);
    await drain(make().entries({ ...query, fromNs: -5n, toNs: 9_999_999_999n }));
    const [{ query: sent } = { query: new URLSearchParams() }] = server.asked;
    expect([sent.get("start"), sent.get("end")]).toEqual(["0000000000000000000", "0000000009999999999"]);
  });

  test.each([
    ["shop", "shop"],
    [["shop", "web-1"], "shop|web-1"],
  ])("for the tenant %j says so, and asks for metadata apart", async (tenant, header) => {
    server.answers(none);
    await drain(make({ tenant }).entries(query));
    expect(server.asked[0]?.headers.get("x-scope-orgid")).toBe(header);
    expect(server.asked[0]?.headers.get("x-loki-response-encoding-flags")).toBe("categorize-labels");
  });

  test("of a time later than any that Loki reads ends with that", async () => {
    server.answers(none);
    await drain(make().entries({ ...query, toNs: 2n ** 70n }));
    expect(server.asked[0]?.query.get("end")).toBe("9223372036854775807");
  });

  test.each<readonly [LokiOptions, Partial<LogQuery>, string, RegExp]>([
    [{}, { fields: [{ field: "namespace", op: "=", value: "x" }] }, "label", /write { origin: "namespace" }/],
    [{ labels: "otel" }, { fields: [{ field: "service.name", op: "=~", pattern: "x" }] }, "label", /origin: "app"/],
    [{}, { lines: [{ texts: [] }] }, "pattern", /at least one text/],
  ])("that means two things is refused: %j %j", async (options, given, code, says) => {
    const refused = drain(make(options).entries({ ...query, ...given }));
    await expect(refused).rejects.toMatchObject({ name: "QueryError", code, message: expect.stringMatching(says) });
  });

  test("that is long goes in the body", async () => {
    server.answers(none);
    const text = "x".repeat(10_000);
    await drain(make().entries({ ...query, lines: [{ text }] }));
    expect(logql()).toEqual([`{namespace="shop"} |= "${text}"`]);
  });

  test.each<readonly [LokiOptions, RegExp]>([
    [{ tenant: "" }, /tenant must be a name/],
    [{ tenant: [] }, /tenant must be a name/],
    [{ tenant: "a|b" }, /or a list of such/],
    [{ tenant: "a", headers: { "X-Scope-OrgID": "b" } }, /given twice/],
    [{ labels: "fluentd" as never }, /"fluentd" is not known; there are "promtail", "alloy", "otel"/],
    [{ labels: { app: "a-b" } }, /labels\.app "a-b" is no name/],
    [{ labels: { pods: "a" } as never }, /pods is not known; did you mean "pod"\?/],
    [{ labels: { pod: 5 } as never }, /labels: pod must be the name of a label/],
  ])("cannot be configured by %j", (options, says) => {
    expect(() => make(options)).toThrow(says);
    expect(() => make(options)).toThrow(expect.objectContaining({ name: "QueryError", code: "config" }));
  });

  test.each([{ perCall: 0 }, { perCall: 1.5 }])("is refused with %j", async (options) => {
    await expect(drain(make().entries(query, options))).rejects.toMatchObject({ name: "QueryError", code: "config" });
  });

  test.each([0, -1, 1.5, Number.NaN])("is refused with the limit %d", async (limit) => {
    await expect(drain(make().entries({ ...query, limit }))).rejects.toMatchObject({
      name: "QueryError",
      code: "range",
    });
  });
});

const streams = (values: unknown, stream: unknown = { pod: "a" }, more = {}) =>
  JSON.stringify({ status: "success", data: { resultType: "streams", result: [{ stream, values }] }, ...more });
const bytes = (text: string) => new TextEncoder().encode(text);
const decoded = (text: string) => decodeEntries(bytes(text), { query: "{}" });

describe("an answer", () => {
  test.each<readonly [string, unknown, unknown]>([
    ["two parts", ["1700000000000000001", "a"], undefined],
    ["an empty third", ["1700000000000000001", "a", {}], undefined],
    [
      "metadata",
      ["1700000000000000001", "a", { structuredMetadata: { trace: "x" }, parsed: { y: "z" } }],
      { trace: "x" },
    ],
    ["parsed labels alone", ["1700000000000000001", "a", { parsed: { y: "z" } }], undefined],
    ["metadata as it is pushed", ["1700000000000000001", "a", { trace: "x" }], { trace: "x" }],
  ])("may give entries of %s", (_, value, metadata) => {
    const { entries } = decoded(streams([value]));
    expect(entries).toMatchObject([{ timestampNs: 1_700_000_000_000_000_001n, line: "a", labels: { pod: "a" } }]);
    expect(entries[0]?.metadata).toEqual(metadata);
  });

  test("may hold bytes that are no UTF-8, and its other lines are read", () => {
    const body = bytes(
      streams([
        ["1", "a?b"],
        ["2", "c"],
      ]),
    );
    body[body.indexOf("?".charCodeAt(0))] = 0xff;
    expect(decodeEntries(body, { query: "{}" }).entries.map(({ line }) => line)).toEqual(["a\ufffdb", "c"]);
  });

  test("that warns is not complete", async () => {
    server.answers(() => HttpResponse.text(streams([["1", "a"]], {}, { warnings: ["a store is gone"] })));
    const { pages } = await drain(make().entries(query));
    expect(pages).toMatchObject([{ warnings: ["a store is gone"], complete: false, missing: [] }]);
  });

  test("knows the origin from labels or metadata", async () => {
    const value = ["1", "a", { structuredMetadata: { k8s_pod_name: "web-1" } }];
    server.answers(() => HttpResponse.text(streams([value], { k8s_namespace_name: "shop" })));
    const { entries } = await drain(make({ labels: "otel" }).entries(query));
    expect(entries[0]?.origin).toEqual({ namespace: "shop", pod: "web-1" });
  });

  test.each<readonly [string, string]>([
    ["data.result[0].stream", streams([], 5)],
    ["data.result[0].stream.pod", streams([], { pod: 1 })],
    ["data.result[0].values", streams({})],
    ["data.result[0].values[0]", streams(["1"])],
    ["data.result[0].values[0][0]", streams([[1, "a"]])],
    ["data.result[0].values[0][0]", streams([["1e9", "a"]])],
    ["data.result[0].values[0][1]", streams([["1", null]])],
    ["data.result[0].values[0][2]", streams([["1", "a", "x"]])],
    ["data.result[0].values[0][2].k", streams([["1", "a", { k: 1 }]])],
    ["data.resultType", '{"status":"success","data":{"resultType":"matrix","result":[]}}'],
    ["data.result", '{"status":"success","data":{"resultType":"streams","result":{}}}'],
    ["status", '{"status":"error"}'],
    ["warnings[0]", streams([], {}, { warnings: [1] })],
  ])("is refused where %s is wrong", (place, body) => {
    expect(() => decoded(body)).toThrow(expect.objectContaining({ name: "DecodeError", code: "shape" }));
    expect(() => decoded(body)).toThrow(`decoding loki's answer: ${place} `);
  });

  test("of any kind is read or refused with a DecodeError", () => {
    const bodies = fc.oneof(
      fc.json(),
      fc.json().map((value) => `{"status":"success","data":{"resultType":"streams","result":[${value}]}}`),
      fc
        .json()
        .map(
          (value) => `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[${value}]}]}}`,
        ),
      fc
        .json()
        .map(
          (value) =>
            `{"status":"success","data":{"resultType":"streams","result":[{"stream":{},"values":[${value}]}]}}`,
        ),
      fc.nat({ max: 80 }).map((length) => streams([["1", "a"]]).slice(0, length)),
    );
    fc.assert(
      fc.property(bodies, (body) => {
        for (const decode of [decodeEntries, decodeSeries]) {
          try {
            decode(bytes(body), { query: "{}" });
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError);
          }
        }
      }),
      { seed: 20261124, numRuns: 1_000 },
    );
  });
});

describe("a refusal", () => {
  test.each<readonly [number, string, string, boolean, RegExp]>([
    [
      400,
      "parse error at line 1, col 9: syntax error: unexpected IDENTIFIER, expecting STRING",
      "bad-query",
      false,
      /line 1, col 9: .*RE2/,
    ],
    [400, "pipeline error: 'JSONParserErr' for series: '{}'.\nUse a label filter", "execution", false, /JSONParserErr/],
    [400, "maximum of series (500) reached for a single query", "bad-query", false, /fewer groups/],
    [400, "something else", "bad-query", false, /something else/],
    [401, "no org id", "unauthorized", false, /\{ tenant: "…" \}/],
    [401, "no", "unauthorized", false, /give credentials/],
    [429, "too many outstanding requests", "rate-limited", true, /ask less often/],
    [499, "the request was cancelled by the client", "canceled", false, /cancelled/],
    [500, "context deadline exceeded", "timeout", true, /shorter time/],
    [504, "request timed out, decrease the duration of the request", "timeout", true, /shorter time/],
  ])("%d %s", async (status, reason, code, retryable, says) => {
    server.answers(() => refusedBy(status, reason));
    await expect(drain(make().entries(query))).rejects.toMatchObject({
      name: "BackendError",
      backend: "loki",
      query: '{namespace="shop"}',
      message: expect.stringMatching(says),
      code,
      retryable,
      status,
    });
  });

  test.each(["forward", "backward"] as const)(
    "is an error where a server takes no notice of the time, going %s",
    async (order) => {
      const values = [200, 201, 202].map((ns) => [String(ns), `line ${ns}`]);
      server.answers(() =>
        HttpResponse.json({ status: "success", data: { resultType: "streams", result: [{ stream: {}, values }] } }),
      );
      const query = { origin: {}, fromNs: 1n, toNs: 100n, order } as const;
      await expect(drain(make().entries(query, { perCall: 3 }))).rejects.toMatchObject({
        name: "DecodeError",
        code: "shape",
      });
    },
  );

  test("that names a limit which was kept to is not followed for ever", async () => {
    server.answers(() => refusedBy(400, "max entries limit per query exceeded, limit > max_entries_limit (9 > 5000)"));
    await expect(drain(make().entries(query))).rejects.toMatchObject({ code: "bad-query" });
    expect(server.asked).toHaveLength(1);
  });
});

const measure: LogMeasure = {
  filter: { origin: { namespace: "shop" } },
  measurement: { kind: "count" },
  by: [],
  windowMs: 300_000,
  fromMs: 1_000,
  toMs: 1_000,
  stepMs: 0,
};
const CODE = [{ field: "response.code" }, { origin: "pod" }] as const;

describe("a measurement", () => {
  test.each<readonly [Partial<LogMeasure>, string]>([
    [{}, 'sum by () (count_over_time({namespace="shop"}[5m]))'],
    [{ measurement: { kind: "rate" }, by: [{ origin: "app" }] }, 'sum by (app) (rate({namespace="shop"}[5m]))'],
    [{ by: CODE }, 'sum by (response_code, pod) (count_over_time({namespace="shop"} | json | __error__=""[5m]))'],
    [
      { measurement: { kind: "sum", field: "bytes_sent" } },
      'sum by () (sum_over_time({namespace="shop"} | json | __error__="" | unwrap bytes_sent | __error__="" [5m]))',
    ],
    [
      { measurement: { kind: "avg", field: "duration" } },
      'avg_over_time({namespace="shop"} | json | __error__="" | unwrap duration | __error__="" [5m]) by (__error__)',
    ],
    [
      { measurement: { kind: "quantile", field: "duration", q: 0.99 }, by: CODE },
      'quantile_over_time(0.99, {namespace="shop"} | json | __error__="" | unwrap duration | __error__="" [5m]) by (response_code, pod)',
    ],
  ])("of %j", async (given, printed) => {
    server.answers(() => HttpResponse.json({ status: "success", data: { resultType: "vector", result: [] } }));
    expect(await make().measure({ ...measure, ...given })).toEqual({ series: [], warnings: [], complete: true });
    expect(logql()).toEqual([printed]);
  });

  test("at one instant", async () => {
    const result = [{ metric: { response_code: "200" }, value: [1.5, "3"] }];
    server.answers(() => HttpResponse.json({ status: "success", data: { resultType: "vector", result } }));
    const { series } = await make().measure({ ...measure, by: CODE, fromMs: 1_500, toMs: 1_500 });
    expect(series).toEqual([
      { labels: { "response.code": "200" }, timesMs: Float64Array.of(1_500), values: Float64Array.of(3) },
    ]);
    expect(server.asked.map(({ path, query }) => [path, query.get("time")])).toEqual([
      ["/loki/api/v1/query", "0000000001500000000"],
    ]);
  });

  test("at several instants", async () => {
    const result = [
      {
        metric: {},
        values: [
          [1, "0.5"],
          [2, "NaN"],
          [3, "+Inf"],
          [4, "1e-7"],
        ],
      },
    ];
    server.answers(() => HttpResponse.json({ status: "success", data: { resultType: "matrix", result } }));
    const { series } = await make().measure({ ...measure, toMs: 4_000, stepMs: 1_000 });
    expect(series).toEqual([
      {
        labels: {},
        timesMs: Float64Array.of(1e3, 2e3, 3e3, 4e3),
        values: Float64Array.of(0.5, Number.NaN, Number.POSITIVE_INFINITY, 1e-7),
      },
    ]);
    expect(server.asked.map(({ path, query }) => [path, query.get("step")])).toEqual([
      ["/loki/api/v1/query_range", "1"],
    ]);
  });

  test.each([
    [{ toMs: 0 }, "range"],
    [{ toMs: 2_000 }, "step"],
    [{ windowMs: 0 }, "window"],
    [{ by: [{ field: "" }] }, "label"],
    [{ by: [{ field: "pod" }] }, "label"],
    [{ measurement: { kind: "sum", field: "app" } }, "label"],
  ] as const)("is refused with %j", async (given, code) => {
    await expect(make().measure({ ...measure, ...given })).rejects.toMatchObject({ name: "QueryError", code });
  });
});

describe("following", () => {
  const reason = new Error("enough");
  // The clock goes on from look to look and not meanwhile, however long one takes.
  beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-24T10:00:00Z") }));
  afterEach(() => {
    vi.useRealTimers();
  });

  test("gives each line once, late ones too, past a failure in passing", async () => {
    const all: KeptLine[] = [];
    const nowNs = () => BigInt(Date.now()) * 1_000_000n;
    let looks = 0;
    server.answers((sent) => {
      looks++;
      vi.setSystemTime(Date.now() + 20);
      if (looks === 3) return refusedBy(503, "the ring is empty");
      const late = looks === 4 ? 300_000_000n : 0n;
      all.push({ stream: "a", ns: nowNs() - 300_000_000n - late, line: `look ${looks}` });
      return answerOf(all, {}, sent);
    });
    const { signal, abort } = abortable();
    const got: string[] = [];
    const warned: string[] = [];
    const following = async () => {
      const options = { everyMs: 5, signal, fromNs: nowNs() - 5_000_000_000n };
      for await (const { entries, warnings } of make().follow({ origin: {} }, options)) {
        got.push(...entries.map(({ line }) => line));
        warned.push(...warnings);
        if (looks >= 6) abort(reason);
      }
    };
    await expect(following()).rejects.toBe(reason);
    expect(got.slice(0, 5)).toEqual(["look 1", "look 2", "look 4", "look 5", "look 6"]);
    expect(warned).toEqual([expect.stringContaining("the ring is empty")]);
  });

  test("ends with what will not pass", async () => {
    server.answers(() => refusedBy(400, "parse error"));
    await expect(drain(make().follow({ origin: {} }, { fromNs: 1n }))).rejects.toMatchObject({ code: "bad-query" });
  });
});

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason: Error) => controller.abort(reason) };
}
