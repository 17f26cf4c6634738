import { AssertionError } from "node:assert";
import { eachInstant, type ReadSeries } from "../alerts/columns.ts";
import {
  AlertHistory,
  type AlertInstance,
  type AlertRule,
  foundAlert,
  type RecordingRule,
  type RuleGroup,
} from "../alerts/index.ts";
import { readSeries } from "../alerts/recording/read-series.ts";
import { record } from "../alerts/recording/record.ts";
import { readingIn } from "../alerts/recording/recordings.ts";
import { inGroup } from "../alerts/spec.ts";
import { alertKey } from "../alerts/state.ts";
import { QueryError } from "../errors.ts";
import type { Grid } from "../metrics/backend.ts";
import { type MemoryStorage, memoryStorage, type SeriesStorage } from "../promql/index.ts";
import type { LabelSet } from "../results/labels.ts";
import { type Duration, durationMs, type Instant, instantMs, parseDuration, shown } from "../time.ts";
import type { Expectation, ExpectedAlert } from "./alert-expectation.ts";
import { type PromtoolOptions, promtoolFile } from "./promtool-file.ts";
import type { SimulatedMesh } from "./simulated-mesh.ts";

/** How a rule is evaluated in a test. */
export interface AlertTestOptions {
  /** How often the rule is evaluated, and how far apart the given samples are; as its group, or `"1m"`, when left out. */
  readonly interval?: Duration | undefined;
  /** The instant of the first evaluation, epoch 0 when left out. */
  readonly start?: Instant | undefined;
  /** Recording rules whose metrics the alert reads; they are evaluated before it, in this order. */
  readonly recordings?: readonly RecordingRule[] | undefined;
  /** The group that evaluates the rule: its labels, limit and offset, and its recording rules in their places. */
  readonly group?: RuleGroup | undefined;
}

interface EvaluatedHow {
  readonly intervalMs: number;
  readonly startMs: number;
  readonly recordings: readonly RecordingRule[];
  readonly group: RuleGroup | undefined;
}

/** A rule under test with the series that it is given; it never changes. */
export class AlertTest {
  readonly rule: Testable;
  readonly #how: EvaluatedHow;
  readonly #notation: readonly string[];
  readonly #storage: SeriesStorage | undefined;
  readonly #expected: readonly Expectation[];

  constructor(fields: {
    readonly rule: Testable;
    readonly how: EvaluatedHow;
    readonly notation?: readonly string[];
    readonly storage?: SeriesStorage | undefined;
    readonly expected?: readonly Expectation[];
  }) {
    this.rule = fields.rule;
    this.#how = fields.how;
    this.#notation = fields.notation ?? [];
    this.#storage = fields.storage;
    this.#expected = fields.expected ?? [];
    Object.freeze(this);
  }

  /**
   * The series that there are: in promtool's notation, one a line and a sample each interval, or a whole storage, or what
   * a simulated mesh emits, its incidents included.
   *
   * @throws {QueryError} `code: "string"` for a line that is not in that notation
   * @example
   * const rule = alert("Down", parse("up == 0")).for("2m");
   * testAlert(rule).given('up{job="api"} 1 0 0 0')
   */
  given(series: Pick<SimulatedMesh, "telemetry"> | SeriesStorage | string): AlertTest {
    if (typeof series !== "string") {
      return this.#with({ storage: "telemetry" in series ? series.telemetry.series : series, notation: [] });
    }
    const lines = series
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
    const { intervalMs, startMs } = this.#how;
    memoryStorage().load(lines.join("\n"), { step: intervalMs, start: startMs });
    return this.#with({ notation: [...this.#notation, ...lines] });
  }

  /** The alerts, pending, firing and resolved, as the last evaluation not after an instant left them. */
  alertsAt(at: Duration): readonly AlertInstance[] {
    const ms = at === "0" ? 0 : parseDuration(at);
    if (ms === undefined)
      throw new QueryError("time", `alertsAt: ${shown(at)} is no time after the start; write "10m"`);
    const { startMs, intervalMs, group } = this.#how;
    const spec = group === undefined ? this.rule.spec : inGroup(this.rule.spec, group.spec);
    const { forMs, keepFiringForMs } = spec;
    const history = new AlertHistory({ forMs, keepFiringForMs, limit: group?.spec.limit ?? 0 });
    const endMs = startMs + Math.floor(ms / intervalMs) * intervalMs;
    const behindMs = group?.spec.queryOffsetMs ?? 0;
    const grid = { startMs: startMs - behindMs, endMs: endMs - behindMs, stepMs: intervalMs };
    eachInstant(
      { ...grid, series: this.#found(grid) },
      (labels) => labels,
      (atMs, present) => {
        history.evaluate(
          atMs + behindMs,
          present.map((one) => foundAlert(spec, one.series, one.value)),
        );
      },
    );
    const [failed] = history.failures;
    if (failed === undefined) return [...history.alerts.values()];
    throw new AssertionError({
      message: `${this.rule.name}: the evaluation at ${(failed.atMs - startMs) / 1000} s fails: ${failed.error}`,
    });
  }

  /**
   * Holds the rule to what is expected.
   *
   * @throws {AssertionError} where other alerts are pending or firing, or say something else
   * @example
   * const labels = { job: "api" };
   * testAlert(alert("Down", parse("up == 0")).for("2m"))
   *   .given('up{job="api"} 1 0 0 0')
   *   .expect({ at: "2m", pending: [{ labels }] }, { at: "3m", firing: [{ labels }] })
   */
  expect(...expected: readonly Expectation[]): AlertTest {
    for (const one of expected) {
      const alerts = this.alertsAt(one.at);
      for (const state of ["pending", "firing"] as const) {
        const wanted = one[state];
        if (wanted !== undefined)
          compare(
            this.rule,
            one.at,
            state,
            alerts.filter((alert) => alert.state === state),
            wanted,
          );
      }
    }
    return this.#with({ expected: [...this.#expected, ...expected] });
  }

  /**
   * The same test as a file for `promtool test rules`.
   *
   * @throws {QueryError} `code: "export"` where the series are not given in promtool's notation
   */
  toPromtool(options: PromtoolOptions): string {
    if (this.#storage !== undefined) {
      throw new QueryError("export", "toPromtool: the series come from a storage; give them in promtool's notation");
    }
    const { intervalMs } = this.#how;
    const expected = this.#expected.map((one) => ({ ...one, alerts: this.alertsAt(one.at) }));
    return promtoolFile({ alertname: this.rule.name, intervalMs, notation: this.#notation, expected }, options);
  }

  #with(change: {
    notation?: readonly string[];
    storage?: SeriesStorage;
    expected?: readonly Expectation[];
  }): AlertTest {
    return new AlertTest({
      rule: this.rule,
      how: this.#how,
      notation: this.#notation,
      storage: this.#storage,
      expected: this.#expected,
      ...change,
    });
  }

  /** What the rule finds in the given series and in what the recording rules make of them. */
  #found(grid: Grid): readonly ReadSeries[] {
    const given = this.#storage ?? memoryStorage();
    const { recordings: named, group, startMs } = this.#how;
    if (this.#storage === undefined)
      (given as MemoryStorage).load(this.#notation.join("\n"), { step: grid.stepMs, start: startMs });
    const others = { labels: {}, limit: undefined, rules: named.map(({ spec }) => spec) };
    const groups = group === undefined ? [others] : [others, group.spec];
    const { recordings, behind } = readingIn(groups, group?.spec, this.rule.spec);
    const evaluations = recordings.map((recording) => ({
      recording,
      expr: recording.expr,
      startMs: grid.startMs,
    }));
    const { storage } = record(evaluations, given, grid);
    const { expr } = this.rule;
    return readSeries({ expr, written: expr, behind }, storage, grid);
  }
}

/** An alerting rule, whatever its condition's unit and labels. */
export type Testable = Pick<AlertRule, "expr" | "name" | "spec">;

/**
 * A test of an alert in memory: Prometheus's engine and its state machine over the series that are given.
 *
 * @throws {QueryError} `code: "window"` for an interval that is none
 * @example
 * testAlert(alert("Down", parse("up == 0")).for("2m"), { interval: "1m" })
 *   .given('up{job="api"} 1 0 0 0')
 *   .expect({ at: "1m", pending: [{ labels: { job: "api" } }] }, { at: "3m", firing: [{ labels: { job: "api" } }] });
 */
export function testAlert(
  rule: Testable,
  { interval, start = 0, recordings = [], group }: AlertTestOptions = {},
): AlertTest {
  const intervalMs =
    interval === undefined ? (group?.spec.intervalMs ?? 60_000) : durationMs(interval, "testAlert: interval");
  return new AlertTest({ rule, how: { intervalMs, startMs: instantMs(start, "testAlert: start"), recordings, group } });
}

interface Told {
  readonly labels: LabelSet;
  readonly annotations?: LabelSet | undefined;
}

function compare(
  rule: Testable,
  at: Duration,
  state: string,
  found: readonly AlertInstance[],
  wanted: readonly ExpectedAlert[],
): void {
  const said = new Map(wanted.map((one) => [alertKey({ ...one.labels, alertname: rule.name }), one]));
  const actual = found.map(({ labels, annotations }): Told => {
    const shows = said.get(alertKey(labels))?.annotations !== undefined;
    return shows ? { labels: bare(labels), annotations } : { labels: bare(labels) };
  });
  const expected = wanted.map(
    ({ labels, annotations }): Told => (annotations === undefined ? { labels } : { labels, annotations }),
  );
  const [have, want] = [sortedText(actual), sortedText(expected)];
  if (have === want) return;
  throw new AssertionError({
    message: `${rule.name} at ${at}: ${state} are\n${have}\nand not, as expected,\n${want}`,
    actual,
    expected,
    operator: "expect",
  });
}

/** Without the name, which all alerts of a rule have. */
const bare = ({ alertname: _, ...labels }: LabelSet): LabelSet => labels;

const sortedText = (all: readonly Told[]): string =>
  all.length === 0
    ? "  none"
    : all
        .map(
          ({ labels, annotations }) =>
            `  ${ordered(labels)}${annotations === undefined ? "" : ` saying ${ordered(annotations)}`}`,
        )
        .sort()
        .join("\n");

const ordered = (record: LabelSet): string =>
  JSON.stringify(Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))));

/** What a matcher of vitest or jest gives. */
export interface Matched {
  readonly pass: boolean;
  /** Why it does not match, as vitest asks for it. */
  readonly message: () => string;
}

/** Which alert a matcher looks for: any where no labels are named, otherwise one that has all of these. */
export interface WantedAlert {
  readonly at: Duration;
  readonly labels?: LabelSet | undefined;
}

/**
 * Matchers for `expect.extend` of vitest or jest: `toBeFiring`, `toBePending` and `toBeQuiet`, which is neither.
 *
 * @example
 * import type { WantedAlert } from "meshquery/testing";
 * import { expect } from "vitest";
 *
 * declare module "vitest" {
 *   interface Matchers<T> {
 *     toBeFiring(wanted: WantedAlert): T;
 *   }
 * }
 * expect.extend(alertMatchers);
 * expect(testAlert(alert("Down", parse("up == 0"))).given('up{job="api"} 1 0')).toBeFiring({ at: "1m", labels: { job: "api" } });
 */
export const alertMatchers = Object.freeze({
  /** Such an alert is firing. */
  toBeFiring: (test: AlertTest, wanted: WantedAlert): Matched => matched(test, wanted, "firing", ["firing"]),
  /** Such an alert is pending. */
  toBePending: (test: AlertTest, wanted: WantedAlert): Matched => matched(test, wanted, "pending", ["pending"]),
  /** No such alert is pending or firing. */
  toBeQuiet: (test: AlertTest, wanted: WantedAlert): Matched => {
    const { pass, message } = matched(test, wanted, "pending or firing", ["pending", "firing"]);
    return { pass: !pass, message };
  },
});

function matched(
  test: AlertTest,
  { at, labels = {} }: WantedAlert,
  called: string,
  states: readonly string[],
): Matched {
  const alerts = test.alertsAt(at);
  const pass = alerts.some(
    (alert) =>
      states.includes(alert.state) &&
      Object.entries(labels).every(([name, value]) => (alert.labels[name] ?? "") === value),
  );
  const all = alerts.map((alert) => `  ${alert.state} ${ordered(bare(alert.labels))}`);
  const which = Object.keys(labels).length === 0 ? "an alert" : `an alert of ${ordered(labels)}`;
  return {
    pass,
    message: () =>
      `${test.rule.name} at ${at}: ${which} is ${pass ? "" : "not "}${called}; there ${all.length === 0 ? "are none" : `are\n${all.join("\n")}`}`,
  };
}
