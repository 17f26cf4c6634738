import { EvaluationError } from "../../errors.ts";
import type { Matcher } from "../ast.ts";
import type { LabelRecord } from "./labels.ts";
import { compileRe2, type Pattern, PatternFault } from "./re2.ts";

/**
 * What tells whether a series' labels satisfy all of `matchers`, as Prometheus's storage decides it: a label that is
 * missing counts as `""`, and a pattern matches the whole value. The metric's name is the label `__name__`.
 *
 * @throws {EvaluationError} for a pattern that is none, or that JavaScript cannot run
 */
export function seriesTest(matchers: readonly Matcher[]): (labels: LabelRecord) => boolean {
  const tests = matchers.map((matcher) => ({ label: matcher.label, test: valueTest(matcher) }));
  return (labels) => tests.every(({ label, test }) => test(Object.hasOwn(labels, label) ? (labels[label] ?? "") : ""));
}

function valueTest({ label, op, value }: Matcher): (text: string) => boolean {
  switch (op) {
    case "=":
      return (text) => text === value;
    case "!=":
      return (text) => text !== value;
    case "=~":
      return patternTest(value, label);
    case "!~": {
      const test = patternTest(value, label);
      return (text) => !test(text);
    }
  }
}

function patternTest(pattern: string, label: string): (text: string) => boolean {
  if (/^[\w\-:/ |]*$/.test(pattern)) {
    const words = new Set(pattern.split("|"));
    return (text) => words.has(text);
  }
  const { regexp } = patternOf(pattern, `the matcher of ${label}`);
  return (text) => regexp.test(text);
}

/** Compiles RE2's syntax, and says what is wrong with it otherwise. */
export function patternOf(pattern: string, what: string): Pattern {
  try {
    return compileRe2(pattern);
  } catch (error) {
    if (!(error instanceof PatternFault)) throw error;
    throw new EvaluationError("execution", `${what}: the pattern ${JSON.stringify(pattern)}: ${error.message}`);
  }
}
