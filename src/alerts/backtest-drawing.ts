import type { LabelSet } from "../results/labels.ts";
import { plain, printLength, printTable } from "../results/text.ts";
import { formatDuration, formatInstant } from "../time.ts";
import type { AlertCourse, AlertInterval, FailedEvaluation } from "./history.ts";
import { type BacktestSummary, lengthWithin, type Window } from "./summary.ts";

/** What is drawn of a back-test. */
export interface DrawnBacktest extends BacktestSummary, Window {
  readonly name: string;
  readonly labels: LabelSet;
  readonly query: string;
  readonly unit: string;
  readonly forMs: number;
  readonly alerts: readonly AlertCourse[];
  readonly failures: readonly FailedEvaluation[];
  readonly complete: boolean;
  readonly warnings: readonly string[];
}

/** What is drawn of the back-tests of several rules. */
export interface DrawnBacktests extends BacktestSummary, Window {
  readonly name: string;
  readonly rules: readonly DrawnBacktest[];
  readonly complete: boolean;
  readonly warnings: readonly string[];
}

/** One row of a sweep. */
export interface DrawnSetting extends BacktestSummary {
  readonly forMs: number;
  readonly threshold: number | undefined;
  readonly unit: string;
  readonly isOwn: boolean;
}

const WIDTH = 60;
/** Of alerts that are many, those that fired longest are shown. */
const MOST_ROWS = 40;

/** A back-test as text: what it came to, and a line of time for each alert. */
export function drawBacktest(test: DrawnBacktest): string {
  const remarks = remarksOf(test).map((remark) => `  ${plain(remark)}`);
  return [`${plain(test.name)}: ${sentenceOf(test)}`, whenOf(test), ...courseLines(test), ...remarks].join("\n");
}

/** The back-tests of several rules as text; of one that nothing became of there is one line. */
export function drawBacktests(tests: DrawnBacktests): string {
  const rules = tests.rules.flatMap((test) => {
    const title = titleOf(test, tests.rules);
    return test.alerts.length === 0 && test.failures.length === 0
      ? [`${title}: never pending, never firing`]
      : [`${title}: ${sentenceOf(test)}`, ...courseLines(test, test.labels)];
  });
  const remarks = remarksOf(tests).map((remark) => `  ${plain(remark)}`);
  return [`${plain(tests.name)}: ${sentenceOf(tests)}`, whenOf(tests), "", ...rules, ...remarks].join("\n");
}

type Titled = Pick<DrawnBacktest, "labels" | "name">;

/** What a rule is called, with its severity and whatever else tells it apart from those of the same name. */
export function titleOf({ name, labels }: Titled, all: readonly Titled[]): string {
  const alike = all.filter((one) => one.name === name);
  const telling = Object.entries(labels)
    .filter(([label, value]) => label === "severity" || alike.some((one) => labelIn(one.labels, label) !== value))
    .map(([, value]) => value);
  return plain(telling.length === 0 ? name : `${name} (${telling.join(", ")})`);
}

/** Which part of the past was tried, and how often the rule was evaluated. */
export const whenOf = ({ startMs, endMs, stepMs }: Window): string =>
  `${formatInstant(startMs)} to ${formatInstant(endMs)}, evaluated every ${formatDuration(stepMs)}`;

/**
 * A line of time for each alert, as text.
 *
 * @param said labels that were told before
 */
export function courseLines(test: DrawnBacktest, said: LabelSet = {}): string[] {
  const { alerts, failures } = test;
  const shown = byFiring(test).slice(0, MOST_ROWS);
  const rows = shown.map((course) => {
    const firing = course.intervals.filter(({ state }) => state === "firing");
    const total = firing.reduce((sum, interval) => sum + lengthWithin(interval, test), 0);
    return [courseName(course, alerts, said), `${firing.length}`, printLength(total), timeline(course.intervals, test)];
  });
  const lines =
    rows.length === 0
      ? ["never pending, never firing"]
      : [printTable(["alert", "fired", "for", "░ pending  █ firing"], rows)];
  if (alerts.length > shown.length) lines.push(`and ${alerts.length - shown.length} more alerts that fired less`);
  if (failures.length > 0)
    lines.push(`  failed evaluations: ${failures.length}, the first: ${plain(failures[0]?.error ?? "")}`);
  return lines;
}

/** What a reader must know of how far the past could be read. */
export function remarksOf({ complete, warnings }: Pick<DrawnBacktest, "complete" | "warnings">): string[] {
  const remarks = warnings.map((warning) => `warning: ${warning}`);
  return complete ? remarks : ["incomplete: part of the past is missing", ...remarks];
}

/** What a rule's alerts came to, in one line. */
export function sentenceOf({ pages, pagesPerWeek, firingMs, longestMs, flaps }: BacktestSummary): string {
  const count = `${pages} ${pages === 1 ? "page" : "pages"}, ${rounded(pagesPerWeek)} a week`;
  const flapping = flaps === 0 ? "" : `; ${flaps} soon after the one before`;
  return pages === 0 && firingMs === 0
    ? count
    : `${count}; firing for ${printLength(firingMs)}, ${printLength(longestMs)} at the longest${flapping}`;
}

/** The courses, those that fired longest first. */
export function byFiring(test: Pick<DrawnBacktest, "alerts"> & Window): AlertCourse[] {
  const firing = ({ intervals }: AlertCourse) =>
    intervals.reduce((sum, interval) => sum + (interval.state === "firing" ? lengthWithin(interval, test) : 0), 0);
  return test.alerts
    .map((course) => ({ course, ms: firing(course) }))
    .sort((a, b) => b.ms - a.ms)
    .map(({ course }) => course);
}

/** The labels that tell an alert from the others of its rule, without those that were told before. */
export function courseName({ labels }: AlertCourse, all: readonly AlertCourse[], said: LabelSet = {}): string {
  const telling = Object.entries(labels).filter(
    ([name, value]) =>
      name !== "alertname" &&
      labelIn(said, name) !== value &&
      (all.length === 1 || all.some((other) => labelIn(other.labels, name) !== value)),
  );
  if (telling.length === 0) return labels.alertname ?? "";
  return telling.map(([name, value]) => `${name}=${value}`).join(" ");
}

const labelIn = (labels: LabelSet, name: string): string | undefined =>
  Object.hasOwn(labels, name) ? labels[name] : undefined;

/** The line of time; what is shorter than a character still shows. */
function timeline(intervals: readonly AlertInterval[], { startMs, endMs }: Window): string {
  const spanMs = Math.max(1, endMs - startMs);
  const place = (ms: number) => Math.min(WIDTH - 1, Math.max(0, Math.floor(((ms - startMs) / spanMs) * WIDTH)));
  const cells = Array.from({ length: WIDTH }, () => "·");
  for (const state of ["pending", "firing"] as const) {
    for (const interval of intervals) {
      if (interval.state === state)
        cells.fill(state === "firing" ? "█" : "░", place(interval.startMs), place(interval.endMs - 1) + 1);
    }
  }
  return cells.join("");
}

const rounded = (value: number): string => String(Number(value.toPrecision(3)));
