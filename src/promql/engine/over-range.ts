import type { Call, MatrixSelector, Placed, Subquery } from "../ast.ts";
import { type Column, emptyColumn, fullColumn, type Grid, isEmpty, joinEqual, presentAnywhere } from "./column.ts";
import type { Evaluation } from "./evaluation.ts";
import { labelsOfAbsent } from "./label-functions.ts";
import { rangeFunction } from "./range-functions.ts";
import type { RangeSeries } from "./selection.ts";
import { type RangeFunction, Window } from "./window.ts";

/** What a function over ranges makes of each series at each step. */
export function overRange(evaluation: Evaluation, call: Call, arg: MatrixSelector | Subquery, grid: Grid): Column[] {
  return overSeries(evaluation, call, arg, evaluation.rangeSeries(arg, grid), grid);
}

/** The same over series that have been read already. */
export function overSeries(
  evaluation: Evaluation,
  call: Call,
  arg: MatrixSelector | Subquery,
  series: readonly RangeSeries[],
  grid: Grid,
): Column[] {
  const scalars = call.args.filter((other) => other !== arg).map((other) => evaluation.scalar(other, grid));
  const extension = arg.kind === "matrix" ? arg.selector.extended : undefined;
  const func = rangeFunction(call, extension, evaluation.annotations);
  const keepsName = call.func === "last_over_time" || call.func === "first_over_time";
  const columns: Column[] = [];
  for (const one of series) {
    const dropName = !keepsName || one.dropName;
    const labels = dropName && !evaluation.settings.delayedNames ? one.labels.dropMetadata() : one.labels;
    const column = emptyColumn(labels, grid.steps, dropName);
    slideOver(evaluation, one, arg, grid, func, scalars, column);
    if (isEmpty(column)) continue;
    if (call.func === "rate" || call.func === "increase") remarkNonCounter(evaluation, arg, one);
    columns.push(column);
  }
  if (call.func === "absent_over_time") return absent(columns, call, grid);
  return evaluation.settings.delayedNames ? columns : joinEqual(columns);
}

function slideOver(
  evaluation: Evaluation,
  { samples }: RangeSeries,
  arg: MatrixSelector | Subquery,
  grid: Grid,
  func: RangeFunction,
  scalars: readonly Float64Array[],
  { values, present }: Column,
): void {
  const { firstMs, stepMs } = evaluation.lookups(arg.kind === "matrix" ? arg.selector : arg, grid);
  const { before, behind } = evaluation.reach(arg);
  const { rangeMs } = arg;
  const window = new Window(samples);
  const reduce = func(samples);
  const args = scalars.map(() => 0);
  for (let step = 0; step < grid.steps; step++) {
    window.endMs = firstMs + step * stepMs;
    window.startMs = window.endMs - rangeMs;
    window.atMs = grid.startMs + step * grid.stepMs;
    window.slide(window.startMs - before, window.endMs + behind);
    if (window.end === window.first) continue;
    for (let i = 0; i < args.length; i++) args[i] = scalars[i]?.[step] as number;
    if (!reduce(window, args)) continue;
    present[step] = 1;
    values[step] = window.result;
  }
}

const COUNTER = /_(?:total|sum|count|bucket)$/;

/** Prometheus no longer knows where a subquery stands, and names the beginning. */
const NO_PLACE: Placed = { span: { start: 0, end: 0 } };

function remarkNonCounter({ annotations }: Evaluation, arg: MatrixSelector | Subquery, { labels }: RangeSeries): void {
  const name = labels.get("__name__");
  if (name !== "" && !COUNTER.test(name))
    annotations.possibleNonCounter(name, arg.kind === "subquery" ? NO_PLACE : arg);
}

function absent(columns: readonly Column[], call: Call, { steps }: Grid): Column[] {
  const there = presentAnywhere(columns, steps);
  if (!there.includes(0)) return [];
  const one = fullColumn(labelsOfAbsent(call.args[0]), new Float64Array(steps).fill(1));
  return [{ ...one, present: there.map((found) => 1 - found) }];
}
