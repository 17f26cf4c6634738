import { type Columns, forPeople, printCell } from "./column.ts";
import { plain, printTable } from "./text.ts";
import type { Item, Line, Part, View } from "./view.ts";

/** A view as text for a terminal. Nothing in it moves the cursor. */
export function textOf({ title, parts, notes }: View): string {
  const blocks = parts.map(printPart).filter((block) => block !== "");
  return [
    ...(title === undefined ? [] : [plain(title)]),
    ...(blocks.length > 0 ? [blocks.join("\n").trimEnd()] : []),
    ...notes.map(({ text }) => `  ${plain(text)}`),
  ].join("\n");
}

function printPart(part: Part): string {
  switch (part.kind) {
    case "code":
      return part.text.split("\n").map(plain).join("\n");
    case "drawing":
      return part.drawing.text ?? "";
    case "heading":
      return `\n${plain(part.text)}`;
    case "lines":
      return part.lines.map((line: Line) => plain(line.text)).join("\n");
    case "list":
      return part.items.map((item, i) => `${printItem(item, part.ordered === true ? `${i + 1}. ` : "- ")}\n`).join("");
    case "table":
      return part.text ?? printColumns(part.table);
  }
}

function printItem({ text, details = [] }: Item, mark: string): string {
  const indent = " ".repeat(mark.length);
  return [plain(`${mark}${text}`), ...details.map((detail) => plain(`${indent}${detail}`))].join("\n");
}

/** A table as text, in columns as wide as their widest cell. */
export function printColumns(table: Columns): string {
  const columns = forPeople(table);
  return printTable(
    columns.map(({ name }) => name),
    Array.from({ length: table.length }, (_, row) => columns.map((column) => printCell(column, column.cells[row]))),
  );
}
