import { QueryError } from "../errors.ts";
import { checkOptions, type OptionNames } from "../http/config.ts";
import type { MetricsBackend } from "../metrics/backend.ts";
import type { Threshold } from "../metrics/condition.ts";
import type { RangeOptions } from "../metrics/plan/range.ts";
import type { Context, Question } from "../metrics/question.ts";
import type { LabelSet } from "../results/labels.ts";
import { INSPECT } from "../results/mime.ts";
import { Result, type Table } from "../results/result.ts";
import { tablePart, type View } from "../results/view.ts";
import { type Duration, durationMs, formatDuration, resolveSpan, shown, type TimeSpan } from "../time.ts";
import { drawBacktest } from "./backtest-drawing.ts";
import { backtestView, intervalsTable, settingsTable } from "./backtest-view.ts";
import { eachInstant } from "./columns.ts";
import { type AlertCourse, AlertHistory, type FailedEvaluation } from "./history.ts";
import { holds } from "./log-condition.ts";
import { contextOf, questionIn, questionOf } from "./question.ts";
import { readsAny } from "./recording/reads.ts";
import { type PastPart, RecordedPast } from "./recording/recorded-past.ts";
import { type Reading, readingIn } from "./recording/recordings.ts";
import {
  type AlertSpec,
  describeSource,
  foundAlert,
  type GroupSpec,
  inGroup,
  labelsShowValue,
  lengthMs,
  literalTexts,
  type RecordSpec,
  type Texts,
  unfilledLabels,
  unitOf,
} from "./spec.ts";
import type { FoundAlert } from "./state.ts";
import { type BacktestSummary, summaryOf, type Window } from "./summary.ts";

/** Which part of the past, and how often the rule would have been evaluated: every minute when `step` is left out. */
export type BacktestRange = TimeSpan & { readonly step?: Duration | undefined };

const RANGE: OptionNames<BacktestRange> = { last: true, from: true, to: true, step: true };

/** How the past is asked for. */
export interface BacktestOptions extends RangeOptions {
  /** Whom to ask, for a rule whose condition belongs to no mesh, such as one that was imported. */
  readonly metrics?: MetricsBackend | undefined;
  /** The group that evaluates the rule: its labels, limit and offset, and the recordings that the rule reads. */
  readonly group?: { readonly spec: GroupSpec } | undefined;
  /** Recording rules whose metrics the rule reads, besides those of its group: their past is made of what they read. */
  readonly recordings?: readonly { readonly spec: RecordSpec }[] | undefined;
  /** The most alerts that the rule may have, where that is not its group's limit. */
  readonly limit?: number | undefined;
  /** An alert that fires again within this time after it was resolved is flapping; `"15m"` when left out. */
  readonly flapWithin?: Duration | undefined;
}

/** Other ways to set the rule, each combination of which is tried. */
export interface SweepOptions<U extends string = string> extends RangeOptions {
  readonly for?: readonly Duration[] | undefined;
  readonly threshold?: readonly Threshold<U>[] | undefined;
}

/** What one setting of the rule would have come to. */
export interface SweptSetting extends BacktestSummary {
  readonly forMs: number;
  /** What the value is compared with; `undefined` for a condition that compares otherwise. */
  readonly threshold: number | undefined;
  /** What that is measured in. */
  readonly unit: string;
  /** Whether this is how the rule is set. */
  readonly isOwn: boolean;
}

/** A {@link Backtest} as plain data: its fields. */
export type BacktestJson = Omit<Backtest, "sweep" | keyof Result>;

/** What became of a rule's alerts over a part of the past. */
export class Backtest<U extends string = string> extends Result implements BacktestSummary {
  readonly name: string;
  /** The labels that the rule gives to all of its alerts. */
  readonly labels: LabelSet;
  /** The query that the rule evaluates. */
  readonly query: string;
  /** What the values of the alerts are measured in; `"1"` where the query does not tell. */
  readonly unit: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly forMs: number;
  /** What became of the alert of each label set: every pending and firing interval. */
  readonly alerts: readonly AlertCourse[];
  /** How often an alert began to fire. */
  readonly pages: number;
  readonly pagesPerWeek: number;
  readonly firingMs: number;
  readonly longestMs: number;
  readonly flaps: number;
  /** Evaluations that failed, such as for series of equal labels. */
  readonly failures: readonly FailedEvaluation[];
  /** False where part of the past is known to be missing; `warnings` then says what. */
  readonly complete: boolean;
  readonly warnings: readonly string[];
  readonly #sweep: (options: SweepOptions<U>) => Promise<Sweep>;

  constructor(fields: {
    readonly spec: AlertSpec;
    readonly window: Window;
    readonly alerts: readonly AlertCourse[];
    readonly summary: BacktestSummary;
    readonly failures: readonly FailedEvaluation[];
    readonly remarks: Remarks;
    readonly sweep: (options: SweepOptions<U>) => Promise<Sweep>;
  }) {
    super();
    const { spec, window, alerts, summary, failures, remarks } = fields;
    this.name = spec.name;
    this.labels = Object.freeze(literalTexts(literals(spec.labels)));
    this.query = remarks.promql ?? describeSource(spec.source);
    this.unit = unitOf(spec.source);
    this.forMs = spec.forMs;
    ({ startMs: this.startMs, endMs: this.endMs, stepMs: this.stepMs } = window);
    this.alerts = Object.freeze(alerts);
    this.failures = Object.freeze(failures);
    this.pages = summary.pages;
    this.pagesPerWeek = summary.pagesPerWeek;
    this.firingMs = summary.firingMs;
    this.longestMs = summary.longestMs;
    this.flaps = summary.flaps;
    this.complete = remarks.complete;
    this.warnings = Object.freeze([...remarks.warnings]);
    this.#sweep = fields.sweep;
    Object.freeze(this);
  }

  /**
   * The same past under other settings: every combination of `for` and threshold, by one more range query.
   *
   * @throws {QueryError} `code: "unit"` for thresholds of a condition that does not compare with one number
   * @example
   * const rule = alert("BackendFailing", mesh.service("backend").success("5m").below("99%")).for("10m");
   * const tried = await rule.backtest({ last: "1d" });
   * await tried.sweep({ for: ["0s", "5m", "10m"], threshold: ["99%", "99.5%"] })
   */
  sweep(options: SweepOptions<U>): Promise<Sweep> {
    return this.#sweep(options);
  }

  /** A row for each interval in which an alert was pending or firing. */
  toTable(): Table {
    return intervalsTable([this]);
  }

  toView(): View {
    return backtestView(this);
  }

  /** A line of time for each alert, and what it came to. */
  override toString(): string {
    return drawBacktest(this);
  }

  override [INSPECT](): string {
    return this.toString();
  }

  toJSON(): BacktestJson {
    const { name, labels, query, unit, startMs, endMs, stepMs, forMs, alerts, failures, complete, warnings } = this;
    const { pages, pagesPerWeek, firingMs, longestMs, flaps } = this;
    const summary = { pages, pagesPerWeek, firingMs, longestMs, flaps };
    const rule = { name, labels, query, unit, startMs, endMs, stepMs, forMs };
    return { ...rule, ...summary, alerts, failures, complete, warnings };
  }
}

/** What each of several settings of a rule would have come to. */
export class Sweep extends Result {
  readonly settings: readonly SweptSetting[];

  constructor(settings: readonly SweptSetting[]) {
    super();
    this.settings = Object.freeze([...settings]);
    Object.freeze(this);
  }

  /** A row for each setting; the rule's own is marked. */
  toTable(): Table {
    return settingsTable(this.settings);
  }

  toView(): View {
    return { parts: [tablePart(this.toTable())], notes: [] };
  }

  toJSON(): { readonly settings: readonly SweptSetting[] } {
    return { settings: this.settings };
  }
}

const BY_HAND = 'backtest(range, { metrics: prometheus("http://prometheus:9090") })';

interface Remarks {
  /** The query that was sent, where it is one. */
  promql: string | undefined;
  complete: boolean;
  readonly warnings: Set<string>;
}

/** What several back-tests share. */
export interface Shared {
  /** Whom to ask for a rule that belongs to no mesh. */
  readonly context?: Context | undefined;
  /** What was recorded, as far back as each of them looks. */
  readonly recorded?: RecordedPast | undefined;
  /** The recordings that are meant, where the options do not name them. */
  readonly reading?: Reading | undefined;
}

/** Runs a rule over the past. */
export async function backtest<U extends string>(
  rule: AlertSpec,
  range: BacktestRange,
  options: BacktestOptions,
  { context: other, recorded, reading = readingOf(rule, options) }: Shared = {},
): Promise<Backtest<U>> {
  const { group, metrics, flapWithin } = options;
  const context = metrics === undefined ? other : contextOf(metrics);
  const question = questionOf(rule, context, BY_HAND);
  const window = windowOf(range, question.context.now());
  const spec = group === undefined ? rule : inGroup(rule, group.spec);
  const flapMs = lengthMs(flapWithin ?? "15m", "backtest: flapWithin");
  const limit = options.limit ?? group?.spec.limit ?? 0;
  const behindMs = group?.spec.queryOffsetMs ?? 0;
  const past: Past = { spec, window, options, flapMs, limit, behindMs, context, reading };
  const own = new Trial(past, spec, undefined);
  const remarks = await replay(question, past, [own], options, recorded);
  for (const label of unfilledLabels(spec)) {
    remarks.warnings.add(
      `${spec.name}: only a server fills in the label ${label}; what it would tell apart is one here`,
    );
  }
  return new Backtest<U>({
    spec,
    window,
    remarks,
    alerts: own.courses(),
    summary: own.summary(),
    failures: own.failures(),
    sweep: (how) => sweep(past, how),
  });
}

/**
 * The instants of a range: every minute when no step is written. A range that moves with the clock has multiples of the
 * step, so that it has the same ones again.
 */
export function windowOf(range: BacktestRange, nowMs: number): Window {
  checkOptions(range, RANGE, "backtest");
  const stepMs = range.step === undefined ? 60_000 : durationMs(range.step, "backtest: step", "step");
  const { fromMs, toMs } = resolveSpan(spanOf(range), nowMs, "backtest");
  if (range.last === undefined) return { startMs: Math.round(fromMs), endMs: Math.round(toMs), stepMs };
  const endMs = Math.floor(toMs / stepMs) * stepMs;
  return { startMs: Math.min(Math.ceil(fromMs / stepMs) * stepMs, endMs), endMs, stepMs };
}

/** One step more than `for` and `keep_firing_for`, so that what waited long before fires before the beginning. */
export function beginningOf({ startMs, stepMs }: Window, specs: readonly AlertSpec[]): number {
  const longestMs = Math.max(0, ...specs.map(({ forMs, keepFiringForMs }) => forMs + keepFiringForMs));
  return startMs - (Math.ceil(longestMs / stepMs) + 1) * stepMs;
}

/** The instants that rules look at which are evaluated within a window. */
export const earlier = ({ startMs, endMs, stepMs }: Window, byMs: number): Window => ({
  startMs: startMs - byMs,
  endMs: endMs - byMs,
  stepMs,
});

/** The recordings that a rule's options name. */
function readingOf(rule: AlertSpec, { group, recordings = [] }: BacktestOptions): Reading {
  const others = { labels: {}, limit: undefined, rules: recordings.map(({ spec }) => spec) };
  return group === undefined ? readingIn([others], undefined, rule) : readingIn([others, group.spec], group.spec, rule);
}

interface Past {
  readonly spec: AlertSpec;
  readonly window: Window;
  readonly options: BacktestOptions;
  readonly flapMs: number;
  readonly limit: number;
  /** How far behind its evaluation a rule looks. */
  readonly behindMs: number;
  readonly context: Context | undefined;
  readonly reading: Reading;
}

async function sweep<U extends string>(past: Past, how: SweepOptions<U>): Promise<Sweep> {
  const { spec, options } = past;
  const { for: waits, threshold: thresholds, ...asking } = how;
  const waitsMs = (waits ?? [formatDuration(spec.forMs)]).map((wait) => lengthMs(wait, "sweep: for"));
  const comparison = spec.source.kind === "condition" ? spec.source.condition.comparison : undefined;
  if (thresholds !== undefined && comparison === undefined) {
    throw new QueryError(
      "unit",
      `sweep: the condition of ${shown(spec.name)} does not compare a value with one number`,
    );
  }
  const values = thresholds?.map((threshold) => thresholdIn(spec, threshold)) ?? [comparison?.threshold];
  const trials = values.flatMap((threshold) => waitsMs.map((forMs) => new Trial(past, { ...spec, forMs }, threshold)));
  // The values are asked for as they are, and compared here with each threshold as the server would.
  const question =
    thresholds === undefined ? questionOf(spec, past.context, BY_HAND) : comparison && askedOf(comparison.values, past);
  const compare = thresholds === undefined ? undefined : comparison?.op;
  if (question === undefined) return new Sweep([]);
  for (const trial of trials) trial.op = compare;
  await replay(question, past, trials, { ...options, ...asking });
  return new Sweep(
    trials.map((trial) => ({
      forMs: trial.spec.forMs,
      threshold: trial.threshold,
      unit: unitOf(spec.source),
      isOwn: trial.spec.forMs === spec.forMs && trial.threshold === comparison?.threshold,
      ...trial.summary(),
    })),
  );
}

/** The same question to whom the back-test has asked. */
const askedOf = (values: Question, { context }: Past): Question =>
  context === undefined ? values : questionIn(context, values.expr);

/** The number that a threshold means for the rule's condition. */
function thresholdIn({ source }: AlertSpec, threshold: unknown): number | undefined {
  if (source.kind !== "condition") return undefined;
  return source.condition.withThreshold(threshold as number).comparison?.threshold;
}

/** One setting of the rule as it goes through the past. */
class Trial {
  readonly spec: AlertSpec;
  readonly threshold: number | undefined;
  /** How values are compared with the threshold; `undefined` where the query has done so. */
  op: Parameters<typeof holds>[1] | undefined;
  readonly #past: Past;
  readonly #history: AlertHistory;
  readonly #known = new Map<LabelSet, FoundAlert>();
  readonly #labelsShowValue: boolean;

  constructor(past: Past, spec: AlertSpec, threshold: number | undefined) {
    this.#past = past;
    this.spec = spec;
    this.threshold = threshold;
    this.#labelsShowValue = labelsShowValue(spec);
    const { forMs, keepFiringForMs } = spec;
    this.#history = new AlertHistory({ forMs, keepFiringForMs, limit: past.limit });
  }

  evaluate(atMs: number, present: readonly { readonly series: LabelSet; readonly value: number }[]): void {
    const found: FoundAlert[] = [];
    for (const { series, value } of present) {
      if (this.op !== undefined && !holds(value, this.op, this.threshold ?? Number.NaN)) continue;
      found.push(this.#found(series, value));
    }
    this.#history.evaluate(atMs, found);
  }

  /** Labels are put together once for each series, unless they show its value; nobody reads the annotations. */
  #found(series: LabelSet, value: number): FoundAlert {
    if (this.#labelsShowValue) return foundAlert(this.spec, series, value);
    let known = this.#known.get(series);
    if (known === undefined) {
      known = foundAlert(this.spec, series, value);
      this.#known.set(series, known);
    }
    if (known.value === value) return known;
    const { key, labels, annotations } = known;
    return { key, labels, annotations, value };
  }

  courses(): AlertCourse[] {
    const { startMs } = this.#past.window;
    return this.#history
      .courses()
      .map(({ labels, intervals }) => ({
        labels,
        intervals: intervals.filter(({ endMs, ongoing }) => ongoing || endMs > startMs),
      }))
      .filter(({ intervals }) => intervals.length > 0);
  }

  failures(): readonly FailedEvaluation[] {
    return this.#history.failures.filter(({ atMs }) => atMs >= this.#past.window.startMs);
  }

  summary(): BacktestSummary {
    const { window, flapMs } = this.#past;
    return summaryOf(this.courses(), window, flapMs);
  }
}

/** Asks for the past, a while before its beginning too so that what began then is known, and shows it to the trials. */
async function replay(
  question: Question,
  past: Past,
  trials: readonly Trial[],
  options: BacktestOptions,
  recorded?: RecordedPast,
): Promise<Remarks> {
  const specs = trials.map(({ spec }) => spec);
  const { behindMs, window } = past;
  const grid = earlier({ ...window, startMs: beginningOf(window, specs) }, behindMs);
  const remarks: Remarks = { promql: undefined, complete: true, warnings: new Set() };
  const known = new Map<string, LabelSet>();
  for await (const part of partsOf(question, grid, past, options, recorded)) {
    note(remarks, part);
    eachInstant(
      part,
      (labels) => interned(known, labels),
      (atMs, present) => {
        for (const trial of trials) trial.evaluate(atMs + behindMs, present);
      },
    );
  }
  return remarks;
}

/** The values in order of time: as they come, or made of what would have been recorded. */
async function* partsOf(
  question: Question,
  grid: Window,
  { reading: { recordings, behind } }: Past,
  { pointsPerRequest, onProgress, signal, timeoutMs }: BacktestOptions,
  recorded: RecordedPast | undefined,
): AsyncGenerator<PastPart, void, undefined> {
  const asking = { pointsPerRequest, onProgress, signal, timeoutMs };
  if (recordings.length === 0 || !readsAny(question.expr, recordings)) {
    const { startMs: from, endMs: to, stepMs } = grid;
    yield* question.over({ from, to, step: formatDuration(stepMs) }, asking).parts();
    return;
  }
  const reader = { expr: question.expr, behind };
  const { context } = question;
  const past = recorded ?? (await RecordedPast.of(recordings, [reader], grid, { context, options: asking }));
  yield await past.read(reader, grid);
}

function note(remarks: Remarks, { meta }: Pick<PastPart, "meta">): void {
  remarks.promql ??= meta.promql;
  if (!meta.complete) remarks.complete = false;
  for (const warning of meta.warnings) remarks.warnings.add(warning);
}

/** The first label set of equal ones. */
function interned(known: Map<string, LabelSet>, labels: LabelSet): LabelSet {
  const key = JSON.stringify(labels);
  const first = known.get(key) ?? labels;
  known.set(key, first);
  return first;
}

/** Those labels that are the same for all alerts of the rule. */
const literals = (texts: Texts): Texts =>
  Object.fromEntries(Object.entries(texts).filter(([, { parts }]) => parts.every(({ kind }) => kind === "text")));

function spanOf({ last, from, to }: BacktestRange): TimeSpan {
  return (last === undefined ? { from, to } : { last, ...(from === undefined ? {} : { from }) }) as TimeSpan;
}
