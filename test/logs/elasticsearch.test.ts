import fc from "fast-check";
import { HttpResponse } from "msw";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BackendError, DecodeError, MeshQueryError, QueryError } from "../../src/errors.ts";
import type { LogFilter, LogMeasure, LogPage, LogQuery } from "../../src/logs/backend.ts";
import { applied } from "../../src/logs/elasticsearch/conditions.ts";
import { lineOf } from "../../src/logs/elasticsearch/document.ts";
import { type ElasticsearchOptions, elasticsearch } from "../../src/logs/elasticsearch/elasticsearch.ts";
import { placesIn, readMapping } from "../../src/logs/elasticsearch/mapping.ts";
import { lineTest } from "../../src/logs/line-filter.ts";
import {
  type AskedRequest,
  type FakeServer,
  fakeElasticsearch,
  fluentd,
  type KeptDocument,
  MAPPING,
  refusedBy,
} from "./fake-elasticsearch.ts";

const BASE = "http://elasticsearch.test:9200";
const server = fakeElasticsearch(BASE);
const make = (options: Partial<ElasticsearchOptions> = {}) =>
  elasticsearch(BASE, { index: "logstash-*", retries: 0, ...options });

const START = Date.parse("2026-11-24T10:00:00Z");
const ns = (ms: number): bigint => BigInt(START + ms) * 1_000_000n;
const query: LogQuery = { origin: {}, fromNs: ns(0), toNs: ns(60_000), order: "forward" };
const at = (...times: readonly number[]): KeptDocument[] =>
  times.map((ms, i) => fluentd(`id-${i}`, START + ms, `line ${i}`, `web-${i % 2}`));

async function drain(pages: AsyncIterable<LogPage>) {
  const all: LogPage[] = [];
  for await (const page of pages) all.push(page);
  return { pages: all, entries: all.flatMap(({ entries }) => entries), missing: all.flatMap(({ missing }) => missing) };
}

const servers: readonly [string, FakeServer][] = [
  ["Elasticsearch", {}],
  ["OpenSearch", { dialect: "opensearch" }],
  ["an OpenSearch that does not say so", { dialect: "opensearch", shy: true }],
  ["an Elasticsearch before 7.12", { withoutShardDocSort: true }],
  ["an Elasticsearch without points in time", { withoutPoints: true }],
  ["one that has neither points in time nor an order of ids", { withoutPoints: true, withoutIdSort: true }],
];

describe.each(servers)("pages of %s", (_, fake) => {
  it.each(["forward", "backward"] as const)("go %s over lines that share an instant, each once", async (order) => {
    server.keeps(at(0, 1, 1, 1, 1, 2, 2, 5, 7, 7), fake);
    for (const perCall of [3, 4, 100]) {
      const { entries, pages } = await drain(make().entries({ ...query, order }, { perCall }));
      const times = entries.map(({ timestampNs }) => Number(timestampNs / 1_000_000n) - START);
      expect(times).toEqual(order === "forward" ? [0, 1, 1, 1, 1, 2, 2, 5, 7, 7] : [7, 7, 5, 2, 2, 1, 1, 1, 1, 0]);
      expect(new Set(entries.map(({ line }) => line)).size).toBe(10);
      expect(pages.every(({ complete }) => complete)).toBe(true);
    }
    expect(server.open.size).toBe(0);
  });

  it("give as many as are asked for, and give the point in time back", async () => {
    server.keeps(at(0, 1, 2, 3, 4), fake);
    const { entries } = await drain(make().entries({ ...query, order: "backward", limit: 2 }, { perCall: 2 }));
    expect(entries.map(({ line }) => line)).toEqual(["line 4", "line 3"]);
    for await (const page of make().entries(query, { perCall: 2 })) if (page.entries.length > 0) break;
    expect(server.open.size).toBe(0);
  });

  it("have a point in time of their own, though others like them are read at the same time", async () => {
    server.keeps(at(0, 1, 2, 3, 4), fake);
    const backend = make();
    await drain(backend.entries(query));
    server.asked.length = 0;
    const read = await Promise.all([1, 2, 3].map(() => drain(backend.entries(query, { perCall: 2 }))));
    expect(read.map(({ entries }) => entries.length)).toEqual([5, 5, 5]);
    const points = server.asked.filter(({ method, path }) => method === "POST" && !path.endsWith("_search"));
    expect(points.length % 3).toBe(0);
    expect(server.open.size).toBe(0);
  });

  it("lose none whatever their times, and whatever a call gives", async () => {
    const property = fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      fc.boolean(),
      async (times, perCall, forward) => {
        server.keeps(at(...times), fake);
        const { entries } = await drain(
          make().entries({ ...query, order: forward ? "forward" : "backward" }, { perCall }),
        );
        expect(entries.map(({ line }) => line).sort()).toEqual(times.map((__, i) => `line ${i}`).sort());
      },
    );
    await fc.assert(property, { numRuns: 40, seed: 5 });
  });
});

describe("pages", () => {
  it("are in order of nanoseconds, which the server does not sort by", async () => {
    const stamped = (id: string, fraction: string) => ({
      id,
      source: { ...fluentd(id, START, id).source, "@timestamp": `2026-11-24T10:00:00.${fraction}Z` },
    });
    server.keeps([stamped("c", "000300000"), stamped("a", "0001"), stamped("b", "000200"), stamped("d", "001")]);
    const { entries } = await drain(make().entries(query, { perCall: 1 }));
    expect(entries.map(({ line }) => line).join("")).toBe("abcd");
    const part = await drain(make().entries({ ...query, fromNs: ns(0) + 200_000n, toNs: ns(0) + 300_000n }));
    expect(part.entries.map(({ line, timestampNs }) => [line, timestampNs])).toEqual([["b", ns(0) + 200_000n]]);
  });

  it("go on in another point in time where the server has forgotten theirs, and give up where it always does", async () => {
    server.keeps(at(0, 1, 1, 1, 1, 2, 2, 5, 7, 7), { pointsLast: 2 });
    for (const order of ["forward", "backward"] as const) {
      const { entries } = await drain(make().entries({ ...query, order }, { perCall: 3 }));
      expect(entries.map(({ line }) => line).sort()).toEqual(Array.from({ length: 10 }, (_, i) => `line ${i}`));
    }
    server.keeps(at(0, 1), { pointsLast: 0 });
    await expect(drain(make().entries(query))).rejects.toThrow(/search_context_missing/);
  });

  it("learn what the server gives at most", async () => {
    server.keeps(at(0, 1, 2, 3, 4), { mostHits: 2 });
    const backend = make();
    for (let i = 0; i < 2; i++) expect((await drain(backend.entries(query))).entries).toHaveLength(5);
    const sizes = server.asked.filter(({ path }) => path.endsWith("_search")).map(({ body }) => body.size);
    expect(sizes).toEqual([1000, 2, 2, 2, 2, 2, 2]);
  });

  it("declare what cannot be had of a millisecond", async () => {
    server.keeps(at(1, 2, 2, 2, 2, 2, 3), { withoutPoints: true, withoutIdSort: true, mostHits: 3 });
    const { entries, missing, pages } = await drain(make().entries(query, { perCall: 2 }));
    expect(missing).toEqual([{ fromNs: ns(2), toNs: ns(3) }]);
    expect(entries.map(({ line }) => line)).toEqual(expect.arrayContaining(["line 0", "line 6"]));
    expect(pages.find(({ complete }) => !complete)?.warnings).toEqual([expect.stringMatching(/more lines than the 3/)]);
  });

  it("say what shards and time kept from the answer", async () => {
    server.keeps(at(0));
    const backend = make();
    await drain(backend.entries(query));
    const partial = {
      timed_out: true,
      _shards: { total: 5, failed: 2, failures: [{ reason: { type: "x", reason: "disk is full" } }] },
      hits: { hits: [] },
    };
    server.answers(({ path }) =>
      path.endsWith("_pit") ? HttpResponse.json({ id: "p" }) : HttpResponse.json(partial as Record<string, unknown>),
    );
    const { pages } = await drain(backend.entries(query));
    expect(pages).toEqual([
      {
        entries: [],
        missing: [],
        complete: false,
        warnings: [expect.stringMatching(/ran out of time/), "2 of 5 shards failed: x: disk is full"],
      },
    ]);
  });

  it("say what a point in time leaves out", async () => {
    const _shards = { total: 3, failed: 1, failures: [{ reason: { type: "y", reason: "node left" } }] };
    server.answers(({ method, path }) => {
      if (path.endsWith("_mapping")) return HttpResponse.json(MAPPING);
      if (path.endsWith("_pit") && method === "POST") return HttpResponse.json({ id: "p", _shards });
      return HttpResponse.json({ hits: { hits: [] } });
    });
    const { pages } = await drain(make().entries(query));
    expect(pages).toMatchObject([{ complete: false, warnings: ["1 of 3 shards failed: y: node left"] }]);
  });

  it.each([
    [12, "the server counted 12 lines and gave 4"],
    [10_001, "the server counted at least 10000 lines and gave 4"],
  ])("say so where a server counts %i lines and ends sooner", async (count, warning) => {
    server.keeps(at(...Array.from({ length: count }, (_, i) => i % 50_000)), { cutsAt: 4 });
    const { entries, pages } = await drain(make().entries(query));
    expect(entries).toHaveLength(4);
    expect(pages).toMatchObject([{ complete: false, warnings: [warning] }]);
  });

  it("have the server count once, as far as it counts unasked", async () => {
    server.keeps(at(0, 1, 2, 3, 4));
    await drain(make().entries(query, { perCall: 2 }));
    const searches = server.asked.filter(({ path }) => path.endsWith("_search"));
    expect(searches.map(({ body }) => body.track_total_hits)).toEqual([10_000, false, false]);
  });

  it.each<[string, (request: AskedRequest) => boolean]>([
    ["what the server is", ({ path }) => path === "/"],
    ["how the indices are laid out", ({ path }) => path.endsWith("_mapping")],
    ["a point in time", ({ path, method }) => path.endsWith("_pit") && method === "POST"],
    ["lines", ({ path }) => path.endsWith("_search")],
    ["no point in time any more", ({ method }) => method === "DELETE"],
  ])("end well or with an error of this library where the answer to a question for %s is none", async (_, isAsked) => {
    const bad: readonly (() => Response)[] = [
      () => new HttpResponse("<html>sign in</html>", { headers: { "content-type": "text/html" } }),
      () => new HttpResponse(null, { status: 204 }),
      () => new HttpResponse('{"id":'),
      () => new HttpResponse("null"),
      () => HttpResponse.json({}),
      () => new HttpResponse("Unauthorized", { status: 401 }),
      () => new HttpResponse("", { status: 503 }),
      () => HttpResponse.error(),
    ];
    const kept = at(0, 1, 2);
    for (const reply of bad) {
      server.keeps(kept);
      server.besides(isAsked, reply);
      const read = drain(make().entries(query)).then(
        ({ entries, pages }) => [entries.length, pages.every(({ complete }) => complete)],
        (error: unknown) => error,
      );
      const outcome = await read;
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(MeshQueryError);
      else expect(outcome).toEqual([3, true]);
    }
  });

  it.each<[string, FakeServer]>([
    ["what came after which hit", {}],
    ["the time that is left", { withoutPoints: true, withoutIdSort: true }],
  ])("end with an error where a server takes no notice of %s", async (_, fake) => {
    for (const order of ["forward", "backward"] as const) {
      server.keeps(at(1, 2, 3, 3), fake);
      const hits = [1, 2, 3].map((ms) => ({ _index: "a", _id: `${ms}`, _source: {}, sort: [START + ms, ms] }));
      if (order === "backward") hits.reverse();
      server.besides(
        ({ path, body }) => path.endsWith("_search") && (body.sort as unknown[]).length <= (fake.withoutIdSort ? 1 : 2),
        () => HttpResponse.json({ hits: { hits } }),
      );
      await expect(drain(make().entries({ ...query, order }, { perCall: 3 }))).rejects.toMatchObject({
        name: "DecodeError",
        code: "shape",
      });
    }
  });

  it("of any kind of answer are read or refused with an error of this library", async () => {
    const json = fc.jsonValue();
    const part = fc.oneof(json, fc.constantFrom(null, [], {}, "x", -1));
    const hit = fc.record(
      { _index: part, _id: fc.oneof(part, fc.string()), _source: part, sort: fc.oneof(part, fc.array(fc.integer())) },
      { requiredKeys: [] },
    );
    const answer = fc.oneof(
      json,
      fc.record(
        {
          hits: fc.oneof(json, fc.record({ hits: fc.oneof(json, fc.array(hit)), total: json }, { requiredKeys: [] })),
          _shards: fc.oneof(json, fc.record({ failed: part, total: part, failures: fc.oneof(json, fc.array(json)) })),
          timed_out: part,
          aggregations: fc.oneof(json, fc.record({ window: fc.oneof(json, fc.record({ buckets: json })) })),
          id: part,
          mappings: part,
        },
        { requiredKeys: [] },
      ),
    );
    const question: LogMeasure = {
      filter: { origin: {} },
      measurement: { kind: "count" },
      by: [{ origin: "pod" }],
      windowMs: 1_000,
      fromMs: START,
      toMs: START,
      stepMs: 1_000,
    };
    const stages = ["/", "_mapping", "_pit", "_search"] as const;
    const property = fc.asyncProperty(answer, fc.constantFrom(...stages), async (body, stage) => {
      server.keeps(at(0, 1));
      server.besides(
        ({ path, method }) => method !== "DELETE" && (stage === "/" ? path === "/" : path.endsWith(stage)),
        () => new HttpResponse(JSON.stringify(body)),
      );
      const outcomes = await Promise.allSettled([drain(make().entries(query)), make().measure(question)]);
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(MeshQueryError);
      }
    });
    await fc.assert(property, { numRuns: 300, seed: 8 });
  }, 120_000);

  it("send credentials and no text that is joined into a query", async () => {
    server.keeps(at(0));
    const hostile = '"} , {"match_all": {} \\ * ? $x \u0000 😀';
    const filter: LogFilter = { origin: { pod: hostile }, lines: [{ text: hostile }, { pattern: "a|b" }] };
    expect((await drain(make({ auth: { apiKey: "a2V5" } }).entries({ ...query, ...filter }))).entries).toEqual([]);
    expect(server.asked.every(({ headers }) => headers.get("authorization") === "ApiKey a2V5")).toBe(true);
    const search = server.asked.find(({ path }) => path === "/_search");
    expect(JSON.stringify(search?.body)).toContain(
      JSON.stringify({ term: { "kubernetes.pod_name.keyword": { value: hostile } } }),
    );
  });
});

describe("what is refused", () => {
  it.each<[string, () => unknown]>([
    ["an index with a path in it", () => elasticsearch(BASE, { index: "a/_search" })],
    ["no index", () => elasticsearch(BASE, {} as ElasticsearchOptions)],
    ["a field that there is none of", () => elasticsearch(BASE, { index: "a", fields: { pods: "x" } as object })],
  ])("is %s", (_, wrong) => {
    expect(wrong).toThrow(QueryError);
  });

  it("is a pattern without any index, which the server answers with nothing", async () => {
    server.keeps([], { mapping: {} });
    await expect(drain(make().entries(query))).rejects.toThrow(/no index is called "logstash-\*"/);
  });

  it("is an index in which no field can be a line", async () => {
    server.keeps([], { mapping: { a: { mappings: { properties: { "@timestamp": { type: "date" } } } } } });
    await expect(drain(make().entries(query))).rejects.toThrow(/name it: { fields: { line: "log" } }/);
  });

  it.each([
    [401, "unauthorized"],
    [403, "forbidden"],
    [429, "rate-limited"],
    [500, "internal"],
  ])("with %i is an error with the server's reason", async (status, code) => {
    server.answers(() => refusedBy(status, "some_exception", "because of it"));
    const error = await drain(make().entries(query)).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ code, status });
    expect((error as Error).message).toContain("some_exception: because of it");
  });

  it.each<[string, () => Response, string]>([
    ["a web page", () => new HttpResponse("<html>", { headers: { "content-type": "text/html" } }), "content-type"],
    ["half an answer", () => new HttpResponse('{"hits": {"hits"'), "truncated"],
    ["no JSON", () => new HttpResponse("hello"), "syntax"],
    ["a list", () => HttpResponse.json([]), "shape"],
    ["nothing", () => new HttpResponse(""), "shape"],
  ])("and %s is no answer", async (_, reply, code) => {
    server.answers(reply);
    const error = await drain(make().entries(query)).catch((one: unknown) => one);
    expect(error).toBeInstanceOf(DecodeError);
    expect(error).toMatchObject({ code });
  });
});

describe("documents", () => {
  const keyword = { type: "keyword" };
  const shapes: readonly [string, unknown, Record<string, unknown>, string][] = [
    ["fluentd's", MAPPING, fluentd("a", START, "the line").source, "the line"],
    [
      "Filebeat's",
      {
        f: {
          mappings: {
            properties: {
              "@timestamp": { type: "date" },
              message: { type: "match_only_text" },
              kubernetes: {
                properties: {
                  namespace: keyword,
                  pod: { properties: { name: keyword } },
                  container: { properties: { name: keyword } },
                },
              },
            },
          },
        },
      },
      {
        "@timestamp": "2026-11-24T10:00:00.000Z",
        message: "the line",
        kubernetes: { namespace: "shop", pod: { name: "web-0" }, container: { name: "istio-proxy" } },
      },
      "the line",
    ],
    [
      "Fluent Bit's with a key of its own",
      {
        f: {
          mappings: {
            properties: {
              "@timestamp": { type: "date" },
              log_processed: { properties: { response_flags: keyword } },
              kubernetes: { properties: { namespace_name: keyword, pod_name: keyword, container_name: keyword } },
            },
          },
        },
      },
      {
        "@timestamp": "2026-11-24T10:00:00.000Z",
        log_processed: { response_flags: "-" },
        kubernetes: { namespace_name: "shop", pod_name: "web-0", container_name: "istio-proxy" },
      },
      '{"response_flags":"-"}',
    ],
    [
      "Fluent Bit's merged at the top, with dots for levels",
      {
        f: {
          mappings: {
            properties: {
              "@timestamp": { type: "date" },
              response_flags: keyword,
              "kubernetes.namespace_name": keyword,
              "kubernetes.pod_name": keyword,
              "kubernetes.container_name": keyword,
            },
          },
        },
      },
      {
        "@timestamp": "2026-11-24T10:00:00.000Z",
        response_flags: "-",
        "kubernetes.namespace_name": "shop",
        "kubernetes.pod_name": "web-0",
        "kubernetes.container_name": "istio-proxy",
        stream: "stdout",
      },
      '{"response_flags":"-","kubernetes.namespace_name":"shop","kubernetes.pod_name":"web-0","kubernetes.container_name":"istio-proxy"}',
    ],
  ];

  it.each(shapes)("may be %s", (_, mapping, source, line) => {
    const places = placesIn(readMapping(mapping, {}), {}, "logs");
    expect(lineOf({ key: "a", source, sort: [] }, places)).toMatchObject({
      line,
      timestampNs: ns(0),
      origin: { namespace: "shop", pod: "web-0", container: "istio-proxy" },
    });
  });

  it.each([
    ["2026-11-24T10:00:00.123456789Z", 123_456_789n],
    ["2026-11-24T11:00:00.5+0100", 500_000_000n],
    ["2026-11-24T11:00:00+01:00", 0n],
    [START, 0n],
  ])("have the time %s", (time, beyond) => {
    const places = placesIn(readMapping(MAPPING, {}), {}, "logs");
    const line = lineOf({ key: "a", source: { "@timestamp": time, log: "x\n" }, sort: [] }, places);
    expect(line).toMatchObject({ timestampNs: ns(0) + beyond, line: "x" });
  });
});

describe("conditions", () => {
  const mapping = readMapping(MAPPING, {});
  const places = placesIn(mapping, {}, "logs");
  const clausesOf = (filter: Partial<LogFilter>) => applied({ origin: {}, ...filter }, mapping, places);

  it("on a text ask for the words that are wholly in it", () => {
    expect(clausesOf({ lines: [{ text: "7d4cf7d7-ed41-9315-b392-942ad9eb712f" }] }).clauses).toEqual([
      { match_phrase: { log: { query: "ed41" } } },
      { match_phrase: { log: { query: "9315" } } },
      { match_phrase: { log: { query: "b392" } } },
    ]);
    expect(
      clausesOf({ lines: [{ text: "back" }, { pattern: " 503 " }, { text: "a b c", not: true }] }).clauses,
    ).toEqual([]);
    expect(clausesOf({ lines: [{ texts: ["|a.b|", "x"] }] }).clauses).toEqual([]);
  });

  it("on an origin ask for it where it is indexed whole", () => {
    expect(clausesOf({ origin: { pod: "web-0", namespace: { pattern: "sh(op)?" }, app: "x" } })).toMatchObject({
      whole: false,
    });
    expect(clausesOf({ origin: { pod: "web-0" } })).toEqual({
      whole: true,
      clauses: [{ term: { "kubernetes.pod_name.keyword": { value: "web-0" } } }],
    });
    expect(clausesOf({ origin: { pod: "x".repeat(300) } }).clauses).toEqual([]);
    expect(clausesOf({ origin: { pod: { pattern: "web(-[a-z0-9]+){0,2}" } } }).clauses).toEqual([
      { regexp: { "kubernetes.pod_name.keyword": { value: "web(-[a-z0-9]+){0,2}", flags: "NONE" } } },
    ]);
    for (const pattern of [
      "(web)?",
      ".*",
      "a|",
      "(|a)b",
      "a||b",
      "[a-]",
      "(?i)web",
      "we~b",
      "<1-2>",
      "a&b",
      "a@",
      "a+?",
      '"a"',
    ]) {
      expect(clausesOf({ origin: { pod: { pattern } } }).clauses).toEqual([]);
    }
  });

  it("ask for no words where it may not be known how texts are cut", async () => {
    const filter: LogFilter = { origin: {}, lines: [{ text: "|7d4cf7d7|" }] };
    const phrases = async (settings: Readonly<Record<string, unknown>>): Promise<number> => {
      server.asked.length = 0;
      server.keeps(at(0), { settings });
      await drain(make().entries({ ...query, ...filter }));
      return JSON.stringify(server.asked.map(({ body }) => body)).split("match_phrase").length - 1;
    };
    expect(await phrases({})).toBe(1);
    const own = (analyzer: object) => ({ "logstash-2026.11.24": { settings: { index: { analysis: { analyzer } } } } });
    expect(await phrases(own({ default_search: { type: "whitespace" } }))).toBe(0);
    server.keeps([fluentd("a", START, "a |7d4cf7d7| b")], { settings: null });
    expect((await drain(make().entries({ ...query, ...filter }))).entries).toHaveLength(1);
    expect(JSON.stringify(server.asked)).not.toContain("match_phrase");
  });

  it.each<[Partial<LogFilter>, string, boolean]>([
    [{ lines: [{ text: "b" }] }, "abc", true],
    [{ lines: [{ text: "b", not: true }] }, "abc", false],
    [{ lines: [{ texts: ["x", "c"] }] }, "abc", true],
    [{ lines: [{ pattern: "^a.c$" }] }, "abc", true],
    [{ lines: [{ pattern: "(?i)B\\-?" }] }, "abc", true],
    [{ lines: [{ pattern: "[\\-x]" }] }, "a-c", true],
    [{ fields: [{ field: "code", op: ">=", number: 500 }] }, '{"code":503}', true],
    [{ fields: [{ field: "code", op: ">=", number: 500 }] }, '{"code":"503"}', true],
    [{ fields: [{ field: "code", op: ">=", number: 500 }] }, '{"code":"-"}', false],
    [{ fields: [{ field: "code", op: "<", number: 500 }] }, "503", false],
    [{ fields: [{ field: "flag", op: "=", value: "" }] }, "{}", true],
    [{ fields: [{ field: "flag", op: "!=", value: "UF" }] }, '{"flag":"UF"}', false],
    [{ fields: [{ field: "flag", op: "=~", pattern: "U." }] }, '{"flag":"UF"}', true],
    [{ fields: [{ field: "flag", op: "!~", pattern: "U." }] }, '{"flag":"UFO"}', true],
    [{ origin: { pod: "web" } }, "", false],
    [{ origin: { pod: { pattern: "web-\\d" } } }, "", true],
  ])("%j hold of %s: %s", (filter, line, holds) => {
    expect(lineTest({ origin: {}, ...filter })({ line, origin: { pod: "web-0" } })).toBe(holds);
  });

  it("that cannot be tried here are refused", () => {
    expect(() => lineTest({ origin: {}, lines: [{ pattern: "(" }] })).toThrow(QueryError);
    expect(() => lineTest({ origin: {}, lines: [{ texts: [] }] })).toThrow(/at least one text/);
  });
});

describe("measurements", () => {
  const measure: LogMeasure = {
    filter: { origin: {} },
    measurement: { kind: "count" },
    by: [],
    windowMs: 10_000,
    fromMs: START + 10_000,
    toMs: START + 20_000,
    stepMs: 10_000,
  };

  it("are the server's where it can reckon them", async () => {
    const buckets = {
      [START + 10_000]: { doc_count: 5, group: { sum_other_doc_count: 0, buckets: [{ key: "web-0", doc_count: 5 }] } },
      [START + 20_000]: { doc_count: 0, group: { sum_other_doc_count: 3, buckets: [] } },
    };
    server.answers(({ path }) =>
      path.endsWith("_mapping")
        ? HttpResponse.json(MAPPING)
        : HttpResponse.json({ hits: { hits: [] }, aggregations: { window: { buckets } } }),
    );
    const answer = await make().measure({ ...measure, measurement: { kind: "rate" }, by: [{ origin: "pod" }] });
    expect(answer.series).toEqual([
      { labels: { pod: "web-0" }, timesMs: Float64Array.of(START + 10_000), values: Float64Array.of(0.5) },
    ]);
    expect(answer).toMatchObject({ complete: false, warnings: [expect.stringMatching(/more groups than 1000/)] });
    const { body } = server.asked.at(-1) ?? { body: {} };
    expect(body).toMatchObject({
      size: 0,
      aggs: {
        window: {
          filters: { filters: { [START + 10_000]: { range: { "@timestamp": { gt: START, lte: START + 10_000 } } } } },
          aggs: { group: { terms: { field: "kubernetes.pod_name.keyword" } } },
        },
      },
    });
  });

  it("of more instants than anybody looks at are refused", async () => {
    server.answers(() => HttpResponse.json(MAPPING));
    const endless = { ...measure, toMs: measure.fromMs + 11_001_000, stepMs: 1_000 };
    await expect(make().measure(endless)).rejects.toMatchObject({ name: "QueryError", code: "step" });
  });

  it.each<[LogMeasure["measurement"], number]>([
    [{ kind: "count" }, 4],
    [{ kind: "rate" }, 0.4],
    [{ kind: "sum", field: "ms" }, 15],
    [{ kind: "avg", field: "ms" }, 5],
    [{ kind: "max", field: "ms" }, 10],
    [{ kind: "min", field: "ms" }, 1],
    [{ kind: "quantile", field: "ms", q: 0.5 }, 4],
  ])("of lines that are kept whole are reckoned here: %j", async (measurement, value) => {
    const line = (id: string, ms: number, text: string) => fluentd(id, START + ms, text);
    server.keeps([
      line("a", 1, '{"ms":1}'),
      line("b", 2, '{"ms":"4"}'),
      line("c", 9_999, '{"ms":10}'),
      line("d", 10_000, "no JSON"),
      line("e", 10_001, '{"ms":1000}'),
      line("f", 0, '{"ms":1000}'),
    ]);
    const filter = { origin: {}, lines: [{ pattern: "." }] };
    const answer = await make().measure({ ...measure, filter, measurement, toMs: measure.fromMs });
    expect(answer.series).toEqual([
      { labels: {}, timesMs: Float64Array.of(START + 10_000), values: Float64Array.of(value) },
    ]);
    expect(answer.complete).toBe(true);
  });
});

describe("a measurement of several requests", () => {
  it("ends at its deadline, whichever of them is under way", async () => {
    server.answers(() => HttpResponse.json(MAPPING));
    server.besides(
      ({ path }) => path.endsWith("_search"),
      () => new Promise<Response>(() => {}),
    );
    const question: LogMeasure = {
      filter: { origin: {} },
      measurement: { kind: "count" },
      by: [],
      windowMs: 1_000,
      fromMs: START,
      toMs: START,
      stepMs: 1_000,
    };
    await expect(make().measure(question, { timeoutMs: 60 })).rejects.toMatchObject({
      name: "TimeoutError",
      timeoutMs: 60,
      message: expect.stringContaining("raise timeoutMs"),
    });
    const reason = new Error("enough");
    await expect(make().measure(question, { signal: AbortSignal.timeout(40) })).rejects.toBeInstanceOf(DOMException);
    await expect(make().measure(question, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe("following", () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: START }));
  afterEach(() => {
    vi.useRealTimers();
  });

  it("gives each line once, as it comes", async () => {
    const nowMs = Date.now();
    const kept = [fluentd("a", nowMs - 1_000, "first")];
    server.keeps(kept);
    const stop = new AbortController();
    const seen: string[] = [];
    const pages = make().follow(
      { origin: {} },
      { fromNs: BigInt(nowMs - 5_000) * 1_000_000n, everyMs: 5, signal: stop.signal },
    );
    const follow = async (): Promise<void> => {
      for await (const page of pages) {
        seen.push(...page.entries.map(({ line }) => line));
        if (seen.length === 1) kept.push(fluentd("b", nowMs - 2_000, "late"));
        if (seen.length === 2) stop.abort(new Error("enough"));
      }
    };
    await expect(follow()).rejects.toThrow("enough");
    expect(seen).toEqual(["first", "late"]);
  });
});
