import { QueryError } from "../../../errors.ts";
import { re2Pattern } from "../../../logs/re2-pattern.ts";
import type { LineWriter } from "../../telemetry.ts";
import { rfc3339Ns } from "../go-text.ts";
import { fieldAt, LogDocument, wordsOf } from "./document.ts";
import { ElasticRefusal, illegal, isRecord, type JsonRecord, onlyEntry, unparsable } from "./refusal.ts";

/** What a query says of documents. */
export interface Query {
  readonly matches: (document: LogDocument) => boolean;
  /** False where no document of the proxy's matches. */
  readonly isOf: (writer: LineWriter) => boolean;
  /** Every document that matches is of this time, both ends included. */
  readonly fromMs: number;
  readonly toMs: number;
}

const ALWAYS = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY, isOf: () => true };
const ALL: Query = { ...ALWAYS, matches: () => true };
const NONE: Query = { ...ALWAYS, matches: () => false, isOf: () => false };

/** A condition on one field: on who wrote a line, if that is where the field is from. */
const onField = (path: string, matches: Query["matches"]): Query => ({
  ...ALWAYS,
  matches,
  isOf: path.startsWith("kubernetes.")
    ? (writer) => matches(new LogDocument({ ...writer, timeNs: 0n, text: "" }, 0))
    : ALWAYS.isOf,
});

/**
 * Reads a query in Elasticsearch's own language.
 *
 * @throws {ElasticRefusal} for what it does not know, as the server would
 */
export function queryOf(clause: unknown, nowMs: number): Query {
  if (clause === undefined) return ALL;
  const [name, body] = onlyEntry(clause, "query");
  switch (name) {
    case "match_all":
      return ALL;
    case "match_none":
      return NONE;
    case "bool":
      return boolQuery(recordOf(body, name), nowMs);
    case "range":
      return rangeQuery(body, nowMs);
    case "term":
      return termQuery(body);
    case "terms":
      return termsQuery(body);
    case "match_phrase":
      return phraseQuery(body);
    case "match":
      return matchQuery(body);
    case "regexp":
      return regexpQuery(body);
    case "exists":
      return existsQuery(recordOf(body, name));
    default:
      throw unparsable(`unknown query [${name}]`);
  }
}

function recordOf(body: unknown, name: string): JsonRecord {
  if (isRecord(body)) return body;
  throw unparsable(`[${name}] query malformed, no start_object after query name`);
}

function boolQuery(body: JsonRecord, nowMs: number): Query {
  const known = ["filter", "minimum_should_match", "must", "must_not", "should", "boost"];
  const unknown = Object.keys(body).find((key) => !known.includes(key));
  if (unknown !== undefined) throw unparsable(`[bool] query does not support [${unknown}]`);
  const list = (key: string): readonly Query[] => {
    const clauses = body[key];
    return (Array.isArray(clauses) ? clauses : clauses === undefined ? [] : [clauses]).map((one) =>
      queryOf(one, nowMs),
    );
  };
  const needed = [...list("filter"), ...list("must")];
  const [excluded, either] = [list("must_not"), list("should")];
  const asked = body.minimum_should_match;
  if (asked !== undefined && !/^\d+$/.test(String(asked))) throw illegal(`For input string: "${String(asked)}"`);
  const least = asked === undefined ? (needed.length === 0 && either.length > 0 ? 1 : 0) : Number(asked);
  return {
    fromMs: Math.max(ALWAYS.fromMs, ...needed.map(({ fromMs }) => fromMs)),
    toMs: Math.min(ALWAYS.toMs, ...needed.map(({ toMs }) => toMs)),
    isOf: (writer) => needed.every(({ isOf }) => isOf(writer)),
    matches: (document) =>
      needed.every(({ matches }) => matches(document)) &&
      !excluded.some(({ matches }) => matches(document)) &&
      (least === 0 || either.filter(({ matches }) => matches(document)).length >= least),
  };
}

const BOUNDS = ["gt", "gte", "lt", "lte"] as const;

function rangeQuery(body: unknown, nowMs: number): Query {
  const [path, value] = onlyEntry(body, "range");
  const bounds = recordOf(value, "range");
  const unknown = Object.keys(bounds).find(
    (key) => !([...BOUNDS, "format", "time_zone", "boost"] as readonly string[]).includes(key),
  );
  if (unknown !== undefined) throw unparsable(`[range] query does not support [${unknown}]`);
  const field = fieldAt(path);
  if (field === undefined) return NONE;
  if (field.type !== "date") {
    const text = field.type === "keyword" ? field.value : (document: LogDocument) => document.text(field.path);
    return onField(path, (document) => withinTexts(text(document), bounds));
  }
  const [gt, gte, lt, lte] = BOUNDS.map((name) => dateMs(bounds[name], bounds.format, nowMs));
  const fromMs = Math.max(ALWAYS.fromMs, ...(gt === undefined ? [] : [gt + 1]), ...(gte === undefined ? [] : [gte]));
  const toMs = Math.min(ALWAYS.toMs, ...(lt === undefined ? [] : [lt - 1]), ...(lte === undefined ? [] : [lte]));
  return { ...ALWAYS, fromMs, toMs, matches: ({ timeMs }) => timeMs >= fromMs && timeMs <= toMs };
}

function withinTexts(text: string | undefined, { gt, gte, lt, lte }: JsonRecord): boolean {
  if (text === undefined) return false;
  return (
    (gt === undefined || text > String(gt)) &&
    (gte === undefined || text >= String(gte)) &&
    (lt === undefined || text < String(lt)) &&
    (lte === undefined || text <= String(lte))
  );
}

/** Epoch milliseconds of a bound: a number of them, ISO text, or `now` with lengths of time added or taken away. */
function dateMs(bound: unknown, format: unknown, nowMs: number): number | undefined {
  if (bound === undefined || bound === null) return undefined;
  const text = String(bound);
  const [, math] = /^now((?:[+-]\d+[smhHdw])*)$/.exec(text) ?? [];
  if (math !== undefined) {
    let ms = nowMs;
    for (const [, sign, amount, unit = ""] of math.matchAll(/([+-])(\d+)([smhHdw])/g)) {
      ms += (sign === "-" ? -1 : 1) * Number(amount) * (UNITS_MS[unit] ?? 0);
    }
    return ms;
  }
  const onlyMs = format === "epoch_millis";
  if (/^-?\d{1,16}$/.test(text) && (onlyMs || typeof bound === "number")) return Number(text);
  const iso = onlyMs ? undefined : rfc3339Ns(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
  if (iso !== undefined) return Number(iso / 1_000_000n);
  const shown = typeof format === "string" ? format : "strict_date_optional_time||epoch_millis";
  throw new ElasticRefusal(400, "parse_exception", `failed to parse date field [${text}] with format [${shown}]`);
}

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  H: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The field and the value of a clause in its short or its long form. */
function valueIn(body: unknown, name: string, key: string): readonly [string, string, JsonRecord] {
  const [path, given] = onlyEntry(body, name);
  const options = isRecord(given) ? given : { [key]: given };
  const value = options[key];
  if (typeof value === "object" || value === undefined) throw unparsable(`[${name}] query requires a ${key}`);
  return [path, String(value), options];
}

function termQuery(body: unknown): Query {
  const [path, value] = valueIn(body, "term", "value");
  return onField(path, isValue(path, new Set([value])));
}

function termsQuery(body: unknown): Query {
  const [path, values] = onlyEntry(body, "terms");
  if (!Array.isArray(values)) throw unparsable("[terms] query requires an array of values");
  return onField(path, isValue(path, new Set(values.map(String))));
}

/** A term is compared with a keyword, or with each word of a text. */
function isValue(path: string, values: ReadonlySet<string>): Query["matches"] {
  const field = fieldAt(path);
  switch (field?.type) {
    case "keyword":
      return (document) => {
        const value = field.value(document);
        return value !== undefined && values.has(value);
      };
    case "text":
      return (document) => document.words(field.path).some((word) => values.has(word));
    case "date":
      return ({ timeMs }) => values.has(String(timeMs));
    default:
      return () => false;
  }
}

function phraseQuery(body: unknown): Query {
  const [path, text] = valueIn(body, "match_phrase", "query");
  const field = fieldAt(path);
  if (field?.type !== "text") return onField(path, isValue(path, new Set([text])));
  const words = wordsOf(text);
  const [first] = words;
  if (first === undefined) return NONE;
  return onField(path, (document) => {
    if (!words.every((word) => document.mayHave(field.path, word))) return false;
    const all = document.words(field.path);
    for (let at = all.indexOf(first); at >= 0; at = all.indexOf(first, at + 1)) {
      if (words.every((word, i) => all[at + i] === word)) return true;
    }
    return false;
  });
}

function matchQuery(body: unknown): Query {
  const [path, text, { operator = "or" }] = valueIn(body, "match", "query");
  const field = fieldAt(path);
  if (field?.type !== "text") return onField(path, isValue(path, new Set([text])));
  const words = wordsOf(text);
  const all = String(operator).toLowerCase() === "and";
  return onField(path, (document) => {
    const there = new Set(document.words(field.path));
    return words.length > 0 && (all ? words.every((word) => there.has(word)) : words.some((word) => there.has(word)));
  });
}

function regexpQuery(body: unknown): Query {
  const [path, text] = valueIn(body, "regexp", "value");
  const field = fieldAt(path);
  if (field?.type !== "keyword" && field?.type !== "text") return NONE;
  const pattern = lucenePattern(text);
  return onField(path, (document) => {
    if (field.type === "text") return document.words(field.path).some((word) => pattern.test(word));
    const value = field.value(document);
    return value !== undefined && pattern.test(value);
  });
}

function lucenePattern(text: string): RegExp {
  try {
    return re2Pattern(text, "whole");
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw illegal(`cannot parse the regular expression [${text}]`);
  }
}

function existsQuery({ field }: JsonRecord): Query {
  if (typeof field !== "string") throw illegal("[exists] must be provided with a [field]");
  const found = fieldAt(field);
  switch (found?.type) {
    case "keyword":
      return onField(field, (document) => found.value(document) !== undefined);
    case undefined:
      return NONE;
    default:
      return ALL;
  }
}
