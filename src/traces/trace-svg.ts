import { escaped } from "../results/html.ts";
import { svgDocument } from "../results/svg-document.ts";
import type { CriticalPath } from "./critical-path.ts";
import type { Span } from "./span.ts";
import { type SpanTree, walk } from "./span-tree.ts";
import { count, isFailed, outcomeOf, printMs } from "./tree.ts";
import { huesOf } from "./waterfall.ts";

const NAMES = 320;
const AXIS = 560;
const WIDTH = NAMES + AXIS + 16;
const ROW = 22;
const TOP = 26;
const DEEPEST = 14;
const MOST_ROWS = 2000;

/** A trace's waterfall as SVG: a bar for every span, the critical path below those that it goes through. */
export function traceSvg(tree: SpanTree, path: CriticalPath): string {
  const startMs = tree.spans[0]?.startMs ?? 0;
  const endMs = tree.spans.reduce((end, span) => Math.max(end, span.endMs), startMs);
  const x = (ms: number): number => NAMES + ((ms - startMs) / (endMs - startMs || 1)) * AXIS;
  const critical = new Map<Span, string[]>();
  for (const { span, fromMs, selfMs } of path.sections) {
    const marks = critical.get(span) ?? [];
    marks.push(rect("critical", x(fromMs), (selfMs * AXIS) / (endMs - startMs || 1), 18, 3));
    critical.set(span, marks);
  }
  const hues = huesOf(tree.spans);
  const rows: string[] = [];
  for (const { span, depth } of walk(tree)) {
    if (rows.length === MOST_ROWS) break;
    const top = TOP + rows.length * ROW;
    rows.push(
      `<g transform="translate(0 ${top})">${rowOf(span, depth, { x, hue: hues.get(span.service) ?? 0 })}${(critical.get(span) ?? []).join("")}</g>`,
    );
  }
  const more = tree.spans.length - rows.length;
  const height = TOP + rows.length * ROW + (more > 0 ? ROW : 0) + 8;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = NAMES + share * AXIS;
    const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
    return `<path class="grid" d="M${at} ${TOP - 6}V${height - 8}"/><text class="quiet" x="${at}" y="14" text-anchor="${anchor}">${printMs(share * (endMs - startMs))}</text>`;
  });
  const rest = more > 0 ? [`<text class="quiet" x="8" y="${height - 14}">… ${count(more, "more span")}</text>`] : [];
  return svgDocument([...ticks, ...rows, ...rest].join("\n"), {
    className: "mq-spans",
    width: WIDTH,
    height,
    style: STYLE,
  });
}

interface Place {
  readonly x: (ms: number) => number;
  readonly hue: number;
}

function rowOf(span: Span, depth: number, { x, hue }: Place): string {
  const failed = isFailed(span);
  const indent = 8 + Math.min(depth, DEEPEST) * 12;
  const name = `${failed ? "✗ " : ""}${span.service} ${span.operation}`;
  const room = Math.floor((NAMES - indent - 8) / 6.2);
  const shown = name.length > room ? `${name.slice(0, room - 1)}…` : name;
  const [from, to] = [x(span.startMs), x(span.endMs)];
  const label = [printMs(span.durationMs), failed ? outcomeOf(span) : ""].filter((part) => part !== "").join(" ");
  const inside = to > NAMES + AXIS * 0.75;
  const bar = rect(failed ? "bar failed" : "bar", from, to - from, 4, 13, `fill:hsl(${hue} 48% 56%)`);
  return [
    `<title>${escaped(`${name}: ${printMs(span.durationMs)} ${outcomeOf(span)}`.trim())}</title>`,
    `<text class="${failed ? "bad" : ""}" x="${indent}" y="14">${escaped(shown)}</text>${bar}`,
    `<text class="label ${inside ? "within" : failed ? "bad" : ""}" x="${(inside ? Math.max(from, NAMES) + 4 : to + 4).toFixed(1)}" y="14">${escaped(label)}</text>`,
  ].join("");
}

const rect = (kind: string, x: number, width: number, y: number, height: number, style = ""): string =>
  `<rect class="${kind}" x="${x.toFixed(2)}" y="${y}" width="${Math.max(1.5, width).toFixed(2)}" height="${height}" rx="1.5"${style === "" ? "" : ` style="${style}"`}/>`;

const STYLE = `
.mq-spans text { font-size: 11.5px; fill: var(--text); }
.mq-spans text.quiet { fill: var(--quiet); font-size: 10.5px; }
.mq-spans text.bad { fill: var(--bad); }
.mq-spans .label { font-size: 10.5px; paint-order: stroke; stroke: var(--ground); stroke-width: 3px; }
.mq-spans text.within { fill: var(--ground); stroke: none; }
.mq-spans .grid { stroke: var(--line); }
.mq-spans rect.failed { stroke: var(--bad); stroke-width: 2; }
.mq-spans rect.critical { fill: var(--text); }
`;
