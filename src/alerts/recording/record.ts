import { EvaluationError } from "../../errors.ts";
import type { Grid } from "../../metrics/backend.ts";
import { markStale, wordsOf } from "../../promql/engine/staleness.ts";
import {
  type EvaluatedMatrix,
  type Expr,
  evaluate,
  type MemoryStorage,
  memoryStorage,
  type NativeHistogram,
  print,
  type SeriesStorage,
} from "../../promql/index.ts";
import type { LabelSet } from "../../results/labels.ts";
import { alertKey } from "../state.ts";
import { readsAny } from "./reads.ts";
import type { Recording } from "./recordings.ts";

/** A recording with the expression that is evaluated for it, and the first instant at which it is. */
export interface Evaluation {
  readonly recording: Recording;
  readonly expr: Expr;
  readonly startMs: number;
}

/** What recording rules wrote. */
export interface Recorded {
  readonly storage: SeriesStorage;
  /** Rules of which evaluations failed, and wrote nothing. */
  readonly failures: readonly { readonly name: string; readonly count: number; readonly error: string }[];
}

const DUPLICATE = "vector contains metrics with the same labelset after applying rule labels";

/**
 * Whether no rule reads what is written at its own place or behind it: then each can be evaluated over all instants
 * before the next one is.
 */
export const areOrdered = (recordings: readonly Recording[]): boolean =>
  recordings.every(({ expr }, i) => !readsAny(expr, recordings.slice(i)));

/**
 * Evaluates recording rules over instants, each rule after those before it, and gives the series that there are then:
 * those they read and those they wrote.
 *
 * A rule that reads what is written behind it has the values of the evaluation before, as in a server; then the rules
 * are evaluated instant by instant.
 *
 * @see Prometheus, `rules/recording.go` and `rules/group.go`, `Eval`
 */
export function record(evaluations: readonly Evaluation[], given: SeriesStorage, { endMs, stepMs }: Grid): Recorded {
  const recorded = memoryStorage();
  const storage = joined(given, recorded);
  const writers = evaluations.map(
    ({ recording }) => new SeriesWriter(recorded, stepMs, (labels) => labelsOf(recording, labels), recording.limit),
  );
  const evaluateFor = ({ expr, recording }: Evaluation, i: number, startMs: number, endMs: number): void => {
    const { series } = evaluated(expr, { startMs, endMs, stepMs }, storage, recording.expr);
    writers[i]?.write(series, startMs, endMs);
  };
  if (areOrdered(evaluations.map(({ recording }) => recording))) {
    for (const [i, one] of evaluations.entries()) evaluateFor(one, i, one.startMs, endMs);
  } else {
    const firstMs = Math.min(...evaluations.map(({ startMs }) => startMs));
    for (let atMs = firstMs; atMs <= endMs; atMs += stepMs) {
      for (const [i, one] of evaluations.entries()) evaluateFor(one, i, atMs, atMs);
    }
  }
  const failures = evaluations.flatMap(({ recording: { name } }, i) => {
    const { count = 0, error = "" } = writers[i]?.failure ?? {};
    return count === 0 ? [] : [{ name, count, error }];
  });
  return { storage, failures };
}

/** Evaluates an expression, whose errors name it as it was written. */
export function evaluated(
  expr: Expr,
  { startMs, endMs, stepMs }: Grid,
  storage: SeriesStorage,
  written: Expr,
): EvaluatedMatrix {
  try {
    return evaluate(expr, { from: startMs, to: endMs, step: stepMs }, storage);
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    throw new EvaluationError(error.code, error.message, { query: print(written), cause: error });
  }
}

/** The series of both. */
const joined = (given: SeriesStorage, recorded: SeriesStorage): SeriesStorage => ({
  *select(matchers, fromMs, toMs) {
    yield* given.select(matchers, fromMs, toMs);
    yield* recorded.select(matchers, fromMs, toMs);
  },
});

interface Column {
  readonly labels: LabelSet;
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  /** Those samples that are native histograms, each in its place. */
  readonly histograms?: readonly (NativeHistogram | undefined)[] | undefined;
}

/** A series as it is written. */
interface Growing {
  readonly labels: LabelSet;
  readonly timesMs: number[];
  readonly values: number[];
  /** Where the values have the marker of the series' end. */
  readonly ends: number[];
  readonly histograms: Map<number, NativeHistogram>;
}

/** Writes what evaluations give: a series ends where one gives it no more, and not where one fails. */
export class SeriesWriter {
  readonly failure = { count: 0, error: "" };
  readonly #storage: MemoryStorage;
  readonly #stepMs: number;
  readonly #labelsOf: (series: LabelSet) => LabelSet;
  readonly #limit: number;
  /** The labels of the series that had a value at the last evaluation that did not fail. */
  #present = new Map<string, LabelSet>();

  constructor(storage: MemoryStorage, stepMs: number, labelsOf: (series: LabelSet) => LabelSet, limit: number) {
    this.#storage = storage;
    this.#stepMs = stepMs;
    this.#labelsOf = labelsOf;
    this.#limit = limit;
  }

  write(series: readonly Column[], startMs: number, endMs: number): void {
    const columns = series.map((one) => {
      const labels = this.#labelsOf(one.labels);
      return { ...one, labels, key: alertKey(labels), next: 0 };
    });
    const limit = this.#limit;
    const growing = new Map<string, Growing>();
    for (let atMs = startMs; atMs <= endMs; atMs += this.#stepMs) {
      const present = columns.filter(({ timesMs, next }) => timesMs[next] === atMs);
      const now = new Map(present.map(({ key, labels }) => [key, labels]));
      if (now.size < present.length) this.#fail(DUPLICATE);
      else if (limit > 0 && now.size > limit) this.#fail(`exceeded limit of ${limit} with ${now.size} series`);
      else {
        for (const { key, labels, values, histograms, next } of present) {
          grow(growing, key, labels, atMs, histograms?.[next] ?? values[next]);
        }
        for (const [key, labels] of this.#present) if (!now.has(key)) grow(growing, key, labels, atMs, undefined);
        this.#present = now;
      }
      for (const one of present) one.next++;
    }
    for (const { labels, timesMs, values, ends, histograms } of growing.values()) {
      const column = Float64Array.from(values);
      const words = wordsOf(column);
      for (const at of ends) markStale(words, at);
      this.#storage.appendColumns(labels, timesMs, column);
      for (const [atMs, histogram] of histograms) this.#storage.append(labels, atMs, histogram);
    }
  }

  #fail(error: string): void {
    if (this.failure.count++ === 0) this.failure.error = error;
  }
}

/** The labels of what a rule writes; one that it sets to nothing is taken away. */
function labelsOf({ name, labels }: Recording, series: LabelSet): LabelSet {
  const all = { ...series, ...labels, __name__: name };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
}

/** @param value `undefined` where the series ends */
function grow(
  all: Map<string, Growing>,
  key: string,
  labels: LabelSet,
  atMs: number,
  value: NativeHistogram | number | undefined,
): void {
  const one: Growing = all.get(key) ?? { labels, timesMs: [], values: [], ends: [], histograms: new Map() };
  all.set(key, one);
  if (value === undefined) one.ends.push(one.timesMs.length);
  one.timesMs.push(atMs);
  one.values.push(typeof value === "number" ? value : Number.NaN);
  if (typeof value === "object") one.histograms.set(atMs, value);
}
