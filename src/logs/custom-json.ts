import { QueryError } from "../errors.ts";
import { AccessLogEntry, unparsed } from "./entry.ts";
import { FIELD, type Field, type LineFields } from "./fields.ts";
import { isJsonRecord, JsonFields, type JsonRecord, jsonKeys, jsonRecord } from "./json-format.ts";
import { filledBy, formatParts, type Operator } from "./operator.ts";
import { type LineParser, withoutLineEnd } from "./text-format.ts";

/** An Envoy `json_format`: each key's value a format string, a list or another such object; constants are left out. */
export interface JsonFormat {
  readonly [key: string]: JsonFormat | JsonFormatValue;
}
/** What a key of a {@link JsonFormat} may be told to hold. */
export type JsonFormatValue = string | number | boolean | null | readonly JsonFormatValue[];

/**
 * Compiles an Envoy `json_format` into a parser of the lines it makes, keys in any order, missing ones tolerated.
 *
 * A key with one operator fills that operator's field. Every other key that the format has, or that the line has and
 * the format lacks, is left to `extra`; keys of nested objects by their path, `"request.headers"`.
 *
 * @throws {QueryError} `code: "config"` when no key has an operator, or one has a text that is no format string
 * @example
 * const parse = accessLogParser({ formats: [{ status: "%RESPONSE_CODE%", tenant: "%REQ(X-TENANT)%" }] });
 * const entry = parse('{"tenant":"acme","status":503}');
 * entry.kind !== "unparsed" && entry.code // 503
 */
export function compileJsonFormat(format: JsonFormat): LineParser {
  const leaves = [...leavesOf(format, "")];
  const operators = leaves.map(({ operator }) => operator);
  if (operators.length === 0) throw new QueryError("config", "log format: no key of the object has an operator");
  const filled = filledBy(operators);
  const pathOf = (place: number): string => leaves[place]?.path ?? "";
  const fields = Object.fromEntries(Array.from(filled, ([field, place]) => [pathOf(place), field] as [string, Field]));
  const keys = jsonKeys(fields, operators[filled.get(FIELD.startTime) ?? -1]?.time);
  const paths = new Set(leaves.map(({ path }) => path));
  const read = (record: JsonRecord): LineFields => new JsonFields(record, keys);
  return (line) => {
    const text = withoutLineEnd(line);
    const found = jsonRecord(text);
    if (found === undefined) return unparsed(text, "it is no JSON object");
    const record = flattened(found);
    if (!Object.keys(record).some((key) => paths.has(key))) return unparsed(text, "it has none of the format's keys");
    return new AccessLogEntry(read(record), { raw: text });
  };
}

interface Leaf {
  readonly path: string;
  readonly operator: Operator;
}

function* leavesOf(format: JsonFormat, prefix: string): Generator<Leaf> {
  for (const [key, value] of Object.entries(format)) {
    const path = `${prefix}${key}`;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      yield* leavesOf(value as JsonFormat, `${path}.`);
    } else if (typeof value === "string") {
      const { literals, operators } = formatParts(value);
      const [operator] = operators;
      if (operator === undefined) continue;
      const alone = operators.length === 1 && literals.every((literal) => literal === "");
      // Several operators in one value are told apart by nothing that a caller could not write too.
      yield { path, operator: alone ? operator : { ...operator, field: undefined } };
    }
  }
}

/** The object with the keys of nested ones by their path; without a prototype, so that any key is only itself. */
function flattened(
  record: JsonRecord,
  prefix = "",
  into: Record<string, unknown> = Object.create(null),
  depth = 0,
): JsonRecord {
  for (const [key, value] of Object.entries(record)) {
    if (isJsonRecord(value) && depth < 16) flattened(value, `${prefix}${key}.`, into, depth + 1);
    else into[`${prefix}${key}`] = value;
  }
  return into;
}
