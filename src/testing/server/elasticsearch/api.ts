import { randomUUID } from "node:crypto";
import type { Telemetry } from "../../telemetry.ts";
import { jsonReply, type Route, routed, type ServerReply, type ServerRequest, type Unrouted } from "../exchange.ts";
import { indexOf, mappingProperties } from "./document.ts";
import { ElasticRefusal, illegal, isRecord, type JsonRecord, unparsable } from "./refusal.ts";
import { counted, KEPT_MS, type Searched, searched } from "./search.ts";

/** Which of the two kept the same API it is. */
export type Distribution = "elasticsearch" | "opensearch";

/**
 * Elasticsearch 8's API, or OpenSearch 2's, over lines as fluentd would have sent them, in one index a day named
 * `logstash-YYYY.MM.DD`.
 */
export function elasticsearchApi(
  telemetry: Telemetry,
  now: () => number,
  distribution: Distribution,
): (request: ServerRequest) => ServerReply {
  const points = new Points(now);
  const search = (body: JsonRecord, of: Searched): ServerReply => jsonReply(searched(telemetry, body, of));
  const current = (index: string): Searched => ({ isOf: indexTest(index, now()), nowMs: now(), frozen: false });
  const count = ({ body, headers }: ServerRequest, index: string): ServerReply => {
    const { query, ...others } = documentIn(body, headers);
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw unparsable(`request does not support [${unknown}]`);
    return jsonReply({ count: counted(telemetry, query, current(index)), _shards: SHARDS });
  };
  const routes: readonly Route[] = [
    { methods: ["GET", "HEAD"], path: /^\/$/, answer: () => jsonReply(INFO[distribution]) },
    route(["GET"], /^\/(?:([^/_][^/]*)\/)?_mapping$/, (_, index = "") => jsonReply(mapping(index || "*", now()))),
    // Nothing is set there that differs from what a server does by itself.
    route(["GET"], /^\/(?:([^/_][^/]*)\/)?_settings\/index\.analysis\.[^/]+$/, (_, index = "") => {
      indexTest(index || "*", now());
      return jsonReply({});
    }),
    route(["GET", "POST"], /^\/([^/_][^/]*)\/_search$/, ({ body, headers }, index = "") => {
      const document = documentIn(body, headers);
      if (document.pit !== undefined) {
        throw illegal("[indices] cannot be used with point in time. Do not specify any index with point in time.");
      }
      return search(document, current(index));
    }),
    route(["GET", "POST"], /^\/_search$/, ({ body, headers }) => {
      const document = documentIn(body, headers);
      if (document.pit === undefined) return search(document, current("*"));
      const { id, point } = points.of(document.pit);
      const found = searched(telemetry, document, { ...point, frozen: true });
      return jsonReply({ pit_id: id, ...found });
    }),
    route(["GET", "POST"], /^\/(?:([^/_][^/]*)\/)?_count$/, (request, index = "") => count(request, index || "*")),
    ...pointRoutes(points, distribution, now),
  ];
  return (request) => {
    const reply = answered(routes, request);
    return distribution === "elasticsearch" ? { ...reply, headers: PRODUCT } : reply;
  };
}

const PRODUCT = { "x-elastic-product": "Elasticsearch" };
const SHARDS = { total: 1, successful: 1, skipped: 0, failed: 0 };

const INFO: Readonly<Record<Distribution, JsonRecord>> = {
  elasticsearch: {
    name: "simulated",
    cluster_name: "simulated",
    version: { number: "8.19.0", build_flavor: "default", lucene_version: "9.12.2" },
    tagline: "You Know, for Search",
  },
  opensearch: {
    name: "simulated",
    cluster_name: "simulated",
    version: { distribution: "opensearch", number: "2.19.1", lucene_version: "9.12.1" },
    tagline: "The OpenSearch Project: https://opensearch.org/",
  },
};

const route = (methods: readonly string[], path: RegExp, answer: Route["answer"]): Route => ({ methods, path, answer });

function answered(routes: readonly Route[], request: ServerRequest): ServerReply {
  try {
    return routed(routes, UNROUTED, request);
  } catch (error) {
    if (error instanceof ElasticRefusal) return error.reply;
    throw error;
  }
}

const UNROUTED: Unrouted = {
  notFound: ({ path, method }) =>
    jsonReply({ error: `no handler found for uri [${path}] and method [${method}]` }, 400),
  notAllowed: ({ path, method }, methods) =>
    jsonReply(
      {
        error: `Incorrect HTTP method for uri [${path}] and method [${method}], allowed: [${methods.join(", ")}]`,
        status: 405,
      },
      405,
    ),
};

/** The JSON object of a body, an empty one where there is none. */
function documentIn(body: Buffer, headers: ServerRequest["headers"]): JsonRecord {
  if (body.length === 0) return {};
  const type = headers["content-type"] ?? "";
  if (!/^application\/(?:vnd\.elasticsearch\+)?json\b/i.test(type)) {
    throw new ElasticRefusal(406, "media_type_header_exception", `Content-Type header [${type}] is not supported`);
  }
  let document: unknown;
  try {
    document = JSON.parse(body.toString());
  } catch (error) {
    throw new ElasticRefusal(400, "x_content_parse_exception", error instanceof Error ? error.message : String(error));
  }
  if (isRecord(document)) return document;
  throw unparsable("Expected [START_OBJECT] but found [VALUE]");
}

const DAY_MS = 86_400_000;
const DAILY = /^logstash-\d{4}\.\d{2}\.\d{2}$/;

/**
 * Whether an index is meant by a list of names and patterns.
 *
 * @throws {ElasticRefusal} for a name that no index has; a pattern may mean none
 */
function indexTest(expression: string, nowMs: number): (index: string) => boolean {
  const tests = expression.split(",").map((one) => {
    if (one === "_all" || one === "*") return () => true;
    if (one.includes("*")) {
      const pattern = new RegExp(`^${one.split("*").map(escaped).join(".*")}$`, "s");
      return (index: string) => pattern.test(index);
    }
    if (!DAILY.test(one) || one > indexOf(nowMs)) {
      throw new ElasticRefusal(404, "index_not_found_exception", `no such index [${one}]`);
    }
    return (index: string) => index === one;
  });
  return (index) => tests.some((test) => test(index));
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

function mapping(expression: string, nowMs: number): JsonRecord {
  const isMeant = indexTest(expression, nowMs);
  const kept = Array.from({ length: KEPT_MS / DAY_MS }, (_, day) => indexOf(nowMs - day * DAY_MS));
  const named = expression.split(",").filter((one) => DAILY.test(one));
  const indices = [...new Set([...kept, ...named])].filter(isMeant).sort();
  return Object.fromEntries(indices.map((index) => [index, { mappings: { properties: mappingProperties() } }]));
}

/** The routes by which points in time are opened and given back, which the two do not have in common. */
function pointRoutes(points: Points, distribution: Distribution, now: () => number): readonly Route[] {
  const open = ({ query }: ServerRequest, index: string): string =>
    points.open(indexTest(index, now()), query.get("keep_alive") ?? "");
  if (distribution === "elasticsearch") {
    return [
      route(["POST"], /^\/([^/_][^/]*)\/_pit$/, (request, index = "") =>
        jsonReply({ id: open(request, index), _shards: SHARDS }),
      ),
      route(["DELETE"], /^\/_pit$/, ({ body, headers }) => {
        const { id } = documentIn(body, headers);
        const freed = points.close(String(id)) ? 1 : 0;
        return jsonReply({ succeeded: freed > 0, num_freed: freed }, freed > 0 ? 200 : 404);
      }),
    ];
  }
  return [
    route(["POST"], /^\/([^/_][^/]*)\/_search\/point_in_time$/, (request, index = "") =>
      jsonReply({ pit_id: open(request, index), _shards: SHARDS, creation_time: Math.floor(now()) }),
    ),
    route(["DELETE"], /^\/_search\/point_in_time$/, ({ body, headers }) => {
      const { pit_id: ids } = documentIn(body, headers);
      const all = (Array.isArray(ids) ? ids : [ids]).map(String);
      return jsonReply({ pits: all.map((id) => ({ successful: points.close(id), pit_id: id })) });
    }),
  ];
}

interface Point {
  readonly isOf: (index: string) => boolean;
  readonly nowMs: number;
  readonly untilMs: number;
}

/** A server keeps no more of them at once. */
const MOST_POINTS = 300;

/** Points in time, each for as long as it was asked for since its last search. */
class Points {
  readonly #now: () => number;
  readonly #open = new Map<string, Point>();

  constructor(now: () => number) {
    this.#now = now;
  }

  open(isOf: Point["isOf"], keepAlive: string): string {
    for (const [id, { untilMs }] of this.#open) if (untilMs < this.#now()) this.#open.delete(id);
    if (this.#open.size >= MOST_POINTS) {
      throw new ElasticRefusal(
        429,
        "too_many_open_contexts_exception",
        `Trying to create too many contexts. Must be less than or equal to: [${MOST_POINTS}].`,
      );
    }
    if (keepAlive === "") {
      throw new ElasticRefusal(
        400,
        "action_request_validation_exception",
        "Validation Failed: 1: [keep_alive] is not specified;",
      );
    }
    const id = Buffer.from(randomUUID()).toString("base64");
    this.#open.set(id, { isOf, nowMs: this.#now(), untilMs: this.#now() + lengthMs(keepAlive) });
    return id;
  }

  close(id: string): boolean {
    return this.#open.delete(id);
  }

  of(pit: unknown): { readonly id: string; readonly point: Point } {
    const { id, keep_alive: keepAlive } = isRecord(pit) ? pit : ({} as JsonRecord);
    if (typeof id !== "string") throw unparsable("[pit] requires an id");
    const point = this.#open.get(id);
    if (point === undefined || point.untilMs < this.#now()) {
      this.#open.delete(id);
      throw new ElasticRefusal(404, "search_context_missing_exception", "No search context found for id [1]");
    }
    if (keepAlive !== undefined) {
      this.#open.set(id, { ...point, untilMs: this.#now() + lengthMs(String(keepAlive)) });
    }
    return { id, point };
  }
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS };

function lengthMs(text: string): number {
  const [, amount, unit = ""] = /^(\d+)(ms|[smhd])$/.exec(text) ?? [];
  if (amount === undefined) {
    throw illegal(
      `failed to parse setting [keep_alive] with value [${text}] as a time value: unit is missing or unrecognized`,
    );
  }
  return Number(amount) * (UNITS_MS[unit] ?? 0);
}
