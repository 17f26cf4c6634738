import { escaped } from "../../results/html.ts";
import { svgDocument } from "../../results/svg-document.ts";
import type { Drawing } from "../../results/view.ts";
import { GRAPH_STYLE } from "./drawing-style.ts";
import { placesOf } from "./layout.ts";
import { edgeText, printMermaid } from "./mermaid.ts";
import type { GraphEdge, GraphNode, GraphParts } from "./part.ts";

/** A reader finds nothing in a drawing of more. */
const MOST_DRAWN = 150;
const COLUMN = 360;
const ROW = 72;
const WIDTH = 170;
const HEIGHT = 36;
/** Room for the calls that go back, below what they go round. */
const MARGIN = 50;

/** A graph's drawing; `undefined` of one in which nobody would find anything. */
export function graphDrawing(parts: GraphParts): Drawing | undefined {
  if (parts.nodes.length > MOST_DRAWN) return undefined;
  const { body, width, height } = pictureOf(parts);
  const svg = `<svg role="img" aria-label="who calls whom" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`;
  return {
    html: `<div class="scroll mq-graph">${svg}${body}</svg></div>`,
    style: `${GRAPH_STYLE}.mq .mq-graph svg { max-width: none; }\n`,
    markdown: `\`\`\`mermaid\n${printMermaid(parts)}\n\`\`\``,
  };
}

/** A graph's drawing as SVG, however large. */
export function graphSvg(parts: GraphParts): string {
  const { body, width, height } = pictureOf(parts);
  return svgDocument(body, { className: "mq-graph", width, height, style: GRAPH_STYLE });
}

function pictureOf(parts: GraphParts): { readonly body: string; readonly width: number; readonly height: number } {
  const { nodes, edges } = parts;
  const places = placesOf(parts);
  const at = (node: GraphNode): readonly [x: number, y: number] => {
    const { column, row } = places.get(node) ?? { column: 0, row: 0 };
    // Every other column half a row lower, so that what goes past a column goes between its nodes.
    return [column * COLUMN + MARGIN, (row + (column % 2) / 2) * ROW + 10];
  };
  const spots = nodes.map(at);
  const into = new Map<GraphNode, number>();
  const lines = edges.map((edge) => {
    const before = into.get(edge.to) ?? 0;
    into.set(edge.to, before + 1);
    return line(edge, at(edge.from), at(edge.to), before);
  });
  const body = [
    `<defs>${marker("tip", "")}${marker("failing-tip", "failing")}</defs>`,
    ...lines.map(({ path }) => path),
    // Above all lines, so that none strikes a label through.
    ...lines.map(({ label }) => label),
    ...nodes.map((node) => box(node, at(node))),
  ];
  return {
    body: body.join("\n"),
    width: spots.reduce((most, [x]) => Math.max(most, x + WIDTH + MARGIN), 0),
    height: spots.reduce((most, [, y]) => Math.max(most, y + HEIGHT + MARGIN), 0),
  };
}

const marker = (id: string, kind: string): string =>
  `<marker id="mq-${id}" class="${kind}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>`;

/** Where along a line its label stands: near its end, where lines from one node are apart; those into one node take turns. */
const LABELLED_AT = [0.68, 0.5, 0.6];

/** @param before how many lines into the same node are drawn already */
function line(
  edge: GraphEdge,
  [fromX, fromY]: readonly [number, number],
  [toX, toY]: readonly [number, number],
  before: number,
): { readonly path: string; readonly label: string } {
  const failing = edge.errors > 0 ? " failing" : "";
  const lost = edge.rate > 0 && edge.lost === edge.rate ? " lost" : "";
  const [x1, y1, x2, y2] = [fromX + WIDTH, fromY + HEIGHT / 2, toX, toY + HEIGHT / 2];
  const isBack = x2 <= x1;
  const bend = isBack ? MARGIN : (x2 - x1) / 2;
  const sag = isBack ? MARGIN * 1.2 : 0;
  const t = isBack ? 0.5 : (LABELLED_AT[before % LABELLED_AT.length] ?? 0.5);
  const textX = onCurve(t, x1, x1 + bend, x2 - bend, x2);
  const textY = onCurve(t, y1, y1 + sag, y2 + sag, y2) + 3;
  const text = escaped(edgeText(edge));
  const title = `<title>${escaped(`${edge.from.id} to ${edge.to.id}`)}: ${text}</title>`;
  const path = `M${x1} ${y1}C${x1 + bend} ${y1 + sag} ${x2 - bend} ${y2 + sag} ${x2} ${y2}`;
  return {
    path: `<g class="edge${failing}${lost}">${title}<path d="${path}" marker-end="url(#mq-${failing === "" ? "tip" : "failing-tip"})"/></g>`,
    label: `<text class="label${failing}" x="${textX.toFixed(1)}" y="${textY.toFixed(1)}" text-anchor="middle">${title}${text}</text>`,
  };
}

/** A cubic Bézier curve's coordinate. */
const onCurve = (t: number, a: number, b: number, c: number, d: number): number =>
  (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t ** 2 * c + t ** 3 * d;

function box(node: GraphNode, [x, y]: readonly [number, number]): string {
  const { id, kind, name, namespace, version, cluster, inMesh } = node;
  const kinds = ["node", kind, inMesh === false ? "outside" : ""].filter((one) => one !== "");
  const below = [namespace, version, cluster].filter((part) => part !== undefined).join(" · ");
  const round = kind === "service" || kind === "unknown" ? HEIGHT / 2 : 6;
  return `<g class="${kinds.join(" ")}"><title>${escaped(`${id} (${kind})`)}</title><rect x="${x}" y="${y}" width="${WIDTH}" height="${HEIGHT}" rx="${round}"/><text x="${x + WIDTH / 2}" y="${y + (below === "" ? 22 : 16)}" text-anchor="middle">${escaped(short(name))}</text><text class="quiet" x="${x + WIDTH / 2}" y="${y + 29}" text-anchor="middle">${escaped(short(below))}</text></g>`;
}

const short = (text: string): string => (text.length > 26 ? `${text.slice(0, 25)}…` : text);
