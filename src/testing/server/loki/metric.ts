import { unreachable } from "../../../errors.ts";
import type {
  AggregationOp,
  Grouping,
  MetricExpr,
  RangeAggregation,
  Unwrap,
  VectorAggregation,
} from "../../../logs/logql/ast.ts";
import { quantileOf } from "../../../promql/engine/quantile.ts";
import type { Telemetry } from "../../telemetry.ts";
import { Refusal } from "../exchange.ts";
import { goDuration, goFloat } from "../go-text.ts";
import { linesOf } from "./lines.ts";
import { filterStep, type LogEntry, type LokiLabels, pipelineOf } from "./pipeline.ts";

/** The instants at which numbers are wanted, in epoch nanoseconds. */
export interface LokiGrid {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly stepNs: bigint;
}

/** A series: a value at each instant of the grid that has one. */
export interface LokiSeries {
  readonly labels: LokiLabels;
  readonly values: ReadonlyMap<number, number>;
}

/** A server reckons no more series than this in one question. */
const MOST_SERIES = 500;

/**
 * The numbers that a query makes of lines.
 *
 * @throws {Refusal} in Loki's words, for a line that a stage could not do with and for too many series
 */
export function measured(expr: MetricExpr, telemetry: Telemetry, grid: LokiGrid): readonly LokiSeries[] {
  const series = expr.kind === "range" ? overRange(expr, telemetry, grid) : aggregated(expr, telemetry, grid);
  if (series.length <= MOST_SERIES) return series;
  throw new Refusal(
    400,
    `maximum number of series (${MOST_SERIES}) reached for a single query; consider reducing query cardinality by adding more specific stream selectors, reducing the time range, or aggregating results with functions like sum, count or topk`,
  );
}

/** What is measured of the lines of one series. */
interface Samples {
  readonly labels: LokiLabels;
  readonly timesNs: bigint[];
  readonly values: number[];
}

function overRange(expr: RangeAggregation, telemetry: Telemetry, grid: LokiGrid): readonly LokiSeries[] {
  const rangeNs = BigInt(expr.rangeMs) * 1_000_000n;
  const samples = [...samplesOf(expr, telemetry, grid.startNs - rangeNs + 1n, grid.endNs + 1n).values()];
  const instants = instantsOf(grid);
  return samples.map(({ labels, timesNs, values }) => {
    const found = new Map<number, number>();
    let [first, end] = [0, 0];
    for (const [i, ns] of instants.entries()) {
      while (end < timesNs.length && (timesNs[end] ?? 0n) <= ns) end++;
      while (first < end && (timesNs[first] ?? 0n) <= ns - rangeNs) first++;
      if (first < end) found.set(i, reckoned(expr, Float64Array.from(values.slice(first, end))));
    }
    return { labels, values: found };
  });
}

function instantsOf({ startNs, endNs, stepNs }: LokiGrid): readonly bigint[] {
  return Array.from({ length: Number((endNs - startNs) / stepNs) + 1 }, (_, i) => startNs + BigInt(i) * stepNs);
}

function samplesOf(
  { selection, unwrap, func, grouping }: RangeAggregation,
  telemetry: Telemetry,
  fromNs: bigint,
  toNs: bigint,
): ReadonlyMap<string, Samples> {
  const pipeline = pipelineOf(selection);
  const number = unwrap === undefined ? undefined : numberOf(unwrap);
  const bytes = func === "bytes_over_time" || func === "bytes_rate";
  const series = new Map<string, Samples>();
  for (const line of linesOf(telemetry, fromNs, toNs, "forward", pipeline.isOf)) {
    const entry = pipeline.entryOf(line);
    if (entry === undefined) continue;
    const value = number === undefined ? (bytes ? Buffer.byteLength(line.text) : 1) : number(entry);
    if (value === undefined) continue;
    if (entry.error !== "") throw pipelineError(entry);
    const { [unwrap?.label ?? ""]: _, ...own } = entry.labels;
    const labels = kept(own, grouping ?? { kind: "without", labels: [] });
    const key = keyOf(labels);
    let samples = series.get(key);
    if (samples === undefined) {
      samples = { labels, timesNs: [], values: [] };
      series.set(key, samples);
    }
    samples.timesNs.push(line.timeNs);
    samples.values.push(value);
  }
  return series;
}

/** The number in a label; `undefined` where the entry has none, or does not pass the conditions that follow. */
function numberOf({ label, conversion, filters }: Unwrap): (entry: LogEntry) => number | undefined {
  const steps = filters.map(filterStep);
  const read = { none: goFloat, duration: seconds, bytes: bytesIn }[conversion ?? "none"];
  return (entry) => {
    const text = entry.label(label);
    if (text === "") return undefined;
    const value = read(text);
    if (value === undefined && entry.error === "") entry.error = "SampleExtractionErr";
    return steps.every((step) => step(entry)) ? (value ?? 0) : undefined;
  };
}

function seconds(text: string): number | undefined {
  const ns = goDuration(text);
  return ns === undefined ? undefined : ns / 1e9;
}

function bytesIn(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmgtp]?i?b?)$/i.exec(text) ?? [];
  if (amount === undefined) return undefined;
  const power = "kmgtp".indexOf(unit.charAt(0).toLowerCase()) + 1;
  return Math.trunc(Number(amount) * (/i/i.test(unit) ? 1024 : 1000) ** (unit === "" ? 0 : power));
}

function pipelineError(entry: LogEntry): Refusal {
  const shown = Object.entries(entry.labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const skip = `Use a label filter to intentionally skip this error. (e.g | __error__!="${entry.error}").`;
  const all = 'To skip all potential errors you can match empty errors.(e.g __error__="")';
  const after = 'The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )';
  return new Refusal(
    400,
    `pipeline error: '${entry.error}' for series: '{${shown.join(", ")}}'.\n${skip}\n${all}\n${after}\n`,
  );
}

function reckoned({ func, rangeMs, quantile = Number.NaN }: RangeAggregation, values: Float64Array): number {
  switch (func) {
    case "count_over_time":
      return values.length;
    case "rate":
      return values.length / (rangeMs / 1000);
    case "bytes_over_time":
    case "sum_over_time":
      return sum(values);
    case "bytes_rate":
      return sum(values) / (rangeMs / 1000);
    case "avg_over_time":
      return sum(values) / values.length;
    case "max_over_time":
      return greatest(values);
    case "min_over_time":
      return -greatest(values.map((value) => -value));
    case "stddev_over_time":
      return Math.sqrt(variance(values));
    case "stdvar_over_time":
      return variance(values);
    case "quantile_over_time":
      return quantileOf(quantile, values, values.length);
    default:
      return unreachable(func);
  }
}

const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);
const greatest = (values: Float64Array): number => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);

function variance(values: Float64Array): number {
  const mean = sum(values) / values.length;
  return sum(values.map((value) => (value - mean) ** 2)) / values.length;
}

function aggregated(expr: VectorAggregation, telemetry: Telemetry, grid: LokiGrid): readonly LokiSeries[] {
  const { op, count = 0, grouping = { kind: "by", labels: [] } } = expr;
  const groups = new Map<string, { readonly labels: LokiLabels; readonly members: LokiSeries[] }>();
  for (const series of measured(expr.expr, telemetry, grid)) {
    const labels = kept(series.labels, grouping);
    const key = keyOf(labels);
    const group = groups.get(key) ?? { labels, members: [] };
    group.members.push(series);
    groups.set(key, group);
  }
  const chosen = op === "topk" || op === "bottomk";
  return [...groups.values()].flatMap(({ labels, members }) =>
    chosen ? outermost(members, count, op === "topk") : [{ labels, values: joined(op, members) }],
  );
}

/** At each instant the `count` series with the largest, or smallest, values, under their own labels. */
function outermost(members: readonly LokiSeries[], count: number, largest: boolean): readonly LokiSeries[] {
  const left = members.map(({ labels }) => ({ labels, values: new Map<number, number>() }));
  for (const i of instantsIn(members)) {
    const there = members.flatMap(({ values }, member) => {
      const value = values.get(i);
      return value === undefined ? [] : [{ member, value }];
    });
    there.sort((a, b) => (largest ? b.value - a.value : a.value - b.value));
    for (const { member, value } of there.slice(0, count)) left[member]?.values.set(i, value);
  }
  return left.filter(({ values }) => values.size > 0);
}

function joined(
  op: Exclude<AggregationOp, "bottomk" | "topk">,
  members: readonly LokiSeries[],
): ReadonlyMap<number, number> {
  const values = new Map<number, number>();
  for (const i of instantsIn(members)) {
    const there = members.map((one) => one.values.get(i)).filter((value) => value !== undefined);
    values.set(i, together(op, Float64Array.from(there)));
  }
  return values;
}

function together(op: Exclude<AggregationOp, "bottomk" | "topk">, values: Float64Array): number {
  switch (op) {
    case "avg":
      return sum(values) / values.length;
    case "count":
      return values.length;
    case "max":
      return greatest(values);
    case "min":
      return -greatest(values.map((value) => -value));
    case "stddev":
      return Math.sqrt(variance(values));
    case "stdvar":
      return variance(values);
    case "sum":
      return sum(values);
    default:
      return unreachable(op);
  }
}

const instantsIn = (members: readonly LokiSeries[]): readonly number[] =>
  [...new Set(members.flatMap(({ values }) => [...values.keys()]))].sort((a, b) => a - b);

function kept(labels: LokiLabels, { kind, labels: names }: Grouping): LokiLabels {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => names.includes(name) === (kind === "by")));
}

const keyOf = (labels: LokiLabels): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
