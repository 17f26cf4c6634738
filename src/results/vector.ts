import { type LabelSet, labelValue } from "./labels.ts";
import type { Meta } from "./meta.ts";
import { printAnswer, printTable, printValue } from "./text.ts";

/** One member of a {@link Vector}. A label that the series lacks reads as `""`, as it does in PromQL. */
export interface VectorSample<L extends string = string> {
  readonly labels: Readonly<Record<L, string>>;
  readonly value: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Several numbers of one unit at one instant, one for each combination of labels; empty where nothing was measured. */
export class Vector<L extends string = string, U extends string = string> implements Iterable<VectorSample<L>> {
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

  toString(): string {
    const names = labelNames(this.labels);
    const rows = Array.from(this, (s) => [...cells(s.labels, names), printValue(s.value, this.unit)]);
    return printTable([...names, "value"], rows);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return printAnswer(this.meta, this.at, this.toString());
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
