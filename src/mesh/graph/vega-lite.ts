import { printValue } from "../../results/text.ts";
import { VEGA_LITE_SCHEMA, type VegaLiteSpec } from "../../results/vega-lite.ts";
import { formatInstant } from "../../time.ts";
import { placesOf } from "./layout.ts";
import { edgeText } from "./mermaid.ts";
import type { GraphNode, GraphParts } from "./part.ts";

const COLUMN = 220;
const ROW = 60;
/** Half of a node's width and height, in the units of its place. */
const HALF = { width: 0.3, height: 0.28 };
const RED = "#c5221f";
const GREY = "#7b8794";

/** A graph as Vega-Lite 5 describes it: nodes where they stand in the drawing, edges with their rates in words. */
export function graphVegaLite(parts: GraphParts): VegaLiteSpec {
  const { nodes, edges, meta } = parts;
  const places = placesOf(parts);
  const at = (node: GraphNode): { readonly x: number; readonly y: number } => {
    const { column, row } = places.get(node) ?? { column: 0, row: 0 };
    return { x: column, y: row + (column % 2) / 2 };
  };
  const width = Math.max(0, ...nodes.map((node) => at(node).x)) + 1;
  const height = Math.max(0, ...nodes.map((node) => at(node).y)) + 1;
  const axis = (field: string, size: number) => ({
    field,
    type: "quantitative",
    axis: null,
    scale: {
      domain: [-0.5, size - 0.5],
      nice: false,
      zero: false,
      ...(field.startsWith("y") ? { reverse: true } : {}),
    },
  });
  const [x, y] = [axis("x", width), axis("y", height)];
  const color = { condition: { test: "datum.errors > 0", value: RED }, value: GREY };
  return {
    $schema: VEGA_LITE_SCHEMA,
    title: `Calls from ${formatInstant(meta.fromMs)} to ${formatInstant(meta.toMs)}`,
    width: width * COLUMN,
    height: height * ROW,
    layer: [
      {
        data: {
          values: edges.map((edge) => {
            const [from, to] = [at(edge.from), at(edge.to)];
            return {
              x: from.x + HALF.width,
              y: from.y,
              x2: to.x - HALF.width,
              y2: to.y,
              middleX: (from.x + to.x) / 2,
              middleY: (from.y + to.y) / 2,
              from: edge.from.id,
              to: edge.to.id,
              text: edgeText(edge),
              rate: edge.rate,
              errors: edge.errors,
              success: edge.success ?? null,
              p99: printValue(edge.latency(0.99), "ms"),
            };
          }),
        },
        layer: [
          {
            mark: { type: "rule" },
            encoding: {
              x,
              y,
              x2: { field: "x2" },
              y2: { field: "y2" },
              color,
              tooltip: [
                { field: "from", type: "nominal" },
                { field: "to", type: "nominal" },
                { field: "rate", type: "quantitative", title: "rate (req/s)" },
                { field: "success", type: "quantitative", title: "success", format: ".4~%" },
                { field: "p99", type: "nominal", title: "99th percentile" },
              ],
            },
          },
          {
            mark: { type: "text", dy: -6, fontSize: 10 },
            encoding: {
              x: axis("middleX", width),
              y: axis("middleY", height),
              text: { field: "text", type: "nominal" },
              color,
            },
          },
        ],
      },
      {
        data: {
          values: nodes.map((node) => {
            const { x: left, y: top } = at(node);
            const { id, kind, name } = node;
            const box = { x: left - HALF.width, x2: left + HALF.width, y: top - HALF.height, y2: top + HALF.height };
            return { ...box, middleX: left, middleY: top, id, kind, name };
          }),
        },
        layer: [
          {
            mark: { type: "rect", cornerRadius: 5, fill: "#eef3fb", stroke: "#c9d0d8" },
            encoding: {
              x,
              y,
              x2: { field: "x2" },
              y2: { field: "y2" },
              tooltip: [
                { field: "id", type: "nominal", title: "node" },
                { field: "kind", type: "nominal" },
              ],
            },
          },
          {
            mark: { type: "text", limit: COLUMN * HALF.width * 2 - 8, color: "#1b1f24" },
            encoding: {
              x: axis("middleX", width),
              y: axis("middleY", height),
              text: { field: "name", type: "nominal" },
            },
          },
        ],
      },
    ],
    config: { view: { stroke: null } },
  };
}
