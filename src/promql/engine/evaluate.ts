import { EvaluationError, QueryError } from "../../errors.ts";
import { type Duration, durationMs, type Instant, instantMs, shown } from "../../time.ts";
import type { Expr, MatrixSelector, Subquery } from "../ast.ts";
import type { QueryLength } from "../durations.ts";
import type { ValueType } from "../functions.ts";
import { parse } from "../parser.ts";
import { print } from "../printer.ts";
import { typeOf } from "../types.ts";
import type { Remarks } from "./annotations.ts";
import { type Column, countOf, fullColumn, type Grid, gridOf, histogramAt, instantGrid, joinEqual } from "./column.ts";
import { Evaluator } from "./evaluator.ts";
import { selectorsOfStatistics } from "./histogram-statistics.ts";
import { compareLabels, type LabelRecord, Labels } from "./labels.ts";
import type { NativeHistogram } from "./native-histogram.ts";
import { Selection } from "./selection.ts";
import type { SeriesStorage } from "./storage.ts";

/** One sample per series: `labels[i]` had `values[i]` at `timesMs[i]`. */
export interface EvaluatedVector extends Remarks {
  readonly kind: "vector";
  readonly labels: readonly LabelRecord[];
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  /** Those samples that are native histograms, by their place; `values` is `NaN` there. Left out where there are none. */
  readonly histograms?: readonly (NativeHistogram | undefined)[] | undefined;
}

/** A number without labels. */
export interface EvaluatedScalar extends Remarks {
  readonly kind: "scalar";
  readonly timeMs: number;
  readonly value: number;
}

/** A text, which only a string literal gives. */
export interface EvaluatedString extends Remarks {
  readonly kind: "string";
  readonly timeMs: number;
  readonly value: string;
}

/** The samples of each series that has any, in the order of their labels. */
export interface EvaluatedMatrix extends Remarks {
  readonly kind: "matrix";
  readonly series: readonly EvaluatedSeries[];
}

/** The samples of one series as two columns of equal length, in order of time. */
export interface EvaluatedSeries {
  readonly labels: LabelRecord;
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  /** Those samples that are native histograms, each in its place; `values` is `NaN` there. Left out where there are none. */
  readonly histograms?: readonly (NativeHistogram | undefined)[] | undefined;
}

/** What an expression is at one instant, by its type. */
export type EvaluatedInstant = EvaluatedMatrix | EvaluatedScalar | EvaluatedString | EvaluatedVector;

/** The instant of a query. */
export interface EvaluationInstant {
  readonly at: Instant;
}

/** The instants of a query: from `from` to `to`, both included, `step` apart. */
export interface EvaluationRange {
  readonly from: Instant;
  readonly to: Instant;
  /** A number is milliseconds. */
  readonly step: Duration | number;
}

/** What a server would be started with. */
export interface EvaluationOptions {
  /** How old a sample may be to count at an instant, `"5m"` when left out. */
  readonly lookback?: Duration | undefined;
  /** The step of subqueries that name none, `"1m"` when left out: a server's evaluation interval. */
  readonly subqueryStep?: Duration | undefined;
  /** Whether metric names go in the end only, as under Prometheus's flag `promql-delayed-name-removal`. */
  readonly delayedNameRemoval?: boolean | undefined;
  /** Whether a text may hold functions and aggregations that a server must be told to take. */
  readonly experimental?: boolean | undefined;
}

/**
 * The value of an expression over the series of a storage, as Prometheus 3 gives it, with the remarks that it makes.
 *
 * An expression that is given as text is parsed first, and then the remarks name their places in it. A vector comes in
 * the order of Prometheus where that has one, and in that of its labels otherwise; a matrix in that of its labels.
 *
 * @throws {EvaluationError} `code: "execution"` where Prometheus has no value either, in its words; `"unsupported"` for
 * what is not evaluated here
 * @throws {PromqlSyntaxError} for a text that is no PromQL
 * @throws {QueryError} for instants and lengths of time that are none
 * @see Prometheus, `promql/engine.go`
 * @example
 * const storage = memoryStorage();
 * storage.load('up{job="a"} 1', { step: "1m" });
 * evaluate("sum(up)", { at: 0 }, storage).kind // "vector"
 */
export function evaluate(
  expr: Expr | string,
  when: EvaluationInstant,
  storage: SeriesStorage,
  options?: EvaluationOptions,
): EvaluatedInstant;
export function evaluate(
  expr: Expr | string,
  when: EvaluationRange,
  storage: SeriesStorage,
  options?: EvaluationOptions,
): EvaluatedMatrix;
export function evaluate(
  expr: Expr | string,
  when: EvaluationInstant | EvaluationRange,
  storage: SeriesStorage,
  options?: EvaluationOptions,
): EvaluatedInstant;
export function evaluate(
  given: Expr | string,
  when: EvaluationInstant | EvaluationRange,
  storage: SeriesStorage,
  options: EvaluationOptions = {},
): EvaluatedInstant {
  try {
    return evaluated(given, when, storage, options);
  } catch (error) {
    if (!(error instanceof EvaluationError) || error.query !== undefined) throw error;
    const query = typeof given === "string" ? given : print(given);
    throw new EvaluationError(error.code, error.message, { query, cause: error });
  }
}

function evaluated(
  given: Expr | string,
  when: EvaluationInstant | EvaluationRange,
  storage: SeriesStorage,
  options: EvaluationOptions,
): EvaluatedInstant {
  const { query, endMs } = gridAsked(when);
  const length = "at" in when ? INSTANT : { rangeMs: endMs - query.startMs, stepMs: query.stepMs };
  const expr = typeof given === "string" ? parse(given, { experimental: options.experimental, query: length }) : given;
  const lookbackMs = durationMs(options.lookback ?? "5m", "evaluate: lookback", "window");
  const evaluator = new Evaluator(expr, {
    selection: new Selection(storage, lookbackMs, selectorsOfStatistics(expr)),
    lookbackMs,
    subqueryStepMs: durationMs(options.subqueryStep ?? "1m", "evaluate: subqueryStep", "step"),
    delayedNames: options.delayedNameRemoval === true,
    query,
    queryEndMs: endMs,
  });
  const value = "at" in when ? atInstant(evaluator, expr, query.startMs) : overTime(evaluator, expr, query);
  const remarks = evaluator.annotations.remarks(typeof given === "string" ? given : undefined);
  return Object.freeze({ ...value, ...remarks });
}

const INSTANT: QueryLength = { rangeMs: 0, stepMs: 0 };

function gridAsked(when: EvaluationInstant | EvaluationRange): { readonly query: Grid; readonly endMs: number } {
  if ("at" in when) {
    const atMs = Math.round(instantMs(when.at, "evaluate: at"));
    return { query: instantGrid(atMs), endMs: atMs };
  }
  const startMs = Math.round(instantMs(when.from, "evaluate: from"));
  const endMs = Math.round(instantMs(when.to, "evaluate: to"));
  const stepMs = typeof when.step === "number" ? when.step : durationMs(when.step, "evaluate: step", "step");
  if (!Number.isSafeInteger(stepMs) || stepMs <= 0) {
    throw new QueryError("step", `evaluate: step: ${shown(when.step)} is no step; write "1m" or whole milliseconds`);
  }
  if (endMs < startMs) throw new QueryError("range", "evaluate: the range ends before it begins; swap from and to");
  return { query: gridOf(startMs, endMs, stepMs), endMs };
}

type Bare<T> = T extends Remarks ? Omit<T, keyof Remarks> : never;

function atInstant(evaluator: Evaluator, expr: Expr, atMs: number): Bare<EvaluatedInstant> {
  const grid = instantGrid(atMs);
  const type = typeOf(expr);
  switch (type) {
    case "scalar":
      return { kind: "scalar", timeMs: atMs, value: evaluator.scalar(expr, grid)[0] ?? Number.NaN };
    case "string":
      return { kind: "string", timeMs: atMs, value: expr.kind === "string" ? expr.value : "" };
    case "matrix":
      return rangeOf(evaluator, expr as MatrixSelector | Subquery, atMs);
    case "vector": {
      const columns = named(evaluator, evaluator.vector(expr, grid));
      return {
        kind: "vector",
        labels: columns.map(({ labels }) => labels.toRecord()),
        timesMs: new Float64Array(columns.length).fill(atMs),
        values: Float64Array.from(columns, ({ values }) => values[0] as number),
        ...(columns.some(({ histograms }) => histograms !== undefined) && {
          histograms: columns.map((column) => histogramAt(column, 0)),
        }),
      };
    }
  }
}

function rangeOf(evaluator: Evaluator, expr: MatrixSelector | Subquery, atMs: number): Bare<EvaluatedMatrix> {
  const { delayedNames } = evaluator.settings;
  const series = evaluator
    .matrix(expr, atMs)
    .map(({ labels, dropName, samples }) => ({
      labels: delayedNames && dropName ? labels.dropMetadata() : labels,
      timesMs: samples.timesMs.slice(),
      values: samples.values.slice(),
      ...(samples.histograms !== undefined && { histograms: samples.histograms }),
    }))
    .filter(({ values }) => values.length > 0)
    .sort((a, b) => compareLabels(a.labels, b.labels))
    .map(({ labels, ...samples }) => ({ ...samples, labels: labels.toRecord() }));
  return { kind: "matrix", series };
}

const SHOWN_TYPES: Readonly<Record<ValueType, string>> = {
  matrix: "range vector",
  scalar: "scalar",
  string: "string",
  vector: "instant vector",
};

function overTime(evaluator: Evaluator, expr: Expr, grid: Grid): Bare<EvaluatedMatrix> {
  const type = typeOf(expr);
  if (type === "matrix" || type === "string") {
    throw new EvaluationError(
      "execution",
      `invalid expression type "${SHOWN_TYPES[type]}" for range query, must be Scalar or instant Vector`,
    );
  }
  const columns =
    type === "scalar"
      ? [fullColumn(Labels.EMPTY, evaluator.scalar(expr, grid))]
      : named(evaluator, evaluator.vector(expr, grid));
  const series = columns.sort((a, b) => compareLabels(a.labels, b.labels)).map((column) => seriesOf(column, grid));
  return { kind: "matrix", series };
}

/** Columns under their last names, where names are removed in the end. */
function named({ settings }: Evaluator, columns: Column[]): Column[] {
  if (!settings.delayedNames) return columns;
  return joinEqual(
    columns.map((column) => (column.dropName ? { ...column, labels: column.labels.dropMetadata() } : column)),
  );
}

function seriesOf(column: Column, { startMs, stepMs }: Grid): EvaluatedSeries {
  const { labels, values, present } = column;
  const size = countOf(column);
  const timesMs = new Float64Array(size);
  const kept = size === values.length ? values : new Float64Array(size);
  const histograms: (NativeHistogram | undefined)[] = [];
  for (let step = 0, at = 0; step < values.length; step++) {
    if (present[step] === 0) continue;
    if (column.histograms !== undefined) histograms[at] = histogramAt(column, step);
    timesMs[at] = startMs + step * stepMs;
    kept[at++] = values[step] as number;
  }
  const series = { labels: labels.toRecord(), timesMs, values: kept };
  return histograms.some((one) => one !== undefined) ? { ...series, histograms } : series;
}
