import type { LabelSet } from "../results/labels.ts";
import {
  type AlertInstance,
  type AlertInstances,
  type AlertTiming,
  evaluateAlerts,
  type FoundAlert,
  NO_ALERTS,
} from "./state.ts";

/** A time in which an alert was in one state. */
export interface AlertInterval {
  readonly state: "firing" | "pending";
  /** The evaluation that found it so first. */
  readonly startMs: number;
  /** The first evaluation that found it so no more; the last one of all while it is `ongoing`. */
  readonly endMs: number;
  /** Whether it was still so at the last evaluation. */
  readonly ongoing: boolean;
  /** The alert's least and greatest value meanwhile; NaN only where it had no other. */
  readonly least: number;
  readonly greatest: number;
}

/** What became of the alert of one label set. */
export interface AlertCourse {
  readonly labels: LabelSet;
  /** In order of time; the alert is resolved, or was never more than pending, between them. */
  readonly intervals: readonly AlertInterval[];
}

/** An evaluation that failed, and left the alerts as they were. */
export interface FailedEvaluation {
  readonly atMs: number;
  readonly error: string;
}

interface Open {
  state: "firing" | "pending";
  startMs: number;
  least: number;
  greatest: number;
}

interface Course {
  readonly labels: LabelSet;
  readonly intervals: AlertInterval[];
  open: Open | undefined;
}

/** Runs the state machine over evaluations in order of time, and keeps when each alert was in which state. */
export class AlertHistory {
  readonly #timing: AlertTiming;
  readonly #courses = new Map<string, Course>();
  readonly failures: FailedEvaluation[] = [];
  #alerts: AlertInstances = NO_ALERTS;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(timing: AlertTiming) {
    this.#timing = timing;
  }

  /** The alerts as the last evaluation left them, resolved ones among them. */
  get alerts(): AlertInstances {
    return this.#alerts;
  }

  /** One evaluation, later than all before it. */
  evaluate(atMs: number, found: readonly FoundAlert[]): void {
    const { alerts, error } = evaluateAlerts(this.#alerts, this.#timing, atMs, found);
    this.#lastMs = atMs;
    if (error !== undefined) this.failures.push({ atMs, error });
    if (alerts === this.#alerts) return;
    const before = this.#alerts;
    this.#alerts = alerts;
    for (const [key, alert] of alerts) this.#follow(key, alert, atMs);
    for (const key of before.keys()) if (!alerts.has(key)) this.#close(key, atMs);
  }

  /** An evaluation whose query failed: nothing changes. */
  fail(atMs: number, error: string): void {
    this.#lastMs = atMs;
    this.failures.push({ atMs, error });
  }

  /** What became of each alert, those that came first at the front. */
  courses(): AlertCourse[] {
    return Array.from(this.#courses.values(), ({ labels, intervals, open }) => ({
      labels,
      intervals: open === undefined ? [...intervals] : [...intervals, closed(open, this.#lastMs, true)],
    }));
  }

  #follow(key: string, alert: AlertInstance, atMs: number): void {
    if (alert.state === "resolved") {
      this.#close(key, atMs);
      return;
    }
    let course = this.#courses.get(key);
    if (course === undefined) {
      course = { labels: alert.labels, intervals: [], open: undefined };
      this.#courses.set(key, course);
    }
    if (course.open !== undefined && course.open.state !== alert.state) this.#close(key, atMs);
    const { value } = alert;
    if (course.open === undefined) course.open = { state: alert.state, startMs: atMs, least: value, greatest: value };
    else {
      // A value that is no number is neither the least nor the greatest of others.
      const { least, greatest } = course.open;
      if (!(least <= value)) course.open.least = Number.isNaN(value) ? least : value;
      if (!(greatest >= value)) course.open.greatest = Number.isNaN(value) ? greatest : value;
    }
  }

  #close(key: string, atMs: number): void {
    const course = this.#courses.get(key);
    if (course?.open === undefined) return;
    course.intervals.push(closed(course.open, atMs, false));
    course.open = undefined;
  }
}

const closed = (open: Open, endMs: number, ongoing: boolean): AlertInterval =>
  Object.freeze({ ...open, endMs, ongoing });
