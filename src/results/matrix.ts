import type { Meta } from "./meta.ts";
import { plain, printAnswer, printTable, printValue, sparkline } from "./text.ts";
import { cells, hasLabels, labelNames } from "./vector.ts";

/** The values of one combination of labels over time: two columns of equal length. Instants without a value are absent. */
export class Series<L extends string = string, U extends string = string>
  implements Iterable<{ readonly timeMs: number; readonly value: number }>
{
  readonly labels: Readonly<Record<L, string>>;
  readonly unit: U;
  /** Epoch milliseconds, ascending. */
  readonly timesMs: Float64Array;
  readonly values: Float64Array;

  constructor(fields: {
    readonly labels: Readonly<Record<L, string>>;
    readonly unit: U;
    readonly timesMs: Float64Array;
    readonly values: Float64Array;
  }) {
    this.labels = fields.labels;
    this.unit = fields.unit;
    this.timesMs = fields.timesMs;
    this.values = fields.values;
    Object.freeze(this);
  }

  /** How many instants have a value. */
  get length(): number {
    return this.values.length;
  }

  /** Its values in order of time. */
  *[Symbol.iterator](): IterableIterator<{ readonly timeMs: number; readonly value: number }> {
    for (const [i, value] of this.values.entries()) yield { timeMs: this.timesMs[i] ?? Number.NaN, value };
  }

  toString(): string {
    return `${plain(Object.values(this.labels).join(" "))} ${sparkline(this.values)}`.trimStart();
  }
}

/** Series of one unit on a common grid of instants; empty where nothing was measured. */
export class Matrix<L extends string = string, U extends string = string> implements Iterable<Series<L, U>> {
  readonly unit: U;
  readonly meta: Meta;
  readonly series: readonly Series<L, U>[];
  /** The instants that were asked for: `startMs`, `startMs + stepMs`, … up to `endMs`. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;

  constructor(fields: {
    readonly unit: U;
    readonly meta: Meta;
    readonly series: readonly Series<L, U>[];
    readonly startMs: number;
    readonly endMs: number;
    readonly stepMs: number;
  }) {
    this.unit = fields.unit;
    this.meta = fields.meta;
    this.series = fields.series;
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
  [Symbol.iterator](): Iterator<Series<L, U>> {
    return this.series[Symbol.iterator]();
  }

  /** The first series whose labels have all of `wanted`'s values, or `undefined`. */
  get(wanted: Readonly<Partial<Record<L, string>>>): Series<L, U> | undefined {
    return this.series.find((s) => hasLabels(s.labels, wanted));
  }

  toString(): string {
    const names = labelNames(this.series.map((s) => s.labels));
    const rows = this.series.map((s) => [
      ...cells(s.labels, names),
      `${s.length}`,
      ...[least(s.values), mean(s.values), most(s.values), s.values.at(-1)].map((v) => printValue(v, this.unit)),
      sparkline(s.values),
    ]);
    return printTable([...names, "points", "min", "mean", "max", "last", ""], rows);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return printAnswer(this.meta, this.endMs, this.toString());
  }
}

const least = (values: Float64Array): number | undefined =>
  values.length === 0 ? undefined : values.reduce((a, b) => Math.min(a, b));
const most = (values: Float64Array): number | undefined =>
  values.length === 0 ? undefined : values.reduce((a, b) => Math.max(a, b));
const mean = (values: Float64Array): number | undefined =>
  values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0) / values.length;
