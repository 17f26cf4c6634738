import { instant, number, plainNumber, text } from "./column.ts";
import type { LabelSet } from "./labels.ts";
import { type Meta, notesOf } from "./meta.ts";
import { Result, Table } from "./result.ts";
import { printValue } from "./text.ts";
import { linesPart, type View } from "./view.ts";

/** A {@link Sample} as plain data: no `value` where nothing was measured. */
export interface SampleJson {
  readonly value?: number | string | undefined;
  readonly unit: string;
  readonly at: number;
  readonly labels: LabelSet;
  readonly meta: Meta;
}

/**
 * One number with its unit.
 *
 * `value` is `undefined` where nothing was measured: missing is not zero.
 */
export class Sample<U extends string = string> extends Result {
  readonly value: number | undefined;
  readonly unit: U;
  /** The instant the value holds for, in epoch milliseconds. */
  readonly at: number;
  readonly labels: LabelSet;
  readonly meta: Meta;

  constructor(fields: {
    readonly value: number | undefined;
    readonly unit: U;
    readonly at: number;
    readonly labels: LabelSet;
    readonly meta: Meta;
  }) {
    super();
    this.value = fields.value;
    this.unit = fields.unit;
    this.at = fields.at;
    this.labels = fields.labels;
    this.meta = fields.meta;
    Object.freeze(this);
  }

  /** The value with its unit: `"41.7 req/s"`, `"99.5 %"`, or `"no data"`. */
  override toString(): string {
    return printValue(this.value, this.unit);
  }

  /** One row: the instant, the labels, the value. */
  toTable(): Table {
    const labels = Object.entries(this.labels);
    return Table.of(
      [instant("time"), ...labels.map(([name]) => text(ownName(name))), number("value", this.unit)],
      [[this.at, ...labels.map(([, value]) => value), this.value]],
    );
  }

  toView(): View {
    return {
      parts: [linesPart({ text: this.toString(), tone: this.value === undefined ? "quiet" : "strong" })],
      notes: notesOf(this.meta, this.at),
    };
  }

  toJSON(): SampleJson {
    const { value, unit, at, labels, meta } = this;
    return { value: value === undefined ? undefined : plainNumber(value), unit, at, labels, meta };
  }
}

/** A label's name beside the columns of every answer: a label may be called as one of them. */
export const ownName = (name: string): string => (name === "time" || name === "value" ? `label ${name}` : name);
