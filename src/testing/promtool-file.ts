import type { AlertInstance } from "../alerts/index.ts";
import { printYaml } from "../alerts/rulefile/yaml.ts";
import { histogramNotation } from "../promql/engine/histogram-text.ts";
import { isStaleAt, wordsOf } from "../promql/engine/staleness.ts";
import { matcher, type NotedSeries, parseSeries, print, selector } from "../promql/index.ts";
import type { LabelSet } from "../results/labels.ts";
import { formatDuration } from "../time.ts";
import type { Expectation } from "./alert-expectation.ts";

/** What only the file needs to know. */
export interface PromtoolOptions {
  /** The file with the rule, as the test file finds it: `"alerts.yml"`. */
  readonly ruleFile: string;
}

/** A test as it goes into the file. */
interface Tested {
  readonly alertname: string;
  readonly intervalMs: number;
  readonly notation: readonly string[];
  readonly expected: readonly (Expectation & { readonly alerts: readonly AlertInstance[] })[];
}

/**
 * A file for `promtool test rules`. It compares firing alerts alone, so that what is expected to be pending is asked of
 * the series `ALERTS`.
 *
 * @see Prometheus, "Unit testing for rules"
 */
export function promtoolFile(
  { alertname, intervalMs, notation, expected }: Tested,
  { ruleFile }: PromtoolOptions,
): string {
  const firing = expected.filter((one) => one.firing !== undefined);
  const pending = expected.filter((one) => one.pending !== undefined);
  const test = {
    interval: formatDuration(intervalMs),
    input_series: notation.map(seriesTree),
    ...(firing.length === 0 ? {} : { alert_rule_test: firing.map((one) => alertTree(alertname, one)) }),
    ...(pending.length === 0 ? {} : { promql_expr_test: pending.map((one) => pendingTree(alertname, one)) }),
  };
  return printYaml({ rule_files: [ruleFile], evaluation_interval: formatDuration(intervalMs), tests: [test] });
}

function alertTree(alertname: string, { at, alerts }: Tested["expected"][number]): unknown {
  const exp_alerts = alerts
    .filter(({ state }) => state === "firing")
    .map(({ labels, annotations }) => {
      const { alertname: _, ...others } = labels;
      return { exp_labels: others, ...(Object.keys(annotations).length === 0 ? {} : { exp_annotations: annotations }) };
    });
  return { eval_time: at, alertname, exp_alerts };
}

function pendingTree(alertname: string, { at, alerts }: Tested["expected"][number]): unknown {
  const exp_samples = alerts
    .filter(({ state }) => state === "pending")
    .map(({ labels }) => ({ labels: metricText({ ...labels, __name__: "ALERTS", alertstate: "pending" }), value: 1 }));
  const expr = print(selector("ALERTS", [matcher("alertname", "=", alertname), matcher("alertstate", "=", "pending")]));
  return { expr, eval_time: at, exp_samples };
}

/** A series in the notation again, its labels in their order. */
function seriesTree(line: string): unknown {
  const noted = parseSeries(line);
  return { series: metricText(noted.labels), values: valuesText(noted) };
}

function metricText({ __name__, ...labels }: LabelSet): string {
  const matchers = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => matcher(name, "=", value));
  return print(selector(__name__, matchers));
}

/** Values a step apart; equal ones, and whole numbers an even step apart, as one item. */
function valuesText({ values, omitted, histograms }: NotedSeries): string {
  const bits = wordsOf(values);
  const words = Array.from(values, (value, i) => {
    const histogram = histograms?.[i];
    if (histogram !== undefined) return histogramNotation(histogram);
    return omitted[i] === 1 ? "_" : isStaleAt(bits, i) ? "stale" : numberText(value);
  });
  const items: string[] = [];
  for (let i = 0; i < words.length; ) {
    const word = words[i] ?? "";
    // Two numbers are shorter as they are.
    const step = stepAt(words, i) === stepAt(words, i + 1) ? stepAt(words, i) : undefined;
    let end = i + 1;
    while (end < words.length && (step === undefined ? repeats(word, words[end]) : stepAt(words, end - 1) === step))
      end++;
    const more = end - i - 1;
    // "_x3" is three steps without a sample, and "1x3" four samples of 1.
    if (more === 0) items.push(word);
    else if (step !== undefined) items.push(`${word}${step < 0 ? "-" : "+"}${Math.abs(step)}x${more}`);
    else items.push(`${word}x${word === "_" ? more + 1 : more}`);
    i = end;
  }
  return items.join(" ");
}

/** Only digits and gaps are counted: behind a letter promtool reads the x as part of the word. */
const repeats = (word: string, next: string | undefined): boolean =>
  word === next && /^(?:_|-?\d+(?:\.\d+)?)$/.test(word);

/** How much more the next whole number is than this one; `undefined` for all other words, and for equal ones. */
function stepAt(words: readonly string[], i: number): number | undefined {
  const [a, b] = [Number(words[i]), Number(words[i + 1])];
  return Number.isSafeInteger(a) && Number.isSafeInteger(b) && a !== b ? b - a : undefined;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "Inf" : "-Inf";
}
