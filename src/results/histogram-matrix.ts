import type { Histogram, HistogramJson } from "./histogram.ts";
import type { LabelSet } from "./labels.ts";
import { Matrix, Series } from "./matrix.ts";
import type { Meta } from "./meta.ts";
import { Result, type Table } from "./result.ts";
import { hasLabels } from "./vector.ts";
import type { View } from "./view.ts";

/** The histograms of one combination of labels over time: two columns of equal length. */
export interface HistogramSeries {
  readonly labels: LabelSet;
  /** Epoch milliseconds, ascending. */
  readonly timesMs: Float64Array;
  readonly histograms: readonly Histogram[];
}

/** Series of histograms on a common grid of instants; empty where nothing was measured. */
export class HistogramMatrix<U extends string = string> extends Result implements Iterable<HistogramSeries> {
  /** What was observed is measured in this. */
  readonly unit: U;
  readonly meta: Meta;
  readonly series: readonly HistogramSeries[];
  /** The instants that were asked for: `startMs`, `startMs + stepMs`, … up to `endMs`. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;

  constructor(fields: {
    readonly unit: U;
    readonly meta: Meta;
    readonly series: readonly HistogramSeries[];
    readonly startMs: number;
    readonly endMs: number;
    readonly stepMs: number;
  }) {
    super();
    this.unit = fields.unit;
    this.meta = fields.meta;
    this.series = Object.freeze(fields.series);
    this.startMs = fields.startMs;
    this.endMs = fields.endMs;
    this.stepMs = fields.stepMs;
    Object.freeze(this);
  }

  /** How many series there are. */
  get length(): number {
    return this.series.length;
  }

  /** Its series, in the order the backend gave them. */
  [Symbol.iterator](): Iterator<HistogramSeries> {
    return this.series[Symbol.iterator]();
  }

  /** The first series whose labels have all of `wanted`'s values, or `undefined`. */
  get(wanted: Readonly<Record<string, string>>): HistogramSeries | undefined {
    return this.series.find(({ labels }) => hasLabels(labels, wanted));
  }

  /**
   * The course of a quantile, as a matrix of numbers. An instant without observations has no value.
   *
   * @throws {QueryError} `code: "quantile"` when `q` is not from 0 to 1
   */
  quantile(q: number): Matrix<string, U> {
    const { unit, meta, startMs, endMs, stepMs } = this;
    const series = this.series.flatMap(({ labels, timesMs, histograms }) => {
      const values = histograms.map((one) => one.quantile(q));
      const kept = values.flatMap((value, i) =>
        value === undefined ? [] : [{ value, timeMs: timesMs[i] ?? Number.NaN }],
      );
      if (kept.length === 0) return [];
      const columns = {
        timesMs: Float64Array.from(kept, ({ timeMs }) => timeMs),
        values: Float64Array.from(kept, ({ value }) => value),
      };
      return [new Series({ labels, unit, ...columns })];
    });
    return new Matrix({ unit, meta, startMs, endMs, stepMs, series });
  }

  /** A row for each instant of each series, with its median; other quantiles are those of {@link HistogramMatrix.quantile}. */
  toTable(): Table {
    return this.quantile(0.5).toTable();
  }

  /** The course of the medians. */
  toView(): View {
    return this.quantile(0.5).toView({ title: "median" });
  }

  toJSON(): {
    readonly unit: U;
    readonly startMs: number;
    readonly endMs: number;
    readonly stepMs: number;
    readonly series: readonly {
      readonly labels: LabelSet;
      readonly timesMs: readonly number[];
      readonly histograms: readonly HistogramJson[];
    }[];
    readonly meta: Meta;
  } {
    const { unit, startMs, endMs, stepMs, meta } = this;
    const series = this.series.map(({ labels, timesMs, histograms }) => ({
      labels,
      timesMs: [...timesMs],
      histograms: histograms.map((one) => one.toJSON()),
    }));
    return { unit, startMs, endMs, stepMs, series, meta };
  }
}
