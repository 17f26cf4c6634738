import type { LogLine, OriginPart } from "../backend.ts";
import type { Hit, JsonRecord } from "./answer.ts";
import { isRecord } from "./answer.ts";
import type { Places } from "./mapping.ts";

/** The line that a document keeps; `undefined` where it keeps none, or no time. */
export function lineOf({ source, sort }: Hit, places: Places): LogLine | undefined {
  const timestampNs = timeOf(nanosecondsOf(valueAt(source, places.time)), millisecondsOf(sort[0]));
  const line = textOf(source, places);
  if (timestampNs === undefined || line === undefined) return undefined;
  const origin: Partial<Record<OriginPart, string>> = {};
  const labels: Record<string, string> = {};
  for (const [part, path] of Object.entries(places.origin) as [OriginPart, string][]) {
    const value = valueAt(source, path);
    if (typeof value !== "string") continue;
    origin[part] = value;
    labels[path] = value;
  }
  return { timestampNs, line, origin: Object.freeze(origin), labels: Object.freeze(labels) };
}

/** The line as it was written, or the fields that were made of it, as JSON. */
function textOf(source: JsonRecord, { line, merged }: Places): string | undefined {
  const text = line === undefined ? undefined : valueAt(source, line);
  if (typeof text === "string") return text.replace(/\r?\n$/, "");
  if (merged === undefined) return undefined;
  const fields = merged === "" ? source : valueAt(source, merged);
  if (!isRecord(fields)) return undefined;
  if (merged !== "") return JSON.stringify(fields);
  return JSON.stringify(Object.fromEntries(Object.entries(fields).filter(([name]) => !SHIPPERS.has(name))));
}

/** What shippers put beside the fields of a line. */
const SHIPPERS: ReadonlySet<string> = new Set(["@timestamp", "docker", "kubernetes", "stream", "tag", "_p"]);

/** The value at a path, whether it is nested or written with dots. */
function valueAt(source: JsonRecord, path: string): unknown {
  if (Object.hasOwn(source, path)) return source[path];
  for (let dot = path.indexOf("."); dot > 0; dot = path.indexOf(".", dot + 1)) {
    const below = Object.hasOwn(source, path.slice(0, dot)) ? source[path.slice(0, dot)] : undefined;
    if (!isRecord(below)) continue;
    const value = valueAt(below, path.slice(dot + 1));
    if (value !== undefined) return value;
  }
  return undefined;
}

/** The server knows how the time is written; what is written has digits that it leaves out. */
function timeOf(writtenNs: bigint | undefined, sortedNs: bigint | undefined): bigint | undefined {
  if (writtenNs === undefined || sortedNs === undefined) return writtenNs ?? sortedNs;
  return writtenNs >= sortedNs && writtenNs - sortedNs < 1_000_000n ? writtenNs : sortedNs;
}

const ISO = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9})\d*)?(Z|[+-]\d{2}:?\d{2})?$/;

/** Epoch nanoseconds of a time as documents have it: ISO 8601 text, or a number of milliseconds. */
function nanosecondsOf(value: unknown): bigint | undefined {
  if (typeof value === "number") return millisecondsOf(value);
  if (typeof value !== "string") return undefined;
  const [iso, date = "", time = "", fraction = "", zone = "Z"] = ISO.exec(value) ?? [];
  if (iso === undefined) return /^\d{12,14}$/.test(value) ? BigInt(value) * 1_000_000n : undefined;
  const ms = Date.parse(`${date}T${time}${/^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone}`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

const millisecondsOf = (value: unknown): bigint | undefined =>
  typeof value === "number" && Number.isFinite(value) ? BigInt(Math.floor(value)) * 1_000_000n : undefined;
