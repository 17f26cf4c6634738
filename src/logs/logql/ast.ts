/** Any LogQL expression that this library writes: frozen data, told apart by `kind`. */
export type LogqlExpr = LogSelection | MetricExpr;

/** An expression whose value is numbers. */
export type MetricExpr = RangeAggregation | VectorAggregation;

/** How a matcher compares: equal or not, matched by a pattern or not. */
export type MatchOp = "!=" | "!~" | "=" | "=~";

/** How a number or a duration in a label compares. */
export type CompareOp = "!=" | "<" | "<=" | "==" | ">" | ">=";

/** One condition on a label of a stream. A pattern is RE2 syntax and matches the whole value. */
export interface StreamMatcher {
  readonly label: string;
  readonly op: MatchOp;
  readonly value: string;
}

/** Lines of streams, and what is done to each of them in order: `{app="web"} |= "GET" | json`. */
export interface LogSelection {
  readonly kind: "selection";
  readonly matchers: readonly StreamMatcher[];
  readonly stages: readonly Stage[];
}

/** What is done to a line. */
export type Stage = LineFilter | Parser | LabelFilter;

/** Keeps lines that hold a text or not (`|=`, `!=`), or match a pattern somewhere or not (`|~`, `!~`). */
export interface LineFilter {
  readonly kind: "line";
  readonly op: "!=" | "!~" | "|=" | "|~";
  readonly text: string;
}

/** Makes labels of the fields of a line. */
export interface Parser {
  readonly kind: "parser";
  readonly format: "json" | "logfmt";
}

/** Keeps lines by their labels, those that a parser made included. */
export interface LabelFilter {
  readonly kind: "filter";
  readonly condition: Condition;
}

/** A condition on labels. A label that is missing reads as the empty text. */
export type Condition = Comparison | Junction;

/** Both, or at least one, of two conditions. */
export interface Junction {
  readonly kind: "and" | "or";
  readonly left: Condition;
  readonly right: Condition;
}

/** One condition on one label: on its text, on the number in it, or on the duration in it, in nanoseconds. */
export type Comparison =
  | { readonly kind: "text"; readonly label: string; readonly op: MatchOp; readonly value: string }
  | { readonly kind: "number"; readonly label: string; readonly op: CompareOp; readonly value: number }
  | { readonly kind: "duration"; readonly label: string; readonly op: CompareOp; readonly ns: bigint };

/** What makes a number of a label's text: nothing, or the reading of a duration in seconds or of a size in bytes. */
export type Conversion = "bytes" | "duration";

/** The label whose number is measured: `| unwrap duration(took)`. */
export interface Unwrap {
  readonly label: string;
  readonly conversion?: Conversion | undefined;
  /** Conditions that follow, such as the one that no error occurred. */
  readonly filters: readonly LabelFilter[];
}

/** Functions of the lines themselves. */
export type LineFunction = "bytes_over_time" | "bytes_rate" | "count_over_time" | "rate";
/** Functions of a number in each line. */
export type UnwrappedFunction =
  | "avg_over_time"
  | "max_over_time"
  | "min_over_time"
  | "quantile_over_time"
  | "stddev_over_time"
  | "stdvar_over_time"
  | "sum_over_time";

/** What is kept of the labels. */
export interface Grouping {
  readonly kind: "by" | "without";
  readonly labels: readonly string[];
}

/** What the lines within a range come to: `count_over_time({app="web"}[5m])`. */
export interface RangeAggregation {
  readonly kind: "range";
  readonly func: LineFunction | UnwrappedFunction;
  readonly selection: LogSelection;
  readonly unwrap?: Unwrap | undefined;
  readonly rangeMs: number;
  /** The share that `quantile_over_time` looks for. */
  readonly quantile?: number | undefined;
  readonly grouping?: Grouping | undefined;
}

/** Aggregations over series. */
export type AggregationOp = "avg" | "bottomk" | "count" | "max" | "min" | "stddev" | "stdvar" | "sum" | "topk";

/** One series of many: `sum by (code) (…)`. */
export interface VectorAggregation {
  readonly kind: "vector";
  readonly op: AggregationOp;
  readonly expr: MetricExpr;
  readonly grouping?: Grouping | undefined;
  /** How many `topk` and `bottomk` keep. */
  readonly count?: number | undefined;
}

/** The series whose value compares so with a number; the others are dropped. */
export interface Threshold {
  readonly kind: "threshold";
  readonly op: CompareOp;
  readonly expr: MetricExpr;
  readonly value: number;
}
