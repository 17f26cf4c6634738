import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll } from "vitest";

/** A document that a {@link fakeElasticsearch} keeps. */
export interface KeptDocument {
  readonly id: string;
  readonly source: Readonly<Record<string, unknown>>;
}

/** Which server it is, and what it does not do. */
export interface FakeServer {
  readonly dialect?: "elasticsearch" | "opensearch";
  /** Whether `GET /` is forbidden. */
  readonly shy?: boolean;
  readonly withoutPoints?: boolean;
  readonly withoutIdSort?: boolean;
  /** Whether it is an Elasticsearch before 7.12. */
  readonly withoutShardDocSort?: boolean;
  /** Gives no more hits than this, and says nothing. */
  readonly cutsAt?: number;
  readonly mostHits?: number;
  readonly mapping?: unknown;
  /** What it says of analyzers; refused where `null`. */
  readonly settings?: Readonly<Record<string, unknown>> | null;
  /** Points in time are gone after so many searches. */
  readonly pointsLast?: number;
}

/** One request that it was sent. */
export interface AskedRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

export const MAPPING = {
  "logstash-2026.11.24": {
    mappings: {
      properties: {
        "@timestamp": { type: "date" },
        log: { type: "text", fields: { keyword: { type: "keyword", ignore_above: 256 } } },
        kubernetes: {
          properties: Object.fromEntries(
            ["namespace_name", "pod_name", "container_name"].map((name) => [
              name,
              { type: "text", fields: { keyword: { type: "keyword", ignore_above: 256 } } },
            ]),
          ),
        },
      },
    },
  },
};

/** A line as fluentd keeps it. */
export function fluentd(id: string, ms: number, log: string, pod = "web-0"): KeptDocument {
  const kubernetes = { namespace_name: "shop", pod_name: pod, container_name: "istio-proxy" };
  return { id, source: { "@timestamp": new Date(ms).toISOString(), log, kubernetes } };
}

export const refusedBy = (status: number, type: string, reason: string): Response =>
  HttpResponse.json({ error: { root_cause: [{ type, reason }], type, reason }, status }, { status });

/** An Elasticsearch or OpenSearch at `base`, and the requests that it was sent. */
export function fakeElasticsearch(base: string) {
  const network = setupServer();
  const asked: AskedRequest[] = [];
  const points = new Map<string, number>();
  beforeAll(() => network.listen({ onUnhandledRequest: "error" }));
  afterEach(() => {
    network.resetHandlers();
    asked.length = 0;
    points.clear();
  });
  afterAll(() => network.close());

  type Reply = (request: AskedRequest) => Promise<Response> | Response;
  const besides = (isMeant: (request: AskedRequest) => boolean, reply: Reply): void => {
    network.use(
      http.all(`${base}/*`, async ({ request }) => {
        const text = await request.clone().text();
        const body = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
        const one = { method: request.method, path: new URL(request.url).pathname, body, headers: request.headers };
        if (!isMeant(one)) return undefined;
        asked.push(one);
        return reply(one);
      }),
    );
  };
  const answers = (reply: Reply): void => besides(() => true, reply);
  return {
    asked,
    /** Points in time that were not given back. */
    open: points,
    answers,
    /** Answers some requests so, and the others as before. */
    besides,
    keeps(kept: readonly KeptDocument[], server: FakeServer = {}): void {
      answers((request) => answerOf(kept, server, points, request));
    },
  };
}

function answerOf(
  kept: readonly KeptDocument[],
  server: FakeServer,
  points: Map<string, number>,
  { method, path, body }: AskedRequest,
): Response {
  const { dialect = "elasticsearch", shy = false, withoutPoints = false, mapping = MAPPING, settings = {} } = server;
  const pointPath = dialect === "elasticsearch" ? "/_pit" : "/_search/point_in_time";
  if (path === "/") {
    if (shy) return refusedBy(403, "security_exception", "no permissions for [cluster:monitor/main]");
    const distribution = dialect === "opensearch" ? { distribution: "opensearch" } : {};
    return HttpResponse.json({ version: { number: "8.1.0", ...distribution } });
  }
  if (path.endsWith("/_mapping")) return HttpResponse.json(mapping as Record<string, unknown>);
  if (path.includes("/_settings/")) {
    return settings === null ? refusedBy(403, "security_exception", "no permissions") : HttpResponse.json(settings);
  }
  if (path.endsWith(pointPath) && method === "POST") {
    if (withoutPoints) return refusedBy(403, "security_exception", "no permissions for [open_point_in_time]");
    const id = `point-${points.size + 1}-${Math.random()}`;
    points.set(id, 0);
    return HttpResponse.json(dialect === "elasticsearch" ? { id } : { pit_id: id });
  }
  if (path === pointPath && method === "DELETE") {
    const ids = dialect === "elasticsearch" ? [body.id] : (body.pit_id as string[]);
    for (const id of ids) points.delete(String(id));
    return HttpResponse.json({});
  }
  if (path.endsWith("/_search")) return searched(kept, server, points, body);
  return refusedBy(400, "illegal_argument_exception", `no handler found for uri [${path}] and method [${method}]`);
}

interface SearchBody {
  readonly size: number;
  readonly pit?: { readonly id: string };
  readonly query: { readonly bool: { readonly filter: readonly Record<string, unknown>[] } };
  readonly sort: readonly Record<string, { readonly order: "asc" | "desc" }>[];
  readonly search_after?: readonly (number | string)[];
  readonly track_total_hits?: number | false;
}

const totalOf = (count: number, most: number) =>
  count > most ? { value: most, relation: "gte" } : { value: count, relation: "eq" };

function searched(
  kept: readonly KeptDocument[],
  {
    mostHits = 10_000,
    withoutIdSort = false,
    withoutShardDocSort = false,
    pointsLast = Number.POSITIVE_INFINITY,
    cutsAt = Number.POSITIVE_INFINITY,
  }: FakeServer,
  points: Map<string, number>,
  body: Record<string, unknown>,
): Response {
  const {
    size,
    pit,
    query,
    sort,
    search_after: after,
    track_total_hits: counted = 10_000,
  } = body as unknown as SearchBody;
  if (size > mostHits) {
    return refusedBy(
      400,
      "illegal_argument_exception",
      `Result window is too large, from + size must be less than or equal to: [${mostHits}] but was [${size}].`,
    );
  }
  if (pit !== undefined) {
    const used = points.get(pit.id);
    if (used === undefined || used >= pointsLast) {
      points.delete(pit.id);
      return refusedBy(404, "search_context_missing_exception", "No search context found for id [1]");
    }
    points.set(pit.id, used + 1);
  }
  const ties = sort.slice(1).map((one) => Object.keys(one)[0]);
  if (ties.includes("_id") && withoutIdSort) {
    return refusedBy(400, "illegal_argument_exception", "Fielddata access on the _id field is disallowed");
  }
  if (ties.includes("_shard_doc") && withoutShardDocSort) {
    return refusedBy(400, "query_shard_exception", "No mapping found for [_shard_doc] in order to sort on");
  }
  const [range] = query.bool.filter as [{ range: Record<string, { gte: number; lte: number }> }];
  const [time = "", { gte, lte } = { gte: 0, lte: 0 }] = Object.entries(range.range)[0] ?? [];
  const sign = sort[0]?.[time]?.order === "desc" ? -1 : 1;
  const within = kept
    .map((document, i) => {
      const ms = Date.parse(String(document.source[time]));
      return { document, sort: [ms, ...ties.map((tie) => (tie === "_id" ? document.id : i))] };
    })
    .filter(({ sort: [ms = 0] }) => Number(ms) >= gte && Number(ms) <= lte)
    .sort((a, b) => compare(a.sort, b.sort) * sign);
  const rows = within
    .filter((row) => after === undefined || compare(row.sort, after) * sign > 0)
    .slice(0, Math.min(size, cutsAt));
  return HttpResponse.json({
    timed_out: false,
    _shards: { total: 1, successful: 1, failed: 0 },
    ...(pit === undefined ? {} : { pit_id: pit.id }),
    hits: {
      ...(counted === false ? {} : { total: totalOf(within.length, counted) }),
      hits: rows.map(({ document, sort: values }) => ({
        _index: "logstash-2026.11.24",
        _id: document.id,
        _source: document.source,
        sort: values,
      })),
    },
  });
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [i, one] of a.entries()) {
    const other = b[i];
    if (other === undefined || one === other) continue;
    return one < other ? -1 : 1;
  }
  return 0;
}
