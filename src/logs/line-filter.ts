import { QueryError, unreachable } from "../errors.ts";
import type { FieldCondition, LineCondition, LogFilter, LogLine, OriginPart, TextMatch } from "./backend.ts";
import { re2Pattern } from "./re2-pattern.ts";

/** What a filter says of one line, decided here: for what a backend cannot decide, or not exactly. */
export type LineTest = (line: Pick<LogLine, "line" | "origin">) => boolean;

/**
 * The test of a whole filter.
 *
 * @throws {QueryError} `code: "pattern"` for a pattern that cannot be tried here
 */
export function lineTest({ origin, lines = [], fields = [] }: LogFilter): LineTest {
  checkTexts(lines);
  const tests: readonly LineTest[] = [
    ...(Object.entries(origin) as [OriginPart, TextMatch][]).map(originTest),
    ...lines.map(conditionTest),
    ...(fields.length === 0 ? [] : [fieldsTest(fields)]),
  ];
  return (line) => tests.every((holds) => holds(line));
}

/**
 * Refuses conditions on one of no texts, which could be meant in two ways.
 *
 * @throws {QueryError} `code: "pattern"`
 */
export function checkTexts(lines: readonly LineCondition[]): void {
  if (!lines.some((condition) => "texts" in condition && condition.texts.length === 0)) return;
  throw new QueryError("pattern", "logs: texts is an empty list; name at least one text, or leave the condition out");
}

function originTest([part, match]: readonly [OriginPart, TextMatch]): LineTest {
  if (typeof match === "string") return ({ origin }) => (origin[part] ?? "") === match;
  const pattern = re2Pattern(match.pattern, "whole");
  return ({ origin }) => pattern.test(origin[part] ?? "");
}

function conditionTest(condition: LineCondition): LineTest {
  const wanted = condition.not !== true;
  if ("text" in condition) return ({ line }) => line.includes(condition.text) === wanted;
  if ("texts" in condition) return ({ line }) => condition.texts.some((text) => line.includes(text)) === wanted;
  const pattern = re2Pattern(condition.pattern, "part");
  return ({ line }) => pattern.test(line) === wanted;
}

function fieldsTest(fields: readonly FieldCondition[]): LineTest {
  const tests = fields.map(fieldTest);
  return ({ line }) => {
    const record = recordOf(line);
    return record !== undefined && tests.every((holds) => holds(record));
  };
}

function fieldTest(condition: FieldCondition): (record: LineRecord) => boolean {
  const { field, op } = condition;
  switch (op) {
    case "=":
    case "!=":
      return (record) => (fieldText(record, field) === condition.value) === (op === "=");
    case "=~":
    case "!~": {
      const pattern = re2Pattern(condition.pattern, "whole");
      return (record) => pattern.test(fieldText(record, field)) === (op === "=~");
    }
    case "<":
    case "<=":
    case "==":
    case ">":
    case ">=":
      return (record) => {
        const value = fieldNumber(record, field);
        return value !== undefined && compares(value, op, condition.number);
      };
    default:
      return unreachable(condition);
  }
}

function compares(value: number, op: "<" | "<=" | "==" | ">" | ">=", than: number): boolean {
  switch (op) {
    case "<":
      return value < than;
    case "<=":
      return value <= than;
    case "==":
      return value === than;
    case ">":
      return value > than;
    case ">=":
      return value >= than;
    default:
      return unreachable(op);
  }
}

/** The fields of a line that is a JSON object. */
export type LineRecord = Readonly<Record<string, unknown>>;

/** The fields of a line; `undefined` where it is no JSON object. */
export function recordOf(line: string): LineRecord | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as LineRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** A field as text, `""` where it is missing or no single value. */
export function fieldText(record: LineRecord, field: string): string {
  const value = Object.hasOwn(record, field) ? record[field] : undefined;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** A field as a number, `undefined` where it is none. */
export function fieldNumber(record: LineRecord, field: string): number | undefined {
  const text = fieldText(record, field);
  const value = Number(text);
  return text.trim() === "" || Number.isNaN(value) ? undefined : value;
}
