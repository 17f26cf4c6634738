import { QueryError } from "../errors.ts";
import type { Context } from "../metrics/question.ts";
import { INSPECT } from "../results/mime.ts";
import { Result, type Table } from "../results/result.ts";
import type { View } from "../results/view.ts";
import { formatDuration } from "../time.ts";
import {
  type Backtest,
  type BacktestJson,
  type BacktestOptions,
  type BacktestRange,
  backtest,
  beginningOf,
  earlier,
  type Shared,
  windowOf,
} from "./backtest.ts";
import { drawBacktests } from "./backtest-drawing.ts";
import { backtestsView, intervalsTable } from "./backtest-view.ts";
import { contextOf } from "./question.ts";
import { readsAny } from "./recording/reads.ts";
import { RecordedPast } from "./recording/recorded-past.ts";
import { readingIn, recordingsOf } from "./recording/recordings.ts";
import { type AlertSpec, exprOf, type GroupSpec } from "./spec.ts";
import { type BacktestSummary, totalOf } from "./summary.ts";

/** How the past is asked for; limits and recordings are those of the groups. */
export type GroupBacktestOptions = Omit<BacktestOptions, "group" | "limit">;

/** A {@link GroupBacktest} as plain data: its fields. */
export type GroupBacktestJson = Omit<GroupBacktest, "named" | "rules" | keyof Result> & {
  readonly rules: readonly BacktestJson[];
};

/** What became of the alerts of several rules over the same part of the past. */
export class GroupBacktest extends Result implements BacktestSummary {
  /** What the group, the file or the objective is called. */
  readonly name: string;
  /** A back-test for each rule that alerts, in their order. */
  readonly rules: readonly Backtest[];
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly pages: number;
  readonly pagesPerWeek: number;
  readonly firingMs: number;
  readonly longestMs: number;
  readonly flaps: number;

  constructor(name: string, rules: readonly Backtest[], window: { startMs: number; endMs: number; stepMs: number }) {
    super();
    this.name = name;
    this.rules = Object.freeze([...rules]);
    ({ startMs: this.startMs, endMs: this.endMs, stepMs: this.stepMs } = window);
    const total = totalOf(rules, window);
    this.pages = total.pages;
    this.pagesPerWeek = total.pagesPerWeek;
    this.firingMs = total.firingMs;
    this.longestMs = total.longestMs;
    this.flaps = total.flaps;
    Object.freeze(this);
  }

  /** False where part of the past is known to be missing. */
  get complete(): boolean {
    return this.rules.every(({ complete }) => complete);
  }

  /** What is known of the past's quality, each remark once. */
  get warnings(): readonly string[] {
    return [...new Set(this.rules.flatMap(({ warnings }) => warnings))];
  }

  /** The back-tests of the rules of that name. */
  named(name: string): readonly Backtest[] {
    return this.rules.filter((one) => one.name === name);
  }

  /** A row for each interval in which an alert was pending or firing. */
  toTable(): Table {
    return intervalsTable(this.rules);
  }

  toView(): View {
    return backtestsView(this);
  }

  /** A line of time for each alert of each rule. */
  override toString(): string {
    return drawBacktests(this);
  }

  override [INSPECT](): string {
    return this.toString();
  }

  toJSON(): GroupBacktestJson {
    const { name, rules, startMs, endMs, stepMs, complete, warnings } = this;
    const { pages, pagesPerWeek, firingMs, longestMs, flaps } = this;
    const summary = { pages, pagesPerWeek, firingMs, longestMs, flaps };
    return { name, startMs, endMs, stepMs, ...summary, rules: rules.map((one) => one.toJSON()), complete, warnings };
  }
}

/**
 * Runs all rules of groups over the past. What they record is asked for once, and made of what their rules read: nothing
 * needs to have been recorded then.
 */
export async function backtestGroups(
  name: string,
  groups: readonly GroupSpec[],
  range: BacktestRange,
  options: GroupBacktestOptions,
  { context: other }: Shared = {},
): Promise<GroupBacktest> {
  const alerts = groups.flatMap((group) =>
    group.rules.flatMap((spec) => (spec.kind === "alert" ? [{ spec, group }] : [])),
  );
  if (alerts.length === 0) {
    throw new QueryError("config", `backtest: no rule of ${JSON.stringify(name)} alerts, so that nothing would fire`);
  }
  const context =
    options.metrics === undefined ? (other ?? ownContext(alerts.map(({ spec }) => spec))) : contextOf(options.metrics);
  const intervalsMs = groups.flatMap(({ intervalMs }) => intervalMs ?? []);
  const step = range.step ?? (intervalsMs.length === 0 ? undefined : formatDuration(Math.min(...intervalsMs)));
  const window = windowOf({ ...range, step }, context?.now() ?? Date.now());
  const span = { from: window.startMs, to: window.endMs, step: formatDuration(window.stepMs) };
  const tests = alerts.map(({ spec, group }) => ({
    spec,
    reading: readingIn(groups, group, spec),
    options: { ...options, group: { spec: group } },
  }));
  const readers = tests.flatMap(({ spec, reading: { recordings, behind } }) => {
    const expr = recordings.length === 0 ? undefined : exprOf(spec);
    return expr !== undefined && readsAny(expr, recordings) ? [{ spec, reader: { expr, behind } }] : [];
  });
  const first = beginningOf(
    window,
    readers.map(({ spec }) => spec),
  );
  const behindMs = groups.map(({ queryOffsetMs = 0 }) => queryOffsetMs);
  // Of groups that look back differently far, those that look less far may find what was recorded a while before.
  const grid = {
    ...earlier({ ...window, startMs: first }, Math.max(...behindMs)),
    endMs: window.endMs - Math.min(...behindMs),
  };
  const recorded =
    readers.length === 0 || context === undefined
      ? undefined
      : await RecordedPast.of(
          recordingsOf(groups),
          readers.map(({ reader }) => reader),
          grid,
          { context, options },
        );
  const rules: Backtest[] = [];
  for (const { spec, reading, options } of tests) {
    rules.push(await backtest(spec, span, options, { context, recorded, reading }));
  }
  return new GroupBacktest(name, rules, window);
}

/** Whom the first of the rules asks that belongs to a mesh. */
const ownContext = (alerts: readonly AlertSpec[]): Context | undefined =>
  alerts.flatMap(({ source }) => (source.kind === "condition" ? [source.condition.context] : []))[0];
