import { instant, text } from "./column.ts";
import { type Meta, notesOf } from "./meta.ts";
import { Result, Table } from "./result.ts";
import { linesPart, type View } from "./view.ts";

/** One text at an instant, which only an expression that is a string has. */
export class StringSample extends Result {
  readonly value: string;
  /** The instant it holds for, in epoch milliseconds. */
  readonly at: number;
  readonly meta: Meta;

  constructor(fields: { readonly value: string; readonly at: number; readonly meta: Meta }) {
    super();
    this.value = fields.value;
    this.at = fields.at;
    this.meta = fields.meta;
    Object.freeze(this);
  }

  /** The text itself. */
  override toString(): string {
    return this.value;
  }

  /** One row: the instant and the text. */
  toTable(): Table {
    return Table.of([instant("time"), text("value")], [[this.at, this.value]]);
  }

  toView(): View {
    return { parts: [linesPart({ text: this.value })], notes: notesOf(this.meta, this.at) };
  }

  toJSON(): { readonly value: string; readonly at: number; readonly meta: Meta } {
    const { value, at, meta } = this;
    return { value, at, meta };
  }
}
