import { QueryError } from "../errors.ts";
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
  const pattern = javascriptOf(value);
  return (labels) => pattern.test(labels[label] ?? "") === wanted;
}

/** The JavaScript pattern of an RE2 text that was itself made from one, for the whole value. */
export function javascriptOf(re2: string): RegExp {
  const [, flags = "", source = ""] = /^(?:\(\?([is]+)\))?([\s\S]*)$/.exec(re2) ?? [];
  const text = source.replaceAll("(?P<", "(?<").replace(/\\x\{([0-9a-f]+)\}/gi, "\\u{$1}");
  return new RegExp(`^(?:${text})$`, `${[...new Set(`${flags}s`)].join("")}u`);
}
