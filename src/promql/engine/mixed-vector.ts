import { EvaluationError } from "../../errors.ts";
import type { Aggregation, Binary, Call, Expr, MatrixSelector } from "../ast.ts";
import { typeOf } from "../types.ts";
import { aggregateGroups } from "./aggregation.ts";
import { type Column, type Grid, type HistogramColumn, type MixedColumns, nonEmpty } from "./column.ts";
import type { Evaluation } from "./evaluation.ts";
import { groupLabels, groupsOf } from "./grouping.ts";
import { histogramGrowth } from "./histogram-rate.ts";
import { HistogramSum } from "./histogram-sum.ts";
import { compacted, dividedBy, type NativeHistogram, times } from "./native-histogram.ts";
import { overSeries } from "./over-range.ts";
import { joinScalar } from "./scalar-operations.ts";
import type { RangeSeries } from "./selection.ts";
import { Window } from "./window.ts";

/*
 * Native histograms on their way to a function that makes numbers of them. What is not here goes the way of numbers
 * alone, which refuses native histograms by name.
 */

/** The series of a vector, native histograms among them where its parts know how to handle them. */
export function mixedVector(evaluation: Evaluation, expr: Expr, grid: Grid): MixedColumns {
  switch (expr.kind) {
    case "vector":
      if (expr.extended !== undefined) break;
      return evaluation.settings.selection.mixedInstants(expr, evaluation.lookups(expr, grid));
    case "call": {
      const [arg] = expr.args;
      if (!GROWTH.has(expr.func) || arg?.kind !== "matrix" || arg.selector.extended !== undefined) break;
      return growth(evaluation, expr, arg, grid);
    }
    case "aggregation":
      if (expr.op !== "sum" && expr.op !== "avg") break;
      return aggregated(evaluation, expr, grid);
    case "binary":
      if (expr.op !== "*" && expr.op !== "/") break;
      if (typeOf(expr.left) !== "scalar" && typeOf(expr.right) !== "scalar") break;
      return scaled(evaluation, expr, grid);
  }
  return { floats: evaluation.vector(expr, grid), histograms: [] };
}

const GROWTH: ReadonlySet<string> = new Set(["delta", "increase", "rate"]);

function growth(evaluation: Evaluation, call: Call, arg: MatrixSelector, grid: Grid): MixedColumns {
  const { selection, delayedNames } = evaluation.settings;
  const lookups = evaluation.lookups(arg.selector, grid);
  const series = selection.mixedRanges(arg.selector, lookups.firstMs - arg.rangeMs, lookups.lastMs);
  const isMixed = (one: RangeSeries): boolean => one.samples.histograms !== undefined;
  const histograms = series.filter(isMixed).map((one): HistogramColumn => {
    const samples = (one.samples.histograms ?? []).map((sample) => sample ?? refuseMixed());
    const asked = {
      isCounter: call.func !== "delta",
      isRate: call.func === "rate",
      metric: one.labels.get("__name__"),
      at: arg,
      annotations: evaluation.annotations,
    };
    const window = new Window(one.samples);
    const values = Array.from({ length: grid.steps }, (_, step) => {
      window.endMs = lookups.at(step);
      window.startMs = window.endMs - arg.rangeMs;
      window.slide(window.startMs, window.endMs);
      return histogramGrowth(window, samples, asked);
    });
    return { labels: delayedNames ? one.labels : one.labels.dropMetadata(), dropName: true, values };
  });
  const rest = series.filter((one) => !isMixed(one));
  return { floats: overSeries(evaluation, call, arg, rest, grid), histograms: apart(histograms.filter(hasAny)) };
}

/** @throws {EvaluationError} where two series have become one */
function apart(columns: readonly HistogramColumn[]): readonly HistogramColumn[] {
  const keys = new Set(columns.map(({ labels }) => labels.key));
  if (keys.size === columns.length) return columns;
  throw new EvaluationError("execution", "vector cannot contain metrics with the same labelset");
}

function refuseMixed(): never {
  throw new EvaluationError(
    "unsupported",
    "a series that is a number and a native histogram by turns is not evaluated here",
  );
}

const hasAny = ({ values }: HistogramColumn): boolean => values.some((value) => value !== undefined);

function aggregated(evaluation: Evaluation, expr: Aggregation, grid: Grid): MixedColumns {
  const { op, grouping } = expr;
  if (op !== "sum" && op !== "avg") return refuseMixed();
  const inner = mixedVector(evaluation, expr.expr, grid);
  const sumsOf = new Map<string, (HistogramSum | undefined)[]>();
  const groups = new Map<string, HistogramColumn>();
  for (const { labels, dropName, values } of inner.histograms) {
    const group = groupLabels(labels, grouping);
    const sums = sumsOf.get(group.key) ?? new Array<HistogramSum | undefined>(grid.steps);
    sumsOf.set(group.key, sums);
    groups.set(group.key, {
      labels: group,
      dropName: dropName || groups.get(group.key)?.dropName === true,
      values: [],
    });
    for (const [step, value] of values.entries()) {
      if (value === undefined) continue;
      const sum = sums[step];
      if (sum === undefined) sums[step] = new HistogramSum(value);
      else sum.add(value);
    }
  }
  const floats = nonEmpty(
    aggregateGroups(op, groupsOf(inner.floats, grouping), new Float64Array(grid.steps), grid.steps),
  );
  const histograms = Array.from(groups, ([key, column]): HistogramColumn => {
    const values = Array.from({ length: grid.steps }, (_, step) => {
      const sum = sumsOf.get(key)?.[step];
      if (sum?.collides === true) evaluation.annotations.resetCollision(expr.expr);
      return op === "sum" ? sum?.total : sum?.mean;
    });
    return { ...column, values };
  });
  for (const column of histograms) refuseOverlap(column, floats);
  return { floats, histograms };
}

function refuseOverlap({ labels, values }: HistogramColumn, floats: readonly Column[]): void {
  const same = floats.find((column) => column.labels.key === labels.key);
  if (same !== undefined && values.some((value, step) => value !== undefined && same.present[step] === 1))
    refuseMixed();
}

function scaled(evaluation: Evaluation, expr: Binary, grid: Grid): MixedColumns {
  const { delayedNames } = evaluation.settings;
  const isLeft = typeOf(expr.left) === "scalar";
  const scalars = isLeft ? evaluation.scalar(expr.left, grid) : undefined;
  const inner = mixedVector(evaluation, isLeft ? expr.right : expr.left, grid);
  if (isLeft && expr.op === "/" && inner.histograms.length > 0) {
    throw new EvaluationError("unsupported", "a number divided by a native histogram is not evaluated here");
  }
  const factors = scalars ?? evaluation.scalar(expr.right, grid);
  const change = (value: NativeHistogram, factor: number): NativeHistogram =>
    compacted(expr.op === "*" ? times(value, factor) : dividedBy(value, factor));
  const histograms = inner.histograms.map(({ labels, values }) => ({
    labels: delayedNames ? labels : labels.dropMetadata(),
    dropName: true,
    values: values.map((value, step) => value && change(value, factors[step] as number)),
  }));
  return { floats: joinScalar(expr, inner.floats, factors, isLeft, delayedNames), histograms: apart(histograms) };
}
