import type { Matcher } from "../ast.ts";
import type { LabelRecord } from "./labels.ts";
import type { NativeHistogram } from "./native-histogram.ts";

/**
 * The samples of one series: two columns of equal length, in order of time, with no time twice.
 *
 * The end of a series is marked by the NaN of Prometheus's own (bits `0x7ff0000000000002`).
 */
export interface StoredSeries {
  readonly labels: LabelRecord;
  /** Epoch milliseconds, whole and ascending. */
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  /** Those samples that are native histograms, each in its place; `values` is `NaN` there. Left out where there are none. */
  readonly histograms?: readonly (NativeHistogram | undefined)[] | undefined;
}

/** Windows, one for each step: the first ends at `firstMs`, each has the samples of `rangeMs` behind its start. */
export interface GrowthWindows {
  readonly firstMs: number;
  readonly stepMs: number;
  readonly steps: number;
  readonly rangeMs: number;
}

/** What a question looks at, so that a storage which reckons its samples need not reckon all of them. */
export interface SelectHints {
  /**
   * Given where nothing is asked of series but how much they grow within windows: of each window the value of the first
   * and of the last sample counts, and where the series falls. All samples must be there; but between those two any value
   * will do with which the series falls nowhere else.
   */
  readonly growth?: GrowthWindows | undefined;
}

/**
 * Where the engine finds series: anything that can tell which of them match and what they held at a time.
 *
 * {@link seriesTest} decides whether labels match. The columns are only read, and only until `evaluate` returns.
 */
export interface SeriesStorage {
  /**
   * The series that satisfy all matchers, in any order and each once, with at least their samples from `fromMs` to
   * `toMs`, both included; more of them do no harm.
   *
   * @param hints what a storage may take into account, and need not
   */
  select(matchers: readonly Matcher[], fromMs: number, toMs: number, hints?: SelectHints): Iterable<StoredSeries>;
}
