import { instant, number, plainNumber, text } from "./column.ts";
import { type LabelSet, labelValue } from "./labels.ts";
import { type Meta, notesOf } from "./meta.ts";
import { Result, Table } from "./result.ts";
import { ownName } from "./sample.ts";
import { printColumns } from "./text-view.ts";
import { tablePart, type View } from "./view.ts";

/** One member of a {@link Vector}. A label that the series lacks reads as `""`, as it does in PromQL. */
export interface VectorSample<L extends string = string> {
  readonly labels: Readonly<Record<L, string>>;
  readonly value: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** A {@link Vector} as plain data; NaN and infinities are `"NaN"`, `"+Inf"` and `"-Inf"`. */
export interface VectorJson<L extends string = string> {
  readonly unit: string;
  readonly at: number;
  readonly samples: readonly {
    readonly labels: Readonly<Record<L, string>>;
    readonly value: number | string;
    readonly at: number;
  }[];
  readonly meta: Meta;
}

/** Several numbers of one unit at one instant, one for each combination of labels; empty where nothing was measured. */
export class Vector<L extends string = string, U extends string = string>
  extends Result
  implements Iterable<VectorSample<L>>
{
  readonly unit: U;
  /** The instant that was asked for, in epoch milliseconds. */
  readonly at: number;
  readonly meta: Meta;
  /** The labels of each sample. */
  readonly labels: readonly Readonly<Record<L, string>>[];
  readonly values: Float64Array;
  readonly timesMs: Float64Array;

  constructor(fields: {
    readonly unit: U;
    readonly at: number;
    readonly meta: Meta;
    readonly labels: readonly Readonly<Record<L, string>>[];
    readonly values: Float64Array;
    readonly timesMs: Float64Array;
  }) {
    super();
    this.unit = fields.unit;
    this.at = fields.at;
    this.meta = fields.meta;
    this.labels = fields.labels;
    this.values = fields.values;
    this.timesMs = fields.timesMs;
    Object.freeze(this);
  }

  /** How many samples there are. */
  get length(): number {
    return this.labels.length;
  }

  /** Its samples, in the order the backend gave them. */
  *[Symbol.iterator](): IterableIterator<VectorSample<L>> {
    for (const [i, labels] of this.labels.entries()) {
      yield { labels, value: this.values[i] ?? Number.NaN, at: this.timesMs[i] ?? this.at };
    }
  }

  /** The first sample whose labels have all of `wanted`'s values, or `undefined`. */
  get(wanted: Readonly<Partial<Record<L, string>>>): VectorSample<L> | undefined {
    for (const sample of this) if (hasLabels(sample.labels, wanted)) return sample;
    return undefined;
  }

  override toString(): string {
    return printColumns(this.toTable());
  }

  /** A row for each sample: the instant, the labels, the value. */
  toTable(): Table {
    const names = labelNames(this.labels);
    return new Table([
      { ...instant("time", "programs"), cells: this.timesMs },
      ...names.map((name) => ({ ...text(ownName(name)), cells: this.labels.map((set) => labelValue(set, name)) })),
      { ...number("value", this.unit), cells: this.values },
    ]);
  }

  toView(): View {
    return { parts: [tablePart(this.toTable())], notes: notesOf(this.meta, this.at) };
  }

  toJSON(): VectorJson<L> {
    const { unit, at, meta } = this;
    return { unit, at, samples: Array.from(this, (one) => ({ ...one, value: plainNumber(one.value) })), meta };
  }
}

/** Whether `labels` has every value of `wanted`; a label that is missing counts as `""`. */
export function hasLabels(labels: LabelSet, wanted: Readonly<Record<string, string | undefined>>): boolean {
  return Object.entries(wanted).every(([name, value]) => value === undefined || labelValue(labels, name) === value);
}

/** Every label name that occurs, in order of first sight. */
export function labelNames(sets: readonly LabelSet[]): string[] {
  return [...new Set(sets.flatMap((labels) => Object.keys(labels)))];
}

/** The values of `labels` under `names`, for a table's row. */
export const cells = (labels: LabelSet, names: readonly string[]): string[] =>
  names.map((name) => labelValue(labels, name));
