import type { Chart } from "./chart-options.ts";
import { type Course, type Courses, extentOf, reachesZero, runsOf } from "./course.ts";
import { escaped } from "./html.ts";
import { themed } from "./html-style.ts";
import { printValue } from "./text.ts";
import { timeTicks, valueTicks } from "./ticks.ts";
import type { Drawing } from "./view.ts";

/** Lines that nobody can tell apart tell nothing; the table beside the chart has them all. */
const MOST_LINES = 24;
const LEFT = 64;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;

interface Frame {
  readonly x: (ms: number) => number;
  readonly y: (value: number) => number;
  readonly right: number;
  readonly bottom: number;
}

/** Courses as a chart for a page, with its key below; gaps are gaps. `undefined` where no value can be drawn. */
export function lineChart(given: Courses, chart: Chart): Drawing | undefined {
  const { unit, startMs, endMs, stepMs } = given;
  const extent = extentOf(given.courses);
  if (extent === undefined) return undefined;
  const courses = given.courses.slice(0, MOST_LINES);
  const levels = [...extent, ...chart.thresholds.map(({ value }) => value)];
  const least = Math.min(...levels);
  const ticks = valueTicks(reachesZero(unit, least) ? Math.min(0, least) : least, Math.max(...levels));
  const [low = 0, high = 1] = [ticks[0], ticks.at(-1)];
  const [right, bottom] = [chart.width - RIGHT, chart.height - BOTTOM];
  const frame: Frame = {
    x: (ms) => LEFT + ((ms - startMs) / (endMs - startMs || 1)) * (right - LEFT),
    y: (value) => bottom - ((value - low) / (high - low || 1)) * (bottom - TOP),
    right,
    bottom,
  };
  const svg = [
    `<svg viewBox="0 0 ${chart.width} ${chart.height}" width="${chart.width}" height="${chart.height}" role="img">`,
    ...chart.incidents.map((incident) => incidentBox(incident, frame)),
    ...ticks.map((value) => gridLine(value, unit, frame)),
    ...timeTicks(startMs, endMs).map(({ ms, text }) => timeMark(frame.x(ms), text, frame)),
    `<text x="0" y="${bottom + 16}">UTC</text>`,
    ...courses.map((course, i) => lineOf(course, i, stepMs, frame)),
    ...chart.thresholds.map((threshold) => thresholdLine(threshold, unit, frame)),
    "</svg>",
  ];
  const html = `<div class="mq-chart">${svg.join("")}${keyOf(courses, given.courses.length - courses.length)}</div>`;
  return { html, style: CHART_STYLE };
}

function gridLine(value: number, unit: string, { y, right }: Frame): string {
  const at = y(value).toFixed(1);
  return `<path class="grid" d="M${LEFT},${at}H${right}"/><text x="${LEFT - 6}" y="${at}" dy="4" text-anchor="end">${escaped(printValue(value, unit))}</text>`;
}

function timeMark(x: number, text: string, { bottom, right }: Frame): string {
  const anchor = x > right - 24 ? "end" : x < LEFT + 20 ? "start" : "middle";
  return `<path class="grid" d="M${x.toFixed(1)},${bottom}v4"/><text x="${x.toFixed(1)}" y="${bottom + 16}" text-anchor="${anchor}">${escaped(text)}</text>`;
}

function incidentBox({ fromMs, toMs, label }: Chart["incidents"][number], { x, bottom, right }: Frame): string {
  const inside = (ms: number) => Math.max(LEFT, Math.min(right, x(ms)));
  const [from, to] = [inside(fromMs), inside(toMs)];
  const name =
    label === undefined
      ? ""
      : `<text class="incident" x="${(from + 4).toFixed(1)}" y="${TOP + 11}">${escaped(label)}</text>`;
  return `<rect class="incident" x="${from.toFixed(1)}" y="${TOP}" width="${Math.max(2, to - from).toFixed(1)}" height="${bottom - TOP}"/>${name}`;
}

function thresholdLine({ value, label }: Chart["thresholds"][number], unit: string, { y, right }: Frame): string {
  const at = y(value);
  const text = label === undefined ? printValue(value, unit) : `${label} ${printValue(value, unit)}`;
  return `<path class="threshold" d="M${LEFT},${at.toFixed(1)}H${right}"/><text class="threshold" x="${right}" y="${(at - 4).toFixed(1)}" text-anchor="end">${escaped(text)}</text>`;
}

const lineOf = (course: Course, i: number, stepMs: number, frame: Frame): string =>
  `<path class="line ${colourOf(i)}" d="${pathOf(course, stepMs, frame)}"><title>${escaped(course.name)}</title></path>`;

/** A course as a path. Of values that fall on one pixel only the extremes are drawn, which look the same. */
function pathOf(course: Course, stepMs: number, { x, y }: Frame): string {
  let path = "";
  const draw = (pen: string, i: number): void => {
    path += `${pen}${x(course.timesMs[i] as number).toFixed(1)},${y(course.values[i] as number).toFixed(1)}`;
  };
  for (const [from, to] of runsOf(course, stepMs)) {
    draw("M", from);
    // A value alone is a dot: a line of no length with a round end.
    if (to - from === 1) path += "h0";
    for (let i = from + 1; i < to; ) {
      const pixel = Math.floor(x(course.timesMs[i] as number));
      let [end, least, most] = [i, i, i];
      while (end < to && Math.floor(x(course.timesMs[end] as number)) === pixel) {
        if ((course.values[end] as number) < (course.values[least] as number)) least = end;
        if ((course.values[end] as number) > (course.values[most] as number)) most = end;
        end++;
      }
      for (const at of new Set([i, Math.min(least, most), Math.max(least, most), end - 1])) draw("L", at);
      i = end;
    }
  }
  return path;
}

/** The colours in turn, and then again with dashes. */
const colourOf = (i: number): string => `c${i % COLOURS.length}${i < COLOURS.length ? "" : " again"}`;

function keyOf(courses: readonly Course[], more: number): string {
  if (courses.length === 1 && courses[0]?.name === "" && more === 0) return "";
  const names = courses.map(({ name }, i) => `<span><i class="${colourOf(i)}"></i>${escaped(name)}</span>`);
  const rest = more > 0 ? `<span>and ${more} more, which are in the table only</span>` : "";
  return `<div class="key">${names.join("")}${rest}</div>`;
}

/** Colours that are told apart in light and dark, the first of them by who sees few colours too. */
const COLOURS = [
  ["#2563c9", "#7aa7f7"],
  ["#d9730d", "#f2a65a"],
  ["#1f8a5b", "#5cc796"],
  ["#a33ea1", "#d88bd6"],
  ["#8a6d00", "#d9bd4a"],
  ["#c2255c", "#f58bb0"],
  ["#0b8393", "#57c6d4"],
  ["#6b5bd2", "#aaa0f5"],
  ["#6f7d1f", "#b5c45a"],
  ["#8c564b", "#cf9c91"],
] as const;

const CHART_STYLE = `${themed(Object.fromEntries(COLOURS.map((pair, i) => [`c${i}`, pair])))}
.mq-chart { margin: 8px 0; }
.mq-chart > svg { display: block; height: auto; }
.mq-chart > svg text { font-size: 11px; fill: var(--quiet); }
.mq-chart .grid { stroke: var(--line); fill: none; }
.mq-chart .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
.mq-chart .line.again { stroke-dasharray: 6 3; }
.mq-chart .key .again { opacity: 0.6; }
.mq-chart rect.incident { fill: var(--bad); opacity: 0.13; }
.mq-chart > svg text.incident { fill: var(--bad); }
.mq-chart path.threshold { stroke: var(--bad); stroke-dasharray: 5 4; fill: none; }
.mq-chart > svg text.threshold { fill: var(--bad); paint-order: stroke; stroke: var(--ground); stroke-width: 3px; }
.mq-chart .key { display: flex; flex-wrap: wrap; gap: 2px 16px; padding-left: ${LEFT}px; font-size: 12px; color: var(--quiet); }
.mq-chart .key i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px; vertical-align: middle; }
${COLOURS.map((_, i) => `.mq-chart .line.c${i} { stroke: var(--c${i}); } .mq-chart .key .c${i} { background: var(--c${i}); }`).join("\n")}
`;
