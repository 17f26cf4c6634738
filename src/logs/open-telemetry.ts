import { type AccessLogEntry, type Unparsed, unparsed } from "./entry.ts";
import { isJsonRecord, istioRecord, type JsonRecord } from "./json-format.ts";
import type { LineParser } from "./text-format.ts";

/** Whether an object is a log record of OpenTelemetry's protocol in JSON. */
export const isOpenTelemetryRecord = (record: JsonRecord): boolean =>
  isJsonRecord(record.body) && Object.keys(record.body).some((key) => key.endsWith("Value"));

/**
 * Reads a log record as Envoy's OpenTelemetry access logger sends it: the body a line of text, the attributes labels.
 *
 * A body that is a line is read with `parse`, and the attributes go to `extra`. A body without a line, or none at all,
 * leaves the attributes to name the fields, by Istio's JSON keys.
 */
export function readOpenTelemetry(record: JsonRecord, raw: string, parse: LineParser): AccessLogEntry | Unparsed {
  const body = anyValue(record.body);
  const attributes = keyValues(record.attributes);
  const writtenNs = nanoseconds(record.timeUnixNano) ?? nanoseconds(record.observedTimeUnixNano);
  if (typeof body === "string" && body !== "") {
    const entry = parse(body);
    if (entry.kind === "entry") return entry.wrapped(writtenNs, attributes);
    const labelled = istioRecord(attributes, raw);
    return labelled.kind === "entry" ? labelled.wrapped(writtenNs) : unparsed(raw, entry.reason);
  }
  const entry = istioRecord(isJsonRecord(body) ? { ...attributes, ...body } : attributes, raw);
  return entry.kind === "entry" ? entry.wrapped(writtenNs) : entry;
}

function keyValues(list: unknown, depth = 0): JsonRecord {
  if (!Array.isArray(list)) return {};
  const pairs = list.filter(isJsonRecord).flatMap(({ key, value }) => {
    return typeof key === "string" ? [[key, anyValue(value, depth)] as const] : [];
  });
  return Object.fromEntries(pairs);
}

/** The value of `{"stringValue":"a"}`; 64-bit integers, which are text in JSON, as numbers. */
function anyValue(value: unknown, depth = 0): unknown {
  if (!isJsonRecord(value) || depth > 16) return undefined;
  if (typeof value.stringValue === "string") return value.stringValue;
  if (value.intValue !== undefined) return Number(value.intValue);
  if (typeof value.doubleValue === "number") return value.doubleValue;
  if (typeof value.boolValue === "boolean") return value.boolValue;
  if (isJsonRecord(value.kvlistValue)) return keyValues(value.kvlistValue.values, depth + 1);
  if (isJsonRecord(value.arrayValue) && Array.isArray(value.arrayValue.values)) {
    return value.arrayValue.values.map((item: unknown) => anyValue(item, depth + 1));
  }
  return undefined;
}

function nanoseconds(text: unknown): bigint | undefined {
  const digits = typeof text === "number" ? String(text) : text;
  return typeof digits === "string" && /^[1-9]\d{0,19}$/.test(digits) ? BigInt(digits) : undefined;
}
