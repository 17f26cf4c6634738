import { readNumber } from "../literals.ts";
import {
  CUSTOM_BOUNDS,
  type NativeHistogram,
  NO_BUCKETS,
  type ResetHint,
  type SparseBuckets,
} from "./native-histogram.ts";

const HINTS: Readonly<Record<string, ResetHint>> = {
  gauge: "gauge",
  not_reset: "none",
  reset: "reset",
  unknown: "unknown",
};
const FIELD = /([a-z_]+):(\[[^\]]*\]|[^\s\]]+)/y;
const KNOWN: ReadonlySet<string> = new Set([
  "buckets",
  "count",
  "counter_reset_hint",
  "custom_values",
  "n_buckets",
  "n_offset",
  "offset",
  "schema",
  "sum",
  "z_bucket",
  "z_bucket_w",
]);

/**
 * The native histogram within `{{…}}` of promtool's notation, such as `schema:0 sum:5 count:4 buckets:[1 2 1]`; nothing
 * for what is not in this notation.
 *
 * @see Prometheus, "Unit testing for rules", native histograms
 */
export function readHistogram(text: string): NativeHistogram | undefined {
  const fields = fieldsOf(text);
  if (fields === undefined) return undefined;
  const number = (name: string): number => numberOf(fields.get(name) ?? "0");
  const list = (name: string): number[] => listOf(fields.get(name) ?? "[]");
  const schema = number("schema");
  const bounds = list("custom_values");
  const hint = HINTS[fields.get("counter_reset_hint") ?? "unknown"];
  const histogram = {
    schema,
    count: number("count"),
    sum: number("sum"),
    zeroCount: number("z_bucket"),
    zeroThreshold: number("z_bucket_w"),
    positive: bucketsFrom(number("offset"), list("buckets")),
    negative: bucketsFrom(number("n_offset"), list("n_buckets")),
    bounds,
  };
  const isKnown = schema === CUSTOM_BOUNDS || (Number.isInteger(schema) && schema >= -4 && schema <= 8);
  const numbers = [number("offset"), number("n_offset"), ...bounds, ...histogram.positive.counts];
  const isSound = hint !== undefined && isKnown && !numbers.some(Number.isNaN);
  return isSound ? Object.freeze({ ...histogram, hint }) : undefined;
}

function fieldsOf(text: string): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  let rest = text.trim();
  while (rest !== "") {
    FIELD.lastIndex = 0;
    const [matched, name = "", value = ""] = FIELD.exec(rest) ?? [];
    if (matched === undefined || !KNOWN.has(name) || fields.has(name)) return undefined;
    fields.set(name, value);
    rest = rest.slice(matched.length).trimStart();
  }
  return fields;
}

function numberOf(text: string): number {
  const sign = text.startsWith("-") ? -1 : 1;
  return sign * (readNumber(text.replace(/^[+-]/, "")) ?? Number.NaN);
}

function listOf(text: string): number[] {
  const inner = text.replace(/^\[|\]$/g, "").trim();
  return inner === "" ? [] : inner.split(/\s+/).map(numberOf);
}

const bucketsFrom = (offset: number, counts: readonly number[]): SparseBuckets =>
  counts.length === 0 ? NO_BUCKETS : Object.freeze({ indexes: counts.map((_, i) => offset + i), counts });
