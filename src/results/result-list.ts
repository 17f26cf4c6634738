import { formatInstant, type ResolvedSpan } from "../time.ts";
import type { Cell, Heading, Tone } from "./column.ts";
import { type CsvOptions, csvOf } from "./csv.ts";
import { type HtmlOptions, htmlOf } from "./html.ts";
import { markdownOf } from "./markdown.ts";
import { qualityNotes } from "./meta.ts";
import { bundleOf, DISPLAY, INSPECT, type MimeBundle } from "./mime.ts";
import { type Presentable, Table } from "./result.ts";
import { textOf } from "./text-view.ts";
import { tablePart, type View } from "./view.ts";

/** How the members of a list are told in a table. */
export interface RowForm<T> {
  /** What one of them is called: `"trace"`. */
  readonly noun: string;
  readonly headings: readonly Heading[];
  readonly row: (one: T) => readonly Cell[];
  readonly tone?: ((one: T) => Tone | undefined) | undefined;
}

/** What is known of how members of a list were found. */
export interface ListMeta extends ResolvedSpan {
  readonly backend: string;
  readonly complete: boolean;
  readonly warnings: readonly string[];
}

/** What a list can do beside holding its members; otherwise it is an array like any other. */
export interface ListVerbs extends Presentable {
  /** As Markdown; a row for each member. */
  toMarkdown(): string;
  /** As a page of HTML; a row for each member. */
  toHTML(options?: HtmlOptions): string;
  /** A row for each member as CSV (RFC 4180); what a spreadsheet would take for a formula is disarmed. */
  toCSV(options?: CsvOptions): string;
  /** How it looks in a notebook, for Deno's kernel. */
  [DISPLAY](): MimeBundle;
  /** How it looks at the console. */
  [INSPECT](): string;
}

/** A frozen array of what was found, with what is known of how, that shows itself as any result does. */
export type ResultArray<T, M> = readonly T[] & ListVerbs & { readonly meta: M };

/** Makes a {@link ResultArray}. */
export const listOf = <T, M extends ListMeta>(items: readonly T[], meta: M, form: RowForm<T>): ResultArray<T, M> =>
  new ResultList(items, meta, form);

/** A terminal shows so many members, as it does of any array. */
const INSPECTED = 100;

class ResultList<T, M extends ListMeta> extends Array<T> implements ListVerbs {
  declare readonly meta: M;
  readonly #form: RowForm<T>;

  /** What `map`, `filter` and the like give is a plain array. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  constructor(items: readonly T[], meta: M, form: RowForm<T>) {
    super();
    for (const item of items) this.push(item);
    this.#form = form;
    Object.defineProperty(this, "meta", { value: Object.freeze(meta), enumerable: true });
    Object.freeze(this);
  }

  toTable(): Table {
    return this.#tableOf(this);
  }

  toView(): View {
    return this.#viewOf(this);
  }

  toJSON(): readonly T[] {
    return Array.from(this);
  }

  toMarkdown(): string {
    return markdownOf(this.toView());
  }

  toHTML(options: HtmlOptions = {}): string {
    return htmlOf([this.toView()], options);
  }

  toCSV(options: CsvOptions = {}): string {
    return csvOf(this.toTable(), options);
  }

  [DISPLAY](): MimeBundle {
    return bundleOf(this.toView(), this[INSPECT]());
  }

  [INSPECT](): string {
    const shown = this.slice(0, INSPECTED);
    const { parts, notes } = this.#viewOf(shown);
    const more = this.length > INSPECTED ? [{ text: `… ${this.length - INSPECTED} more` }] : [];
    return textOf({ parts, notes: [...more, ...notes] });
  }

  #tableOf(items: readonly T[]): Table {
    const { headings, row, tone } = this.#form;
    const toneOf = (i: number) => (items[i] === undefined ? undefined : tone?.(items[i]));
    return Table.of(headings, items.map(row), toneOf);
  }

  #viewOf(items: readonly T[]): View {
    const { fromMs, toMs, backend } = this.meta;
    const count = `${this.length} ${this.#form.noun}${this.length === 1 ? "" : "s"}`;
    const origin = `${count} from ${formatInstant(fromMs)} to ${formatInstant(toMs)}, from ${backend}`;
    return { parts: [tablePart(this.#tableOf(items))], notes: [{ text: origin }, ...qualityNotes(this.meta)] };
  }
}
