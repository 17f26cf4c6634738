import { EvaluationError } from "../../errors.ts";
import type { TimeShift, VectorSelector } from "../ast.ts";
import { matcher } from "../construct.ts";
import {
  type Column,
  countOf,
  emptyColumn,
  type Grid,
  type HistogramColumn,
  isEmpty,
  type MixedColumns,
} from "./column.ts";
import { smoothedValue } from "./extended-range.ts";
import { compareLabels, Labels } from "./labels.ts";
import type { NativeHistogram } from "./native-histogram.ts";
import { isStaleAt, wordsOf } from "./staleness.ts";
import type { SeriesStorage, StoredSeries } from "./storage.ts";
import { type Samples, Window } from "./window.ts";

/** A series of a storage, with the labels that the engine works with. */
interface Selected {
  readonly labels: Labels;
  readonly stored: StoredSeries;
}

/** Reads series from a storage as selectors ask for them, always in the order of their labels. */
export class Selection {
  readonly #storage: SeriesStorage;
  readonly #lookbackMs: number;

  constructor(storage: SeriesStorage, lookbackMs: number) {
    this.#storage = storage;
    this.#lookbackMs = lookbackMs;
  }

  #select(selector: VectorSelector, fromMs: number, toMs: number): Selected[] {
    const { name, matchers } = selector;
    const all = name === undefined ? matchers : [matcher("__name__", "=", name), ...matchers];
    const found = Array.from(this.#storage.select(all, fromMs, toMs), (stored) => ({
      labels: Labels.of(stored.labels),
      stored,
    }));
    return found.sort((a, b) => compareLabels(a.labels, b.labels));
  }

  /** The last sample of each series at each step, not older than the lookback and not behind the series' end. */
  instants(selector: VectorSelector, lookups: Lookups, what: "time" | "value"): Column[] {
    if (selector.extended === "smoothed") return this.#smoothed(selector, lookups);
    const { floats, histograms } = this.mixedInstants(selector, lookups, what);
    if (histograms.length > 0) refuseHistograms();
    return floats;
  }

  /** The same where native histograms are welcome too. */
  mixedInstants(selector: VectorSelector, lookups: Lookups, what: "time" | "value" = "value"): MixedColumns {
    const lookback = this.#lookbackMs;
    const { steps, firstMs, stepMs } = lookups;
    const floats: Column[] = [];
    const histograms: HistogramColumn[] = [];
    for (const { labels, stored } of this.#select(selector, firstMs - lookback + 1, lookups.lastMs)) {
      const { timesMs, values } = stored;
      const words = wordsOf(values);
      const column = emptyColumn(labels, steps);
      let found: (NativeHistogram | undefined)[] | undefined;
      for (let step = 0, next = 0; step < steps; step++) {
        const atMs = firstMs + step * stepMs;
        while (next < timesMs.length && (timesMs[next] as number) <= atMs) next++;
        const last = next - 1;
        if (last < 0 || (timesMs[last] as number) <= atMs - lookback) continue;
        const value = values[last] as number;
        // Every marker is a NaN, so its bits are looked at only then.
        if (Number.isNaN(value) && isStaleAt(words, last)) continue;
        const histogram = stored.histograms?.[last];
        if (histogram !== undefined && what === "value") {
          found ??= new Array(steps);
          found[step] = histogram;
          continue;
        }
        column.present[step] = 1;
        column.values[step] = what === "value" ? value : (timesMs[last] as number) / 1000;
      }
      if (!isEmpty(column)) floats.push(column);
      if (found !== undefined) histograms.push({ labels, dropName: false, values: found });
    }
    return { floats, histograms };
  }

  #smoothed(selector: VectorSelector, lookups: Lookups): Column[] {
    const lookback = this.#lookbackMs;
    const selected = this.#select(selector, lookups.firstMs - lookback + 1, lookups.lastMs + lookback);
    if (selected.some(({ stored }) => stored.histograms !== undefined)) refuseHistograms();
    const columns = selected.map(({ labels, stored }) => {
      const window = new Window(withoutMarkers(stored));
      const column = emptyColumn(labels, lookups.steps);
      for (let step = 0; step < lookups.steps; step++) {
        const atMs = lookups.at(step);
        window.slide(atMs - lookback, atMs + lookback);
        const value = smoothedValue(window, atMs);
        if (value === undefined) continue;
        column.present[step] = 1;
        column.values[step] = value;
      }
      return column;
    });
    return columns.filter((column) => !isEmpty(column));
  }

  /** The samples of each series behind `fromMs`, up to and including `toMs`, without the markers of its end. */
  ranges(selector: VectorSelector, fromMs: number, toMs: number): RangeSeries[] {
    const series = this.mixedRanges(selector, fromMs, toMs);
    if (series.some(({ samples }) => samples.histograms !== undefined)) refuseHistograms();
    return series;
  }

  /** The same where native histograms are welcome too. */
  mixedRanges(selector: VectorSelector, fromMs: number, toMs: number): RangeSeries[] {
    return this.#select(selector, fromMs + 1, toMs).map(({ labels, stored }) => ({
      labels,
      dropName: false,
      samples: withoutMarkers(stored),
    }));
  }
}

function refuseHistograms(): never {
  throw new EvaluationError(
    "unsupported",
    "native histograms are evaluated here only where histogram_quantile, histogram_fraction, histogram_count, " +
      "histogram_sum, histogram_avg, histogram_stddev or histogram_stdvar takes them, as they are or by way of rate, " +
      "increase, delta, sum, avg, and scalars that they are multiplied with or divided by",
  );
}

/** The samples of a series over a range. */
export interface RangeSeries {
  readonly labels: Labels;
  readonly dropName: boolean;
  readonly samples: Samples;
}

/** At which times a selector looks, step by step: at its own (`@`), or at those of the grid, less its offset. */
export class Lookups {
  readonly steps: number;
  readonly firstMs: number;
  readonly stepMs: number;

  constructor(grid: Grid, { offsetMs = 0 }: TimeShift, fixedMs: number | undefined) {
    this.steps = grid.steps;
    this.firstMs = (fixedMs ?? grid.startMs) - offsetMs;
    this.stepMs = fixedMs === undefined ? grid.stepMs : 0;
  }

  at(step: number): number {
    return this.firstMs + step * this.stepMs;
  }

  get lastMs(): number {
    return this.at(this.steps - 1);
  }
}

/** The same samples, copied only where some of them are markers. */
function withoutMarkers({ timesMs, values, histograms }: StoredSeries): Samples {
  const words = wordsOf(values);
  let markers = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]) && isStaleAt(words, i)) markers++;
  }
  if (markers === 0) return { timesMs, values, histograms };
  const kept = {
    histograms: histograms?.filter((_, i) => !(Number.isNaN(values[i]) && isStaleAt(words, i))),
    timesMs: new Float64Array(values.length - markers),
    values: new Float64Array(values.length - markers),
  };
  for (let i = 0, at = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]) && isStaleAt(words, i)) continue;
    kept.timesMs[at] = timesMs[i] as number;
    kept.values[at++] = values[i] as number;
  }
  return kept;
}

/** The samples of a column on its grid. */
export function samplesOf(column: Column, times: Float64Array): Samples {
  const { values, present } = column;
  const size = countOf(column);
  if (size === values.length) return { timesMs: times, values };
  const kept = { timesMs: new Float64Array(size), values: new Float64Array(size) };
  for (let i = 0, at = 0; i < values.length; i++) {
    if (present[i] !== 1) continue;
    kept.timesMs[at] = times[i] as number;
    kept.values[at++] = values[i] as number;
  }
  return kept;
}
