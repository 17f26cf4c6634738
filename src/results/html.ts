import { type Columns, forPeople, isNumeric, printCell } from "./column.ts";
import { STYLE } from "./html-style.ts";
import { plain, shrunk } from "./text.ts";
import type { Item, Line, Part, View } from "./view.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Text as HTML takes it, within elements and attributes. Names come from the network: they are text, whatever they
 * hold. Line ends are kept for hints.
 */
export const escaped = (text: string): string =>
  text
    .split("\n")
    .map((line) => plain(line).replace(/[&<>"']/g, (c) => ESCAPES[c] ?? c))
    .join("\n");

/** What HTML is made: a document of its own, or a part of another one. */
export interface HtmlOptions {
  /** Only the part, for a page that has a head already, such as a notebook; a whole document when left out. */
  readonly fragment?: boolean | undefined;
}

/**
 * Views as HTML, one below the other: no script, nothing to load; light or dark as the reader has it, or as the notebook
 * is that it stands in.
 */
export function htmlOf(views: readonly View[], { fragment = false }: HtmlOptions = {}, title?: string): string {
  const styles = new Set([STYLE, ...views.flatMap(({ parts }) => parts.flatMap(styleOf))]);
  const heading = title === undefined ? "" : `<h1>${escaped(title)}</h1>`;
  const level = title === undefined ? 1 : 2;
  const body = [heading, ...views.map((view) => section(view, level))].filter((part) => part !== "").join("\n");
  if (fragment) return `<div class="mq"><style>${[...styles].join("")}</style>\n${body}\n</div>`;
  const name = title ?? views.find((view) => view.title !== undefined)?.title ?? "meshquery";
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">`,
    `<title>${escaped(name)}</title><style>body { margin: 0; }${[...styles].join("")}</style></head>`,
    `<body class="mq-page"><main class="mq">`,
    body,
    "</main></body></html>",
  ].join("\n");
}

const styleOf = (part: Part): string[] => (part.kind === "drawing" ? [part.drawing.style] : []);

function section({ title, parts, notes }: View, level: number): string {
  return [
    "<section>",
    title === undefined ? "" : `<h${level}>${escaped(title)}</h${level}>`,
    ...parts.map((part) => printPart(part, level + 1)),
    notes.length === 0 ? "" : `<div class="notes">${notes.map(printLine).join("")}</div>`,
    "</section>",
  ]
    .filter((block) => block !== "")
    .join("\n");
}

function printPart(part: Part, level: number): string {
  switch (part.kind) {
    case "code":
      return `<pre>${escaped(part.text)}</pre>`;
    case "drawing":
      return part.drawing.html;
    case "heading":
      return `<h${level}>${escaped(part.text)}</h${level}>`;
    case "lines":
      return part.lines.map(printLine).join("");
    case "list": {
      const tag = part.ordered === true ? "ol" : "ul";
      return part.items.length === 0 ? "" : `<${tag}>${part.items.map(printItem).join("\n")}</${tag}>`;
    }
    case "table":
      return htmlTable(part.table);
  }
}

const classed = (tone: string | undefined): string => (tone === undefined ? "" : ` class="${tone}"`);

const printLine = ({ text, tone }: Line): string => `<p${classed(tone)}>${escaped(text)}</p>`;

function printItem({ text, tone, details = [] }: Item): string {
  const below = details.map((detail) => `<li>${escaped(detail)}</li>`).join("");
  return `<li><b${classed(tone)}>${escaped(text)}</b>${below === "" ? "" : `<ul>${below}</ul>`}</li>`;
}

/** Texts of more characters may be broken over lines. */
const LONG = 48;

/** A table of HTML; numbers are read from the right, trends are drawn. */
function htmlTable(table: Columns): string {
  const columns = forPeople(table);
  if (table.length === 0) return '<p class="quiet">no data</p>';
  const head = columns.map((column) => `<th${isNumeric(column) ? ' class="n"' : ""}>${escaped(column.name)}</th>`);
  const rows = Array.from({ length: table.length }, (_, row) => {
    const cells = columns.map((column) => {
      const cell = column.cells[row];
      const isLong = typeof cell === "string" && cell.length > LONG;
      const kinds = [
        ...(isNumeric(column) ? ["n"] : []),
        ...(cell === undefined ? ["quiet"] : []),
        ...(isLong ? ["long"] : []),
      ];
      const shown = cell instanceof Float64Array ? trendLine(cell) : escaped(printCell(column, cell));
      return `<td${kinds.length === 0 ? "" : ` class="${kinds.join(" ")}"`}>${shown}</td>`;
    });
    return `<tr${classed(table.toneOf?.(row))}>${cells.join("")}</tr>`;
  });
  return `<div class="scroll"><table><thead><tr>${head.join("")}</tr></thead><tbody>\n${rows.join("\n")}\n</tbody></table></div>`;
}

const TREND_WIDTH = 120;
const TREND_HEIGHT = 18;

/** The course of values as a line, from 0 (or the least, below 0) to the most; where none is finite there is a gap. */
function trendLine(values: Float64Array): string {
  const finite = values.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), 0);
  const high = finite.reduce((a, b) => Math.max(a, b), 0);
  const means = shrunk(values, TREND_WIDTH);
  let path = "";
  let pen = "M";
  for (const [i, value] of means.entries()) {
    if (Number.isNaN(value)) {
      pen = "M";
      continue;
    }
    const x = means.length === 1 ? 0 : (i * TREND_WIDTH) / (means.length - 1);
    const y = TREND_HEIGHT - 1 - ((value - low) / (high - low || 1)) * (TREND_HEIGHT - 2);
    path += `${pen}${x.toFixed(1)},${y.toFixed(1)}${pen === "M" ? "h0" : ""}`;
    pen = "L";
  }
  return `<svg class="trend" viewBox="0 0 ${TREND_WIDTH} ${TREND_HEIGHT}" width="${TREND_WIDTH}" height="${TREND_HEIGHT}"><path d="${path}"/></svg>`;
}
