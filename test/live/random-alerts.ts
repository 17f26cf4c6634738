/** Random rules over random series, and a file for promtool that says what becomes of every alert at every evaluation. */
import { type AlertRule, alert, labelOf, ruleGroup, text, value } from "../../src/alerts/index.ts";
import { parse } from "../../src/promql/index.ts";
import { type AlertTest, testAlert } from "../../src/testing/index.ts";
import { type Random, random } from "../mesh/random.ts";

export const STEPS = 30;

export interface RandomAlert {
  readonly rule: AlertRule;
  /** Its series in promtool's notation. */
  readonly series: readonly string[];
}

/** The same alerts for the same seed. */
export function randomAlerts(count: number, seed: number): RandomAlert[] {
  const source = random(seed);
  const { pick } = source;
  return Array.from({ length: count }, (_, i) => {
    const metric = `m${i}`;
    const expr = pick([
      `${metric} > 0`,
      `${metric} == 1`,
      `sum by (s) (${metric}) >= 1`,
      `${metric} > 0 and ${metric} < 3`,
      `${metric} > 0 unless ${metric} == 2`,
      `max_over_time(${metric}[90s]) > 1`,
      `absent(${metric})`,
      `changes(${metric}[170s]) > 0`,
    ]);
    const plain = alert(`R${i}`, parse(expr))
      .for(pick(["0s", "0s", "30s", "1m", "90s", "2m", "3m", "5m"]))
      .keepFiringFor(pick(["0s", "0s", "1m", "90s", "2m", "5m"]));
    const rule = pick([
      plain,
      plain.severity("page"),
      plain.labels({ series: text`the ${labelOf("s")}`, s: "" }),
      plain.labels({ at: text`${value}` }),
    ]);
    const series = Array.from({ length: source.between(1, 3) }, (_, s) => `${metric}{s="${s}"} ${values(source)}`);
    return { rule, series };
  });
}

/**
 * Runs of equal values, gaps and ends, each as long as chance has it. No gap is as long as a server looks back, and no
 * window above ends on a sample: there Prometheus 2 and 3 differ, and it is the states that are compared.
 */
function values({ next, pick }: Random): string {
  const items: string[] = [];
  while (items.length < STEPS) {
    const item = pick(items.at(-1) === "_" ? VALUES : [...VALUES, "_", "_"]);
    const length = item === "stale" ? 1 : 1 + Math.floor(next() * next() * (item === "_" ? 4 : 9));
    for (let i = 0; i < length; i++) items.push(item);
  }
  return items.slice(0, STEPS).join(" ");
}

const VALUES = ["0", "0", "1", "1", "2", "3", "stale", "NaN", "-1"];

/** How an alert is at an evaluation, as Prometheus's `ALERTS` shows it. */
export interface Shown {
  readonly expr: string;
  readonly eval_time: string;
  readonly exp_samples: readonly { readonly labels: string; readonly value: number }[];
}

/** What this library makes of every alert at every evaluation. */
export function expectations({ rule, series }: RandomAlert): Shown[] {
  const test: AlertTest = testAlert(rule).given(series.join("\n"));
  return Array.from({ length: STEPS }, (_, minute) => ({
    expr: `ALERTS{alertname="${rule.name}"}`,
    eval_time: `${minute}m`,
    exp_samples: test
      .alertsAt(`${minute}m`)
      .filter(({ state }) => state !== "resolved")
      .map(({ labels, state }) => ({ labels: alertsSeries({ ...labels, alertstate: state }), value: 1 })),
  }));
}

const alertsSeries = (labels: Readonly<Record<string, string>>): string =>
  `ALERTS{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(",")}}`;

/** The rules as a file, and the test of all of them as another one. */
export function promtoolFiles(
  alerts: readonly RandomAlert[],
  ruleFile: string,
  shown: readonly Shown[],
): { readonly rules: string; readonly test: string } {
  const rules = ruleGroup(
    "random",
    alerts.map(({ rule }) => rule),
  ).toYAML();
  const input_series = alerts.flatMap(({ series }) =>
    series.map((line) => ({ series: line.slice(0, line.indexOf(" ")), values: line.slice(line.indexOf(" ") + 1) })),
  );
  const test = {
    rule_files: [ruleFile],
    evaluation_interval: "1m",
    tests: [{ interval: "1m", input_series, promql_expr_test: shown }],
  };
  return { rules, test: JSON.stringify(test) };
}
