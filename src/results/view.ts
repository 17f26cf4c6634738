import type { Columns, Tone } from "./column.ts";

/** A sentence, and what it is to be noticed for. */
export interface Line {
  readonly text: string;
  readonly tone?: Tone | undefined;
}

/** One point of a list, with what stands below it. */
export interface Item extends Line {
  readonly details?: readonly string[] | undefined;
}

/** A picture for pages, and what stands for it where only text can. */
export interface Drawing {
  /** HTML in which everything that came from elsewhere has been escaped. */
  readonly html: string;
  /** The rules of CSS that it needs; all of them below classes of its own. */
  readonly style: string;
  readonly text?: string | undefined;
  readonly markdown?: string | undefined;
}

/** One part of what a person sees. */
export type Part =
  | { readonly kind: "code"; readonly text: string; readonly language?: string | undefined }
  | { readonly kind: "drawing"; readonly drawing: Drawing }
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "lines"; readonly lines: readonly Line[] }
  | { readonly kind: "list"; readonly items: readonly Item[]; readonly ordered?: boolean | undefined }
  /** A table; `text` stands for it in a terminal where that reads better. */
  | { readonly kind: "table"; readonly table: Columns; readonly text?: string | undefined };

/** What a person sees of a result, apart from how it is drawn: as text, Markdown or HTML. */
export interface View {
  readonly title?: string | undefined;
  readonly parts: readonly Part[];
  /** What a reader must know beside it: when, from where, what is missing. */
  readonly notes: readonly Line[];
}

/** One part of a view that is a table; `text` stands for it in a terminal where that reads better. */
export const tablePart = (table: Columns, text?: string): Part => ({ kind: "table", table, text });

/** Sentences, one below the other. */
export const linesPart = (...lines: readonly Line[]): Part => ({ kind: "lines", lines });
