import { unreachable } from "../../errors.ts";
import type { AggregationOp } from "../functions.ts";
import type { RemarkPlace } from "./annotations.ts";
import {
  type Column,
  emptyColumn,
  HISTOGRAM,
  histogramAt,
  NUMBER,
  nonEmpty,
  numbersOf,
  setHistogram,
} from "./column.ts";
import type { Group } from "./grouping.ts";
import { joinedHistograms } from "./histogram-sum.ts";
import { quantileOf } from "./quantile.ts";

/** The aggregations that make one series of each group. */
export type Reducing = Exclude<AggregationOp, "bottomk" | "count_values" | "limit_ratio" | "limitk" | "topk">;

/**
 * One series of each group, at every step the aggregate of the values that there are. Values are taken in the order of
 * their series, as Prometheus takes them, so that sums agree to the last bit.
 *
 * @param parameter the quantile that is asked for, at each step
 */
export function aggregateGroups(
  op: Reducing,
  groups: readonly Group[],
  parameter: Float64Array,
  steps: number,
  place: RemarkPlace,
): Column[] {
  const results = groups.map((group) => {
    const result = emptyColumn(
      group.labels,
      steps,
      group.columns.some(({ dropName }) => dropName),
    );
    const isMixed = group.columns.some(({ histograms }) => histograms !== undefined);
    const columns = isMixed && !TAKES_ALL.has(op) ? numbersOf(group.columns) : group.columns;
    for (const { present } of columns) {
      for (let i = 0; i < steps; i++) if (present[i] !== 0) result.present[i] = NUMBER;
    }
    fill(op, columns, parameter, result);
    if (!isMixed) return result;
    if (op === "sum" || op === "avg") joinHistograms(op, group.columns, result, place);
    else if (!TAKES_ALL.has(op) && hasHistogram(group.columns)) place.annotations.ignoredInAggregation(op, place.at);
    return result;
  });
  return nonEmpty(results);
}

/** Those to which it does not matter what a sample is. */
const TAKES_ALL: ReadonlySet<Reducing> = new Set<Reducing>(["count", "group"]);

const hasHistogram = (columns: readonly Column[]): boolean =>
  columns.some(({ present }) => present.includes(HISTOGRAM));

/** Adds the native histograms of a group to its result, and takes away what is both. */
function joinHistograms(
  op: "avg" | "sum",
  columns: readonly Column[],
  result: Column,
  { at, annotations }: RemarkPlace,
): void {
  for (let step = 0; step < result.values.length; step++) {
    const all = columns.flatMap((column) => {
      const histogram = histogramAt(column, step);
      return histogram === undefined ? [] : [{ histogram, metric: column.labels.get("__name__") }];
    });
    if (all.length === 0) continue;
    if (result.present[step] === NUMBER) {
      annotations.mixedGroup(at);
      result.present[step] = 0;
      continue;
    }
    const joined = joinedHistograms(op, all, { at, annotations });
    if (joined !== undefined) setHistogram(result, step, joined);
  }
}

function fill(op: Reducing, columns: readonly Column[], parameter: Float64Array, result: Column): void {
  switch (op) {
    case "sum":
      sum(columns, result);
      break;
    case "avg":
      mean(columns, result);
      break;
    case "min":
      extreme(columns, result, -1);
      break;
    case "max":
      extreme(columns, result, 1);
      break;
    case "count":
      count(columns, result);
      break;
    case "group":
      result.values.fill(1);
      break;
    case "stddev":
    case "stdvar":
      variance(columns, result);
      if (op === "stddev") for (const [i, value] of result.values.entries()) result.values[i] = Math.sqrt(value);
      break;
    case "quantile":
      quantile(columns, result, parameter);
      break;
    default:
      unreachable(op);
  }
}

const isInfinite = (x: number): boolean => x === Number.POSITIVE_INFINITY || x === Number.NEGATIVE_INFINITY;

/** Sums step by step with what each addition loses carried along; returns whether none of them became infinite. */
function addUp(columns: readonly Column[], sums: Float64Array, lost: Float64Array): boolean {
  const seen = new Uint8Array(sums.length);
  let finite = true;
  for (const { values, present } of columns) {
    for (let i = 0; i < sums.length; i++) {
      if (present[i] !== 1) continue;
      const x = values[i] as number;
      if (seen[i] === 0) {
        seen[i] = 1;
        sums[i] = x;
        continue;
      }
      const before = sums[i] as number;
      const t = before + x;
      if (isInfinite(t)) {
        lost[i] = 0;
        finite = false;
      } else if (Math.abs(before) >= Math.abs(x)) lost[i] = (lost[i] as number) + (before - t + x);
      else lost[i] = (lost[i] as number) + (x - t + before);
      sums[i] = t;
    }
  }
  return finite;
}

function sum(columns: readonly Column[], { values }: Column): void {
  const lost = new Float64Array(values.length);
  addUp(columns, values, lost);
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) + (lost[i] as number);
}

function count(columns: readonly Column[], { values }: Column): void {
  for (const { present } of columns) {
    for (let i = 0; i < values.length; i++) if (present[i] !== 0) values[i] = (values[i] as number) + 1;
  }
}

function mean(columns: readonly Column[], result: Column): void {
  const { values } = result;
  const lost = new Float64Array(values.length);
  if (!addUp(columns, values, lost)) {
    runningMean(columns, result);
    return;
  }
  const counts = new Float64Array(values.length);
  count(columns, { ...result, values: counts });
  for (let i = 0; i < values.length; i++) {
    const n = counts[i] as number;
    values[i] = (values[i] as number) / n + (lost[i] as number) / n;
  }
}

/** The same where a sum would become infinite: from there on each value moves the mean of those before it. */
function runningMean(columns: readonly Column[], { values, present }: Column): void {
  for (let step = 0; step < values.length; step++) {
    if (present[step] !== 1) continue;
    const state = { n: 0, sum: 0, lost: 0, isRunning: false };
    for (const column of columns) {
      if (column.present[step] === 1) include(state, column.values[step] as number);
    }
    const { n, sum, lost, isRunning } = state;
    values[step] = isRunning ? sum + lost : sum / n + lost / n;
  }
}

/** A mean in the making: a sum and what it has lost, or the mean itself where it `isRunning`. */
interface MeanState {
  n: number;
  sum: number;
  lost: number;
  isRunning: boolean;
}

function include(state: MeanState, x: number): void {
  state.n++;
  if (state.n === 1) {
    state.sum = x;
    return;
  }
  if (!state.isRunning) {
    const t = state.sum + x;
    if (!isInfinite(t)) {
      shift(state, state.sum, state.lost, x);
      return;
    }
    state.isRunning = true;
    state.sum /= state.n - 1;
    state.lost /= state.n - 1;
  }
  const share = (state.n - 1) / state.n;
  shift(state, share * state.sum, share * state.lost, x / state.n);
}

function shift(state: MeanState, sum: number, lost: number, x: number): void {
  const t = sum + x;
  if (isInfinite(t)) state.lost = 0;
  else state.lost = lost + (Math.abs(sum) >= Math.abs(x) ? sum - t + x : x - t + sum);
  state.sum = t;
}

/** The least or greatest value; NaN only where there is nothing else. */
function extreme(columns: readonly Column[], { values }: Column, sign: -1 | 1): void {
  const seen = new Uint8Array(values.length);
  for (const column of columns) {
    for (let i = 0; i < values.length; i++) {
      if (column.present[i] !== 1) continue;
      const x = column.values[i] as number;
      const best = values[i] as number;
      if (seen[i] === 0 || Number.isNaN(best) || sign * best < sign * x) values[i] = x;
      seen[i] = 1;
    }
  }
}

/** Welford's running variance. */
function variance(columns: readonly Column[], { values }: Column): void {
  const counts = new Float64Array(values.length);
  const means = new Float64Array(values.length);
  for (const column of columns) {
    for (let i = 0; i < values.length; i++) {
      if (column.present[i] !== 1) continue;
      const x = column.values[i] as number;
      const n = (counts[i] as number) + 1;
      counts[i] = n;
      if (n === 1) {
        means[i] = x;
        values[i] = Number.isFinite(x) ? 0 : Number.NaN;
        continue;
      }
      const delta = x - (means[i] as number);
      means[i] = (means[i] as number) + delta / n;
      values[i] = (values[i] as number) + delta * (x - (means[i] as number));
    }
  }
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) / (counts[i] as number);
}

function quantile(columns: readonly Column[], { values, present }: Column, parameter: Float64Array): void {
  const found = new Float64Array(columns.length);
  for (let i = 0; i < values.length; i++) {
    if (present[i] !== 1) continue;
    let size = 0;
    for (const column of columns) if (column.present[i] === 1) found[size++] = column.values[i] as number;
    values[i] = quantileOf(parameter[i] as number, found, size);
  }
}
