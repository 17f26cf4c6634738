import type { AlertCourse, AlertInterval } from "./history.ts";

/** What a rule's alerts came to over a part of the past. */
export interface BacktestSummary {
  /** How often an alert began to fire. */
  readonly pages: number;
  readonly pagesPerWeek: number;
  /** How long alerts fired, all together, in milliseconds. */
  readonly firingMs: number;
  /** The longest that one alert fired. */
  readonly longestMs: number;
  /** How often an alert fired again soon after it was resolved. */
  readonly flaps: number;
}

const WEEK_MS = 7 * 24 * 3_600_000;

/** The instants of a back-test, from the first evaluation to the last. */
export interface Window {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** How long an interval lasted within a window. */
export const lengthWithin = ({ startMs, endMs }: AlertInterval, window: Window): number =>
  Math.max(0, Math.min(endMs, window.endMs) - Math.max(startMs, window.startMs));

/** Counts and sums of the courses; what began before the window is no page of it. */
export function summaryOf(courses: readonly AlertCourse[], window: Window, flapMs: number): BacktestSummary {
  let pages = 0;
  let firingMs = 0;
  let longestMs = 0;
  let flaps = 0;
  for (const { intervals } of courses) {
    const firing = intervals.filter(({ state }) => state === "firing");
    for (const [i, interval] of firing.entries()) {
      const lengthMs = lengthWithin(interval, window);
      const before = firing[i - 1];
      if (interval.startMs >= window.startMs) pages++;
      if (before !== undefined && interval.startMs - before.endMs <= flapMs) flaps++;
      firingMs += lengthMs;
      longestMs = Math.max(longestMs, lengthMs);
    }
  }
  const spanMs = window.endMs - window.startMs;
  return { pages, pagesPerWeek: perWeek(pages, spanMs), firingMs, longestMs, flaps };
}

/** What several rules came to together, over the same window. */
export function totalOf(
  all: readonly BacktestSummary[],
  { startMs, endMs }: Pick<Window, "endMs" | "startMs">,
): BacktestSummary {
  const sum = (of: (one: BacktestSummary) => number): number => all.reduce((total, one) => total + of(one), 0);
  const pages = sum((one) => one.pages);
  return {
    pages,
    pagesPerWeek: perWeek(pages, endMs - startMs),
    firingMs: sum((one) => one.firingMs),
    longestMs: Math.max(0, ...all.map((one) => one.longestMs)),
    flaps: sum((one) => one.flaps),
  };
}

const perWeek = (pages: number, spanMs: number): number => (spanMs > 0 ? (pages * WEEK_MS) / spanMs : 0);
