import { escaped } from "../results/html.ts";
import type { Drawing } from "../results/view.ts";
import { printBars } from "./bars.ts";
import { statusText } from "./cause.ts";
import type { CriticalPath, CriticalSection } from "./critical-path.ts";
import { skewsOf } from "./skew.ts";
import type { Span } from "./span.ts";
import { type SpanTree, walk } from "./span-tree.ts";
import { statusOf } from "./status.ts";
import { count, isFailed, outcomeOf, printMs } from "./tree.ts";
import { WATERFALL_STYLE } from "./waterfall-style.ts";

/** A browser draws no more rows than these with ease. */
const MOST_ROWS = 2000;
/** Nobody reads more lines of text. */
const MOST_LINES = 100;
const DEEPEST = 14;

/** Bars on an axis of time with the critical path in them. */
export function waterfall(tree: SpanTree, path: CriticalPath): Drawing {
  return {
    html: `<div class="mq-trace">${chart(tree, path)}</div>`,
    style: WATERFALL_STYLE,
    text: printBars(tree, { limit: MOST_LINES }),
  };
}

/** From where to where the axis goes. */
interface Axis {
  readonly startMs: number;
  readonly lengthMs: number;
}

function chart(tree: SpanTree, path: CriticalPath): string {
  const startMs = tree.spans[0]?.startMs ?? 0;
  const endMs = tree.spans.reduce((end, span) => Math.max(end, span.endMs), startMs);
  const axis = { startMs, lengthMs: endMs - startMs || 1 };
  const hues = huesOf(tree.spans);
  const aheadMs = new Map(skewsOf(tree).map((skew) => [skew.span, skew.aheadMs]));
  const sections = new Map<Span, CriticalSection[]>();
  for (const section of path.sections) {
    const known = sections.get(section.span);
    if (known === undefined) sections.set(section.span, [section]);
    else known.push(section);
  }
  const rows: string[] = [];
  for (const { span, depth } of walk(tree)) {
    if (rows.length === MOST_ROWS) break;
    const marks = (sections.get(span) ?? []).map(
      (section) => `<u style="${place(axis, section.fromMs, section.selfMs)}"></u>`,
    );
    rows.push(
      row(span, {
        depth,
        axis,
        hue: hues.get(span.service) ?? 0,
        aheadMs: aheadMs.get(span),
        marks,
        isRoot: tree.parentOf(span) === undefined,
      }),
    );
  }
  if (tree.spans.length > MOST_ROWS) rows.push(`<p>… ${count(tree.spans.length - MOST_ROWS, "more span")}</p>`);
  return [legend(hues), ruler(axis), ...rows].join("\n");
}

function legend(hues: ReadonlyMap<string, number>): string {
  const services = Array.from(hues, ([service, hue]) => `<span style="--hue:${hue}">${escaped(service)}</span>`);
  return `<div class="key">${services.join("")}<span class="path">critical path</span></div>`;
}

function ruler({ lengthMs }: Axis): string {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((at) => `<span style="left:${at * 100}%">${printMs(at * lengthMs)}</span>`);
  return `<div class="row axis"><div></div><div></div><div class="lane">${ticks.join("")}</div></div>`;
}

interface RowFacts {
  readonly depth: number;
  readonly axis: Axis;
  readonly hue: number;
  readonly aheadMs: number | undefined;
  readonly marks: readonly string[];
  readonly isRoot: boolean;
}

function row(span: Span, { depth, axis, hue, aheadMs, marks, isRoot }: RowFacts): string {
  const failed = isFailed(span);
  const notes: string[] = [];
  if (depth > DEEPEST) notes.push(`depth ${depth}`);
  if (isRoot && span.parentId !== undefined) notes.push("parent missing");
  if (aheadMs !== undefined) notes.push(`clock ${printMs(Math.abs(aheadMs))} ${aheadMs < 0 ? "behind" : "ahead"}`);
  const outcome = outcomeOf(span);
  const label = failed ? statusText(statusOf(span)) || "error" : "";
  const hint = [
    `${span.service} ${span.operation}`,
    `at ${printMs(span.startMs - axis.startMs)} for ${printMs(span.durationMs)}`,
    outcome,
    ...notes,
  ];
  const kinds = ["row", failed ? "failed" : "", aheadMs === undefined ? "" : "skewed"].filter((kind) => kind !== "");
  return [
    `<div class="${kinds.join(" ")}" title="${escaped(hint.filter((part) => part !== "").join("\n"))}">`,
    `<div class="name" style="--depth:${Math.min(depth, DEEPEST)}"><div>${failed ? "✗ " : ""}<b>${escaped(span.service)}</b>`,
    `<small>${escaped(span.operation)}</small></div>`,
    ...notes.map((note) => `<div class="note">${escaped(note)}</div>`),
    `</div><div class="time">${printMs(span.durationMs)}</div><div class="lane" style="--hue:${hue}">`,
    `<i style="${place(axis, span.startMs, span.durationMs)}"></i>${marks.join("")}`,
    label === "" ? "" : `<em ${besides(axis, span)}>${escaped(label)}</em>`,
    "</div></div>",
  ].join("");
}

const percent = (share: number): string => `${Number((share * 100).toFixed(3))}%`;

const place = ({ startMs, lengthMs }: Axis, fromMs: number, durationMs: number): string =>
  `left:${percent((fromMs - startMs) / lengthMs)};width:${percent(durationMs / lengthMs)}`;

/** What stands beside a bar is after it, before it where there is no room, else within it. */
function besides({ startMs, lengthMs }: Axis, span: Span): string {
  const from = (span.startMs - startMs) / lengthMs;
  const to = (span.endMs - startMs) / lengthMs;
  if (to <= 0.75) return `style="left:${percent(to)}"`;
  return from >= 0.25 ? `style="right:${percent(1 - from)}"` : `class="within" style="left:${percent(from)}"`;
}

/** Hues that are told apart, none of them an error's red. */
const HUES = [212, 160, 268, 40, 188, 310, 95, 236] as const;

/** A hue for each service, in the order in which they come. */
export function huesOf(spans: readonly Span[]): ReadonlyMap<string, number> {
  const services = [...new Set(spans.map(({ service }) => service))];
  return new Map(services.map((service, i) => [service, HUES[i % HUES.length] ?? 0]));
}
