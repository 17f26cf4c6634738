import { type Columns, forPeople, isNumeric, printCell } from "./column.ts";
import { plain } from "./text.ts";
import type { Item, Line, Part, View } from "./view.ts";

/** Text as Markdown takes it: what would be markup is escaped. */
export const markdown = (text: string): string => plain(text).replace(/[\\`*_{}[\]<>#|~&]/g, (c) => `\\${c}`);

/** A view as Markdown, with tables as GitHub and notebooks read them. */
export function markdownOf({ title, parts, notes }: View): string {
  const blocks = [
    ...(title === undefined ? [] : [`## ${markdown(title)}`]),
    ...parts.map(printPart),
    notes.map((note) => `- ${printLine(note)}`).join("\n"),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function printPart(part: Part): string {
  switch (part.kind) {
    case "code":
      return fenced(part.text, part.language ?? "");
    case "drawing":
      return part.drawing.markdown ?? (part.drawing.text === undefined ? "" : fenced(part.drawing.text, ""));
    case "heading":
      return `### ${markdown(part.text)}`;
    case "lines":
      // Two spaces at a line's end break it.
      return part.lines.map(printLine).join("  \n");
    case "list":
      return part.items.map((item, i) => printItem(item, part.ordered === true ? `${i + 1}. ` : "- ")).join("\n");
    case "table":
      return markdownTable(part.table);
  }
}

const printLine = ({ text, tone }: Line): string =>
  tone === "strong" || tone === "bad" ? `**${markdown(text)}**` : markdown(text);

function printItem({ text, details = [] }: Item, mark: string): string {
  const indent = " ".repeat(mark.length);
  return [`${mark}**${markdown(text)}**`, ...details.map((detail) => `${indent}- ${markdown(detail)}`)].join("\n");
}

/** A block of code, fenced by more backticks than it holds in a row. */
function fenced(text: string, language: string): string {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(Math.max(3, longest + 1));
  return `${fence}${language}\n${text.split("\n").map(plain).join("\n")}\n${fence}`;
}

/** A table of Markdown; numbers are read from the right. */
function markdownTable(table: Columns): string {
  const columns = forPeople(table);
  if (table.length === 0) return "no data";
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    row(columns.map(({ name }) => markdown(name))),
    row(columns.map((column) => (isNumeric(column) ? "---:" : "---"))),
    ...Array.from({ length: table.length }, (_, i) =>
      row(columns.map((column) => markdown(printCell(column, column.cells[i])))),
    ),
  ].join("\n");
}
