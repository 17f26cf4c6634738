import { EvaluationError } from "../../errors.ts";
import type { AggregationOp } from "../functions.ts";
import type { RemarkPlace } from "./annotations.ts";
import { type Column, emptyColumn, HISTOGRAM, isEmpty, NUMBER, setFrom } from "./column.ts";
import { extremesOf } from "./extremes.ts";
import { generalText } from "./float-text.ts";
import type { Group } from "./grouping.ts";

/** The aggregations that choose some series of each group and leave them as they are. */
export type Choosing = Extract<AggregationOp, "bottomk" | "limitk" | "topk">;

/**
 * The greatest, the least or the first `k` series of each group, at every step anew.
 *
 * Of equal values Prometheus keeps those that a binary heap happens to keep; this is the same heap. At a single instant
 * the result is sorted by value, group by group.
 */
export function chooseSeries(
  op: Choosing,
  groups: readonly Group[],
  parameter: Float64Array,
  seriesCount: number,
  { at, annotations }: RemarkPlace,
): Column[] {
  checkParameter(parameter);
  const steps = parameter.length;
  if (op !== "limitk" && groups.some(({ columns }) => columns.some((column) => isLeftOut(column, parameter)))) {
    annotations.ignoredInAggregation(op, at);
  }
  const chosen = new Map<Column, Column>();
  /** The order in which series are first chosen. */
  const order: Column[] = [];
  for (let step = 0; step < steps; step++) {
    const k = Math.min(Math.trunc(parameter[step] as number), seriesCount);
    if (k < 1) continue;
    for (const { columns } of groups) {
      for (const column of chooseAt(op, columns, k, step)) {
        let result = chosen.get(column);
        if (result === undefined) {
          result = emptyColumn(column.labels, steps, column.dropName);
          chosen.set(column, result);
          order.push(result);
        }
        setFrom(result, step, column);
      }
    }
  }
  return order.filter((column) => !isEmpty(column));
}

/** Whether a native histogram stands where something is chosen by its value. */
const isLeftOut = ({ histograms, present }: Column, parameter: Float64Array): boolean =>
  histograms !== undefined && present.some((kind, step) => kind === HISTOGRAM && (parameter[step] as number) >= 1);

function checkParameter(parameter: Float64Array): void {
  if (parameter.every((k) => k < 1)) return;
  if (parameter.some(Number.isNaN)) throw new EvaluationError("execution", "Parameter value is NaN");
  const { least, most } = extremesOf(parameter);
  for (const k of [least, most]) {
    if (k <= -(2 ** 63)) throw new EvaluationError("execution", `Scalar value ${generalText(k)} underflows int64`);
    if (k >= 2 ** 63) throw new EvaluationError("execution", `Scalar value ${generalText(k)} overflows int64`);
  }
}

function chooseAt(op: Choosing, columns: readonly Column[], k: number, step: number): Column[] {
  const value = (column: Column): number => (column.present[step] === HISTOGRAM ? 0 : (column.values[step] as number));
  if (op === "limitk") return inHeapOrder(columns.filter(({ present }) => present[step] !== 0).slice(0, k), value);
  const there = columns.filter(({ present }) => present[step] === NUMBER);
  const sign = op === "topk" ? 1 : -1;
  /** Whether the first of two is the one to give up first; NaN always is. */
  const isWorse = (a: Column, b: Column): boolean => Number.isNaN(value(a)) || sign * value(a) < sign * value(b);
  const heap: Column[] = [];
  for (const column of there) {
    const worst = heap[0];
    if (heap.length < k || worst === undefined) push(heap, column, isWorse);
    else if (
      sign * value(worst) < sign * value(column) ||
      (Number.isNaN(value(worst)) && !Number.isNaN(value(column)))
    ) {
      heap[0] = column;
      sink(heap, 0, isWorse);
    }
  }
  return bestFirst(heap, isWorse);
}

/** The order in which Prometheus's heap by value holds what `limitk` takes. */
function inHeapOrder(columns: readonly Column[], value: (column: Column) => number): Column[] {
  const heap: Column[] = [];
  for (const column of columns) push(heap, column, (a, b) => Number.isNaN(value(a)) || value(a) < value(b));
  return heap;
}

type Order = (a: Column, b: Column) => boolean;

function push(heap: Column[], column: Column, before: Order): void {
  heap.push(column);
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >> 1;
    if (!before(heap[at] as Column, heap[parent] as Column)) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function sink(heap: Column[], start: number, before: Order): void {
  for (let at = start; ; ) {
    let child = 2 * at + 1;
    if (child >= heap.length) return;
    if (child + 1 < heap.length && before(heap[child + 1] as Column, heap[child] as Column)) child++;
    if (!before(heap[child] as Column, heap[at] as Column)) return;
    swap(heap, at, child);
    at = child;
  }
}

function swap(heap: Column[], a: number, b: number): void {
  const kept = heap[a] as Column;
  heap[a] = heap[b] as Column;
  heap[b] = kept;
}

/** Sorted by insertion, as Go sorts what is short; equal ones stay in the order of the heap. */
function bestFirst(heap: readonly Column[], isWorse: Order): Column[] {
  return [...heap].sort((a, b) => {
    const isAWorse = isWorse(a, b);
    return isAWorse === isWorse(b, a) ? 0 : isAWorse ? 1 : -1;
  });
}
