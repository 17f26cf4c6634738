import { QueryError } from "../errors.ts";
import { checkOptions, type OptionNames } from "../http/config.ts";
import { type Duration, durationMs, formatDuration, resolveSpan, shown, type TimeSpan } from "../time.ts";
import type { Grid } from "./backend.ts";

/**
 * A span of time and how finely to look at it: a `step`, a number of `points`, or neither, which takes about 300
 * points. A chosen step is a round length of time, never below the scrape interval. The instants are multiples of the
 * step within the span; where both `from` and `step` are written they count from `from`.
 */
export type TimeRange = TimeSpan &
  (
    | { readonly step?: Duration | undefined; readonly points?: never }
    | { readonly points?: number | undefined; readonly step?: never }
  );

const NAMES: OptionNames<TimeRange> = { last: true, from: true, to: true, step: true, points: true };

const DEFAULT_POINTS = 300;
/** Beyond this no server answers in a time that anyone waits, and no program holds the answer. */
const MOST_STEPS = 10_000_000;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ROUND_STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
];

/**
 * The instants at which a range is evaluated.
 *
 * They are multiples of the step, so that a range that moves with the clock asks for the same instants again; where
 * both `from` and `step` are written they count from `from`. None lies outside the range: its ends are drawn in to the
 * instants nearest to them, and a range that holds no multiple of its step is asked about at its end.
 *
 * @param scrapeIntervalMs no step is chosen finer than this
 * @throws {QueryError} `code: "range"`, `"step"` or `"time"` when the range cannot be meant as it stands
 */
export function resolveGrid(range: TimeRange, nowMs: number, scrapeIntervalMs: number): Grid {
  checkOptions(range, NAMES, "over");
  const { fromMs, toMs } = resolveSpan(range, nowMs, "over");
  const startMs = Math.round(fromMs);
  const endMs = Math.round(toMs);
  const stepMs = resolveStep(range, endMs - startMs, scrapeIntervalMs);
  const steps = Math.floor((endMs - startMs) / stepMs);
  if (steps > MOST_STEPS) {
    throw new QueryError(
      "step",
      `over: ${steps} steps of ${formatDuration(stepMs)} are more than ${MOST_STEPS}; ` +
        `write a step of ${formatDuration(roundStep((endMs - startMs) / MOST_STEPS))} or more, or a shorter range`,
    );
  }
  if (range.from !== undefined && range.step !== undefined) return { startMs, endMs, stepMs };
  return aligned(startMs, endMs, stepMs);
}

function aligned(startMs: number, endMs: number, stepMs: number): Grid {
  const first = Math.ceil(startMs / stepMs) * stepMs;
  const last = Math.floor(endMs / stepMs) * stepMs;
  return first > last ? { startMs: endMs, endMs, stepMs } : { startMs: first, endMs: last, stepMs };
}

function resolveStep({ step, points }: TimeRange, lengthMs: number, scrapeIntervalMs: number): number {
  if (step !== undefined) {
    if (points !== undefined)
      throw new QueryError("step", 'over: "step" and "points" exclude each other; write one of them');
    return durationMs(step, "over: step", "step");
  }
  const wanted = points ?? DEFAULT_POINTS;
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > MOST_STEPS) {
    throw new QueryError("step", `over: points is a whole number from 1 to ${MOST_STEPS}, not ${shown(points)}`);
  }
  return roundStep(Math.max(lengthMs / wanted, scrapeIntervalMs, 1));
}

/** The smallest round length of time that is not below `leastMs`. */
function roundStep(leastMs: number): number {
  const round = ROUND_STEPS.find((step) => step >= leastMs);
  return round ?? Math.ceil(leastMs / DAY) * DAY;
}
