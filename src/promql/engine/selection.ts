import { EvaluationError } from "../../errors.ts";
import type { TimeShift, VectorSelector } from "../ast.ts";
import { matcher } from "../construct.ts";
import { type Column, countOf, emptyColumn, type Grid, histogramAt, isEmpty, NUMBER, setHistogram } from "./column.ts";
import { smoothedValue } from "./extended-range.ts";
import { compareLabels, Labels } from "./labels.ts";
import { withHint } from "./native-histogram.ts";
import { isStaleAt, wordsOf } from "./staleness.ts";
import type { SelectHints, SeriesStorage, StoredSeries } from "./storage.ts";
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
  readonly #ofStatistics: ReadonlySet<VectorSelector>;

  /** @param ofStatistics the selectors of native histograms of which every reset is known */
  constructor(storage: SeriesStorage, lookbackMs: number, ofStatistics: ReadonlySet<VectorSelector>) {
    this.#storage = storage;
    this.#lookbackMs = lookbackMs;
    this.#ofStatistics = ofStatistics;
  }

  #select(selector: VectorSelector, fromMs: number, toMs: number, hints?: SelectHints): Selected[] {
    const { name, matchers } = selector;
    const all = name === undefined ? matchers : [matcher("__name__", "=", name), ...matchers];
    const knowsResets = this.#ofStatistics.has(selector);
    const found = Array.from(this.#storage.select(all, fromMs, toMs, hints), (stored) => ({
      labels: Labels.of(stored.labels),
      stored: knowsResets || stored.histograms === undefined ? stored : withoutResets(stored),
    }));
    return found.sort((a, b) => compareLabels(a.labels, b.labels));
  }

  /** The last sample of each series at each step, not older than the lookback and not behind the series' end. */
  instants(selector: VectorSelector, lookups: Lookups, what: "time" | "value"): Column[] {
    if (selector.extended === "smoothed") return this.#smoothed(selector, lookups);
    const lookback = this.#lookbackMs;
    const { steps, firstMs, stepMs } = lookups;
    const columns: Column[] = [];
    for (const { labels, stored } of this.#select(selector, firstMs - lookback + 1, lookups.lastMs)) {
      const { timesMs, values } = stored;
      const words = wordsOf(values);
      const column = emptyColumn(labels, steps);
      const { values: found, present } = column;
      for (let step = 0, next = 0; step < steps; step++) {
        const atMs = firstMs + step * stepMs;
        while (next < timesMs.length && (timesMs[next] as number) <= atMs) next++;
        const last = next - 1;
        if (last < 0 || (timesMs[last] as number) <= atMs - lookback) continue;
        const value = values[last] as number;
        // Every marker is a NaN, so its bits are looked at only then.
        if (Number.isNaN(value) && isStaleAt(words, last)) continue;
        const histogram = what === "value" ? stored.histograms?.[last] : undefined;
        if (histogram !== undefined) {
          setHistogram(column, step, histogram);
          continue;
        }
        present[step] = NUMBER;
        found[step] = what === "value" ? value : (timesMs[last] as number) / 1000;
      }
      if (!isEmpty(column)) columns.push(column);
    }
    return columns;
  }

  #smoothed(selector: VectorSelector, lookups: Lookups): Column[] {
    const lookback = this.#lookbackMs;
    const selected = this.#select(selector, lookups.firstMs - lookback + 1, lookups.lastMs + lookback);
    refuseHistograms(selected.map(({ stored }) => stored));
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
  ranges(selector: VectorSelector, fromMs: number, toMs: number, hints?: SelectHints): RangeSeries[] {
    const selected = this.#select(selector, fromMs + 1, toMs, hints);
    if (selector.extended !== undefined) refuseHistograms(selected.map(({ stored }) => stored));
    return selected.map(({ labels, stored }) => ({
      labels,
      dropName: false,
      samples: withoutMarkers(stored),
    }));
  }
}

/** @throws {EvaluationError} where there are native histograms under an experimental modifier */
function refuseHistograms(series: readonly StoredSeries[]): void {
  if (!series.some(({ histograms }) => histograms !== undefined)) return;
  throw new EvaluationError(
    "unsupported",
    "native histograms are not evaluated here under anchored and smoothed; leave the modifier out",
  );
}

/** The same with native histograms that are told from those before them only by what they hold. */
const withoutResets = (stored: StoredSeries): StoredSeries => ({
  ...stored,
  histograms: stored.histograms?.map((one) => (one?.hint === "reset" ? withHint(one, "unknown") : one)),
});

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

/** The samples of a column on its grid. What a native histogram says about a reset holds between stored samples only. */
export function samplesOf(column: Column, times: Float64Array): Samples {
  const { values, present } = column;
  const size = countOf(column);
  const histograms = column.histograms === undefined ? undefined : unhinted(column);
  if (size === values.length) return { timesMs: times, values, histograms };
  const kept = { timesMs: new Float64Array(size), values: new Float64Array(size) };
  for (let i = 0, at = 0; i < values.length; i++) {
    if (present[i] === 0) continue;
    kept.timesMs[at] = times[i] as number;
    kept.values[at++] = values[i] as number;
  }
  return { ...kept, histograms: histograms?.filter((_, i) => present[i] !== 0) };
}

const unhinted = (column: Column): Samples["histograms"] =>
  Array.from(column.values, (_, i) => {
    const histogram = histogramAt(column, i);
    return histogram === undefined || histogram.hint === "gauge" ? histogram : withHint(histogram, "unknown");
  });
