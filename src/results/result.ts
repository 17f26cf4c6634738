import { type ArrowLibrary, arrowBytes, arrowTable } from "./arrow.ts";
import { type Cell, type Column, type Columns, forPrograms, type Heading, plainNumber, type Tone } from "./column.ts";
import { type CsvOptions, csvOf } from "./csv.ts";
import { type HtmlOptions, htmlOf } from "./html.ts";
import { markdownOf } from "./markdown.ts";
import { bundleOf, DISPLAY, INSPECT, type MimeBundle } from "./mime.ts";
import { textOf } from "./text-view.ts";
import { tablePart, type View } from "./view.ts";

/**
 * What every answer can do beside holding its values: be printed, be a page, a table, CSV and plain data, and show itself
 * where it is the last expression of a notebook's cell.
 */
export interface Presentable {
  /** Its values as columns, for whatever takes a table. */
  toTable(): Table;
  /** Its values as plain data: what `JSON.stringify` writes. */
  toJSON(): unknown;
  /** What a person sees of it, apart from how that is drawn. */
  toView(): View;
}

/** The verbs of a {@link Presentable}, made of its table and its view. */
export abstract class Result implements Presentable {
  abstract toTable(): Table;
  abstract toJSON(): unknown;
  abstract toView(): View;

  /** As text for a terminal. */
  toString(): string {
    return textOf(this.toView());
  }

  /** As Markdown, for an issue or a chat. Everything that came from elsewhere is escaped. */
  toMarkdown(): string {
    return markdownOf(this.toView());
  }

  /**
   * As a page of HTML: no script, nothing to load, everything escaped; light or dark as the reader has it.
   *
   * @param options `fragment: true` gives only the part that can stand in another page
   */
  toHTML(options: HtmlOptions = {}): string {
    return htmlOf([this.toView()], options);
  }

  /** The rows of {@link Result.toTable} as CSV (RFC 4180); what a spreadsheet would take for a formula is disarmed. */
  toCSV(options: CsvOptions = {}): string {
    return csvOf(this.toTable(), options);
  }

  /**
   * The rows of {@link Result.toTable} as bytes of Arrow's IPC stream, which every version and language of Arrow reads.
   *
   * @param arrow `import * as arrow from "apache-arrow"`, where a bundler must know of it; imported when left out
   * @throws {QueryError} `code: "peer"` when `apache-arrow` is not installed
   */
  async toArrow(arrow?: ArrowLibrary): Promise<Uint8Array> {
    return arrowBytes(this.columnsOfParts(), arrow);
  }

  /**
   * The same as a table of the caller's own `apache-arrow`. Numbers are not copied where they are columns already.
   *
   * @example
   * import * as arrow from "apache-arrow";
   *
   * const matrix = await edge.rate("5m").over({ last: "1h" });
   * matrix.toArrowTable(arrow).getChild("value (req/s)");
   */
  toArrowTable<T>(arrow: ArrowLibrary<T>): T {
    return arrowTable(this.columnsOfParts(), arrow);
  }

  /** Its table in parts one below the other, where that spares a copy. */
  protected columnsOfParts(): readonly Columns[] {
    return [this.toTable()];
  }

  /** How it looks in a notebook, for Deno's kernel. */
  [DISPLAY](): MimeBundle | Promise<MimeBundle> {
    return bundleOf(this.toView(), this[INSPECT]());
  }

  /** How it looks at the console. */
  [INSPECT](): string {
    return textOf(this.toView());
  }
}

/** A table as plain data. Instants are epoch milliseconds; NaN and infinities are `"NaN"`, `"+Inf"` and `"-Inf"`. */
export interface TableJson {
  readonly columns: readonly Pick<Heading, "kind" | "name" | "unit">[];
  readonly rows: readonly (readonly (number | string | null)[])[];
}

/** Columns with their names and units, one cell of each to a row: what every result can be made. */
export class Table extends Result implements Columns, Iterable<readonly Cell[]> {
  readonly columns: readonly Column[];
  /** How many rows there are. */
  readonly length: number;
  readonly toneOf: ((row: number) => Tone | undefined) | undefined;

  constructor(columns: readonly Column[], toneOf?: (row: number) => Tone | undefined) {
    super();
    this.columns = Object.freeze([...columns]);
    this.length = columns[0]?.cells.length ?? 0;
    this.toneOf = toneOf;
    Object.freeze(this);
  }

  /** A table of rows, each with a cell for every heading. */
  static of(
    headings: readonly Heading[],
    rows: readonly (readonly Cell[])[],
    toneOf?: (row: number) => Tone | undefined,
  ): Table {
    return new Table(
      headings.map((heading, i) => ({ ...heading, cells: rows.map((row) => row[i]) })),
      toneOf,
    );
  }

  /** Its rows from the top, without the cells of columns that only people need. */
  *[Symbol.iterator](): IterableIterator<readonly Cell[]> {
    const columns = forPrograms(this);
    for (let row = 0; row < this.length; row++) yield columns.map(({ cells }) => cells[row]);
  }

  /** The column of that name, or `undefined`. */
  column(name: string): Column | undefined {
    return forPrograms(this).find((column) => column.name === name) ?? this.columns.find((one) => one.name === name);
  }

  /** Itself. */
  toTable(): Table {
    return this;
  }

  toView(): View {
    return { parts: [tablePart(this)], notes: [] };
  }

  toJSON(): TableJson {
    const columns = forPrograms(this);
    return {
      columns: columns.map(({ name, kind, unit }) => (unit === undefined ? { name, kind } : { name, kind, unit })),
      rows: Array.from({ length: this.length }, (_, row) => columns.map(({ cells }) => plainCell(cells[row]))),
    };
  }
}

function plainCell(cell: Cell): number | string | null {
  if (typeof cell === "number") return plainNumber(cell);
  return typeof cell === "string" ? cell : null;
}
