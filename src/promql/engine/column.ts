import { EvaluationError } from "../../errors.ts";
import type { Labels } from "./labels.ts";
import type { NativeHistogram } from "./native-histogram.ts";

/** The instants of an evaluation: `startMs`, then every `stepMs`, `steps` in all. */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly steps: number;
}

/** The single instant of an instant query. */
export const instantGrid = (atMs: number): Grid => ({ startMs: atMs, stepMs: 1, steps: 1 });

/** What a Prometheus holds of one query in memory unless it is told otherwise: `--query.max-samples`. */
const MOST_STEPS = 50_000_000;

/**
 * The instants from `startMs` up to and including `endMs`; none where that is before.
 *
 * @throws {EvaluationError} for more of them than a server would hold
 */
export function gridOf(startMs: number, endMs: number, stepMs: number): Grid {
  const steps = endMs < startMs ? 0 : Math.floor((endMs - startMs) / stepMs) + 1;
  if (steps > MOST_STEPS) {
    throw new EvaluationError(
      "execution",
      `query processing would load too many samples into memory: ${steps} steps of ${stepMs} ms, where ${MOST_STEPS} are ` +
        "the most; ask for a longer step or a shorter range",
    );
  }
  return { startMs, stepMs, steps };
}

/** One series on a grid: `values[i]` holds where `present[i]` is 1. Whoever was given a column may write to it. */
export interface Column {
  readonly labels: Labels;
  /** Whether the metric's name goes in the end, where its removal is delayed. */
  readonly dropName: boolean;
  readonly values: Float64Array;
  readonly present: Uint8Array;
}

/** One series of native histograms on a grid. */
export interface HistogramColumn {
  readonly labels: Labels;
  readonly dropName: boolean;
  readonly values: readonly (NativeHistogram | undefined)[];
}

/** Series of numbers and of native histograms; a series that is both by turns is in both. */
export interface MixedColumns {
  readonly floats: Column[];
  readonly histograms: readonly HistogramColumn[];
}

/** A column without any value yet. */
export const emptyColumn = (labels: Labels, steps: number, dropName = false): Column => ({
  labels,
  dropName,
  values: new Float64Array(steps),
  present: new Uint8Array(steps),
});

/** A column with a value at every step. */
export const fullColumn = (labels: Labels, values: Float64Array): Column => ({
  labels,
  dropName: false,
  values,
  present: new Uint8Array(values.length).fill(1),
});

/** The same samples under other labels. */
export const relabelled = ({ values, present }: Column, labels: Labels, dropName: boolean): Column => ({
  labels,
  dropName,
  values,
  present,
});

/** How many steps have a value. */
export function countOf({ present }: Column): number {
  let count = 0;
  for (let i = 0; i < present.length; i++) count += present[i] as number;
  return count;
}

export const isEmpty = ({ present }: Column): boolean => !present.includes(1);

export const nonEmpty = (columns: readonly Column[]): Column[] => columns.filter((column) => !isEmpty(column));

/** At which steps any of the columns has a value. */
export function presentAnywhere(columns: readonly Column[], steps: number): Uint8Array {
  const anywhere = new Uint8Array(steps);
  for (const { present } of columns) {
    for (let i = 0; i < steps; i++) anywhere[i] = (anywhere[i] ?? 0) | (present[i] ?? 0);
  }
  return anywhere;
}

/**
 * Columns of equal labels joined to one, in the order of their first sight.
 *
 * @throws {EvaluationError} where two of them have a value at the same step
 */
export function joinEqual(columns: readonly Column[]): Column[] {
  const byKey = new Map<string, Column>();
  for (const column of columns) {
    const { key } = column.labels;
    const first = byKey.get(key);
    if (first === undefined) byKey.set(key, column);
    else join(first, column);
  }
  return [...byKey.values()];
}

function join(target: Column, { values, present }: Column): void {
  for (let i = 0; i < present.length; i++) {
    if (present[i] === 0) continue;
    if (target.present[i] === 1) {
      throw new EvaluationError("execution", "vector cannot contain metrics with the same labelset");
    }
    target.present[i] = 1;
    target.values[i] = values[i] ?? Number.NaN;
  }
}

/** A single instant's columns, repeated for every step. */
export const repeated = (columns: readonly Column[], steps: number): Column[] =>
  columns.map(({ labels, dropName, values }) => ({
    ...fullColumn(labels, new Float64Array(steps).fill(values[0] ?? Number.NaN)),
    dropName,
  }));
