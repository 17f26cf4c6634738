import { type CsvOptions, csvOf } from "./csv.ts";
import { type HtmlOptions, htmlOf } from "./html.ts";
import { markdownOf } from "./markdown.ts";
import { bundleOf, DISPLAY, INSPECT, type MimeBundle } from "./mime.ts";
import type { Presentable, Table } from "./result.ts";
import { textOf } from "./text-view.ts";
import type { View } from "./view.ts";

/**
 * An array of what was found, with what is known of how it was found; otherwise as any other result. What its methods
 * such as `map` and `filter` give is a plain array.
 */
export abstract class ResultList<T, M> extends Array<T> implements Presentable {
  declare readonly meta: M;

  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  constructor(items: readonly T[], meta: M) {
    super(items.length);
    for (let i = 0; i < items.length; i++) this[i] = items[i] as T;
    Object.defineProperty(this, "meta", { value: Object.freeze(meta), enumerable: true });
    Object.freeze(this);
  }

  abstract toTable(): Table;
  abstract toView(): View;

  /** What was found, and what is known of the search. */
  abstract toJSON(): unknown;

  /** As text for a terminal. */
  override toString(): string {
    return textOf(this.toView());
  }

  /** As Markdown; see the same of any result. */
  toMarkdown(): string {
    return markdownOf(this.toView());
  }

  /** As a page of HTML; see the same of any result. */
  toHTML(options: HtmlOptions = {}): string {
    return htmlOf([this.toView()], options);
  }

  /** A row for each find as CSV (RFC 4180); what a spreadsheet would take for a formula is disarmed. */
  toCSV(options: CsvOptions = {}): string {
    return csvOf(this.toTable(), options);
  }

  /** How it looks in a notebook, for Deno's kernel. */
  [DISPLAY](): MimeBundle {
    return bundleOf(this.toView(), this[INSPECT]());
  }

  /** How it looks at the console. */
  [INSPECT](): string {
    return textOf(this.toView());
  }
}
