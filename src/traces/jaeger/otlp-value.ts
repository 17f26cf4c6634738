import { type DocumentReader, type Place, place } from "../document.ts";
import type { TagValue } from "../span.ts";

/** An attribute that {@link checkAttribute} let pass. Protocol buffers leave out a key or value that is empty. */
export interface Attribute {
  readonly key?: string | undefined;
  readonly value?: AnyValue | null | undefined;
}

/** One of the fields at most is there. */
interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string | number;
  readonly doubleValue?: string | number;
  readonly bytesValue?: string;
  readonly arrayValue?: { readonly values?: readonly (AnyValue | null)[] | null };
  readonly kvlistValue?: { readonly values?: readonly Attribute[] | null };
}

/** Values within values; nobody means more, and a stack holds no more than so many. */
const DEEPEST = 64;

/** Whether it is an attribute that holds text and nothing else, as most do: that takes no further check. */
export function isTextAttribute(attribute: unknown): boolean {
  if (typeof attribute !== "object" || attribute === null) return false;
  const { key, value } = attribute as Attribute;
  if (typeof key !== "string" || typeof value !== "object" || value === null) return false;
  return (
    typeof value.stringValue === "string" &&
    value.boolValue === undefined &&
    value.intValue === undefined &&
    value.doubleValue === undefined &&
    value.bytesValue === undefined &&
    value.arrayValue === undefined &&
    value.kvlistValue === undefined
  );
}

/** Everything within an attribute is checked now, so that reading it later cannot fail. */
export function checkAttribute(read: DocumentReader, attribute: unknown, at: Place | undefined, depth = 0): void {
  const { key, value } = read.record(attribute, at);
  if (typeof key !== "string" && key !== undefined) read.fail(place(at, "key"), "must be text");
  checkValue(read, value, at, depth);
}

function checkValue(read: DocumentReader, given: unknown, at: Place | undefined, depth: number): void {
  if (given === undefined || given === null) return;
  const value = read.record(given, at, "value");
  for (const name in value) {
    if (!isOf(name, value[name])) read.fail(place(at, "value", name), "does not hold what it is named after");
    if (name === "arrayValue" || name === "kvlistValue")
      checkValues(read, value[name], place(at, "value", name), depth);
  }
}

function checkValues(read: DocumentReader, value: unknown, at: Place | undefined, depth: number): void {
  if (depth >= DEEPEST) read.fail(at?.within, `holds more than ${DEEPEST} values within each other`);
  const { values } = read.record(value, at);
  const list = read.list(values, at, "values");
  for (let i = 0; i < list.length; i++) {
    const inner = place(at, "values", i);
    if (at?.step === "arrayValue") checkValue(read, list[i], inner, depth + 1);
    else checkAttribute(read, list[i], inner, depth + 1);
  }
}

function isOf(name: string, value: unknown): boolean {
  switch (name) {
    case "stringValue":
      return typeof value === "string";
    case "boolValue":
      return typeof value === "boolean";
    case "intValue":
      return Number.isInteger(value) || (typeof value === "string" && /^-?\d{1,20}$/.test(value));
    case "doubleValue":
      return (
        typeof value === "number" ||
        (typeof value === "string" && /^(?:NaN|-?Infinity|[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)$/i.test(value))
      );
    case "bytesValue":
      return typeof value === "string" && /^[\w+/-]*={0,2}$/.test(value);
    default:
      return true;
  }
}

/** The value as a tag's: lists and maps as their JSON text, as Jaeger's older API has them; an empty one as `""`. */
export function tagValue(value: AnyValue | null | undefined): TagValue {
  if (value === undefined || value === null) return "";
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.intValue !== undefined) return integer(value.intValue);
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.bytesValue !== undefined) return new Uint8Array(Buffer.from(value.bytesValue, "base64"));
  return value.arrayValue === undefined && value.kvlistValue === undefined ? "" : jsonText(value);
}

/** The value as text, whatever its type. */
export function textOf(value: AnyValue | null | undefined): string {
  const tag = tagValue(value);
  return tag instanceof Uint8Array ? (value?.bytesValue ?? "") : String(tag);
}

function integer(digits: string | number): number | bigint {
  const number = Number(digits);
  return typeof digits === "number" || Number.isSafeInteger(number) ? number : BigInt(digits);
}

function jsonText(value: AnyValue | null | undefined): string {
  if (value === undefined || value === null) return "null";
  if (value.arrayValue !== undefined) return `[${(value.arrayValue.values ?? []).map(jsonText).join(",")}]`;
  if (value.kvlistValue !== undefined) {
    const fields = (value.kvlistValue.values ?? []).map(
      ({ key = "", value }) => `${JSON.stringify(key)}:${jsonText(value)}`,
    );
    return `{${fields.join(",")}}`;
  }
  if (value.intValue !== undefined) return String(integer(value.intValue));
  if (value.boolValue !== undefined) return String(value.boolValue);
  if (value.doubleValue !== undefined) return JSON.stringify(Number(value.doubleValue));
  if (value.stringValue !== undefined) return JSON.stringify(value.stringValue);
  return value.bytesValue === undefined ? "null" : JSON.stringify(value.bytesValue);
}
