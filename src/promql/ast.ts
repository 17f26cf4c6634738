import type { AggregationOp, FunctionName } from "./functions.ts";

/** Any PromQL expression: frozen data, told apart by `kind`. Parentheses are not kept, the tree is the grouping. */
export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | Call
  | Aggregation
  | Binary
  | Unary;

/** Where something stands in a text, in UTF-16 offsets; `end` is just behind its last character. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** What stands, or once stood, in a text. */
export interface Placed {
  /**
   * Its place in the text that was parsed; `undefined` for a node that was built. It is no own property of the node, so
   * that equal trees are equal wherever they come from, and copies have none.
   */
  readonly span?: Span | undefined;
}

/** A number, `Inf` and `NaN` included. */
export interface NumberLiteral extends Placed {
  readonly kind: "number";
  readonly value: number;
}

/** A string, as a parameter of functions or an expression of its own. */
export interface StringLiteral extends Placed {
  readonly kind: "string";
  readonly value: string;
}

/** How a matcher compares: equal or not, matched by a pattern or not. */
export type MatchOp = "!=" | "!~" | "=" | "=~";

/** One condition on a label. A pattern (`=~`, `!~`) is RE2 syntax and matches the whole value. */
export interface Matcher extends Placed {
  readonly label: string;
  readonly op: MatchOp;
  readonly value: string;
}

/** `start()` or `end()` of the query's range, or an instant in epoch milliseconds. */
export type At = "end" | "start" | number;

/** When a selector or subquery looks, other than at the time of evaluation. */
export interface TimeShift {
  /** How far back, in milliseconds; negative looks ahead. */
  readonly offsetMs?: number | undefined;
  readonly at?: At | undefined;
}

/**
 * How a range reaches for samples beyond its edges: `anchored` to the last one before it, `smoothed` by interpolation.
 *
 * @see Prometheus 3.16, "Extended range selectors"
 */
export type Extension = "anchored" | "smoothed";

/** What may follow a selector beside its range. */
export interface SelectorOptions extends TimeShift {
  readonly extended?: Extension | undefined;
}

/** Series by name and matchers, as an instant vector: `http_requests_total{job="a"} offset 5m`. */
export interface VectorSelector extends Placed, SelectorOptions {
  readonly kind: "vector";
  readonly name: string | undefined;
  readonly matchers: readonly Matcher[];
}

/** The samples of a selector over a range: `http_requests_total[5m]`. */
export interface MatrixSelector extends Placed {
  readonly kind: "matrix";
  readonly selector: VectorSelector;
  readonly rangeMs: number;
}

/** An expression evaluated over a range at steps: `rate(x[1m])[30m:1m]`. No step means the server's own interval. */
export interface Subquery extends Placed, TimeShift {
  readonly kind: "subquery";
  readonly expr: Expr;
  readonly rangeMs: number;
  readonly stepMs: number | undefined;
}

/** A function with its arguments. */
export interface Call extends Placed {
  readonly kind: "call";
  readonly func: FunctionName;
  readonly args: readonly Expr[];
}

/** Which labels an aggregation keeps (`by`) or drops (`without`). */
export interface Grouping {
  readonly kind: "by" | "without";
  readonly labels: readonly string[];
}

/** An aggregation over the series of a vector. No grouping means one group of all. */
export interface Aggregation extends Placed {
  readonly kind: "aggregation";
  readonly op: AggregationOp;
  readonly expr: Expr;
  readonly param: Expr | undefined;
  readonly grouping: Grouping | undefined;
}

/** Operators that compute a number. */
export type ArithmeticOp = "%" | "*" | "+" | "-" | "/" | "^" | "atan2";
/** Operators that keep or drop series by their value, or with `bool` yield 0 or 1. */
export type ComparisonOp = "!=" | "<" | "<=" | "==" | ">" | ">=";
/** Operators that join two vectors by their labels alone. */
export type SetOp = "and" | "or" | "unless";
/** Operators that cut native histograms off above (`</`) or below (`>/`) a value. */
export type TrimOp = "</" | ">/";
/** Every operator between two expressions. */
export type BinaryOp = ArithmeticOp | ComparisonOp | SetOp | TrimOp;

/** How the series of two vectors find each other. */
export interface Matching {
  readonly kind: "ignoring" | "on";
  readonly labels: readonly string[];
  /** The side with many series for one of the other, and the labels it takes over from there. */
  readonly group?: { readonly side: "left" | "right"; readonly include: readonly string[] } | undefined;
  /** What stands in for a sample that one side lacks: `fill (0)` is the same on both. An experiment of Prometheus 3. */
  readonly fill?: Fill | undefined;
}

/** The values that stand in for samples that the left or the right side lacks. */
export interface Fill {
  readonly left?: number | undefined;
  readonly right?: number | undefined;
}

/** Two expressions joined by an operator. */
export interface Binary extends Placed {
  readonly kind: "binary";
  readonly op: BinaryOp;
  readonly left: Expr;
  readonly right: Expr;
  /** A comparison that yields 0 or 1 and keeps every series. */
  readonly bool: boolean;
  /** Series match on all labels when it is left out. */
  readonly matching: Matching | undefined;
}

/** A sign before an expression. */
export interface Unary extends Placed {
  readonly kind: "unary";
  readonly op: "+" | "-";
  readonly expr: Expr;
}
