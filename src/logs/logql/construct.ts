import { QueryError } from "../../errors.ts";
import { LONGEST_MS, shown } from "../../time.ts";
import type {
  AggregationOp,
  CompareOp,
  Comparison,
  Condition,
  Conversion,
  Grouping,
  Junction,
  LabelFilter,
  LineFilter,
  LineFunction,
  LogSelection,
  MatchOp,
  MetricExpr,
  Parser,
  RangeAggregation,
  Stage,
  StreamMatcher,
  Threshold,
  Unwrap,
  UnwrappedFunction,
  VectorAggregation,
} from "./ast.ts";
import { checkText, isLabel } from "./quote.ts";

const MATCH_OPS: ReadonlySet<string> = new Set(["=", "!=", "=~", "!~"]);
const COMPARE_OPS: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="]);
const LINE_OPS: ReadonlySet<string> = new Set(["|=", "!=", "|~", "!~"]);

/**
 * One condition on a label of a stream. The value of `=~` and `!~` is RE2 syntax and is not checked here.
 *
 * @throws {QueryError} `code: "label"` for what is no name of a label, `"string"` for what is no text
 */
export function streamMatcher(label: string, op: MatchOp, value: string): StreamMatcher {
  checkLabel(label);
  checkOp(op, MATCH_OPS, label);
  checkText(value, `the value of ${label}`);
  return Object.freeze({ label, op, value });
}

/**
 * Lines of the streams that all matchers select, and what is done to each.
 *
 * @throws {QueryError} `code: "label"` when no matcher asks for anything: Loki refuses to read all streams
 */
export function selection(matchers: readonly StreamMatcher[], ...stages: readonly Stage[]): LogSelection {
  if (!matchers.some(({ op, value }) => (op === "=" || op === "=~") && value !== "")) {
    throw new QueryError("label", "a selection needs one label that is equal to, or matches, what is not empty");
  }
  return Object.freeze({
    kind: "selection",
    matchers: Object.freeze([...matchers]),
    stages: Object.freeze([...stages]),
  });
}

/**
 * Lines that hold a text or not (`|=`, `!=`), or match an RE2 pattern somewhere or not (`|~`, `!~`).
 *
 * @throws {QueryError} `code: "string"` for what is no text
 */
export function lineFilter(op: LineFilter["op"], text: string): LineFilter {
  if (!LINE_OPS.has(op)) throw new QueryError("pattern", `a line is filtered by |= != |~ or !~, not by ${shown(op)}`);
  checkText(text, "a line filter");
  return Object.freeze({ kind: "line", op, text });
}

/** Makes labels of a line's fields: `| json`, whose names within names are joined by `_`. */
export const json: Parser = Object.freeze({ kind: "parser", format: "json" });
/** Makes labels of a line's fields: `| logfmt`. */
export const logfmt: Parser = Object.freeze({ kind: "parser", format: "logfmt" });

/** Keeps the lines for which the condition holds. */
export const labelFilter = (condition: Condition): LabelFilter => Object.freeze({ kind: "filter", condition });

/**
 * A condition on a label's text. A pattern matches the whole of it.
 *
 * @throws {QueryError} `code: "label"`, `"string"`
 */
export function text(label: string, op: MatchOp, value: string): Comparison {
  return Object.freeze({ kind: "text", ...streamMatcher(label, op, value) });
}

/**
 * A condition on the number in a label. A line whose label is no number is kept, with an error: see {@link noError}.
 *
 * @param value zero or more: LogQL has no negative literal here
 * @throws {QueryError} `code: "label"`
 */
export function number(label: string, op: CompareOp, value: number): Comparison {
  checkLabel(label);
  checkOp(op, COMPARE_OPS, label);
  if (!(typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY)) {
    throw new QueryError(
      "label",
      `${label}: ${shown(value)} is no number that LogQL compares with; it must be 0 or more`,
    );
  }
  return Object.freeze({ kind: "number", label, op, value: value === 0 ? 0 : value });
}

/**
 * A condition on the duration in a label, such as `15ms`; a number without a unit is none, see {@link number}.
 *
 * @throws {QueryError} `code: "label"`
 */
export function duration(label: string, op: CompareOp, ns: bigint): Comparison {
  checkLabel(label);
  checkOp(op, COMPARE_OPS, label);
  if (typeof ns !== "bigint" || ns < 0n || ns >= 2n ** 63n) {
    throw new QueryError("label", `${label}: ${shown(ns)} is no duration in nanoseconds as a bigint, 0 or more`);
  }
  return Object.freeze({ kind: "duration", label, op, ns });
}

/** Both conditions. */
export const and = (left: Condition, right: Condition): Junction => Object.freeze({ kind: "and", left, right });
/** At least one of the conditions. */
export const or = (left: Condition, right: Condition): Junction => Object.freeze({ kind: "or", left, right });

/**
 * Keeps lines that every stage before could read.
 *
 * Loki refuses a metric query as a whole when one line could not be read and this filter is missing.
 */
export const noError: LabelFilter = labelFilter(text("__error__", "=", ""));

/**
 * The label whose number is measured; lines where it has none are left out.
 *
 * @throws {QueryError} `code: "label"`
 */
export function unwrap(label: string, conversion?: Conversion): Unwrap {
  checkLabel(label);
  if (conversion !== undefined && conversion !== "duration" && conversion !== "bytes") {
    throw new QueryError("label", `unwrap ${label}: there are "duration" and "bytes", not ${shown(conversion)}`);
  }
  return Object.freeze({ label, conversion, filters: Object.freeze([noError]) });
}

/**
 * What the lines within a range come to.
 *
 * @throws {QueryError} `code: "window"` when the range is no whole, positive number of milliseconds
 */
export function overLines(func: LineFunction, selection: LogSelection, rangeMs: number): RangeAggregation {
  checkRange(rangeMs, func);
  return Object.freeze({ kind: "range", func, selection, rangeMs });
}

/** What an aggregation of unwrapped numbers may be told beside its range. */
export interface UnwrappedOptions {
  /** The share that `quantile_over_time` needs, from 0 to 1. */
  readonly quantile?: number | undefined;
  /** At least one label. Not for `sum_over_time`, which Loki refuses to group: sum its series instead. */
  readonly grouping?: Grouping | undefined;
}

/**
 * What a number in each line within a range comes to.
 *
 * @throws {QueryError} `code: "window"`, `"quantile"`, `"grouping"`
 */
export function overNumbers(
  func: UnwrappedFunction,
  selection: LogSelection,
  unwrap: Unwrap,
  rangeMs: number,
  { quantile, grouping }: UnwrappedOptions = {},
): RangeAggregation {
  checkRange(rangeMs, func);
  if ((func === "quantile_over_time") !== (quantile !== undefined)) {
    throw new QueryError("quantile", `${func}: a quantile is for quantile_over_time, which needs one`);
  }
  if (quantile !== undefined && !(quantile >= 0 && quantile <= 1)) {
    throw new QueryError("quantile", `${func}: ${shown(quantile)} is not between 0 and 1`);
  }
  if (func === "sum_over_time" && grouping !== undefined) {
    throw new QueryError("grouping", "sum_over_time: Loki does not group it; sum its series by the labels instead");
  }
  if (grouping?.labels.length === 0) {
    throw new QueryError("grouping", `${func}: Loki 2 takes by () and without () for no grouping; name a label`);
  }
  return Object.freeze({ kind: "range", func, selection, unwrap, rangeMs, quantile, grouping });
}

/** Keeps only these labels. */
export const by = (...labels: readonly string[]): Grouping => grouping("by", labels);
/** Keeps all other labels. */
export const without = (...labels: readonly string[]): Grouping => grouping("without", labels);

/**
 * One series for each group of many.
 *
 * @param count for `topk` and `bottomk`, how many to keep
 * @throws {QueryError} `code: "grouping"` when the count does not go with the aggregation
 */
export function aggregate(
  op: AggregationOp,
  expr: MetricExpr,
  grouping?: Grouping,
  count?: number | undefined,
): VectorAggregation {
  const counts = op === "topk" || op === "bottomk";
  if (counts ? !(Number.isSafeInteger(count) && Number(count) > 0) : count !== undefined) {
    throw new QueryError("grouping", `${op}: ${counts ? "a whole, positive count is wanted" : "there is no count"}`);
  }
  return Object.freeze({ kind: "vector", op, expr, grouping, count });
}

/**
 * The series whose value compares so with a number.
 *
 * @throws {QueryError} `code: "unit"` when that is no finite number
 */
export function threshold(op: CompareOp, expr: MetricExpr, value: number): Threshold {
  checkOp(op, COMPARE_OPS, "a value");
  if (Number.isFinite(value)) return Object.freeze({ kind: "threshold", op, expr, value });
  throw new QueryError("unit", `${shown(value)} is no number to compare a series with`);
}

function grouping(kind: Grouping["kind"], labels: readonly string[]): Grouping {
  for (const label of labels) checkLabel(label);
  return Object.freeze({ kind, labels: Object.freeze([...labels]) });
}

function checkLabel(label: unknown): void {
  if (typeof label !== "string" || !isLabel(label)) {
    throw new QueryError(
      "label",
      `${shown(label)} is no label that LogQL can name; it must be letters, digits and _, and no keyword`,
    );
  }
}

function checkOp(op: string, known: ReadonlySet<string>, label: string): void {
  if (!known.has(op)) {
    throw new QueryError("label", `${label}: it is compared by ${[...known].join(" ")}, not by ${shown(op)}`);
  }
}

function checkRange(rangeMs: number, func: string): void {
  if (!(Number.isInteger(rangeMs) && rangeMs > 0 && rangeMs <= LONGEST_MS)) {
    throw new QueryError("window", `${func}: a range of ${shown(rangeMs)} ms is not a whole, positive number of them`);
  }
}
