import type { LabelSet } from "./labels.ts";
import type { Meta } from "./meta.ts";
import { printAnswer, printValue } from "./text.ts";

/**
 * One number with its unit.
 *
 * `value` is `undefined` where nothing was measured: missing is not zero.
 */
export class Sample<U extends string = string> {
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
    this.value = fields.value;
    this.unit = fields.unit;
    this.at = fields.at;
    this.labels = fields.labels;
    this.meta = fields.meta;
    Object.freeze(this);
  }

  /** The value with its unit: `"41.7 req/s"`, `"99.5 %"`, or `"no data"`. */
  toString(): string {
    return printValue(this.value, this.unit);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return printAnswer(this.meta, this.at, this.toString());
  }
}
