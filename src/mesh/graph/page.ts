import { escaped } from "../../results/html.ts";
import { printValue } from "../../results/text.ts";
import { formatInstant } from "../../time.ts";
import { placesOf } from "./layout.ts";
import { remarksOn } from "./listing.ts";
import { edgeText } from "./mermaid.ts";
import { GRAPH_STYLE } from "./page-style.ts";
import type { GraphEdge, GraphNode, GraphParts } from "./part.ts";

/** A reader finds nothing in a drawing of more. */
const MOST_DRAWN = 150;
const COLUMN = 300;
const ROW = 72;
const WIDTH = 170;
const HEIGHT = 36;
/** Room for the calls that go back, below what they go round. */
const MARGIN = 50;

/** A graph as a page of HTML: a drawing, and a table of its edges. */
export function printPage(parts: GraphParts): string {
  const { nodes, edges, meta } = parts;
  const title = `Calls from ${formatInstant(meta.fromMs)} to ${formatInstant(meta.toMs)}`;
  const notes = [...(meta.complete ? [] : ["part of the data is missing"]), ...meta.warnings];
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>`,
    `<style>body { margin: 0; }${GRAPH_STYLE}</style></head><body><main class="mq-graph">`,
    `<h1>${escaped(title)}</h1><p>${nodes.length} nodes and ${edges.length} edges, each request counted once</p>`,
    ...notes.map((note) => `<p class="warning">${escaped(note)}</p>`),
    nodes.length > MOST_DRAWN ? `<p>More than ${MOST_DRAWN} nodes are not drawn: see the table.</p>` : drawing(parts),
    table(edges),
    "</main></body></html>",
  ].join("\n");
}

function drawing(parts: GraphParts): string {
  const { nodes, edges } = parts;
  const places = placesOf(parts);
  const at = (node: GraphNode): readonly [x: number, y: number] => {
    const { column, row } = places.get(node) ?? { column: 0, row: 0 };
    // Every other column half a row lower, so that what goes past a column goes between its nodes.
    return [column * COLUMN + MARGIN, (row + (column % 2) / 2) * ROW + 10];
  };
  const spots = nodes.map(at);
  const width = spots.reduce((most, [x]) => Math.max(most, x + WIDTH + MARGIN), 0);
  const height = spots.reduce((most, [, y]) => Math.max(most, y + HEIGHT + MARGIN), 0);
  return [
    `<div class="scroll"><svg role="img" aria-label="who calls whom" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>`,
    ...edges.map((edge) => line(edge, at(edge.from), at(edge.to))),
    ...nodes.map((node) => box(node, at(node))),
    "</svg></div>",
  ].join("\n");
}

function line(
  edge: GraphEdge,
  [fromX, fromY]: readonly [number, number],
  [toX, toY]: readonly [number, number],
): string {
  const kinds = ["edge", edge.errors > 0 ? "failing" : "", edge.rate > 0 && edge.lost === edge.rate ? "lost" : ""];
  const [x1, y1, x2, y2] = [fromX + WIDTH, fromY + HEIGHT / 2, toX, toY + HEIGHT / 2];
  const isBack = x2 <= x1;
  const bend = isBack ? MARGIN : (x2 - x1) / 2;
  const sag = isBack ? MARGIN * 1.2 : 0;
  const path = `M${x1} ${y1}C${x1 + bend} ${y1 + sag} ${x2 - bend} ${y2 + sag} ${x2} ${y2}`;
  const [textX, textY] = [(x1 + x2) / 2, (y1 + y2) / 2 + sag * 0.75 - 4];
  const label = escaped(edgeText(edge));
  return `<g class="${kinds.filter((kind) => kind !== "").join(" ")}"><title>${escaped(`${edge.from.id} to ${edge.to.id}`)}: ${label}</title><path d="${path}" marker-end="url(#tip)"/><text x="${textX}" y="${textY}" text-anchor="middle">${label}</text></g>`;
}

function box(node: GraphNode, [x, y]: readonly [number, number]): string {
  const { id, kind, name, namespace, version, cluster, inMesh } = node;
  const kinds = ["node", kind, inMesh === false ? "outside" : ""].filter((one) => one !== "");
  const below = [namespace, version, cluster].filter((part) => part !== undefined).join(" · ");
  const round = kind === "service" || kind === "unknown" ? HEIGHT / 2 : 6;
  return `<g class="${kinds.join(" ")}"><title>${escaped(`${id} (${kind})`)}</title><rect x="${x}" y="${y}" width="${WIDTH}" height="${HEIGHT}" rx="${round}"/><text x="${x + WIDTH / 2}" y="${y + (below === "" ? 22 : 16)}" text-anchor="middle">${escaped(short(name))}</text><text class="quiet" x="${x + WIDTH / 2}" y="${y + 29}" text-anchor="middle">${escaped(short(below))}</text></g>`;
}

const short = (text: string): string => (text.length > 26 ? `${text.slice(0, 25)}…` : text);

const HEADINGS = ["from", "to", "rate", "success", "p50", "p99", "lost", "mTLS", "TCP", ""];
const NUMBERS = new Set([2, 3, 4, 5, 6, 7, 8]);

function table(edges: readonly GraphEdge[]): string {
  const cell = (tag: "td" | "th", text: string, i: number) =>
    `<${tag}${NUMBERS.has(i) ? ' class="number"' : ""}>${escaped(text)}</${tag}>`;
  const row = (tag: "td" | "th", cells: readonly string[], kind = "") =>
    `<tr${kind}>${cells.map((text, i) => cell(tag, text, i)).join("")}</tr>`;
  const rows = edges.map((edge) => row("td", cellsOf(edge), edge.errors > 0 ? ' class="failing"' : ""));
  return `<div class="scroll"><table>${row("th", HEADINGS)}${rows.join("")}</table></div>`;
}

function cellsOf(edge: GraphEdge): string[] {
  const { rate, lost, tcp, mutualTls } = edge;
  const ofRequests = (value: number | undefined, unit: string) => (rate > 0 ? printValue(value, unit) : "–");
  const secure = mutualTls.requests ?? mutualTls.connections;
  return [
    edge.from.id,
    edge.to.id,
    ofRequests(rate, "req/s"),
    ofRequests(edge.success, "ratio"),
    ofRequests(edge.latency(0.5), "ms"),
    ofRequests(edge.latency(0.99), "ms"),
    lost > 0 ? printValue(lost, "req/s") : "–",
    secure === undefined ? "–" : printValue(secure, "ratio"),
    tcp === undefined ? "–" : printValue(tcp.sent + tcp.received, "B/s"),
    remarksOn(edge).join(", "),
  ];
}
