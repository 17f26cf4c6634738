import { QueryError } from "../../errors.ts";
import { Traffic } from "../../mesh/traffic.ts";
import { INSPECT } from "../../results/mime.ts";
import { Result, type Table } from "../../results/result.ts";
import type { View } from "../../results/view.ts";
import {
  type AskOptions,
  type Duration,
  durationMs,
  formatDuration,
  type Instant,
  instantMs,
  shown,
} from "../../time.ts";
import type { BacktestRange } from "../backtest.ts";
import { backtestGroups, type GroupBacktest, type GroupBacktestOptions } from "../group-backtest.ts";
import { AlertRule, RecordingRule } from "../rule.ts";
import { type RuleGroup, ruleGroup } from "../rule-group.ts";
import type { ExportOptions } from "../rulefile/print.ts";
import { fileParts, type RuleJson } from "../rules-view.ts";
import { type BurnAlert, type BurnLine, burnLines, windowsOf, windowText } from "./burn-table.ts";
import { availability, type Events, eventsOf, type Indicator, type LatencyObjective, latency } from "./indicator.ts";
import type { ObjectiveStatus } from "./objective-status.ts";
import { openSlo } from "./openslo.ts";
import { alertsOf, COUNTED, recordingsOf } from "./rules.ts";
import { SloStatus } from "./status.ts";

/** What an SLO promises. */
export interface SloOptions {
  /** Its label `slo`: letters, digits, `_`, `-` and `.`. */
  readonly name: string;
  /** The share of requests that shall not fail: `0.999` or `"99.9%"`. It may be left out beside a latency. */
  readonly objective?: number | `${number}%` | undefined;
  /** How long the budget lasts, always up to now: `"30d"`. */
  readonly window: Duration;
  /** Part of the mesh's traffic, or events that are counted over any window. */
  readonly of: Events | Traffic;
  /** The share of requests that shall be fast, an objective with a budget of its own. */
  readonly latency?: LatencyObjective | undefined;
  /** Burn rates at which someone is told; the SRE workbook's for windows of 7, 28, 30 and 90 days when left out. */
  readonly alerts?: readonly BurnAlert[] | undefined;
  /** Requests per second, over five minutes, below which nobody is told: one failure of three is no incident. */
  readonly minTraffic?: number | undefined;
  /** How often the rules are evaluated; `"30s"` when left out. */
  readonly interval?: Duration | undefined;
  /** How long the metrics are kept, for a warning where that is too short. */
  readonly retention?: Duration | undefined;
  /** Labels that the alerts have, such as `team`. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** When the status is asked for. */
export interface StatusOptions extends AskOptions {
  /** Now, by the backend's clock, when left out. */
  readonly at?: Instant | undefined;
}

/** A service level objective: its recording rules and alerts, and how it stands. */
export class Slo extends Result {
  readonly name: string;
  /** How long the budget lasts: `"30d"`. */
  readonly window: Duration;
  /** The recording rules, in the order in which they read each other, then the alerts. */
  readonly group: RuleGroup;
  /** What will not work as it stands: alerts that can never fire, too short a retention, bounds of no bucket. */
  readonly warnings: readonly string[];
  readonly #windowMs: number;
  readonly #of: Events;
  readonly #indicators: readonly Indicator[];
  readonly #lines: readonly BurnLine[];

  constructor(fields: {
    readonly name: string;
    readonly windowMs: number;
    readonly of: Events;
    readonly indicators: readonly Indicator[];
    readonly lines: readonly BurnLine[];
    readonly group: RuleGroup;
    readonly warnings: readonly string[];
  }) {
    super();
    this.name = fields.name;
    this.window = windowText(fields.windowMs);
    this.group = fields.group;
    this.warnings = Object.freeze([...fields.warnings]);
    this.#windowMs = fields.windowMs;
    this.#of = fields.of;
    this.#indicators = fields.indicators;
    this.#lines = fields.lines;
    Object.freeze(this);
  }

  /** All its rules. */
  get rules(): readonly (AlertRule | RecordingRule)[] {
    return this.group.rules;
  }

  /** Those that alert. */
  get alerts(): readonly AlertRule[] {
    return this.group.alerts;
  }

  /** Those that record what the alerts read. */
  get recordings(): readonly RecordingRule[] {
    return this.group.rules.filter((rule) => rule instanceof RecordingRule);
  }

  /**
   * The rules as a file: Prometheus's when nothing else is asked for.
   *
   * @throws {QueryError} `code: "export"` for what that kind of file cannot hold
   */
  toYAML(options: ExportOptions = {}): string {
    return this.group.toYAML(options);
  }

  /**
   * Each objective as an SLO of OpenSLO v1, one document after the other. Alerts over one time are alert policies in it;
   * those over two have no place there and are left out.
   *
   * @throws {QueryError} `code: "export"` for native histograms, for events that are no sums of rates, and for a name
   * that OpenSLO does not take
   */
  toOpenSLO(): string {
    return openSlo(this.name, this.window, this.#indicators, this.#lines);
  }

  /**
   * How it stands: what is left of the budget, how fast it is spent, and how long it will last.
   *
   * The traffic's own metrics are asked, over the whole window, so that nothing needs to have been recorded.
   *
   * @example
   * ```ts unrun: a window of weeks takes a simulated mesh a minute
   * const backend = slo({ name: "backend", objective: "99.9%", window: "30d", of: mesh.service("backend") });
   * const { objectives: [status] } = await backend.status();
   * status?.budgetLeft // 0.62
   * ```
   */
  async status({ at, ...options }: StatusOptions = {}): Promise<SloStatus> {
    const [first = this.#windowMs] = windowsOf(this.#lines);
    const atMs =
      at === undefined ? (await this.#of.total(windowText(first)).now(options)).at : instantMs(at, "status: at");
    const objectives = await Promise.all(this.#indicators.map((one) => this.#statusOf(one, atMs, options)));
    return new SloStatus({ name: this.name, window: this.window, at: atMs, objectives });
  }

  async #statusOf(indicator: Indicator, atMs: number, options: AskOptions): Promise<ObjectiveStatus> {
    const budget = indicator.budget.value;
    const windows = windowsOf(this.#lines);
    const ratios = await Promise.all(
      [...windows, this.#windowMs].map((ms) => indicator.ask(windowText(ms), atMs, options)),
    );
    const spent = ratios.at(-1);
    const burnRates = windows.map((ms, i) => {
      const ratio = ratios[i];
      return { window: windowText(ms), rate: ratio === undefined ? undefined : ratio / budget };
    });
    const budgetLeft = spent === undefined ? undefined : 1 - spent / budget;
    const current = windowText(currentMs(this.#lines));
    const rate = burnRates.find(({ window }) => window === current)?.rate;
    const ends = budgetLeft !== undefined && rate !== undefined && rate > 0;
    return {
      indicator: indicator.name,
      objective: indicator.objective.value,
      good: spent === undefined ? undefined : 1 - spent,
      budgetLeft,
      burnRates,
      exhaustedInMs: ends ? (Math.max(0, budgetLeft) * this.#windowMs) / rate : undefined,
    };
  }

  /**
   * When its alerts would have been pending and firing in the past: what its rules record is made of the traffic's own
   * metrics, so that nothing needs to have been recorded then. It looks as far back as the longest window of an alert,
   * before the range too.
   *
   * @param range evaluated every {@link SloOptions.interval} when no `step` is written
   * @throws {QueryError} `code: "config"` for a mesh without metrics, `"reporter"` where that is still to be chosen
   * @example
   * ```ts unrun: windows of days take a simulated mesh a minute
   * const backend = slo({ name: "backend", objective: "99.9%", window: "30d", of: mesh.service("backend") });
   * const tried = await backend.backtest({ last: "30d", step: "5m" });
   * tried.pages // 3
   * ```
   */
  backtest(range: BacktestRange, options: GroupBacktestOptions = {}): Promise<GroupBacktest> {
    const { context } = this.#of.total(windowText(this.#windowMs));
    return backtestGroups(this.name, [this.group.spec], range, options, { context });
  }

  /** A row for each of its rules. */
  toTable(): Table {
    return this.group.toTable();
  }

  toView(): View {
    const [line = ""] = this.toString().split("\n");
    const warnings = this.warnings.map((text) => ({ text, tone: "warn" }) as const);
    return { title: line, parts: fileParts(() => this.toYAML()), notes: warnings };
  }

  toJSON(): { readonly name: string; readonly window: string; readonly rules: readonly RuleJson[] } {
    return { name: this.name, window: this.window, rules: this.group.toJSON().rules };
  }

  override [INSPECT](): string {
    return this.toString();
  }

  /** Its name, objectives and window, with what will not work. */
  override toString(): string {
    const objectives = this.#indicators.map(({ name, objective }) => `${name} ${objective}`).join(", ");
    return [`${this.name}: ${objectives} over ${this.window}`, ...this.warnings.map((one) => `  ${one}`)].join("\n");
  }
}

/** The window whose burn rate is the current one: the shortest of the long ones. */
export const currentMs = (lines: readonly BurnLine[]): number => Math.min(...lines.map(({ longMs }) => longMs));

/**
 * A service level objective over part of the mesh's traffic: rules that record error ratios over all windows, the
 * budget and how fast it is spent, and alerts on several windows and burn rates.
 *
 * Ratios are of requests, never means of ratios; without traffic there is no value, and no alert but the one that
 * metrics are missing.
 *
 * @throws {QueryError} `code: "unit"` for an objective that is none, `"config"` for what cannot be meant, `"window"`
 * @see Google, "The Site Reliability Workbook", chapter 5
 * @example
 * const objective = slo({ name: "backend", objective: 0.999, window: "30d", of: mesh.service("backend") });
 * objective.toYAML();
 */
export function slo(options: SloOptions): Slo {
  const { name, objective, window, of, latency: fast, alerts, interval = "30s", retention, labels = {} } = options;
  const { minTraffic } = options;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new QueryError("name", `slo: ${shown(name)} is no name; use letters, digits, _, - and .`);
  }
  const windowMs = durationMs(window, "slo: window");
  const lines = burnLines(windowMs, alerts);
  const events = eventsOf(of);
  const indicators = objective === undefined ? [] : [availability(of, objective)];
  if (fast !== undefined) {
    if (!(of instanceof Traffic)) {
      throw new QueryError("config", "slo: latency: events have no durations; write of: mesh.service(…)");
    }
    indicators.push(latency(of, fast));
  }
  if (indicators.length === 0) throw new QueryError("config", "slo: say what is promised; write objective: 0.999");
  if (
    minTraffic !== undefined &&
    !(typeof minTraffic === "number" && minTraffic > 0 && minTraffic < Number.POSITIVE_INFINITY)
  ) {
    throw new QueryError("unit", `slo: minTraffic: ${shown(minTraffic)} is no number of requests per second above 0`);
  }
  const plan = { name, windowMs, lines, currentMs: currentMs(lines), labels, minTraffic };
  const rules = indicators.flatMap((one) => [...recordingsOf(plan, one), ...alertsOf(plan, one)]);
  const ordered = [
    ...rules.filter((rule) => rule instanceof RecordingRule),
    ...rules.filter((rule) => rule instanceof AlertRule),
  ];
  const group = ruleGroup(`slo-${name}`, ordered, { interval });
  const retentionMs = retention === undefined ? undefined : durationMs(retention, "slo: retention");
  const warnings = [
    ...indicators.flatMap((one) => [...one.warnings, ...unreached(one, lines)]),
    ...lost(windowMs, lines, retentionMs),
    ...uncounted(group.spec.intervalMs ?? 0),
  ];
  return new Slo({ name, windowMs, of: events, indicators, lines, group, warnings });
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/** A share of errors is never above 1: what waits for more never fires. */
function unreached({ name, budget }: Indicator, lines: readonly BurnLine[]): string[] {
  return lines.flatMap(({ severity, longMs, factor, threshold }) => {
    const share = threshold(budget);
    if (share < 1) return [];
    return `${name}: the ${severity} over ${windowText(longMs)} can never fire: it waits for more than ${share} of all requests to fail, ${Number(factor.value.toPrecision(4))} times the budget of ${budget}`;
  });
}

/** The share over the SLO's window is summed up from what each evaluation counts. */
function uncounted(intervalMs: number): string[] {
  if (intervalMs <= durationMs(COUNTED, "slo")) return [];
  return [
    `the rules are evaluated every ${formatDuration(intervalMs)}, but requests are counted over ${COUNTED}: what happens between is in no share over the whole window`,
  ];
}

/** What the backend no longer has cannot be counted. */
function lost(windowMs: number, lines: readonly BurnLine[], retentionMs: number | undefined): string[] {
  if (retentionMs === undefined) return [];
  const short = [...windowsOf(lines), windowMs].filter((ms) => ms > retentionMs).map(windowText);
  if (short.length === 0) return [];
  return [
    `metrics are kept for ${windowText(retentionMs)}, so that ${[...new Set(short)].join(", ")} cannot be told: what is older counts as if it had not been`,
  ];
}
