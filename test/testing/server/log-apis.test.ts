/** What the drivers do not ask, and what servers refuse: asked of the simulated Loki and Elasticsearch by hand. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listen, type SimulatedServer } from "../../../src/testing/server/listen.ts";
import type { EmittedLine } from "../../../src/testing/telemetry.ts";
import { handMade } from "./hand-made.ts";

const START_MS = Date.UTC(2026, 10, 24, 12);
const ns = (ms: number): bigint => BigInt(START_MS + ms) * 1_000_000n;

const line = (ms: number, text: string, own: Partial<EmittedLine> = {}): EmittedLine => ({
  timeNs: ns(ms),
  namespace: "shop",
  pod: "web-0",
  container: "istio-proxy",
  app: "web",
  text,
  ...own,
});
const LINES = [
  line(0, '{"code":200,"took":"1.5ms","size":"2KB","share":1.50}'),
  line(1_000, '{"code":503,"took":"2s","size":"512B","namespace":"own"}'),
  line(2_000, "no JSON", { pod: "web-1" }),
  line(2_000, "no JSON", { pod: "web-1" }),
  line(3_000, 'level=warn msg="two words" took=5ms', { app: "" }),
];

let nowMs = START_MS + 60_000;
let server: SimulatedServer;
beforeAll(async () => {
  server = await listen(handMade({ lines: LINES }), { now: () => nowMs });
});
afterAll(() => server.close());

const span = `start=${ns(0)}&end=${ns(10_000)}`;

async function asked(url: string, init?: RequestInit): Promise<readonly [number, string | null, unknown]> {
  const response = await fetch(url, init);
  const type = response.headers.get("content-type");
  const text = await response.text();
  return [response.status, type, type?.startsWith("application/json") === true ? JSON.parse(text) : text];
}

describe("the simulated Loki", () => {
  const get = (path: string) => asked(`${server.loki}${path}`);
  const query = (logql: string, more = span) =>
    get(`/loki/api/v1/query_range?query=${encodeURIComponent(logql)}&${more}`);

  test.each<readonly [string, string, string]>([
    [
      "end before start",
      `/query_range?query={a="b"}&start=${ns(1)}&end=${ns(0)}`,
      "end timestamp must not be before or equal to start time",
    ],
    ["no lines", `/query_range?query={a="b"}&${span}&limit=0`, "limit must be a positive value"],
    [
      "too many lines",
      `/query_range?query={a="b"}&${span}&limit=5001`,
      "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)",
    ],
    [
      "too long a span",
      `/query_range?query={a="b"}&end=${ns(0)}&since=31d&step=1h`,
      "the query time range exceeds the limit (query length: 31d, limit: 30d1h)",
    ],
    [
      "too many steps",
      `/query_range?query=rate({a="b"}[1m])&${span}&step=0.0005`,
      "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter",
    ],
    [
      "no step",
      `/query_range?query=rate({a="b"}[1m])&${span}&step=0`,
      "zero or negative query resolution step widths are not accepted. Try a positive integer",
    ],
    ["a direction that is none", `/query_range?query={a="b"}&${span}&direction=up`, "invalid direction 'up'"],
    [
      "a time that is none",
      `/query_range?query={a="b"}&start=yesterday`,
      `could not parse 'start' parameter: strconv.ParseInt: parsing "yesterday": invalid syntax`,
    ],
    ["what is no LogQL", `/query_range?query={a=}&${span}`, "parse error at line 1, col 4: syntax error: unexpected }"],
    [
      "a pattern that is none",
      `/query_range?query={a=~"("}&${span}`,
      'parse error : "(" is no pattern that can be tried here; write it in plainer terms',
    ],
    [
      "streams by nothing",
      `/query_range?query={a=~".*"}&${span}`,
      'parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~".*" does not meet this requirement, but app=~".+" will',
    ],
    [
      "lines at one instant",
      '/query?query={a="b"}',
      "log queries are not supported as an instant query type, please change your query to a range query type",
    ],
    [
      "stages of a series",
      `/series?match[]=${encodeURIComponent('{a="b"} | json')}`,
      "only label matchers is supported",
    ],
    ["a tail without a web socket", '/tail?query={a="b"}', "Bad Request"],
  ])("refuses %s", async (_, path, reason) => {
    expect(await get(`/loki/api/v1${path}`)).toEqual([400, "text/plain; charset=utf-8", `${reason}\n`]);
  });

  test("refuses numbers of lines that a stage could not do with, as a whole", async () => {
    const [status, , reason] = await query('count_over_time({app="web"} | json [5s])');
    expect(status).toBe(400);
    expect(reason).toMatch(
      /^pipeline error: 'JSONParserErr' for series: '\{__error__="JSONParserErr", app="web", container=/,
    );
    expect(await query('sum(count_over_time({app="web"} | json | __error__="" [5s]))')).toMatchObject([
      200,
      expect.anything(),
      { data: { resultType: "matrix" } },
    ]);
    const unwrapped = await query('sum_over_time({app="web"} |= "took" | json | unwrap took [5s])');
    expect(unwrapped).toMatchObject([
      400,
      expect.anything(),
      expect.stringMatching(/^pipeline error: 'SampleExtractionErr'/),
    ]);
  });

  test("gives streams by all of a line's labels, or by its stream's own where labels are sorted by their kind", async () => {
    const logql = '{app="web"} | json | code >= 500';
    const stream = { app: "web", container: "istio-proxy", namespace: "shop", pod: "web-0" };
    const parsed = { code: "503", took: "2s", size: "512B", namespace_extracted: "own" };
    const value = [String(ns(1_000)), LINES[1]?.text];
    const [, , plain] = await query(`${logql} | __error__=""`);
    expect(plain).toMatchObject({
      status: "success",
      data: { resultType: "streams", result: [{ stream: { ...stream, ...parsed }, values: [value] }] },
    });
    const headers = { "x-loki-response-encoding-flags": "categorize-labels" };
    const url = `${server.loki}/loki/api/v1/query_range?query=${encodeURIComponent(logql)}&${span}`;
    const [, , sorted] = await asked(url, { headers });
    const error = [String(ns(2_000)), "no JSON", { parsed: { __error__: "JSONParserErr" } }];
    expect(sorted).toMatchObject({
      data: {
        encodingFlags: ["categorize-labels"],
        result: [
          { stream: { ...stream, pod: "web-1" }, values: [error] },
          { stream, values: [[...value, { parsed }]] },
        ],
      },
    });
  });

  test.each<readonly [string, readonly string[]]>([
    ['sum(sum_over_time({app="web"} |= "took" | json | unwrap duration(took) [10s]))', ["2.0015"]],
    ['sum(sum_over_time({app="web"} |= "took" | json | unwrap bytes(size) [10s]))', ["2512"]],
    ['sum(count_over_time({app="web"} | json | share="1.50" [10s]))', ["1"]],
    ['sum(bytes_over_time({pod="web-1"}[10s]))', ["7"]],
    ['sum(rate({namespace="shop"}[10s]))', ["0.4"]],
    ['count(count_over_time({namespace="shop"}[10s]))', ["3"]],
    ['topk(1, count_over_time({namespace="shop"}[10s]))', ["2"]],
    ['bottomk(1, count_over_time({namespace="shop"}[10s]))', ["1"]],
    ['stddev(count_over_time({namespace="shop"}[10s]))', ["0.4714045207910317"]],
    ['stdvar by (container) (count_over_time({namespace="shop"}[10s]))', ["0.2222222222222222"]],
    ['max without (pod, app) (count_over_time({namespace="shop"}[10s]))', ["2"]],
    ['sum(count_over_time({namespace="shop"} | logfmt | took > 4ms | msg="two words" [10s]))', ["1"]],
    ['sum(count_over_time({namespace="shop"} | json | code="200" or took="2s" | __error__="" [10s]))', ["2"]],
    ['quantile_over_time(0.5, {app="web"} | json | unwrap code | __error__="" [10s]) by (app)', ["351.5"]],
    ['avg_over_time({app="nothing"} | json | unwrap code [10s])', []],
  ])("reckons %s", async (logql, expected) => {
    const path = `/loki/api/v1/query?time=${ns(9_000)}&query=${encodeURIComponent(logql)}`;
    const [status, , body] = await get(path);
    const { data } = body as { data: { result: { value: [number, string] }[] } };
    expect([status, data.result.map(({ value }) => value[1])]).toEqual([200, expected]);
    expect(data.result.every(({ value }) => value[0] === START_MS / 1000 + 9)).toBe(true);
  });

  test("tells labels, their values and series", async () => {
    expect(await get("/loki/api/v1/labels")).toMatchObject([
      200,
      "application/json; charset=UTF-8",
      { data: ["app", "container", "namespace", "pod"] },
    ]);
    expect(await get("/loki/api/v1/label/pod/values")).toMatchObject([
      200,
      expect.anything(),
      { data: ["web-0", "web-1"] },
    ]);
    const match = encodeURIComponent('{pod=~"web-1"}');
    const [, , series] = await get(`/loki/api/v1/series?match[]=${match}`);
    expect(series).toEqual({
      status: "success",
      data: [{ app: "web", container: "istio-proxy", namespace: "shop", pod: "web-1" }],
    });
    expect(await get("/ready")).toEqual([200, "text/plain; charset=utf-8", "ready\n"]);
    expect(await get("/loki/api/v2/labels")).toEqual([404, "text/plain; charset=utf-8", "404 page not found\n"]);
  });
});

describe.each(["elasticsearch", "opensearch"] as const)("the simulated %s", (name) => {
  const json = { "content-type": "application/json" };
  const post = (path: string, body: unknown, headers: Record<string, string> = json) =>
    asked(`${server[name]}${path}`, {
      method: "POST",
      headers,
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  const search = (body: unknown) => post("/logstash-*/_search", body);
  const refusal = (status: number, type: string, reason: string) => [
    status,
    "application/json",
    { error: { root_cause: [{ type, reason }], type, reason }, status },
  ];

  test("says what it is", async () => {
    const [, , info] = await asked(server[name]);
    expect(info).toMatchObject({
      version: name === "opensearch" ? { distribution: name } : { build_flavor: "default" },
    });
    const product = (await fetch(server[name])).headers.get("x-elastic-product");
    expect(product).toBe(name === "elasticsearch" ? "Elasticsearch" : null);
  });

  test("maps texts as what it was not told of", async () => {
    const [, , all] = await asked(`${server[name]}/logstash-2026.11.2*/_mapping`);
    expect(Object.keys(all as object)).toEqual(["20", "21", "22", "23", "24"].map((day) => `logstash-2026.11.${day}`));
    const text = { type: "text", fields: { keyword: { type: "keyword", ignore_above: 256 } } };
    expect(all).toMatchObject({
      "logstash-2026.11.24": {
        mappings: {
          properties: { "@timestamp": { type: "date" }, log: text, kubernetes: { properties: { pod_name: text } } },
        },
      },
    });
    expect(await asked(`${server[name]}/other-*/_mapping`)).toEqual([200, "application/json", {}]);
    expect(await asked(`${server[name]}/other/_mapping`)).toEqual(
      refusal(404, "index_not_found_exception", "no such index [other]"),
    );
  });

  test.each<readonly [string, unknown, number]>([
    ["everything", { match_all: {} }, 5],
    ["nothing", { match_none: {} }, 0],
    ["a keyword", { term: { "kubernetes.pod_name.keyword": "web-1" } }, 2],
    ["a keyword that is too long to be one", { term: { "log.keyword": { value: "x".repeat(257) } } }, 0],
    ["a word of a text", { term: { log: "json" } }, 2],
    ["a text that is no word", { term: { log: "no JSON" } }, 0],
    ["several keywords", { terms: { "kubernetes.labels.app.keyword": ["web", "shop"] } }, 4],
    ["a phrase", { match_phrase: { log: "two words" } }, 1],
    ["a phrase the other way round", { match_phrase: { log: { query: "words two" } } }, 0],
    ["one of the words", { match: { log: "warn json" } }, 3],
    ["all of the words", { match: { log: { query: "words msg", operator: "and" } } }, 1],
    ["a pattern", { regexp: { "kubernetes.pod_name.keyword": { value: "web-[1-9]", flags: "NONE" } } }, 2],
    ["a field that is there", { exists: { field: "kubernetes.pod_name.keyword" } }, 5],
    ["a field that is not", { exists: { field: "kubernetes.host" } }, 0],
    ["a time", { range: { "@timestamp": { gt: START_MS, lte: START_MS + 2_000, format: "epoch_millis" } } }, 3],
    ["a time as text", { range: { "@timestamp": { gte: "2026-11-24T12:00:01Z", lt: "2026-11-24T12:00:02.000Z" } } }, 1],
    ["a time before now", { range: { "@timestamp": { gte: "now-58s" } } }, 3],
    ["not that", { bool: { must_not: { term: { log: "json" } } } }, 3],
    ["either", { bool: { should: [{ term: { log: "warn" } }, { term: { log: "json" } }] } }, 3],
    ["either, beside another", { bool: { filter: [{ match_all: {} }], should: [{ term: { log: "warn" } }] } }, 5],
    [
      "two of three",
      {
        bool: {
          minimum_should_match: 2,
          should: [{ term: { log: "warn" } }, { term: { log: "msg" } }, { term: { log: "json" } }],
        },
      },
      1,
    ],
  ])("counts the documents of %s", async (_, query, count) => {
    expect(await post("/logstash-*/_count", { query })).toMatchObject([200, "application/json", { count }]);
    expect(await search({ query, size: 0 })).toMatchObject([
      200,
      "application/json",
      { hits: { total: { value: count, relation: "eq" }, hits: [] } },
    ]);
  });

  test("counts as far as it is told to", async () => {
    expect(await search({ size: 0, track_total_hits: 2 })).toMatchObject([
      200,
      "application/json",
      { hits: { total: { value: 2, relation: "gte" } } },
    ]);
    const [, , none] = await search({ size: 1, track_total_hits: false });
    expect(Object.keys((none as { hits: object }).hits)).toEqual(["max_score", "hits"]);
  });

  test("gives documents as fluentd sends them, on from any of them", async () => {
    const sort = [{ "@timestamp": { order: "desc" } }, { _id: { order: "desc" } }];
    const ids: string[] = [];
    let after: unknown;
    for (let page = 0; page < 6; page++) {
      const [, , body] = await search({ size: 1, sort, ...(after === undefined ? {} : { search_after: after }) });
      const { hits } = (body as { hits: { hits: { _id: string; sort: unknown; _source: unknown }[] } }).hits;
      if (page === 0) {
        expect(hits).toMatchObject([
          {
            _index: "logstash-2026.11.24",
            _source: {
              "@timestamp": "2026-11-24T12:00:03.000000000Z",
              log: LINES[4]?.text,
              kubernetes: {
                namespace_name: "shop",
                pod_name: "web-0",
                container_name: "istio-proxy",
                labels: { app: "" },
              },
            },
          },
        ]);
      }
      ids.push(...hits.map(({ _id }) => _id));
      after = hits.at(-1)?.sort ?? after;
    }
    expect(new Set(ids).size).toBe(5);
  });

  test("aggregates", async () => {
    const windows = { a: { range: { "@timestamp": { lt: START_MS + 2_000 } } }, b: { match_all: {} } };
    const pods = { terms: { field: "kubernetes.pod_name.keyword", size: 1 } };
    const [, , body] = await search({
      size: 0,
      aggs: {
        windows: { filters: { filters: windows }, aggs: { pods, none: { avg: { field: "duration" } } } },
        seconds: { date_histogram: { field: "@timestamp", fixed_interval: "2s" } },
        many: { value_count: { field: "log.keyword" } },
        shares: { percentiles: { field: "duration", percents: [50, 99.9] } },
      },
    });
    const bucket = (key: string, count: number) => ({ key, doc_count: count });
    expect((body as { aggregations: unknown }).aggregations).toEqual({
      windows: {
        buckets: {
          a: {
            doc_count: 2,
            pods: { doc_count_error_upper_bound: 0, sum_other_doc_count: 0, buckets: [bucket("web-0", 2)] },
            none: { value: null },
          },
          b: {
            doc_count: 5,
            pods: { doc_count_error_upper_bound: 0, sum_other_doc_count: 2, buckets: [bucket("web-0", 3)] },
            none: { value: null },
          },
        },
      },
      seconds: {
        buckets: [
          { key_as_string: "2026-11-24T12:00:00.000Z", ...bucket(START_MS as never, 2) },
          { key_as_string: "2026-11-24T12:00:02.000Z", ...bucket((START_MS + 2_000) as never, 3) },
        ],
      },
      many: { value: 5 },
      shares: { values: { "50.0": null, "99.9": null } },
    });
  });

  test.each<readonly [string, unknown, string, string]>([
    ["a query", { query: { fuzzy: {} } }, "parsing_exception", "unknown query [fuzzy]"],
    [
      "two queries",
      { query: { match_all: {}, term: {} } },
      "parsing_exception",
      "[query] malformed, expected one object with one field",
    ],
    [
      "a clause of bool",
      { query: { bool: { maybe: [] } } },
      "parsing_exception",
      "[bool] query does not support [maybe]",
    ],
    [
      "a bound",
      { query: { range: { "@timestamp": { above: 1 } } } },
      "parsing_exception",
      "[range] query does not support [above]",
    ],
    [
      "a date",
      { query: { range: { "@timestamp": { gt: "soon" } } } },
      "parse_exception",
      "failed to parse date field [soon] with format [strict_date_optional_time||epoch_millis]",
    ],
    [
      "a pattern",
      { query: { regexp: { "log.keyword": "(" } } },
      "illegal_argument_exception",
      "cannot parse the regular expression [(]",
    ],
    ["an aggregation", { aggs: { a: { median: {} } } }, "parsing_exception", "Unknown aggregation type [median]"],
    [
      "an average of keywords",
      { aggs: { a: { avg: { field: "log.keyword" } } } },
      "illegal_argument_exception",
      "Field [log.keyword] of type [keyword] is not supported for aggregation [avg]",
    ],
    ["a key", { colour: 5 }, "parsing_exception", "unknown key [colour] in the search"],
    [
      "so many hits",
      { size: 10_001 },
      "illegal_argument_exception",
      "Result window is too large, from + size must be less than or equal to: [10000] but was [10001]. See the scroll api for a more efficient way to request large data sets. This limit can be set by changing the [index.max_result_window] index level setting.",
    ],
    [
      "fewer hits than none",
      { size: -1 },
      "illegal_argument_exception",
      "[size] parameter cannot be negative, found [-1]",
    ],
    ["an order", { sort: [{ "@timestamp": "up" }] }, "illegal_argument_exception", "Unknown SortOrder [up]"],
    [
      "a place in a shard without a point in time",
      { sort: ["@timestamp", "_shard_doc"] },
      "illegal_argument_exception",
      "[_shard_doc] sort field cannot be used without [point in time]",
    ],
    [
      "half a place",
      { sort: ["@timestamp", "_id"], search_after: [5] },
      "illegal_argument_exception",
      "search_after has 1 value(s) but sort has 2.",
    ],
    [
      "a point in time beside an index",
      { pit: { id: "a" } },
      "illegal_argument_exception",
      "[indices] cannot be used with point in time. Do not specify any index with point in time.",
    ],
  ])("does not know %s", async (_, body, type, reason) => {
    expect(await search(body)).toEqual(refusal(400, type, reason));
  });

  test("refuses what is no JSON, and what does not say that it is", async () => {
    expect(await search("{")).toMatchObject([
      400,
      "application/json",
      { error: { type: "x_content_parse_exception" } },
    ]);
    expect(await search("[]")).toMatchObject([400, "application/json", { error: { type: "parsing_exception" } }]);
    expect(await post("/logstash-*/_search", "{}", { "content-type": "text/plain" })).toMatchObject([
      406,
      "application/json",
      { status: 406 },
    ]);
    expect(await asked(`${server[name]}/a/b/c`)).toMatchObject([
      400,
      "application/json",
      { error: "no handler found for uri [/a/b/c] and method [GET]" },
    ]);
    expect(await asked(`${server[name]}/a/_mapping`, { method: "DELETE" })).toMatchObject([
      405,
      "application/json",
      { status: 405 },
    ]);
  });

  test("keeps points in time until they are given back, or are too old", async () => {
    const isOpenSearch = name === "opensearch";
    const opening = isOpenSearch ? "/logstash-*/_search/point_in_time" : "/logstash-*/_pit";
    const open = async (): Promise<string> => {
      const [, , body] = await asked(`${server[name]}${opening}?keep_alive=1m`, { method: "POST" });
      const { id, pit_id: pit } = body as { id?: string; pit_id?: string };
      return id ?? pit ?? "";
    };
    const of = (id: string, keep_alive?: string) => post("/_search", { size: 0, pit: { id, keep_alive } });
    const gone = refusal(404, "search_context_missing_exception", "No search context found for id [1]");

    nowMs = START_MS + 1_500;
    const id = await open();
    nowMs = START_MS + 60_000;
    // What was written since is not of it.
    expect(await of(id, "2m")).toMatchObject([200, "application/json", { pit_id: id, hits: { total: { value: 2 } } }]);
    nowMs = START_MS + 179_000;
    expect((await of(id))[0]).toBe(200);
    nowMs = START_MS + 181_000;
    expect(await of(id)).toEqual(gone);

    const other = await open();
    const body = JSON.stringify(isOpenSearch ? { pit_id: [other] } : { id: other });
    const closing = isOpenSearch ? "/_search/point_in_time" : "/_pit";
    const [status, , closed] = await asked(`${server[name]}${closing}`, { method: "DELETE", headers: json, body });
    expect([status, closed]).toEqual([
      200,
      isOpenSearch ? { pits: [{ successful: true, pit_id: other }] } : { succeeded: true, num_freed: 1 },
    ]);
    expect(await of(other)).toEqual(gone);
    expect(await asked(`${server[name]}${opening}`, { method: "POST" })).toMatchObject([
      400,
      "application/json",
      { status: 400 },
    ]);
    nowMs = START_MS + 60_000;
  });
});
