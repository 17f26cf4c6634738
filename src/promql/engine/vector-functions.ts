import { EvaluationError } from "../../errors.ts";
import type { Call, Expr, MatrixSelector, Subquery } from "../ast.ts";
import { greater, lesser } from "./arithmetic.ts";
import { CALENDAR, isCalendar } from "./calendar.ts";
import {
  type Column,
  fullColumn,
  type Grid,
  histogramsOf,
  joinEqual,
  type MixedColumns,
  NUMBER,
  nonEmpty,
  numbersOf,
  presentAnywhere,
} from "./column.ts";
import { clamped, ELEMENT_FUNCTIONS, rounded } from "./element-functions.ts";
import type { Evaluation } from "./evaluation.ts";
import { histogramFraction, histogramQuantile, histogramQuantiles, named } from "./histogram-functions.ts";
import { info } from "./info.ts";
import { labelJoin, labelReplace, labelsOfAbsent, sortByLabels, textOf } from "./label-functions.ts";
import { Labels } from "./labels.ts";
import { nativeFractions, nativeQuantiles, ofOneKind, simpleNumbers } from "./native-functions.ts";
import { overRange } from "./over-range.ts";
import { secondsOf } from "./rate.ts";

const isRange = (arg: Expr): arg is MatrixSelector | Subquery => arg.kind === "matrix" || arg.kind === "subquery";

/** The vector that a function gives, at each step of the grid. */
export function vectorCall(evaluation: Evaluation, call: Call, grid: Grid): Column[] {
  const { func, args } = call;
  const range = args.find(isRange);
  if (range !== undefined) return overRange(evaluation, call, range, grid);
  const element = ELEMENT_FUNCTIONS[func];
  if (element !== undefined) {
    if (isCalendar(func) && args.length === 0) {
      return [
        fullColumn(
          Labels.EMPTY,
          timesOf(grid).map((seconds) => CALENDAR[func](Math.floor(seconds))),
        ),
      ];
    }
    return mapped(evaluation, call, grid, (x) => element(x));
  }
  const vector = (index: number): Column[] => evaluation.vector(argument(call, index), grid);
  const scalar = (index: number): Float64Array => evaluation.scalar(argument(call, index), grid);
  const { annotations, settings } = evaluation;
  const context = { grid, annotations, delayedNames: settings.delayedNames };
  const numbers = (index: number): Column[] => numbersOf(vector(index));
  const mixed = (index: number): MixedColumns => {
    const columns = vector(index);
    const apart = { floats: numbersOf(columns), histograms: histogramsOf(columns) };
    return apart.histograms.length === 0 ? apart : ofOneKind(apart, argument(call, index), context);
  };
  switch (func) {
    case "absent":
      return absent(call, vector(0), grid);
    case "clamp": {
      const columns = numbers(0);
      const least = scalar(1);
      const most = scalar(2);
      return bounded(evaluation, columns, least, most);
    }
    case "clamp_max":
      return bounded(evaluation, numbers(0), filled(grid, Number.NEGATIVE_INFINITY), scalar(1));
    case "clamp_min":
      return bounded(evaluation, numbers(0), scalar(1), filled(grid, Number.POSITIVE_INFINITY));
    case "histogram_avg":
    case "histogram_count":
    case "histogram_stddev":
    case "histogram_stdvar":
    case "histogram_sum":
      // Of numbers they have no value.
      return joinEqual(nonEmpty(simpleNumbers(func, histogramsOf(vector(0)), context)));
    case "histogram_fraction": {
      const lower = scalar(0);
      const upper = scalar(1);
      const { floats, histograms } = mixed(2);
      const native = nativeFractions(lower, upper, histograms, argument(call, 2), context);
      return joinEqual(nonEmpty([...native, ...histogramFraction(call, lower, upper, floats, context)]));
    }
    case "histogram_quantile": {
      const q = scalar(0);
      const { floats, histograms } = mixed(1);
      const native = nativeQuantiles(q, histograms, argument(call, 1), context);
      return joinEqual(nonEmpty([...native, ...histogramQuantile(call, q, floats, context)]));
    }
    case "histogram_quantiles": {
      const { floats, histograms } = mixed(0);
      const qs = args.slice(2).map((_, i) => scalar(i + 2));
      const label = textOf(args[1]);
      const native = qs.flatMap((q) =>
        nativeQuantiles(q, histograms, argument(call, 0), context).flatMap((column) => named(column, label, q)),
      );
      return joinEqual(nonEmpty([...native, ...histogramQuantiles(call, floats, label, qs, context)]));
    }
    case "info":
      return info(evaluation, call, grid);
    case "label_join": {
      const relabel = labelJoin(call);
      return relabel(vector(0));
    }
    case "label_replace": {
      const relabel = labelReplace(call);
      return relabel(vector(0));
    }
    case "round": {
      const columns = numbers(0);
      const to = args.length > 1 ? scalar(1) : filled(grid, 1);
      return changed(evaluation, columns, (x, step) => rounded(x, to[step] as number));
    }
    case "sort":
      return sorted(evaluation, call, numbers(0), grid, 1);
    case "sort_desc":
      return sorted(evaluation, call, numbers(0), grid, -1);
    case "sort_by_label":
    case "sort_by_label_desc": {
      const columns = vector(0);
      if (isOverRange(evaluation, grid)) annotations.sortInRange(call);
      return sortByLabels(columns, args.slice(1).map(textOf), func === "sort_by_label_desc");
    }
    case "start_timestamp":
      // Prometheus has a value only where it was told to use start timestamps, and no storage here holds them.
      vector(0);
      return [];
    case "timestamp":
      return timestamps(evaluation, call, grid);
    case "vector":
      return [fullColumn(Labels.EMPTY, scalar(0))];
    default:
      throw new EvaluationError("unsupported", `${func}() is not evaluated here`);
  }
}

/** The scalar that a function gives, at each step of the grid. */
export function scalarCall(evaluation: Evaluation, call: Call, grid: Grid): Float64Array {
  const { query, queryEndMs } = evaluation.settings;
  switch (call.func) {
    case "time":
      return timesOf(grid);
    case "pi":
      return filled(grid, Math.PI);
    case "scalar":
      return onlyValue(evaluation.vector(argument(call, 0), grid), grid);
    case "max_of":
    case "min_of": {
      const other = evaluation.scalar(argument(call, 1), grid);
      const pick = call.func === "max_of" ? greater : lesser;
      return evaluation.scalar(argument(call, 0), grid).map((x, i) => pick(x, other[i] as number));
    }
    case "start":
      return filled(grid, query.startMs / 1000);
    case "end":
      return filled(grid, queryEndMs / 1000);
    case "range":
      return filled(grid, secondsOf(queryEndMs - query.startMs));
    case "step":
      return filled(grid, query.steps > 1 ? secondsOf(query.stepMs) : 0);
    default:
      throw new EvaluationError("unsupported", `${call.func}() is not evaluated here`);
  }
}

function argument(call: Call, index: number): Expr {
  const arg = call.args[index];
  if (arg === undefined) throw new EvaluationError("execution", `${call.func}() has no argument ${index + 1}`);
  return arg;
}

const filled = (grid: Grid, value: number): Float64Array => new Float64Array(grid.steps).fill(value);

const timesOf = (grid: Grid): Float64Array =>
  Float64Array.from({ length: grid.steps }, (_, i) => (grid.startMs + i * grid.stepMs) / 1000);

const mapped = (evaluation: Evaluation, call: Call, grid: Grid, element: (x: number) => number): Column[] =>
  changed(evaluation, numbersOf(evaluation.vector(argument(call, 0), grid)), element);

/** Columns with each value changed, and without the metric's name. */
function changed(
  { settings }: Evaluation,
  columns: readonly Column[],
  element: (x: number, step: number) => number,
): Column[] {
  const results = columns.map(({ labels, values, present }) => {
    for (let i = 0; i < values.length; i++) values[i] = element(values[i] as number, i);
    return { labels: settings.delayedNames ? labels : labels.dropMetadata(), dropName: true, values, present };
  });
  return joinEqual(results);
}

function bounded(
  evaluation: Evaluation,
  columns: readonly Column[],
  least: Float64Array,
  most: Float64Array,
): Column[] {
  for (const { present } of columns) {
    for (let i = 0; i < present.length; i++) if ((most[i] as number) < (least[i] as number)) present[i] = 0;
  }
  return changed(evaluation, nonEmpty(columns), (x, i) => clamped(x, least[i] as number, most[i] as number));
}

function absent(call: Call, columns: readonly Column[], grid: Grid): Column[] {
  const there = presentAnywhere(columns, grid.steps);
  const one = fullColumn(labelsOfAbsent(call.args[0]), filled(grid, 1));
  return nonEmpty([{ ...one, present: there.map((found) => 1 - found) }]);
}

function onlyValue(columns: readonly Column[], grid: Grid): Float64Array {
  const values = filled(grid, Number.NaN);
  const counts = new Uint32Array(grid.steps);
  for (const column of columns) {
    for (let i = 0; i < grid.steps; i++) {
      if (column.present[i] !== NUMBER) continue;
      counts[i] = (counts[i] as number) + 1;
      values[i] = counts[i] === 1 ? (column.values[i] as number) : Number.NaN;
    }
  }
  return values;
}

/** A range of a single step is one all the same, unless it ends there. */
const isOverRange = ({ settings }: Evaluation, grid: Grid): boolean =>
  grid.steps > 1 || (grid === settings.query && settings.queryEndMs !== grid.startMs);

/** Series by their values at a single instant, NaN last either way. */
function sorted(evaluation: Evaluation, call: Call, columns: readonly Column[], grid: Grid, sign: -1 | 1): Column[] {
  if (isOverRange(evaluation, grid)) {
    evaluation.annotations.sortInRange(call);
    return [...columns];
  }
  return [...columns].sort((a, b) => {
    const x = a.values[0] as number;
    const y = b.values[0] as number;
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return x === y ? 0 : sign * (x - y);
  });
}

/** The time of each sample, or of the step where the vector is not a selector's. */
function timestamps(evaluation: Evaluation, call: Call, grid: Grid): Column[] {
  const arg = argument(call, 0);
  if (arg.kind !== "vector") {
    const times = timesOf(grid);
    const columns = evaluation.vector(arg, grid).map(({ labels, dropName, values, present }) => ({
      labels,
      dropName,
      values,
      present: present.map((there) => (there === 0 ? 0 : NUMBER)),
    }));
    return changed(evaluation, columns, (_, step) => times[step] as number);
  }
  const columns = evaluation.settings.selection.instants(arg, evaluation.lookups(arg, grid), "time");
  return changed(evaluation, columns, (seconds) => seconds);
}
