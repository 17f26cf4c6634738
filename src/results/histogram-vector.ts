import { instant, number, text } from "./column.ts";
import type { Histogram, HistogramJson } from "./histogram.ts";
import { type LabelSet, labelValue } from "./labels.ts";
import { type Meta, notesOf } from "./meta.ts";
import { Result, Table } from "./result.ts";
import { ownName } from "./sample.ts";
import { printColumns } from "./text-view.ts";
import { hasLabels, labelNames, Vector } from "./vector.ts";
import { tablePart, type View } from "./view.ts";

/** One member of a {@link HistogramVector}. */
export interface HistogramSample {
  readonly labels: LabelSet;
  readonly histogram: Histogram;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Histograms at one instant, one for each combination of labels; empty where nothing was measured. */
export class HistogramVector<U extends string = string> extends Result implements Iterable<HistogramSample> {
  /** What was observed is measured in this. */
  readonly unit: U;
  /** The instant that was asked for, in epoch milliseconds. */
  readonly at: number;
  readonly meta: Meta;
  readonly samples: readonly HistogramSample[];

  constructor(fields: {
    readonly unit: U;
    readonly at: number;
    readonly meta: Meta;
    readonly samples: readonly HistogramSample[];
  }) {
    super();
    this.unit = fields.unit;
    this.at = fields.at;
    this.meta = fields.meta;
    this.samples = Object.freeze(fields.samples);
    Object.freeze(this);
  }

  /** How many histograms there are. */
  get length(): number {
    return this.samples.length;
  }

  /** Its histograms, in the order the backend gave them. */
  [Symbol.iterator](): Iterator<HistogramSample> {
    return this.samples[Symbol.iterator]();
  }

  /** The first whose labels have all of `wanted`'s values, or `undefined`. */
  get(wanted: Readonly<Record<string, string>>): HistogramSample | undefined {
    return this.samples.find(({ labels }) => hasLabels(labels, wanted));
  }

  /**
   * A quantile of each histogram that has observations.
   *
   * @throws {QueryError} `code: "quantile"` when `q` is not from 0 to 1
   */
  quantile(q: number): Vector<string, U> {
    const { unit, at, meta } = this;
    const found = this.samples.flatMap(({ labels, histogram, at: timeMs }) => {
      const value = histogram.quantile(q);
      return value === undefined ? [] : [{ labels, value, timeMs }];
    });
    return new Vector({
      ...{ unit, at, meta },
      labels: found.map(({ labels }) => labels),
      values: Float64Array.from(found, ({ value }) => value),
      timesMs: Float64Array.from(found, ({ timeMs }) => timeMs),
    });
  }

  override toString(): string {
    return printColumns(this.toTable());
  }

  /** A row for each histogram: its labels, count, mean where sums are known, and quantiles. */
  toTable(): Table {
    const names = labelNames(this.samples.map(({ labels }) => labels));
    const { unit } = this;
    const hasSums = this.samples.some(({ histogram }) => histogram.sum !== undefined);
    return Table.of(
      [
        instant("time", "programs"),
        ...names.map((name) => text(ownName(name))),
        number("count"),
        ...(hasSums ? [number("mean", unit)] : []),
        ...QUANTILES.map((q) => number(`p${q * 100}`, unit)),
      ],
      this.samples.map(({ labels, histogram, at }) => [
        at,
        ...names.map((name) => labelValue(labels, name)),
        histogram.count,
        ...(hasSums ? [histogram.mean] : []),
        ...QUANTILES.map((q) => histogram.quantile(q)),
      ]),
    );
  }

  toView(): View {
    return { parts: [tablePart(this.toTable())], notes: notesOf(this.meta, this.at) };
  }

  toJSON(): {
    readonly unit: U;
    readonly at: number;
    readonly samples: readonly {
      readonly labels: LabelSet;
      readonly at: number;
      readonly histogram: HistogramJson;
    }[];
    readonly meta: Meta;
  } {
    const { unit, at, meta } = this;
    const samples = this.samples.map((one) => ({ ...one, histogram: one.histogram.toJSON() }));
    return { unit, at, samples, meta };
  }
}

const QUANTILES = [0.5, 0.9, 0.99];
