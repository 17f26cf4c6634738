import { QueryError } from "../errors.ts";
import { formatInstant, shown } from "../time.ts";
import { type Cell, type Columns, forPrograms, type Heading, nameWithUnit, plainNumber } from "./column.ts";

/** How a table becomes CSV. */
export interface CsvOptions {
  /**
   * What becomes of a text that a spreadsheet would take for a formula, such as a label's value `=cmd()`, or its part behind a
   * `;` where that separates fields: `"disarm"` puts an apostrophe before it, `"keep"` leaves it as it is, for programs.
   * `"disarm"` when left out.
   */
  readonly formulas?: "disarm" | "keep" | undefined;
}

/**
 * A table as CSV with a heading line: numbers bare in the unit that their heading names, instants as ISO text, nothing
 * where there is no value.
 *
 * @see RFC 4180
 */
export function csvOf(table: Columns, { formulas = "disarm" }: CsvOptions = {}): string {
  if (formulas !== "disarm" && formulas !== "keep") {
    throw new QueryError("config", `toCSV: formulas is "disarm" or "keep", not ${shown(formulas)}`);
  }
  const columns = forPrograms(table);
  const text = (given: string) => quoted(formulas === "disarm" ? disarmed(given) : given);
  const lines = [columns.map((column) => text(nameWithUnit(column))).join(",")];
  for (let row = 0; row < table.length; row++) {
    lines.push(columns.map((column) => field(column, column.cells[row], text)).join(","));
  }
  return lines.map((line) => `${line}\r\n`).join("");
}

function field({ kind }: Heading, cell: Cell, text: (given: string) => string): string {
  if (typeof cell === "string") return text(cell);
  if (typeof cell !== "number") return "";
  return kind === "instant" ? formatInstant(cell) : String(plainNumber(cell));
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/**
 * What spreadsheets begin a formula with, in full width too: at the start of a text, and wherever a spreadsheet that
 * separates fields by something else, as half of Europe's do, would begin a field of its own. A lone `-` is how Envoy
 * writes "nothing".
 */
const FORMULA = /(^|[;\t\r\n])([\t\r\n ]*)(?=[=+\-@＝＋－＠].)|^(?=[\t\r])/gsu;
/** A number is one to a spreadsheet as well. */
const NUMBER = /^[+-]?\d+(\.\d+)?$/;

const disarmed = (text: string): string => (NUMBER.test(text) ? text : text.replace(FORMULA, "$1'$2"));
