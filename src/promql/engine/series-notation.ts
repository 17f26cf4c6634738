import { MeshQueryError, QueryError } from "../../errors.ts";
import { readNumber } from "../literals.ts";
import { parse } from "../parser.ts";
import { readHistogram } from "./histogram-notation.ts";
import type { LabelRecord } from "./labels.ts";
import { isCompatible, type NativeHistogram, plus } from "./native-histogram.ts";
import { markStale, wordsOf } from "./staleness.ts";

/** A series as promtool's notation gives it. */
export interface NotedSeries {
  readonly labels: LabelRecord;
  /** One value a step; the marker of a series' end (bits `0x7ff0000000000002`) where it says `stale`. */
  readonly values: Float64Array;
  /** 1 where there is no sample at all: `_`. */
  readonly omitted: Uint8Array;
  /** Those samples that are native histograms, each in its place; left out where there are none. */
  readonly histograms?: readonly (NativeHistogram | undefined)[] | undefined;
}

/**
 * A series in the notation of promtool's unit tests: a metric with its labels, then values a step apart.
 *
 * `1 2 3` are values, `_` is no sample, `stale` ends the series; `0+10x3` is `0 10 20 30`, `5-1x2` is `5 4 3`, `1x2` is
 * `1 1 1`, and `_x3` is three steps without a sample. `{{schema:0 sum:5 count:4 buckets:[1 2 1]}}` is a native histogram,
 * which may be repeated and added to in the same way.
 *
 * @throws {QueryError} `code: "string"` for what is not in this notation
 * @see Prometheus, "Unit testing for rules", `series`
 * @example
 * parseSeries('http_requests{job="a"} 0+10x2 _ stale').values.length // 5
 */
export function parseSeries(text: string): NotedSeries {
  const trimmed = text.trim();
  const end = endOfMetric(trimmed);
  const labels = metricOf(trimmed.slice(0, end).trim(), trimmed);
  const rest = trimmed.slice(end).trim();
  const items = (rest.match(SAMPLE) ?? []).map((item) => readItem(item, trimmed));
  const size = items.reduce((sum, { count }) => sum + count, 0);
  const values = new Float64Array(size);
  const omitted = new Uint8Array(size);
  let histograms: (NativeHistogram | undefined)[] | undefined;
  let at = 0;
  for (const item of items) {
    let { value } = item;
    for (let i = 0; i < item.count; i++, at++) {
      if (item.kind === "omitted") omitted[at] = 1;
      else if (item.kind === "stale") markStale(wordsOf(values), at);
      else values[at] = value;
      value += item.increase;
    }
    if (item.histograms === undefined) continue;
    histograms ??= new Array(size);
    for (const [i, histogram] of item.histograms.entries()) histograms[at - item.count + i] = histogram;
  }
  return Object.freeze({ labels, values, omitted, ...(histograms && { histograms: Object.freeze(histograms) }) });
}

/** What stands between white space, but for that within a histogram. */
const SAMPLE = /(?:\{\{.*?\}\}|[^ \t])+/g;

/** The first character behind the metric: white space outside of braces and quotes. */
function endOfMetric(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === '"' || c === "'" || c === "`") i = endOfString(text, i);
    else if (c === "{") depth++;
    else if (c === "}") depth--;
    else if (depth === 0 && (c === " " || c === "\t")) {
      // White space may stand between the name and its braces.
      if (!/^[ \t]*\{(?!\{)/.test(text.slice(i))) return i;
    }
  }
  return text.length;
}

function endOfString(text: string, start: number): number {
  const quote = text.charAt(start);
  let i = start + 1;
  while (i < text.length && text.charAt(i) !== quote) i += text.charAt(i) === "\\" && quote !== "`" ? 2 : 1;
  return i;
}

function metricOf(text: string, whole: string): LabelRecord {
  if (/^\{[ \t]*\}$/.test(text)) return Object.freeze({});
  const selector = (() => {
    try {
      return parse(text);
    } catch (cause) {
      if (!(cause instanceof MeshQueryError)) throw cause;
      return refuse(`${shortened(text)} is no metric with labels`, whole, cause);
    }
  })();
  if (selector.kind !== "vector" || selector.at !== undefined || selector.offsetMs !== undefined) {
    return refuse(`${shortened(text)} is no metric with labels`, whole);
  }
  const labels: Record<string, string> = {};
  if (selector.name !== undefined) labels.__name__ = selector.name;
  for (const { label, op, value } of selector.matchers) {
    if (op !== "=") refuse(`a series has labels with =, not with ${op}`, whole);
    if (Object.hasOwn(labels, label)) refuse(`the label ${label} is set twice`, whole);
    labels[label] = value;
  }
  return Object.freeze(labels);
}

interface Item {
  readonly kind: "omitted" | "stale" | "value";
  readonly value: number;
  readonly increase: number;
  readonly count: number;
  readonly histograms?: readonly NativeHistogram[];
}

const HISTOGRAM = /^\{\{(.*?)\}\}(?:([+-])\{\{(.*?)\}\})?(?:x(\d+))?$/;

function readHistograms(text: string, whole: string): Item {
  const [matched, first = "", sign, step, times] = HISTOGRAM.exec(text) ?? [];
  if (matched === undefined || (step !== undefined && times === undefined))
    return refuse(`${shortened(text)} is no value`, whole);
  const read = (inner: string): NativeHistogram =>
    readHistogram(inner) ?? refuse(`{{${shortened(inner)}}} is no native histogram`, whole);
  const increase = step === undefined ? undefined : read(step);
  let histogram = read(first);
  if (increase !== undefined && !isCompatible(histogram, increase))
    refuse("these histograms do not go together", whole);
  const histograms = [histogram];
  const repeats = repeatsOf(times, text, whole);
  for (let i = 0; i < repeats; i++) {
    if (increase !== undefined) histogram = plus(histogram, increase, sign === "-" ? -1 : 1);
    histograms.push(histogram);
  }
  return { kind: "value", value: Number.NaN, increase: 0, count: histograms.length, histograms };
}

function repeatsOf(times: string | undefined, text: string, whole: string): number {
  const repeats = times === undefined ? 0 : Number(times);
  return repeats > MOST_SAMPLES ? refuse(`${shortened(text)} is more than ${MOST_SAMPLES} samples`, whole) : repeats;
}

const MOST_SAMPLES = 10_000_000;
const ITEM = /^(_|stale|[+-]?(?:[\d.]+(?:[eE][+-]?\d+)?|0[xX][\da-fA-F]+|[iI]nf|[nN]a[nN]))(?:([+-][^x]+?)?x(\d+))?$/;

function readItem(text: string, whole: string): Item {
  if (text.startsWith("{{")) return readHistograms(text, whole);
  const [matched, first = "", increase, times] = ITEM.exec(text) ?? [];
  if (matched === undefined) return refuse(`${shortened(text)} is no value`, whole);
  const repeats = repeatsOf(times, text, whole);
  if (first === "_") {
    if (increase !== undefined) refuse(`${shortened(text)} is no value`, whole);
    return { kind: "omitted", value: 0, increase: 0, count: times === undefined ? 1 : repeats };
  }
  const count = repeats + 1;
  const value = first === "stale" ? 0 : signedNumber(first, whole);
  if (first === "stale" && increase !== undefined) refuse(`${shortened(text)} is no value`, whole);
  return {
    kind: first === "stale" ? "stale" : "value",
    value,
    increase: increase === undefined ? 0 : signedNumber(increase, whole),
    count,
  };
}

function signedNumber(text: string, whole: string): number {
  const sign = text.startsWith("-") ? -1 : 1;
  const value = readNumber(text.replace(/^[+-]/, ""));
  return value === undefined ? refuse(`${shortened(text)} is no number`, whole) : sign * value;
}

function refuse(why: string, whole: string, cause?: unknown): never {
  throw new QueryError("string", `parseSeries: ${shortened(whole)}: ${why}; write http_requests{job="a"} 0+10x30`, {
    cause,
  });
}

const shortened = (text: string): string => (text.length > 80 ? `${text.slice(0, 79)}…` : text);
