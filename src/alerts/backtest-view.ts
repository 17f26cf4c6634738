import { type Cell, type Heading, instant, length, number, text } from "../results/column.ts";
import { escaped } from "../results/html.ts";
import { themed } from "../results/html-style.ts";
import type { LabelSet } from "../results/labels.ts";
import { Table } from "../results/result.ts";
import { printLength, printValue } from "../results/text.ts";
import { timeTicks } from "../results/ticks.ts";
import { type Drawing, type Line, linesPart, type Part, tablePart, type View } from "../results/view.ts";
import { formatDuration, formatInstant } from "../time.ts";
import {
  byFiring,
  courseLines,
  courseName,
  type DrawnBacktest,
  type DrawnBacktests,
  type DrawnSetting,
  remarksOf,
  sentenceOf,
  titleOf,
  whenOf,
} from "./backtest-drawing.ts";
import type { AlertInterval } from "./history.ts";
import { lengthWithin, type Window } from "./summary.ts";

/** A back-test as a person sees it: what it came to, a line of time for each alert, and its intervals. */
export function backtestView(test: DrawnBacktest): View {
  const wait = test.forMs === 0 ? "" : `, for ${formatDuration(test.forMs)}`;
  return {
    title: `Back-test of ${test.name}`,
    parts: [
      linesPart({ text: sentenceOf(test), tone: "strong" }, { text: `${whenOf(test)}${wait}`, tone: "quiet" }),
      ...bodyOf(test),
    ],
    notes: [...failureNotes(test), ...remarkNotes(test)],
  };
}

/** The back-tests of several rules as one. */
export function backtestsView(tests: DrawnBacktests): View {
  return {
    title: `Back-test of ${tests.name}`,
    parts: [
      linesPart({ text: sentenceOf(tests), tone: "strong" }, { text: whenOf(tests), tone: "quiet" }),
      ...tests.rules.flatMap((test): Part[] => [
        { kind: "heading", text: titleOf(test, tests.rules) },
        linesPart({ text: sentenceOf(test) }, ...failureNotes(test)),
        ...bodyOf(test, test.labels),
      ]),
    ],
    notes: remarkNotes(tests),
  };
}

const remarkNotes = (test: Pick<DrawnBacktest, "complete" | "warnings">): Line[] =>
  remarksOf(test).map((remark) => ({ text: remark, tone: "bad" }));

const failureNotes = ({ failures }: DrawnBacktest): Line[] =>
  failures.length === 0
    ? []
    : [{ text: `failed evaluations: ${failures.length}, the first: ${failures[0]?.error ?? ""}`, tone: "bad" }];

/** @param said labels that the heading tells already */
function bodyOf(test: DrawnBacktest, said: LabelSet = {}): Part[] {
  const query: Part = { kind: "code", text: test.query, language: "promql" };
  if (test.alerts.length === 0) return [query, linesPart({ text: "It was never pending and never fired." })];
  return [query, { kind: "drawing", drawing: timelines(test, said) }, tablePart(intervalsTable([test], said))];
}

/** A row for each interval of each alert, named by its rule where there are several. */
export function intervalsTable(tests: readonly DrawnBacktest[], said: LabelSet = {}): Table {
  const several = tests.length > 1;
  const rows = tests.flatMap((test) =>
    byFiring(test).flatMap((course) =>
      course.intervals.map((interval): readonly Cell[] => [
        ...(several ? [titleOf(test, tests)] : []),
        courseName(course, test.alerts, several ? test.labels : said),
        interval.state,
        interval.startMs,
        interval.ongoing ? "still" : interval.endMs,
        lengthWithin(interval, test),
        interval.least,
        interval.greatest,
      ]),
    ),
  );
  const units = new Set(tests.map(({ unit }) => unit));
  const [unit = "1"] = units.size === 1 ? units : [];
  const headings: readonly Heading[] = [
    ...(several ? [text("rule")] : []),
    text("alert"),
    text("state"),
    instant("from"),
    instant("to"),
    length("for"),
    number("least", unit),
    number("greatest", unit),
  ];
  const states = tests.flatMap((test) =>
    byFiring(test).flatMap(({ intervals }) => intervals.map(({ state }) => state)),
  );
  return Table.of(headings, rows, (row) => (states[row] === "firing" ? "bad" : undefined));
}

/** A row for each setting of a rule; its own is marked. */
export const settingsTable = (settings: readonly DrawnSetting[]): Table =>
  Table.of(
    [
      text("", "people"),
      text("threshold", "people"),
      number("threshold", settings[0]?.unit, "programs"),
      length("for"),
      number("pages"),
      number("a week"),
      length("firing"),
      length("longest"),
      number("flaps"),
    ],
    settings.map(({ isOwn, threshold, unit, forMs, pages, pagesPerWeek, firingMs, longestMs, flaps }) => [
      isOwn ? "→" : "",
      threshold === undefined ? "" : printValue(threshold, unit),
      threshold,
      forMs,
      pages,
      Number(pagesPerWeek.toPrecision(3)),
      firingMs,
      longestMs,
      flaps,
    ]),
    (row) => (settings[row]?.isOwn === true ? "strong" : undefined),
  );

const ROW = 20;
const NAME = 22;
const WIDTH = 1000;
const AXIS = 24;

/** One line of time for each alert, its name above; the axis below. */
function timelines(test: DrawnBacktest, said: LabelSet): Drawing {
  const courses = byFiring(test);
  const height = courses.length * (NAME + ROW + 10) + AXIS;
  const x = (ms: number) => ((ms - test.startMs) / Math.max(1, test.endMs - test.startMs)) * WIDTH;
  const rows = courses.map((course, i) => {
    const top = i * (NAME + ROW + 10) + NAME;
    const bars = course.intervals.map((interval) => bar(interval, top, x, test)).join("");
    return `<text x="0" y="${top - 6}">${escaped(courseName(course, courses, said))}</text><rect class="idle" x="0" y="${top}" width="${WIDTH}" height="${ROW}"/>${bars}`;
  });
  const ticks = timeTicks(test.startMs, test.endMs).map(({ ms, text }) => {
    const at = x(ms);
    const anchor = at < 40 ? "start" : at > WIDTH - 40 ? "end" : "middle";
    return `<path class="tick" d="M${at.toFixed(1)},${height - AXIS}v4"/><text class="tick" x="${at.toFixed(1)}" y="${height - 6}" text-anchor="${anchor}">${text}</text>`;
  });
  const html = `<div class="mq-backtest"><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="When each alert was pending and firing">${rows.join("")}${ticks.join("")}</svg><p class="quiet"><span class="swatch pending"></span>pending <span class="swatch firing"></span>firing; times are UTC</p></div>`;
  return { html, style: STYLE, text: courseLines(test, said).join("\n") };
}

function bar(interval: AlertInterval, top: number, x: (ms: number) => number, test: Window): string {
  const from = Math.max(0, x(interval.startMs));
  const to = Math.min(WIDTH, x(interval.endMs));
  // What lasted less than a pixel still shows.
  const width = Math.max(2, to - from);
  const left = Math.min(from, WIDTH - width);
  const hint = `${interval.state} from ${formatInstant(interval.startMs)} for ${printLength(lengthWithin(interval, test))}${interval.ongoing ? " and on" : ""}`;
  return `<rect class="${interval.state}" x="${left.toFixed(2)}" y="${top}" width="${width.toFixed(2)}" height="${ROW}"><title>${escaped(hint)}</title></rect>`;
}

const STYLE = `${themed({ pending: ["#e8a33d", "#d9962f"], firing: ["#c8322b", "#ef5b50"] })}
.mq-backtest svg { width: 100%; max-width: ${WIDTH}px; height: auto; display: block; margin-top: 10px; }
.mq-backtest svg text { fill: var(--text); font-size: 13px; }
.mq-backtest svg text.tick { fill: var(--quiet); font-size: 12px; }
.mq-backtest path.tick { stroke: var(--quiet); }
.mq-backtest .idle { fill: var(--box); }
.mq-backtest rect.pending { fill: var(--pending); }
.mq-backtest rect.firing { fill: var(--firing); }
.mq-backtest .swatch { display: inline-block; width: 0.8em; height: 0.8em; border-radius: 2px; margin-right: 0.35em; }
.mq-backtest .swatch.firing { margin-left: 1em; background: var(--firing); }
.mq-backtest .swatch.pending { background: var(--pending); }
`;
