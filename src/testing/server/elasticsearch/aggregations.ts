import { fieldAt, type LogDocument } from "./document.ts";
import { queryOf } from "./query.ts";
import { type ElasticRefusal, illegal, isRecord, type JsonRecord, unparsable } from "./refusal.ts";

/** Takes the documents of a search one by one, and tells in the end what they come to. */
export interface Aggregator {
  take(document: LogDocument): void;
  result(): JsonRecord;
}

/**
 * The aggregations of a search, by their names.
 *
 * @throws {ElasticRefusal} for one that is not known, as the server would
 */
export function aggregatorsOf(aggs: unknown, nowMs: number): Aggregator {
  if (!isRecord(aggs)) throw unparsable("Found [VALUE] under [aggs], expected START_OBJECT");
  const own = Object.entries(aggs).map(([name, body]) => [name, aggregatorOf(name, body, nowMs)] as const);
  return {
    take: (document) => {
      for (const [, aggregator] of own) aggregator.take(document);
    },
    result: () => Object.fromEntries(own.map(([name, aggregator]) => [name, aggregator.result()])),
  };
}

function aggregatorOf(name: string, body: unknown, nowMs: number): Aggregator {
  if (!isRecord(body)) throw unparsable(`Aggregation definition for [${name}] must be an object`);
  const { aggs, aggregations = aggs, ...rest } = body;
  const [type, ...others] = Object.keys(rest);
  if (type === undefined || others.length > 0) {
    throw unparsable(
      `Expected one aggregation type in [${name}] but found ${others.length + (type === undefined ? 0 : 1)}`,
    );
  }
  const options = isRecord(rest[type]) ? (rest[type] as JsonRecord) : {};
  const below = (): Aggregator | undefined =>
    aggregations === undefined ? undefined : aggregatorsOf(aggregations, nowMs);
  // What is wrong below is wrong whether or not a bucket comes about.
  below();
  switch (type) {
    case "filters":
      return filters(options, below, nowMs);
    case "terms":
      return terms(options, below);
    case "date_histogram":
      return dateHistogram(options, below);
    case "avg":
    case "max":
    case "min":
    case "sum":
      return ofNumbers(type, options, { value: type === "sum" ? 0 : null });
    case "value_count":
      return valueCount(options);
    case "percentiles":
      return ofNumbers(type, options, { values: noPercentiles(options) });
    default:
      throw unparsable(`Unknown aggregation type [${type}]`);
  }
}

/** The documents of one bucket. */
class Bucket {
  count = 0;
  readonly #below: Aggregator | undefined;

  constructor(below: Aggregator | undefined) {
    this.#below = below;
  }

  take(document: LogDocument): void {
    this.count++;
    this.#below?.take(document);
  }

  result(): JsonRecord {
    return { doc_count: this.count, ...this.#below?.result() };
  }
}

type Below = () => Aggregator | undefined;

function filters({ filters: named }: JsonRecord, below: Below, nowMs: number): Aggregator {
  if (!isRecord(named)) throw unparsable("[filters] cannot be empty and must name its filters");
  const buckets = Object.entries(named).map(([name, query]) => ({
    name,
    query: queryOf(query, nowMs),
    bucket: new Bucket(below()),
  }));
  return {
    take: (document) => {
      for (const { query, bucket } of buckets) if (query.matches(document)) bucket.take(document);
    },
    result: () => ({ buckets: Object.fromEntries(buckets.map(({ name, bucket }) => [name, bucket.result()])) }),
  };
}

function terms(options: JsonRecord, below: Below): Aggregator {
  const { field: path = "", size = 10, missing } = options;
  const field = fieldAt(String(path));
  if (field?.type === "text") {
    throw illegal(
      `Fielddata is disabled on [${String(path)}]. Text fields are not optimised for operations that require per-document field data like aggregations and sorting, so these operations are disabled by default. Please use a keyword field instead.`,
    );
  }
  if (typeof size !== "number" || !Number.isInteger(size) || size <= 0) {
    throw illegal(`[size] must be greater than 0. Found [${String(size)}] in [terms]`);
  }
  const buckets = new Map<string, Bucket>();
  return {
    take: (document) => {
      const key = (field?.type === "keyword" ? field.value(document) : undefined) ?? missing;
      if (typeof key !== "string") return;
      const bucket = buckets.get(key) ?? new Bucket(below());
      buckets.set(key, bucket);
      bucket.take(document);
    },
    result: () => {
      const sorted = [...buckets].sort(([a, one], [b, other]) => other.count - one.count || (a < b ? -1 : 1));
      const others = sorted.slice(size).reduce((sum, [, { count }]) => sum + count, 0);
      return {
        doc_count_error_upper_bound: 0,
        sum_other_doc_count: others,
        buckets: sorted.slice(0, size).map(([key, bucket]) => ({ key, ...bucket.result() })),
      };
    },
  };
}

const INTERVALS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function dateHistogram({ field: path = "", fixed_interval: interval }: JsonRecord, below: Below): Aggregator {
  const [, amount, unit = ""] = /^(\d+)(ms|[smhd])$/.exec(String(interval)) ?? [];
  const ms = Number(amount) * (INTERVALS_MS[unit] ?? 0);
  if (!(ms > 0))
    throw illegal("Required one of fields [interval, calendar_interval, fixed_interval], but none were specified.");
  if (fieldAt(String(path))?.type !== "date") throw noNumbers(String(path), "date_histogram");
  const buckets = new Map<number, Bucket>();
  return {
    take: (document) => {
      const key = Math.floor(document.timeMs / ms) * ms;
      const bucket = buckets.get(key) ?? new Bucket(below());
      buckets.set(key, bucket);
      bucket.take(document);
    },
    result: () => {
      const keys = [...buckets.keys()].sort((a, b) => a - b);
      const all: JsonRecord[] = [];
      for (let key = keys[0] ?? 0; key <= (keys.at(-1) ?? -1); key += ms) {
        const bucket = buckets.get(key) ?? new Bucket(below());
        all.push({ key_as_string: new Date(key).toISOString(), key, ...bucket.result() });
      }
      return { buckets: all };
    },
  };
}

/** No field of these documents is a number, so that there are none to reckon with; what is something else is refused. */
function ofNumbers(type: string, { field: path = "" }: JsonRecord, result: JsonRecord): Aggregator {
  if (fieldAt(String(path)) !== undefined) throw noNumbers(String(path), type);
  return { take: () => {}, result: () => result };
}

function noPercentiles({ percents = [1, 5, 25, 50, 75, 95, 99], keyed = true }: JsonRecord): unknown {
  const all = (Array.isArray(percents) ? percents : [percents]).map(Number);
  const shown = (percent: number): string => (Number.isInteger(percent) ? `${percent}.0` : String(percent));
  return keyed === true
    ? Object.fromEntries(all.map((percent) => [shown(percent), null]))
    : all.map((key) => ({ key, value: null }));
}

function valueCount({ field: path = "" }: JsonRecord): Aggregator {
  const field = fieldAt(String(path));
  let count = 0;
  return {
    take: (document) => {
      if (field?.type === "date" || (field?.type === "keyword" && field.value(document) !== undefined)) count++;
    },
    result: () => ({ value: count }),
  };
}

const noNumbers = (path: string, type: string): ElasticRefusal =>
  illegal(`Field [${path}] of type [${fieldAt(path)?.type ?? "unmapped"}] is not supported for aggregation [${type}]`);
