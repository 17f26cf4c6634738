import { type Chart, incidentsWithin } from "./chart-options.ts";
import { type Course, type Courses, extentOf, reachesZero, runsOf } from "./course.ts";
import { escaped } from "./html.ts";
import { themed } from "./html-style.ts";
import { printValue } from "./text.ts";
import { tickTexts, timeTicks, valueTicks } from "./ticks.ts";
import type { Drawing } from "./view.ts";

/** Lines that nobody can tell apart tell nothing; the table beside the chart has them all. */
const MOST_LINES = 24;
/** Beside the axis, at least: more where its texts are longer. */
const LEFT = 64;
const RIGHT = 12;
/** Room for the name of a threshold. */
const TOP = 18;
const BOTTOM = 24;

interface Frame {
  readonly x: (ms: number) => number;
  readonly y: (value: number) => number;
  readonly left: number;
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
  const texts = tickTexts(ticks, unit);
  const [low = 0, high = 1] = [ticks[0], ticks.at(-1)];
  const left = Math.min(Math.max(LEFT, ...texts.map((text) => 8 + widthOf(text))), chart.width / 2);
  const [right, bottom] = [chart.width - RIGHT, chart.height - BOTTOM];
  const frame: Frame = {
    x: (ms) => left + ((ms - startMs) / (endMs - startMs || 1)) * (right - left),
    y: (value) => bottom - ((value - low) / (high - low || 1)) * (bottom - TOP),
    left,
    right,
    bottom,
  };
  const svg = [
    `<svg viewBox="0 0 ${chart.width} ${chart.height}" width="${chart.width}" height="${chart.height}" role="img">`,
    ...incidentsWithin(chart, startMs, endMs).map((incident) => incidentBox(incident, frame)),
    ...ticks.map((value, i) => gridLine(value, texts[i] ?? "", frame)),
    ...timeTicks(startMs, endMs).map(({ ms, text }) => timeMark(frame.x(ms), text, frame)),
    `<text x="0" y="${bottom + 16}">UTC</text>`,
    ...courses.map((course, i) => lineOf(course, i, stepMs, frame)),
    ...chart.thresholds.map((threshold) => thresholdLine(threshold, unit, frame)),
    "</svg>",
  ];
  const html = `<div class="mq-chart">${svg.join("")}${keyOf(courses, given.courses.length - courses.length)}</div>`;
  return { html, style: CHART_STYLE };
}

/** About how wide a text of 11 pixels' height is: digits are the widest that it has. */
const widthOf = (text: string): number => 5 * text.length + 2 * (text.match(/\d/g)?.length ?? 0);

function gridLine(value: number, text: string, { y, left, right }: Frame): string {
  const at = y(value).toFixed(1);
  return `<path class="grid" d="M${left},${at}H${right}"/><text x="${left - 6}" y="${at}" dy="4" text-anchor="end">${escaped(text)}</text>`;
}

function timeMark(x: number, text: string, { bottom, left, right }: Frame): string {
  const anchor = x > right - 24 ? "end" : x < left + 20 ? "start" : "middle";
  return `<path class="grid" d="M${x.toFixed(1)},${bottom}v4"/><text x="${x.toFixed(1)}" y="${bottom + 16}" text-anchor="${anchor}">${escaped(text)}</text>`;
}

function incidentBox({ fromMs, toMs, label }: Chart["incidents"][number], { x, bottom, left, right }: Frame): string {
  const [from, to] = [x(fromMs), x(toMs)];
  // Beyond the middle there is more room on the other side.
  const [at, anchor] = from > (left + right) / 2 ? [to - 4, "end"] : [from + 4, "start"];
  const name =
    label === undefined
      ? ""
      : `<text class="incident" x="${at.toFixed(1)}" y="${TOP + 11}" text-anchor="${anchor}">${escaped(label)}</text>`;
  return `<rect class="incident" x="${from.toFixed(1)}" y="${TOP}" width="${Math.max(2, to - from).toFixed(1)}" height="${bottom - TOP}"/>${name}`;
}

function thresholdLine({ value, label }: Chart["thresholds"][number], unit: string, { y, left, right }: Frame): string {
  const at = y(value);
  const text = label === undefined ? printValue(value, unit) : `${label} ${printValue(value, unit)}`;
  return `<path class="threshold" d="M${left},${at.toFixed(1)}H${right}"/><text class="threshold" x="${right}" y="${(at - 4).toFixed(1)}" text-anchor="end">${escaped(text)}</text>`;
}

function lineOf(course: Course, i: number, stepMs: number, frame: Frame): string {
  const { line, dots } = pathsOf(course, stepMs, frame);
  const path = (classes: string, d: string) =>
    d === "" ? "" : `<path class="${classes}" d="${d}"><title>${escaped(course.name)}</title></path>`;
  return path(`line ${colourOf(i)}`, line) + path(`line dot c${i % COLOURS.length}`, dots);
}

/** A course as paths. Of values that fall on one pixel only the extremes are drawn, which look the same. */
function pathsOf(course: Course, stepMs: number, { x, y }: Frame): { readonly line: string; readonly dots: string } {
  const at = (i: number): string =>
    `${x(course.timesMs[i] as number).toFixed(1)},${y(course.values[i] as number).toFixed(1)}`;
  let [line, dots] = ["", ""];
  for (const [from, to] of runsOf(course, stepMs)) {
    // A value alone is a dot: a line of no length with a round end.
    if (to - from === 1) dots += `M${at(from)}h0`;
    else line += `M${at(from)}`;
    for (let i = from + 1; i < to; ) {
      const pixel = Math.floor(x(course.timesMs[i] as number));
      let [end, least, most] = [i, i, i];
      while (end < to && Math.floor(x(course.timesMs[end] as number)) === pixel) {
        if ((course.values[end] as number) < (course.values[least] as number)) least = end;
        if ((course.values[end] as number) > (course.values[most] as number)) most = end;
        end++;
      }
      for (const drawn of new Set([i, Math.min(least, most), Math.max(least, most), end - 1])) line += `L${at(drawn)}`;
      i = end;
    }
  }
  return { line, dots };
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
.mq-chart .line.dot { stroke-width: 4.5; }
.mq-chart rect.incident { fill: var(--bad); opacity: 0.13; }
.mq-chart > svg text.incident { fill: var(--bad); }
.mq-chart path.threshold { stroke: var(--bad); stroke-dasharray: 5 4; fill: none; }
.mq-chart > svg text.threshold { fill: var(--bad); paint-order: stroke; stroke: var(--ground); stroke-width: 3px; }
.mq-chart .key { display: flex; flex-wrap: wrap; gap: 2px 16px; padding-left: ${LEFT}px; font-size: 12px; color: var(--quiet); overflow-wrap: anywhere; }
.mq-chart .key i { display: inline-block; width: 14px; border-top: 3px solid; margin-right: 6px; vertical-align: middle; }
.mq-chart .key .again { border-top-style: dashed; }
${COLOURS.map((_, i) => `.mq-chart .line.c${i} { stroke: var(--c${i}); } .mq-chart .key .c${i} { border-color: var(--c${i}); }`).join("\n")}
`;
