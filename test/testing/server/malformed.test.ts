/** Whatever comes in, an answer goes out, and never one that the server did not mean. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listen, type SimulatedServer } from "../../../src/testing/server/listen.ts";
import { handMade } from "./hand-made.ts";

const rejections: unknown[] = [];
const onRejection = (reason: unknown) => rejections.push(reason);

let server: SimulatedServer;
beforeAll(async () => {
  process.on("unhandledRejection", onRejection);
  const text = '{"a":1}';
  const lines = [{ timeNs: 1n, namespace: "shop", pod: "web", container: "istio-proxy", app: "web", text }];
  server = await listen(handMade({ lines }), { now: () => 1_000 });
});
afterAll(async () => {
  await server.close();
  process.off("unhandledRejection", onRejection);
});

const PATHS = [
  ...["query", "query_range", "query_exemplars", "labels", "label/a/values", "series", "metadata", "format_query"].map(
    (path) => `prometheus/api/v1/${path}`,
  ),
  ...["services", "operations", "traces", "traces/1", "dependencies"].map((path) => `jaeger/api/${path}`),
  ...["services", "operations", "traces", "traces/1"].map((path) => `jaeger-v3/api/v3/${path}`),
  ...["services", "spans", "traces", "trace/1", "traceMany", "dependencies"].map((path) => `zipkin/api/v2/${path}`),
  ...["query", "query_range", "labels", "label/a/values", "series", "tail"].map((path) => `loki/loki/api/v1/${path}`),
  ...["", "logstash-*/_search", "_search", "logstash-*/_count", "a/_mapping", "logstash-*/_pit", "_pit"].map(
    (path) => `elasticsearch/${path}`,
  ),
  ...["logstash-*/_search/point_in_time", "_search/point_in_time"].map((path) => `opensearch/${path}`),
];
const NAMES = [
  ...["query", "time", "start", "end", "step", "limit", "timeout", "lookback_delta", "match[]", "metric", "direction"],
  ...["since", "service", "tags", "tag", "minDuration", "maxDuration", "traceID", "endTs", "lookback", "serviceName"],
  ...["annotationQuery", "traceIds", "query.start_time_min", "query.start_time_max", "query.search_depth"],
  ...["query.duration_min", "query.attributes", "keep_alive"],
];
const VALUES = [
  ...["", "0", "-1", "1", "1e400", "NaN", "Inf", "5m", "1s", "now", "2026-11-24T10:00:00Z", "99999999999999999999"],
  ...[
    "up",
    "up{",
    "sum(up)",
    "rate(up[5m])",
    '{a="b"}',
    '{a=~"("}',
    'rate({a="b"}[1m])',
    '{app="web"} | json',
    "%",
    "\0",
  ],
  ...["null", "[]", "{}", '{"a":1}', '{"a":"b"}', "a=b and c", "a:b", "../../..", "é", "\ud83d\ude00"],
];
const nested = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, 0, -1, 1.5, "", "asc", "@timestamp", "now", "log.keyword", "1m"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        "query",
        "bool",
        "filter",
        "range",
        "term",
        "regexp",
        "@timestamp",
        "gte",
        "size",
        "sort",
        "aggs",
        "pit",
        "id",
        "terms",
        "field",
        "filters",
        "search_after",
        "track_total_hits",
        "match_phrase",
        "log",
      ),
      tie("value"),
      { maxKeys: 4 },
    ),
  ),
}));

const parameters = fc.array(
  fc.tuple(fc.constantFrom(...NAMES), fc.oneof(fc.constantFrom(...VALUES), fc.string({ unit: "binary" }))),
  { maxLength: 6 },
);
const body = fc.oneof(
  fc.constant(undefined),
  nested.value.map((value) => ["application/json", JSON.stringify(value)] as const),
  parameters.map((pairs) => ["application/x-www-form-urlencoded", new URLSearchParams(pairs).toString()] as const),
  fc.string({ unit: "binary" }).map((text) => ["application/json", text] as const),
);

test("answers whatever is asked, each API in its own way", async () => {
  const asked = fc.record({
    path: fc.oneof(fc.constantFrom(...PATHS), fc.webPath()),
    method: fc.constantFrom("GET", "POST", "POST", "DELETE", "PUT", "OPTIONS"),
    pairs: parameters,
    body,
  });
  await fc.assert(
    fc.asyncProperty(asked, async ({ path, method, pairs, body }) => {
      const query = new URLSearchParams(pairs).toString();
      const [type = "", text] = body ?? [];
      const sent = method === "GET" || text === undefined ? {} : { body: text, headers: { "content-type": type } };
      const url = `http://127.0.0.1:${server.port}/${path.replace(/^\//, "")}?${query}`;
      const response = await fetch(url, { method, ...sent });
      const answer = await response.text();
      // Jaeger says so of a search that wants no traces at all.
      const meant = response.status < 500 || answer.includes("search depth must be greater than 0");
      expect([meant, `${response.status} ${answer}`]).toEqual([true, `${response.status} ${answer}`]);
    }),
    { seed: 20261125, numRuns: 3_000 },
  );
  expect(rejections).toEqual([]);
});
