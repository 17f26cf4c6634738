import type { HttpOptions } from "../../src/http/client.ts";
import type { LogMeasure, LogPage, LogQuery } from "../../src/logs/backend.ts";
import { elasticsearch } from "../../src/logs/elasticsearch/elasticsearch.ts";
import { loki } from "../../src/logs/loki/loki.ts";
import { prometheus } from "../../src/metrics/prometheus/prometheus.ts";
import { selector } from "../../src/promql/index.ts";
import type { AskOptions } from "../../src/time.ts";
import { jaeger } from "../../src/traces/jaeger/jaeger.ts";
import { zipkin } from "../../src/traces/zipkin/zipkin.ts";
import { recorded } from "../traces/wire.ts";

/** A driver that the suite runs over. */
export interface Driver {
  readonly title: string;
  /** What its errors must call the backend. */
  readonly backend: string;
  /** A client of the server at `url`: what it gives asks one representative question. */
  readonly make: (url: string, options?: HttpOptions) => (options?: AskOptions) => Promise<unknown>;
  /** What a server that is well answers to the first request. */
  readonly good: string;
  /** What it answers to a request at this path, where one question takes several. */
  readonly goodAt?: (path: string) => string;
  /** A refusal for this reason in the backend's own form. */
  readonly refusal: (status: number, reason: string) => string;
}

const lines: LogQuery = { origin: { namespace: "shop" }, fromNs: 0n, toNs: 9n, order: "forward" };
const count: LogMeasure = {
  filter: { origin: { namespace: "shop" } },
  measurement: { kind: "count" },
  by: [],
  windowMs: 1_000,
  fromMs: 1_000,
  toMs: 1_000,
  stepMs: 1_000,
};

async function drained(pages: AsyncIterable<LogPage>): Promise<readonly LogPage[]> {
  const read: LogPage[] = [];
  for await (const page of pages) read.push(page);
  return read;
}

const MAPPING = JSON.stringify({
  logs: {
    mappings: {
      properties: {
        "@timestamp": { type: "date" },
        log: { type: "text" },
        kubernetes: { properties: { namespace_name: { type: "keyword" } } },
      },
    },
  },
});
const hit = { _index: "logs", _id: "a", _source: { "@timestamp": 0, log: "a" }, sort: [0] };
const HITS = JSON.stringify({
  hits: { hits: [hit] },
  aggregations: { window: { buckets: { 1000: { doc_count: 3 } } } },
});

/** What an Elasticsearch answers to each of the questions that it is asked. */
function elasticsearchAnswer(path: string): string {
  if (path === "/") return '{"version":{"number":"8.1.0"}}';
  if (path.endsWith("/_search")) return HITS;
  return path.includes("/_pit") ? '{"id":"p"}' : MAPPING;
}

const elasticsearchRefusal = (status: number, reason: string) =>
  JSON.stringify({ error: { root_cause: [{ type: "x", reason }], type: "x", reason }, status });

const traceQuery = { service: "front2", fromMs: 1_795_491_886_000, toMs: 1_795_491_887_000, limit: 5 };

/** Each driver, and each way of one that leads through other code. */
export const DRIVERS: readonly Driver[] = [
  {
    title: "prometheus",
    backend: "prometheus",
    make: (url, options) => {
      const backend = prometheus(url, options);
      return (ask) => backend.instant(selector("up"), 1_000_000, ask);
    },
    good: '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"a"},"value":[1000,"1"]}]}}',
    refusal: (_, reason) => JSON.stringify({ status: "error", errorType: "unavailable", error: reason }),
  },
  {
    title: "prometheus, over a range",
    backend: "prometheus",
    make: (url, options) => {
      const backend = prometheus(url, options);
      return (ask) => backend.range(selector("up"), { startMs: 0, endMs: 60_000, stepMs: 15_000 }, ask);
    },
    good: '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"a"},"values":[[0,"1"],[15,"0.5"],[30,"NaN"]]}]}}',
    refusal: (_, reason) => JSON.stringify({ status: "error", errorType: "unavailable", error: reason }),
  },
  {
    title: "jaeger's older API",
    backend: "jaeger",
    make: (url, options) => {
      const backend = jaeger(url, { ...options, api: "legacy" });
      return (ask) => backend.search(traceQuery, ask);
    },
    good: recorded("jaeger-legacy"),
    refusal: (code, msg) => JSON.stringify({ data: null, total: 0, limit: 0, offset: 0, errors: [{ code, msg }] }),
  },
  {
    title: "jaeger's newer API",
    backend: "jaeger",
    make: (url, options) => {
      const backend = jaeger(url, { ...options, api: "v3" });
      return (ask) => backend.search(traceQuery, ask);
    },
    good: recorded("jaeger-v3"),
    refusal: (httpCode, message) => JSON.stringify({ error: { httpCode, message } }),
  },
  {
    title: "jaeger, whose API is to be found out",
    backend: "jaeger",
    make: (url, options) => {
      const backend = jaeger(url, options);
      return (ask) => backend.services(ask);
    },
    good: '{"data":["a","b"],"total":2,"limit":0,"offset":0,"errors":null}',
    refusal: (code, msg) => JSON.stringify({ data: null, total: 0, limit: 0, offset: 0, errors: [{ code, msg }] }),
  },
  {
    title: "zipkin",
    backend: "zipkin",
    make: (url, options) => {
      const backend = zipkin(url, options);
      return (ask) => backend.search(traceQuery, ask);
    },
    good: recorded("zipkin"),
    refusal: (_, reason) => reason,
  },
  {
    title: "loki",
    backend: "loki",
    make: (url, options) => {
      const backend = loki(url, options);
      return (ask) => drained(backend.entries(lines, ask));
    },
    good: '{"status":"success","data":{"resultType":"streams","result":[{"stream":{"namespace":"shop"},"values":[["1","a"]]}],"stats":{}}}',
    refusal: (_, reason) => reason,
  },
  {
    title: "loki's numbers",
    backend: "loki",
    make: (url, options) => {
      const backend = loki(url, options);
      return (ask) => backend.measure(count, ask);
    },
    good: '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"3"]}]}}',
    refusal: (_, reason) => reason,
  },
  {
    title: "elasticsearch",
    backend: "elasticsearch",
    make: (url, options) => {
      const backend = elasticsearch(url, { ...options, index: "logs" });
      return (ask) => drained(backend.entries(lines, ask));
    },
    good: MAPPING,
    goodAt: elasticsearchAnswer,
    refusal: elasticsearchRefusal,
  },
  {
    title: "elasticsearch's numbers",
    backend: "elasticsearch",
    make: (url, options) => {
      const backend = elasticsearch(url, { ...options, index: "logs" });
      return (ask) => backend.measure(count, ask);
    },
    good: MAPPING,
    goodAt: elasticsearchAnswer,
    refusal: elasticsearchRefusal,
  },
];
