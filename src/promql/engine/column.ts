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

/** What `present` says of a step where there is a number, and of one where there is a native histogram. */
export const NUMBER = 1;
export const HISTOGRAM = 2;

/**
 * One series on a grid: at a step it has a number in `values` or a native histogram in `histograms`, as `present` says,
 * or nothing where that is 0. Whoever was given a column may write to it.
 */
export interface Column {
  readonly labels: Labels;
  /** Whether the metric's name goes in the end, where its removal is delayed. */
  readonly dropName: boolean;
  readonly values: Float64Array;
  readonly present: Uint8Array;
  /** Left out where there are none. */
  histograms?: (NativeHistogram | undefined)[] | undefined;
}

export function setNumber({ values, present }: Column, step: number, value: number): void {
  values[step] = value;
  present[step] = NUMBER;
}

export function setHistogram(column: Column, step: number, histogram: NativeHistogram): void {
  column.histograms ??= new Array<NativeHistogram | undefined>(column.values.length);
  column.histograms[step] = histogram;
  column.values[step] = Number.NaN;
  column.present[step] = HISTOGRAM;
}

/** Takes over what another column has at a step. */
export function setFrom(column: Column, step: number, other: Column): void {
  const histogram = histogramAt(other, step);
  if (histogram === undefined) setNumber(column, step, other.values[step] as number);
  else setHistogram(column, step, histogram);
}

export const histogramAt = ({ present, histograms }: Column, step: number): NativeHistogram | undefined =>
  present[step] === HISTOGRAM ? histograms?.[step] : undefined;

/** What a column that has anything at a step has there. */
export const sampleAt = (column: Column, step: number): NativeHistogram | number =>
  histogramAt(column, step) ?? (column.values[step] as number);

/** One series of native histograms on a grid. */
export interface HistogramColumn {
  readonly labels: Labels;
  readonly dropName: boolean;
  readonly values: readonly (NativeHistogram | undefined)[];
}

/** Numbers and native histograms apart; a series that is both by turns is in both. */
export interface MixedColumns {
  readonly floats: Column[];
  readonly histograms: readonly HistogramColumn[];
}

/** The numbers of columns alone. */
export function numbersOf(columns: readonly Column[]): Column[] {
  const found: Column[] = [];
  for (const column of columns) {
    if (column.histograms === undefined) found.push(column);
    else if (column.present.includes(NUMBER)) {
      const { labels, dropName, values, present } = column;
      found.push({ labels, dropName, values, present: present.map((kind) => (kind === NUMBER ? NUMBER : 0)) });
    }
  }
  return found;
}

export function histogramsOf(columns: readonly Column[]): HistogramColumn[] {
  return columns.flatMap((column) => {
    const { labels, dropName, histograms } = column;
    if (histograms === undefined) return [];
    return [{ labels, dropName, values: Array.from(histograms.keys(), (step) => histogramAt(column, step)) }];
  });
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
export const relabelled = (column: Column, labels: Labels, dropName: boolean): Column => ({
  ...column,
  labels,
  dropName,
});

/** How many steps have a value. */
export function countOf({ present }: Column): number {
  let count = 0;
  for (let i = 0; i < present.length; i++) if (present[i] !== 0) count++;
  return count;
}

export const isEmpty = ({ present }: Column): boolean => !present.includes(NUMBER) && !present.includes(HISTOGRAM);

export const nonEmpty = (columns: readonly Column[]): Column[] => columns.filter((column) => !isEmpty(column));

/** At which steps any of the columns has a value: 1 there. */
export function presentAnywhere(columns: readonly Column[], steps: number): Uint8Array {
  const anywhere = new Uint8Array(steps);
  for (const { present } of columns) {
    for (let i = 0; i < steps; i++) if (present[i] !== 0) anywhere[i] = 1;
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

function join(target: Column, column: Column): void {
  for (let i = 0; i < column.present.length; i++) {
    if (column.present[i] === 0) continue;
    if (target.present[i] !== 0) {
      throw new EvaluationError("execution", "vector cannot contain metrics with the same labelset");
    }
    setFrom(target, i, column);
  }
}

/** A single instant's columns, repeated for every step. */
export const repeated = (columns: readonly Column[], steps: number): Column[] =>
  columns.map((column) => {
    const { labels, dropName, values } = column;
    const histogram = histogramAt(column, 0);
    const result = {
      labels,
      dropName,
      values: new Float64Array(steps).fill(values[0] ?? Number.NaN),
      present: new Uint8Array(steps).fill(column.present[0] ?? 0),
    };
    return histogram === undefined ? result : { ...result, histograms: new Array(steps).fill(histogram) };
  });
