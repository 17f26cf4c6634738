import { binary, call, type Expr, matcher, matrix, number, selector } from "../../promql/index.ts";
import { type Duration, formatDuration } from "../../time.ts";
import { type AlertRule, alert, type RecordingRule, record } from "../rule.ts";
import { text, valueAs } from "../template.ts";
import { type BurnLine, windowsOf, windowText } from "./burn-table.ts";
import type { Indicator } from "./indicator.ts";

/** What the rules of an SLO are made of, beside what is measured. */
export interface RulePlan {
  readonly name: string;
  readonly windowMs: number;
  readonly lines: readonly BurnLine[];
  /** The window whose burn rate is the current one. */
  readonly currentMs: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Requests per second below which nobody is told. */
  readonly minTraffic: number | undefined;
}

/** The window over which what is summed up for the SLO's own window is counted. */
export const COUNTED = "5m";

const METRIC = {
  requests: `slo:requests:rate${COUNTED}`,
  errors: `slo:errors:rate${COUNTED}`,
  objective: "slo:objective:ratio",
  budget: "slo:error_budget:ratio",
  budgetLeft: "slo:error_budget_remaining:ratio",
  burnRate: "slo:burn_rate:ratio",
  exhausted: "slo:time_to_exhaustion:seconds",
} as const;

const ratioMetric = (window: Duration): string => `slo:error:ratio_rate${window}`;

/** What is recorded of one objective, each rule after those that it reads. */
export function recordingsOf(plan: RulePlan, indicator: Indicator): RecordingRule[] {
  const { name, windowMs, lines, currentMs } = plan;
  const labels = { slo: name, indicator: indicator.name };
  const rule = (metric: string, expr: Expr): RecordingRule => record(metric, expr).labels(labels);
  const read = (metric: string) => recorded(metric, plan, indicator);
  const sum = (metric: string): Expr => call("sum_over_time", matrix(read(metric), windowMs));
  const period = ratioMetric(windowText(windowMs));
  const budget = number(indicator.budget.value);
  const left = call("clamp_min", read(METRIC.budgetLeft), number(0));
  return [
    ...windowsOf(lines)
      .filter((ms) => ms !== windowMs)
      .map((ms) => rule(ratioMetric(windowText(ms)), indicator.ratio(windowText(ms)))),
    rule(METRIC.requests, indicator.total(COUNTED)),
    rule(METRIC.errors, indicator.errors(COUNTED)),
    // Sums of counts, so that a busy hour weighs more than a quiet one.
    rule(period, binary("/", sum(METRIC.errors), binary(">", sum(METRIC.requests), number(0)))),
    rule(METRIC.objective, call("vector", number(indicator.objective.value))),
    rule(METRIC.budget, call("vector", budget)),
    rule(METRIC.budgetLeft, binary("-", number(1), binary("/", read(period), budget))),
    rule(METRIC.burnRate, binary("/", read(ratioMetric(windowText(currentMs))), budget)),
    rule(
      METRIC.exhausted,
      binary("/", binary("*", left, number(windowMs / 1000)), binary(">", read(METRIC.burnRate), number(0))),
    ),
  ];
}

/** The alerts of one objective: one for each severity and wait, and one for missing metrics. */
export function alertsOf(plan: RulePlan, indicator: Indicator): AlertRule[] {
  const { name, lines, labels, minTraffic } = plan;
  const own = { ...labels, slo: name, indicator: indicator.name };
  const busy = (least: number): Expr => binary(">=", recorded(METRIC.requests, plan, indicator), number(least));
  const kinds = new Map<string, BurnLine[]>();
  for (const line of lines) {
    const kind = `${line.forMs} ${line.severity}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), line]);
  }
  const burns = Array.from(kinds.values(), (alike) => {
    const expr = alike.map((line) => burning(line, plan, indicator)).reduce((left, right) => binary("or", left, right));
    const [{ severity, forMs } = NOBODY] = alike;
    const wait = formatDuration(forMs);
    // Two rules whose alerts have equal labels would each end what the other one fires.
    const isOnly = lines.every((line) => line.severity !== severity || line.forMs === forMs);
    return alert("ErrorBudgetBurn", minTraffic === undefined ? expr : binary("and", expr, busy(minTraffic)))
      .for(wait)
      .labels(isOnly ? own : { ...own, for: wait })
      .severity(severity)
      .annotations({
        summary: text`SLO ${name}: ${valueAs("percentage")} ${BAD[indicator.name]}, which spends the ${indicator.name} budget of ${String(indicator.budget)} too fast`,
      });
  });
  const missing = alert("SLOMetricAbsent", indicator.absent(COUNTED))
    .for("10m")
    .labels(own)
    .severity("ticket")
    .annotations({ summary: `SLO ${name}: nothing is there to measure ${indicator.name} by` });
  return [...burns, missing];
}

const NOBODY = { severity: "", forMs: 0 } as const;
const BAD = { availability: "failed", latency: "were slow" } as const;

/** Spent fast over the long window, and still over the short one where there is one. */
function burning({ longMs, shortMs, threshold }: BurnLine, plan: RulePlan, indicator: Indicator): Expr {
  const share = number(threshold(indicator.budget));
  const over = (ms: number): Expr => binary(">", recorded(ratioMetric(windowText(ms)), plan, indicator), share);
  return shortMs === undefined ? over(longMs) : binary("and", over(longMs), over(shortMs));
}

const recorded = (metric: string, { name }: RulePlan, indicator: Indicator) =>
  selector(metric, [matcher("slo", "=", name), matcher("indicator", "=", indicator.name)]);
