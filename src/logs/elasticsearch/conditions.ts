import type { FieldCondition, LineCondition, LogFilter, OriginPart, TextMatch } from "../backend.ts";
import { re2Pattern } from "../re2-pattern.ts";
import { isNumber, keywordOf, LONGEST_NAME, type Mapping, type Places } from "./mapping.ts";

/** A query in Elasticsearch's own language: data, never text that something else is joined into. */
export type Clause = Readonly<Record<string, unknown>>;

/** What of a filter the server is asked to apply. */
export interface Applied {
  readonly clauses: readonly Clause[];
  /** Whether that is all of it, exactly; otherwise what comes back must be looked through. */
  readonly whole: boolean;
}

/**
 * The clauses that every line which passes the filter fulfils.
 *
 * A search engine cuts text into words, so it cannot say which lines hold a text; it can say which lines hold the words
 * that lie wholly within that text, and these are never fewer.
 */
export function applied({ origin, lines = [], fields = [] }: LogFilter, mapping: Mapping, places: Places): Applied {
  const parts = [
    ...(Object.entries(origin) as [OriginPart, TextMatch][]).map(([part, match]) =>
      originClauses(places.origin[part], match, mapping),
    ),
    ...lines.map((condition) => ({ clauses: lineClauses(condition, mapping, places), whole: false })),
    ...fields.map((condition) => fieldClauses(condition, mapping, places)),
  ];
  return { clauses: parts.flatMap(({ clauses }) => clauses), whole: parts.every(({ whole }) => whole) };
}

const NOTHING: Applied = Object.freeze({ clauses: Object.freeze([]), whole: false });

function originClauses(path: string | undefined, match: TextMatch, mapping: Mapping): Applied {
  const keyword = path === undefined ? undefined : keywordOf(mapping, path);
  if (keyword === undefined || path === undefined) return NOTHING;
  if (typeof match === "string") {
    if (match === "" || match.length > keyword.longest) return NOTHING;
    return { clauses: [{ term: { [keyword.path]: { value: match } } }], whole: true };
  }
  const value = lucenePattern(match.pattern);
  // What is too long to be indexed, or missing, may match all the same.
  if (value === undefined || keyword.longest < LONGEST_NAME || re2Pattern(value, "whole").test("")) return NOTHING;
  return { clauses: [{ regexp: { [keyword.path]: { value, flags: "NONE" } } }], whole: true };
}

/** The same pattern for Lucene, where it has nothing in it that the two read in different ways. */
function lucenePattern(re2: string): string | undefined {
  const plain = /^(?:[\w-]|\\[-.]|\.|[()|*+?]|\[(?:[a-z0-9]-[a-z0-9]|[a-z0-9](?!-))+-?\]|\{\d{1,2}(?:,\d{1,2})?\})*$/i;
  // Nothing at all, as one of several, is written otherwise there.
  const strange = /\(\?|[*+?}][*+?{]|(?:^|[(|])(?:[|)]|$)/;
  return plain.test(re2) && !strange.test(re2) ? re2 : undefined;
}

function lineClauses(condition: LineCondition, mapping: Mapping, { line, merged }: Places): readonly Clause[] {
  const field = line === undefined ? undefined : mapping.get(line);
  // Lines that were taken apart have no text of their own to be searched.
  if (line === undefined || merged !== undefined || condition.not === true) return [];
  if (field?.type !== "text" || field.analyzed || "pattern" in condition) return [];
  const texts = "text" in condition ? [condition.text] : condition.texts;
  const either = texts.map((text) => phrasesOf(text).map((query) => ({ match_phrase: { [line]: { query } } })));
  if (either.some((phrases) => phrases.length === 0)) return [];
  const [only] = either;
  if (either.length === 1 && only !== undefined) return only;
  return [{ bool: { minimum_should_match: 1, should: either.map((filter) => ({ bool: { filter } })) } }];
}

/**
 * The parts of a text whose words are the same wherever the text stands: those between two characters that always part
 * words. A letter, digit or one of `_ . : ' ,` at either end may be joined to what stands beside it.
 *
 * @see Unicode Standard Annex 29, "Word Boundaries", which the standard analyzer follows
 */
function phrasesOf(text: string): readonly string[] {
  const parts = text.split(PARTING);
  const inner = parts.slice(PARTING_START.test(text) ? 0 : 1, PARTING_END.test(text) ? undefined : -1);
  return inner.filter((part) => /[a-z0-9]/i.test(part) && /^[\w.]+$/.test(part) && part.length <= 200);
}

const PARTING = /[-\s|"=<>[\](){}/\\?&+*#@!%^~;$]+/;
const PARTING_START = new RegExp(`^${PARTING.source}`);
const PARTING_END = new RegExp(`${PARTING.source}$`);

/** Conditions on the fields of lines that were taken apart; those of lines that are kept whole are decided here. */
function fieldClauses(condition: FieldCondition, mapping: Mapping, { merged, line }: Places): Applied {
  if (merged === undefined || line !== undefined) return NOTHING;
  const path = merged === "" ? condition.field : `${merged}.${condition.field}`;
  if ("number" in condition) {
    if (!isNumber(mapping, path) || !Number.isFinite(condition.number)) return NOTHING;
    const { number, op } = condition;
    const clause =
      op === "==" ? { term: { [path]: { value: number } } } : { range: { [path]: { [RANGES[op]]: number } } };
    return { clauses: [clause], whole: true };
  }
  const keyword = keywordOf(mapping, path);
  if (!("value" in condition) || condition.op !== "=" || keyword === undefined) return NOTHING;
  if (condition.value === "" || condition.value.length > keyword.longest) return NOTHING;
  return { clauses: [{ term: { [keyword.path]: { value: condition.value } } }], whole: true };
}

const RANGES = { "<": "lt", "<=": "lte", ">": "gt", ">=": "gte" } as const;
