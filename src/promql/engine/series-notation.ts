import { EvaluationError, MeshQueryError, QueryError } from "../../errors.ts";
import { readNumber } from "../literals.ts";
import { parse } from "../parser.ts";
import type { LabelRecord } from "./labels.ts";
import { markStale, wordsOf } from "./staleness.ts";

/** A series as promtool's notation gives it. */
export interface NotedSeries {
  readonly labels: LabelRecord;
  /** One value a step; the marker of a series' end (bits `0x7ff0000000000002`) where it says `stale`. */
  readonly values: Float64Array;
  /** 1 where there is no sample at all: `_`. */
  readonly omitted: Uint8Array;
}

/**
 * A series in the notation of promtool's unit tests: a metric with its labels, then values a step apart.
 *
 * `1 2 3` are values, `_` is no sample, `stale` ends the series; `0+10x3` is `0 10 20 30`, `5-1x2` is `5 4 3`, `1x2` is
 * `1 1 1`, and `_x3` is three steps without a sample.
 *
 * @throws {QueryError} `code: "string"` for what is not in this notation
 * @throws {EvaluationError} `code: "unsupported"` for native histograms, `{{schema:…}}`
 * @see Prometheus, "Unit testing for rules", `series`
 * @example
 * parseSeries('http_requests{job="a"} 0+10x2 _ stale').values.length // 5
 */
export function parseSeries(text: string): NotedSeries {
  const trimmed = text.trim();
  const end = endOfMetric(trimmed);
  const labels = metricOf(trimmed.slice(0, end).trim(), trimmed);
  const rest = trimmed.slice(end).trim();
  if (rest.includes("{{")) {
    throw new EvaluationError("unsupported", `parseSeries: native histograms are not supported: ${shortened(rest)}`);
  }
  const items = rest === "" ? [] : rest.split(/[ \t]+/).map((item) => readItem(item, trimmed));
  const size = items.reduce((sum, { count }) => sum + count, 0);
  const values = new Float64Array(size);
  const omitted = new Uint8Array(size);
  let at = 0;
  for (const item of items) {
    let { value } = item;
    for (let i = 0; i < item.count; i++, at++) {
      if (item.kind === "omitted") omitted[at] = 1;
      else if (item.kind === "stale") markStale(wordsOf(values), at);
      else values[at] = value;
      value += item.increase;
    }
  }
  return Object.freeze({ labels, values, omitted });
}

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
}

const MOST_SAMPLES = 10_000_000;
const ITEM = /^(_|stale|[+-]?(?:[\d.]+(?:[eE][+-]?\d+)?|0[xX][\da-fA-F]+|[iI]nf|[nN]a[nN]))(?:([+-][^x]+?)?x(\d+))?$/;

function readItem(text: string, whole: string): Item {
  const [matched, first = "", increase, times] = ITEM.exec(text) ?? [];
  if (matched === undefined) return refuse(`${shortened(text)} is no value`, whole);
  const repeats = times === undefined ? 0 : Number(times);
  if (repeats > MOST_SAMPLES) refuse(`${shortened(text)} is more than ${MOST_SAMPLES} samples`, whole);
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
