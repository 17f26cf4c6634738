import { QueryError } from "../errors.ts";
import { re2Pattern } from "../logs/re2-pattern.ts";
import type { Matcher } from "../promql/index.ts";

/** A test of labels, compiled once. A label that is missing reads as `""`. */
export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

/** Which labels a signal other than the metrics shows. */
export interface ShownLabels {
  /** `"traces"` or `"logs"`. */
  readonly signal: string;
  readonly names: ReadonlySet<string>;
}

/**
 * A test that labels hold all matchers, by PromQL's meaning of them.
 *
 * @throws {QueryError} `code: "label"` for a label that the signal does not show
 */
export function labelTest(matchers: readonly Matcher[], shown: ShownLabels): LabelTest {
  const tests = matchers.map((matcher) => testOf(matcher, shown));
  return (labels) => tests.every((holds) => holds(labels));
}

function testOf({ label, op, value }: Matcher, { signal, names }: ShownLabels): LabelTest {
  if (!names.has(label)) {
    throw new QueryError(
      "label",
      `${signal}: they do not show the label ${label}; leave that condition to the metrics`,
    );
  }
  const wanted = op === "=" || op === "=~";
  if (op === "=" || op === "!=") return (labels) => ((labels[label] ?? "") === value) === wanted;
  const pattern = re2Pattern(value, "whole");
  return (labels) => pattern.test(labels[label] ?? "") === wanted;
}
