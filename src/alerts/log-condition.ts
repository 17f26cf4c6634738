import { PartialError, QueryError } from "../errors.ts";
import type { LogBackend, LogFilter, LogGroup, LogMeasure, LogMeasurement } from "../logs/backend.ts";
import type { CompareOp } from "../logs/logql/ast.ts";
import { threshold } from "../logs/logql/construct.ts";
import { print } from "../logs/logql/printer.ts";
import { type LabelPreset, type LokiLabels, OriginLabels } from "../logs/loki/labels.ts";
import { metricOf } from "../logs/loki/questions.ts";
import { type AskOptions, type Duration, durationMs, shown } from "../time.ts";

/** What is measured in lines of logs. */
export interface LineOptions {
  /** Over how long, up to the instant of the evaluation: `"5m"`. */
  readonly window: Duration;
  /** How many lines there are, when it is left out. */
  readonly measurement?: LogMeasurement | undefined;
  /** What tells the series apart; all lines are one when it is left out. */
  readonly by?: readonly LogGroup[] | undefined;
  /** What Loki calls the parts of an origin: a collector's name, or the labels; `"promtail"` when left out. */
  readonly labels?: LabelPreset | LokiLabels | undefined;
}

type Measure = Omit<LogMeasure, "fromMs" | "stepMs" | "toMs">;

/** A number made of lines of logs, to be compared with another. */
export class LineMeasure {
  readonly #measure: Measure;
  readonly #labels: OriginLabels;

  constructor(measure: Measure, labels: OriginLabels) {
    this.#measure = Object.freeze(measure);
    this.#labels = labels;
    Object.freeze(this);
  }

  /** The condition that the number is above this. */
  above(number: number): LogCondition {
    return this.#compare(">", number, "above");
  }

  /** The condition that the number is below this. Where there are no lines there is no number either. */
  below(number: number): LogCondition {
    return this.#compare("<", number, "below");
  }

  /** The condition that the number is this or above it. */
  atLeast(number: number): LogCondition {
    return this.#compare(">=", number, "atLeast");
  }

  /** The condition that the number is this or below it. */
  atMost(number: number): LogCondition {
    return this.#compare("<=", number, "atMost");
  }

  #compare(op: CompareOp, number: number, verb: string): LogCondition {
    if (typeof number === "number" && Number.isFinite(number)) {
      return new LogCondition(this.#measure, this.#labels, op, number);
    }
    throw new QueryError("unit", `${verb}: ${shown(number)} is no number to compare with`);
  }
}

/** One series of lines for which a condition holds. */
export interface HoldingLines {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A condition on a number made of lines: a rule of Loki's ruler, or one that a process asks any backend for logs. */
export class LogCondition {
  readonly #measure: Measure;
  readonly #labels: OriginLabels;
  readonly op: CompareOp;
  readonly threshold: number;

  constructor(measure: Measure, labels: OriginLabels, op: CompareOp, threshold: number) {
    this.#measure = measure;
    this.#labels = labels;
    this.op = op;
    this.threshold = threshold;
    Object.freeze(this);
  }

  /** The LogQL that gives a series where the condition holds. */
  get logql(): string {
    return print(threshold(this.op, metricOf({ ...this.#measure, ...NO_TIME }, this.#labels), this.threshold));
  }

  /**
   * The series for which it holds at an instant, as a backend for logs tells.
   *
   * @throws {PartialError} where part of the answer is missing: what is not there may hold all the same
   */
  async holding(backend: LogBackend, atMs: number, options: AskOptions = {}): Promise<readonly HoldingLines[]> {
    const all = await this.measured(backend, atMs, options);
    return all.filter(({ value }) => holds(value, this.op, this.threshold));
  }

  /**
   * What it compares at an instant, whether it holds for that or not; a series without lines is none.
   *
   * @throws {PartialError} where part of the answer is missing
   */
  async measured(backend: LogBackend, atMs: number, options: AskOptions = {}): Promise<readonly HoldingLines[]> {
    const question = { ...this.#measure, fromMs: atMs, toMs: atMs, stepMs: 1 };
    const { series, complete, warnings } = await backend.measure(question, options);
    if (!complete) {
      const details = { backend: backend.name, query: this.logql, warnings };
      throw new PartialError(`holding: part of the answer is missing: ${warnings.join("; ")}`, details);
    }
    return series.flatMap(({ labels, values }) => {
      const value = values.at(-1);
      return value === undefined ? [] : [{ labels, value }];
    });
  }
}

const NO_TIME = { fromMs: 0, toMs: 0, stepMs: 1 };

/** Whether a value compares so, in floating point as PromQL and LogQL compare. */
export function holds(value: number, op: CompareOp, threshold: number): boolean {
  switch (op) {
    case ">":
      return value > threshold;
    case ">=":
      return value >= threshold;
    case "<":
      return value < threshold;
    case "<=":
      return value <= threshold;
    case "==":
      return value === threshold;
    case "!=":
      return value !== threshold;
  }
}

/**
 * How many lines of logs there are, or what a number in them comes to, for conditions over logs.
 *
 * @throws {QueryError} `code: "window"` when the window is none, `"config"` for labels that are none
 * @example
 * logLines(
 *   { origin: { namespace: "shop", container: "istio-proxy" }, lines: [{ text: "upstream_reset_before_response" }] },
 *   { window: "5m", by: [{ origin: "app" }] },
 * ).above(10)
 */
export function logLines(filter: LogFilter, { window, measurement, by = [], labels }: LineOptions): LineMeasure {
  const windowMs = durationMs(window, "logLines: window");
  return new LineMeasure(
    { filter, measurement: measurement ?? { kind: "count" }, by, windowMs },
    new OriginLabels(labels),
  );
}
