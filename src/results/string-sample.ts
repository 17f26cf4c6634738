import type { Meta } from "./meta.ts";
import { plain, printAnswer } from "./text.ts";

/** One text at an instant, which only an expression that is a string has. */
export class StringSample {
  readonly value: string;
  /** The instant it holds for, in epoch milliseconds. */
  readonly at: number;
  readonly meta: Meta;

  constructor(fields: { readonly value: string; readonly at: number; readonly meta: Meta }) {
    this.value = fields.value;
    this.at = fields.at;
    this.meta = fields.meta;
    Object.freeze(this);
  }

  /** The text itself. */
  toString(): string {
    return this.value;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return printAnswer(this.meta, this.at, plain(this.value));
  }
}
