import { formatInstant } from "../time.ts";
import { printLength, printValue, sparkline } from "./text.ts";

/**
 * What the cells of a column are: `text`; `number`, of the column's unit; `instant`, epoch milliseconds; `length`, of
 * time in milliseconds; `trend`, the course of values, drawn where there is room for it.
 */
export type ColumnKind = "instant" | "length" | "number" | "text" | "trend";

/** One cell; `undefined` where there is no value. A text in a column of numbers is a remark in place of one. */
export type Cell = Float64Array | number | string | undefined;

/** What a column is called, and what its cells are. */
export interface Heading {
  readonly name: string;
  readonly kind: ColumnKind;
  /** What numbers are measured in; `"1"` is no unit. */
  readonly unit?: string | undefined;
  /** Who needs the column, where not both do: a unit that people read in the cells is a column for programs. */
  readonly only?: "people" | "programs" | undefined;
  /** What people read in place of 0, where many cells are. */
  readonly zero?: string | undefined;
}

/** A heading with the cells below it. */
export interface Column extends Heading {
  readonly cells: ArrayLike<Cell>;
}

/** Columns of equal length, as renderers take them. */
export interface Columns {
  readonly columns: readonly Column[];
  /** How many rows there are. */
  readonly length: number;
  /** What is out of the ordinary about a row, where anything is. */
  readonly toneOf?: ((row: number) => Tone | undefined) | undefined;
}

/** What a text or a row is to be noticed for. */
export type Tone = "bad" | "good" | "quiet" | "strong" | "warn";

type Only = Heading["only"];

/** The heading of texts. */
export const text = (name: string, only?: Only): Heading => ({ name, kind: "text", only });
/** The heading of numbers of one unit. */
export const number = (name: string, unit = "1", only?: Only): Heading => ({ name, kind: "number", unit, only });
/** The heading of epoch milliseconds. */
export const instant = (name: string, only?: Only): Heading => ({ name, kind: "instant", only });
/** The heading of lengths of time in milliseconds. */
export const length = (name: string, only?: Only): Heading => ({ name, kind: "length", only });
/** The heading of courses of values. */
export const trend = (name: string): Heading => ({ name, kind: "trend", only: "people" });

/** The columns that people see. */
export const forPeople = ({ columns }: Columns): readonly Column[] => columns.filter(({ only }) => only !== "programs");

/** The columns that programs get. */
export const forPrograms = ({ columns }: Columns): readonly Column[] => columns.filter(({ only }) => only !== "people");

/** Whether a column's cells are read from the right. */
export const isNumeric = ({ kind }: Heading): boolean => kind === "number" || kind === "length";

/** A cell as a person reads it. */
export function printCell({ kind, unit = "1", zero }: Heading, cell: Cell): string {
  if (typeof cell === "string") return cell;
  if (cell === 0 && zero !== undefined) return zero;
  if (cell instanceof Float64Array) return sparkline(cell);
  if (cell === undefined) return kind === "number" ? "no data" : "";
  if (kind === "instant") return formatInstant(cell);
  return kind === "length" ? printLength(cell) : printValue(cell, unit);
}

/** A name with the unit that its numbers are in, for whoever reads no cell as text: `"value (req/s)"`. */
export function nameWithUnit({ name, kind, unit = "1" }: Heading): string {
  if (kind === "length") return `${name} (ms)`;
  return kind === "number" && unit !== "1" ? `${name} (${unit})` : name;
}

/** A number as JSON and CSV have it: what JSON has no number for is Prometheus's text for it. */
export function plainNumber(value: number): number | string {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
