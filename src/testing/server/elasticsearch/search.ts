import type { EmittedLine, Telemetry } from "../../telemetry.ts";
import { type Aggregator, aggregatorsOf } from "./aggregations.ts";
import { LogDocument } from "./document.ts";
import { type Query, queryOf } from "./query.ts";
import { ElasticRefusal, illegal, isRecord, type JsonRecord, unparsable } from "./refusal.ts";

/** The documents that a search is of. */
export interface Searched {
  readonly isOf: (index: string) => boolean;
  /** Nothing later is known to it. */
  readonly nowMs: number;
  /** Whether it is of a point in time. */
  readonly frozen: boolean;
}

/** Without a time, a search is of the last so much, as if no more were kept. */
export const KEPT_MS = 7 * 86_400_000;
/** A server gives no more hits in one call. */
const MOST_HITS = 10_000;

const KEYS: ReadonlySet<string> = new Set([
  "_source",
  "aggregations",
  "aggs",
  "from",
  "pit",
  "query",
  "search_after",
  "size",
  "sort",
  "timeout",
  "track_total_hits",
]);

/**
 * Answers a search.
 *
 * @throws {ElasticRefusal} for what cannot be meant, as the server would
 */
export function searched(telemetry: Telemetry, body: JsonRecord, of: Searched): JsonRecord {
  const unknown = Object.keys(body).find((key) => !KEYS.has(key));
  if (unknown !== undefined) throw unparsable(`unknown key [${unknown}] in the search`);
  const [size, from] = [wholeIn(body, "size", 10), wholeIn(body, "from", 0)];
  if (size + from > MOST_HITS) {
    throw illegal(
      `Result window is too large, from + size must be less than or equal to: [${MOST_HITS}] but was [${size + from}]. See the scroll api for a more efficient way to request large data sets. This limit can be set by changing the [index.max_result_window] index level setting.`,
    );
  }
  const query = queryOf(body.query, of.nowMs);
  const order = sortIn(body.sort, of.frozen);
  const after = afterIn(body.search_after, order);
  if (after !== undefined && from > 0)
    throw unparsable("`from` parameter must be set to 0 when `search_after` is used.");
  const aggs = body.aggs ?? body.aggregations;
  const aggregator = aggs === undefined ? undefined : aggregatorsOf(aggs, of.nowMs);
  const walk = { query, of, order, after, size: size + from, most: countedIn(body.track_total_hits), aggregator };
  const { hits, count } = walked(telemetry, walk);
  return {
    took: 1,
    timed_out: false,
    _shards: { total: 1, successful: 1, skipped: 0, failed: 0 },
    hits: {
      ...(walk.most === 0 ? {} : { total: totalOf(count, walk.most) }),
      max_score: null,
      hits: hits.slice(from).map((document) => hitOf(document, order, body._source !== false)),
    },
    ...(aggregator === undefined ? {} : { aggregations: aggregator.result() }),
  };
}

/** How many documents a query is of. */
export function counted(telemetry: Telemetry, query: unknown, of: Searched): number {
  const most = Number.POSITIVE_INFINITY;
  return walked(telemetry, { query: queryOf(query, of.nowMs), of, order: INDEX_ORDER, size: 0, most }).count;
}

function wholeIn(body: JsonRecord, name: string, otherwise: number): number {
  const value = body[name] ?? otherwise;
  if (typeof value !== "number" || !Number.isInteger(value))
    throw unparsable(`Failed to parse int parameter [${name}]`);
  if (value < 0) throw illegal(`[${name}] parameter cannot be negative, found [${value}]`);
  return value;
}

/** How many hits are counted before the count says "at least"; 0 where nothing is counted. */
function countedIn(value: unknown): number {
  if (value === false) return 0;
  if (value === true) return Number.POSITIVE_INFINITY;
  if (value === undefined) return MOST_HITS;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw illegal(`[track_total_hits] parameter must be positive or equals to -1, got ${String(value)}`);
}

const totalOf = (count: number, most: number) =>
  count > most ? { value: most, relation: "gte" } : { value: count, relation: "eq" };

/** By what hits are ordered: their time first, and then what tells those of one millisecond apart. */
interface Order {
  readonly forward: boolean;
  /** The fields whose values stand in `sort` of a hit. */
  readonly keys: readonly ("_id" | "_shard_doc" | "time")[];
  readonly tieForward: boolean;
}

const INDEX_ORDER: Order = { forward: true, keys: [], tieForward: true };

function sortIn(sort: unknown, frozen: boolean): Order {
  const list = sort === undefined ? [] : Array.isArray(sort) ? sort : [sort];
  const fields = list.map(sortField);
  const [first, second, third] = fields;
  if (first === undefined || first.name === "_doc" || first.name === "_score") return INDEX_ORDER;
  if (first.name !== "@timestamp" || third !== undefined) {
    throw illegal(
      `No mapping found for [${first.name}] in order to sort on; sort by [@timestamp] and what breaks its ties`,
    );
  }
  const { forward } = first;
  if (second === undefined) {
    // A point in time is sorted by the place in the shard too, asked or not.
    return { forward, keys: frozen ? ["time", "_shard_doc"] : ["time"], tieForward: true };
  }
  if (second.name === "_shard_doc" && !frozen) {
    throw illegal("[_shard_doc] sort field cannot be used without [point in time]");
  }
  if (second.name !== "_shard_doc" && second.name !== "_id") {
    throw illegal(`No mapping found for [${second.name}] in order to sort on`);
  }
  return { forward, keys: ["time", second.name], tieForward: second.forward };
}

function sortField(one: unknown): { readonly name: string; readonly forward: boolean } {
  if (typeof one === "string") return { name: one, forward: one !== "_score" };
  const [entry, ...others] = isRecord(one) ? Object.entries(one) : [];
  if (entry === undefined || others.length > 0) throw unparsable("malformed sort format, expected one field");
  const [name, options] = entry;
  const order = isRecord(options) ? (options.order ?? "asc") : options;
  if (order !== "asc" && order !== "desc") throw illegal(`Unknown SortOrder [${String(order)}]`);
  return { name, forward: order === "asc" };
}

type SortValue = number | string;

function afterIn(value: unknown, { keys }: Order): readonly SortValue[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw unparsable("[search_after] must be an array");
  if (keys.length === 0) throw illegal("Sort must contain at least one field.");
  if (value.length !== keys.length) {
    throw illegal(`search_after has ${value.length} value(s) but sort has ${keys.length}.`);
  }
  return value.map((one, i) => {
    const wanted = keys[i] === "_id" ? "string" : "number";
    if (typeof one === wanted) return one as SortValue;
    throw new ElasticRefusal(
      400,
      "illegal_argument_exception",
      `Failed to parse search_after value for field [${keys[i]}].`,
    );
  });
}

interface Walk {
  readonly query: Query;
  readonly of: Searched;
  readonly order: Order;
  readonly after?: readonly SortValue[] | undefined;
  readonly size: number;
  readonly most: number;
  readonly aggregator?: Aggregator | undefined;
}

/** Looks through the documents of the query's time, as far as hits, count and aggregations need it. */
function walked(telemetry: Telemetry, walk: Walk): { readonly hits: readonly LogDocument[]; readonly count: number } {
  const { query, of, order, after, size, most, aggregator } = walk;
  const hits: LogDocument[] = [];
  let count = 0;
  for (const document of documents(telemetry, walk)) {
    const isDone = hits.length >= size && (most === 0 || count > most) && aggregator === undefined;
    if (isDone) break;
    if (!of.isOf(document.index) || !query.matches(document)) continue;
    count++;
    aggregator?.take(document);
    if (hits.length < size && (after === undefined || isAfter(document, after, order))) hits.push(document);
  }
  return { hits, count };
}

function* documents(telemetry: Telemetry, { query, of, order, after, most, aggregator }: Walk): Generator<LogDocument> {
  let fromMs = Math.max(query.fromMs, query.fromMs === Number.NEGATIVE_INFINITY ? of.nowMs - KEPT_MS : 0);
  let toMs = Math.min(query.toMs, of.nowMs);
  // What comes before is of no hit; it may still be counted.
  const [edgeMs] = most === 0 && aggregator === undefined ? (after ?? []) : [];
  if (typeof edgeMs === "number" && order.forward) fromMs = Math.max(fromMs, Math.floor(edgeMs));
  else if (typeof edgeMs === "number") toMs = Math.min(toMs, Math.ceil(edgeMs));
  if (!(fromMs <= toMs)) return;
  const [fromNs, toNs] = [BigInt(Math.ceil(fromMs)) * NS, (BigInt(Math.floor(toMs)) + 1n) * NS];
  let together: EmittedLine[] = [];
  for (const line of telemetry.lines(fromNs, toNs, order.forward ? "forward" : "backward", query.isOf)) {
    const [first] = together;
    if (first !== undefined && first.timeNs / NS !== line.timeNs / NS) {
      yield* ordered(together, order);
      together = [];
    }
    together.push(line);
  }
  yield* ordered(together, order);
}

const NS = 1_000_000n;

/** The documents of one millisecond: which is the how many does not depend on the way that one looks. */
function ordered(lines: readonly EmittedLine[], { keys, forward, tieForward }: Order): readonly LogDocument[] {
  const all: LogDocument[] = [];
  for (const [nth, line] of lines.toSorted(compareLines).entries()) {
    const before = all.at(-1);
    const isTwin = before !== undefined && compareLines(before.line, line) === 0;
    all.push(new LogDocument(line, nth, isTwin ? before.twin + 1 : 0));
  }
  if (keys[1] === "_id") all.sort((a, b) => (a.id < b.id ? -1 : 1));
  return (keys.length < 2 ? forward : tieForward) ? all : all.reverse();
}

function compareLines(a: EmittedLine, b: EmittedLine): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1;
  const [one, other] = [
    `${a.namespace} ${a.pod} ${a.container} ${a.text}`,
    `${b.namespace} ${b.pod} ${b.container} ${b.text}`,
  ];
  return one < other ? -1 : one > other ? 1 : 0;
}

const sortValues = (document: LogDocument, { keys }: Order): readonly SortValue[] =>
  keys.map((key) => (key === "time" ? document.timeMs : key === "_id" ? document.id : document.place));

function isAfter(document: LogDocument, after: readonly SortValue[], order: Order): boolean {
  const values = sortValues(document, order);
  for (const [i, value] of values.entries()) {
    const edge = after[i] ?? value;
    if (value !== edge) return value > edge === (i === 0 ? order.forward : order.tieForward);
  }
  return false;
}

function hitOf(document: LogDocument, order: Order, withSource: boolean): JsonRecord {
  const { index, id, source } = document;
  return {
    _index: index,
    _id: id,
    _score: null,
    ...(withSource ? { _source: source } : {}),
    ...(order.keys.length === 0 ? {} : { sort: sortValues(document, order) }),
  };
}
