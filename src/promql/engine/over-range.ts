import type { Call, MatrixSelector, Placed, Subquery } from "../ast.ts";
import {
  type Column,
  emptyColumn,
  fullColumn,
  type Grid,
  isEmpty,
  joinEqual,
  NUMBER,
  presentAnywhere,
  setHistogram,
  setNumber,
} from "./column.ts";
import type { Evaluation } from "./evaluation.ts";
import { labelsOfAbsent } from "./label-functions.ts";
import { mixedReduction } from "./mixed-range.ts";
import { rangeFunction } from "./range-functions.ts";
import type { RangeSeries } from "./selection.ts";
import { type RangeFunction, type Samples, Window } from "./window.ts";

/** What a function over ranges makes of each series at each step. */
export function overRange(evaluation: Evaluation, call: Call, arg: MatrixSelector | Subquery, grid: Grid): Column[] {
  const series = evaluation.rangeSeries(arg, grid, call.func);
  const scalars = call.args.filter((other) => other !== arg).map((other) => evaluation.scalar(other, grid));
  const extension = arg.kind === "matrix" ? arg.selector.extended : undefined;
  const func = rangeFunction(call, extension, evaluation.annotations);
  const keepsName = call.func === "last_over_time" || call.func === "first_over_time";
  const columns: Column[] = [];
  for (const one of series) {
    const dropName = !keepsName || one.dropName;
    const labels = dropName && !evaluation.settings.delayedNames ? one.labels.dropMetadata() : one.labels;
    const column = emptyColumn(labels, grid.steps, dropName);
    slideOver(evaluation, one, arg, grid, { call, func }, scalars, column);
    if (isEmpty(column)) continue;
    const isNumber = column.present.includes(NUMBER);
    if (isNumber && (call.func === "rate" || call.func === "increase")) remarkNonCounter(evaluation, arg, one);
    columns.push(column);
  }
  if (call.func === "absent_over_time") return absent(columns, call, grid);
  return evaluation.settings.delayedNames ? columns : joinEqual(columns);
}

function slideOver(
  evaluation: Evaluation,
  { samples, labels }: RangeSeries,
  arg: MatrixSelector | Subquery,
  grid: Grid,
  { call, func }: { readonly call: Call; readonly func: RangeFunction },
  scalars: readonly Float64Array[],
  column: Column,
): void {
  const { values, present } = column;
  const { firstMs, stepMs } = evaluation.lookups(arg.kind === "matrix" ? arg.selector : arg, grid);
  const { before, behind } = evaluation.reach(arg);
  const { rangeMs } = arg;
  const window = new Window(samples);
  const reduce = func(samples);
  const { annotations } = evaluation;
  const mixed =
    samples.histograms === undefined
      ? undefined
      : mixedReduction({ call, func, samples, metric: labels.get("__name__"), annotations });
  const args = scalars.map(() => 0);
  for (let step = 0; step < grid.steps; step++) {
    window.endMs = firstMs + step * stepMs;
    window.startMs = window.endMs - rangeMs;
    window.atMs = grid.startMs + step * grid.stepMs;
    window.slide(window.startMs - before, window.endMs + behind);
    if (window.end === window.first) continue;
    for (let i = 0; i < args.length; i++) args[i] = scalars[i]?.[step] as number;
    if (mixed !== undefined && hasHistogram(samples, window)) {
      const found = mixed(window, args);
      if (typeof found === "number") setNumber(column, step, found);
      else if (found !== undefined) setHistogram(column, step, found);
      continue;
    }
    if (!reduce(window, args)) continue;
    present[step] = 1;
    values[step] = window.result;
  }
}

function hasHistogram({ histograms }: Samples, { first, end }: Window): boolean {
  for (let i = first; i < end; i++) if (histograms?.[i] !== undefined) return true;
  return false;
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
