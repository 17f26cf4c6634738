import { type ChartOptions, chartOf } from "./chart-options.ts";
import { type Columns, instant, number, plainNumber, text, trend } from "./column.ts";
import { type Courses, courseNames } from "./course.ts";
import type { HtmlOptions } from "./html.ts";
import { htmlOf } from "./html.ts";
import { type LabelSet, labelValue } from "./labels.ts";
import { lineChart } from "./line-chart.ts";
import { type Meta, notesOf } from "./meta.ts";
import { bundleOf, DISPLAY, INSPECT, type MimeBundle } from "./mime.ts";
import { Result, Table } from "./result.ts";
import { ownName } from "./sample.ts";
import { plain, sparkline } from "./text.ts";
import { printColumns } from "./text-view.ts";
import { cells, hasLabels, labelNames } from "./vector.ts";
import { type SvgOptions, svgOf } from "./vega.ts";
import { type VegaLiteSpec, vegaLiteLines } from "./vega-lite.ts";
import { tablePart, type View } from "./view.ts";

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

/** A {@link Matrix} as plain data. Times are epoch milliseconds; NaN and infinities are `"NaN"`, `"+Inf"` and `"-Inf"`. */
export interface MatrixJson<L extends string = string> {
  readonly unit: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly series: readonly {
    readonly labels: Readonly<Record<L, string>>;
    readonly timesMs: readonly number[];
    readonly values: readonly (number | string)[];
  }[];
  readonly meta: Meta;
}

/** What a notebook shows it keeps in its file: a chart of more points is there as a drawing only. */
const MOST_KEPT = 20_000;

/** Series of one unit on a common grid of instants; empty where nothing was measured. */
export class Matrix<L extends string = string, U extends string = string>
  extends Result
  implements Iterable<Series<L, U>>
{
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
    super();
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

  override toString(): string {
    return printColumns(this.summary());
  }

  /**
   * A row for each series: its labels, how many values it has, and their least, mean, greatest and last. NaN is counted,
   * but neither the least nor the greatest, nor part of the mean, while there is a number.
   */
  summary(): Table {
    const names = labelNames(this.series.map(({ labels }) => labels));
    const values = (name: string) => number(name, this.unit);
    const headings = [number("points"), ...["min", "mean", "max", "last"].map(values), trend("")];
    return Table.of(
      [...names.map((name) => text(name)), ...headings],
      this.series.map((one) => [
        ...cells(one.labels, names),
        one.length,
        ...spreadOf(one.values),
        one.values.at(-1),
        this.#onGrid(one),
      ]),
    );
  }

  /** A series' values where they are on the grid, NaN where there is none. */
  #onGrid({ timesMs, values }: Series<L, U>): Float64Array {
    const length = this.endMs > this.startMs ? Math.round((this.endMs - this.startMs) / this.stepMs) + 1 : 1;
    if (values.length === length) return values;
    const placed = new Float64Array(length).fill(Number.NaN);
    for (const [i, timeMs] of timesMs.entries()) {
      placed[Math.round((timeMs - this.startMs) / this.stepMs)] = values[i] ?? Number.NaN;
    }
    return placed;
  }

  /** A row for each value of each series: the instant, the labels, the value. */
  toTable(): Table {
    return this.#columns(this.series, labelNames(this.series.map(({ labels }) => labels)));
  }

  /** A part for each series, whose values are its own. */
  protected override columnsOfParts(): readonly Columns[] {
    const names = labelNames(this.series.map(({ labels }) => labels));
    const parts = this.series.map((one) => this.#columns([one], names));
    return parts.length === 0 ? [this.toTable()] : parts;
  }

  #columns(series: readonly Series<L, U>[], names: readonly string[]): Table {
    const label = (name: string) =>
      series.flatMap(({ labels, length }) => Array(length).fill(labelValue(labels, name)));
    return new Table([
      { ...instant("time"), cells: joined(series.map(({ timesMs }) => timesMs)) },
      ...names.map((name) => ({ ...text(ownName(name)), cells: label(name) })),
      { ...number("value", this.unit), cells: joined(series.map(({ values }) => values)) },
    ]);
  }

  /**
   * A chart of the series, and their summary.
   *
   * @throws {QueryError} for thresholds and incidents that are none
   */
  toView(options: ChartOptions = {}): View {
    const drawing = lineChart(this.#courses(), chartOf({ width: 760, ...options }));
    return {
      title: options.title,
      parts: [...(drawing === undefined ? [] : [{ kind: "drawing", drawing } as const]), tablePart(this.summary())],
      notes: notesOf(this.meta, this.endMs),
    };
  }

  /** As a page of HTML with a chart, on which thresholds and incidents can be marked. */
  override toHTML({ fragment, ...chart }: ChartOptions & HtmlOptions = {}): string {
    return htmlOf([this.toView(chart)], { fragment });
  }

  toJSON(): MatrixJson<L> {
    const { unit, startMs, endMs, stepMs, meta } = this;
    const series = this.series.map(({ labels, timesMs, values }) => ({
      labels,
      timesMs: [...timesMs],
      values: Array.from(values, plainNumber),
    }));
    return { unit, startMs, endMs, stepMs, series, meta };
  }

  /**
   * A chart as Vega-Lite 5, with its data in it: lines over time, gaps as gaps.
   *
   * @throws {QueryError} for thresholds and incidents that are none
   * @example
   * const matrix = await edge.success("5m").over({ last: "6h" });
   * matrix.toVegaLite({ thresholds: [{ value: 0.99, label: "objective" }] })
   */
  toVegaLite(options: ChartOptions = {}): VegaLiteSpec {
    return vegaLiteLines(this.#courses(), chartOf(options));
  }

  /**
   * The chart of {@link Matrix.toVegaLite} as SVG, drawn by the packages `vega` and `vega-lite`.
   *
   * @throws {QueryError} `code: "peer"` when they are not installed
   */
  async toSVG({ vega, vegaLite, ...chart }: ChartOptions & SvgOptions = {}): Promise<string> {
    return svgOf(this.toVegaLite(chart), { vega, vegaLite });
  }

  override [DISPLAY](): MimeBundle {
    const points = this.series.reduce((sum, { length }) => sum + length, 0);
    const chart = points === 0 || points > MOST_KEPT ? undefined : this.toVegaLite();
    return bundleOf(this.toView(), this[INSPECT](), chart);
  }

  #courses(): Courses {
    const { unit, startMs, endMs, stepMs } = this;
    const names = courseNames(this.series.map(({ labels }) => labels as LabelSet));
    const courses = this.series.map(({ timesMs, values }, i) => ({ name: names[i] ?? "", timesMs, values }));
    return { unit, startMs, endMs, stepMs, courses };
  }
}

/** Columns as one, in their order. */
function joined(columns: readonly Float64Array[]): Float64Array {
  const [first] = columns;
  if (first !== undefined && columns.length === 1) return first;
  const all = new Float64Array(columns.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const column of columns) {
    all.set(column, at);
    at += column.length;
  }
  return all;
}

/** The least, the mean and the greatest of the values that are numbers; NaN where none is, nothing where there is none. */
function spreadOf(values: Float64Array): readonly (number | undefined)[] {
  if (values.length === 0) return [undefined, undefined, undefined];
  const numbers = values.filter((value) => !Number.isNaN(value));
  if (numbers.length === 0) return [Number.NaN, Number.NaN, Number.NaN];
  const least = numbers.reduce((a, b) => Math.min(a, b));
  const most = numbers.reduce((a, b) => Math.max(a, b));
  return [least, numbers.reduce((a, b) => a + b, 0) / numbers.length, most];
}
