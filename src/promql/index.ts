/**
 * PromQL as data, and evaluated in memory.
 *
 * @module meshquery/promql
 */

export { EvaluationError, type EvaluationErrorCode, type PromqlErrorCode, PromqlSyntaxError } from "../errors.ts";
export type {
  Aggregation,
  ArithmeticOp,
  At,
  Binary,
  BinaryOp,
  Call,
  ComparisonOp,
  Expr,
  Extension,
  Fill,
  Grouping,
  Matcher,
  Matching,
  MatchOp,
  MatrixSelector,
  NumberLiteral,
  Placed,
  SelectorOptions,
  SetOp,
  Span,
  StringLiteral,
  Subquery,
  TimeShift,
  TrimOp,
  Unary,
  VectorSelector,
} from "./ast.ts";
export { check } from "./check.ts";
export {
  aggregate,
  binary,
  by,
  call,
  labelSelector,
  matcher,
  matrix,
  number,
  selector,
  string,
  subquery,
  unary,
  without,
} from "./construct.ts";
export type { QueryLength } from "./durations.ts";
export {
  type EvaluatedInstant,
  type EvaluatedMatrix,
  type EvaluatedScalar,
  type EvaluatedSeries,
  type EvaluatedString,
  type EvaluatedVector,
  type EvaluationInstant,
  type EvaluationOptions,
  type EvaluationRange,
  evaluate,
} from "./engine/evaluate.ts";
export type { LabelRecord } from "./engine/labels.ts";
export { seriesTest } from "./engine/matchers.ts";
export { type LoadOptions, type MemoryStorage, memoryStorage } from "./engine/memory-storage.ts";
export {
  histogramBuckets,
  type NativeHistogram,
  type PopulatedBucket,
  type ResetHint,
  type SparseBuckets,
} from "./engine/native-histogram.ts";
export { type NotedSeries, parseSeries } from "./engine/series-notation.ts";
export type { GrowthWindows, SelectHints, SeriesStorage, StoredSeries } from "./engine/storage.ts";
export type { AggregationOp, FunctionName, ValueType } from "./functions.ts";
export { type ParseOptions, parse } from "./parser.ts";
export { type Layout, pretty } from "./pretty.ts";
export { print } from "./printer.ts";
export { escapePattern, quote } from "./quote.ts";
export { type Hole, promql } from "./template.ts";
export { addMatchers, mapSelectors, pinEnds, shiftBack, transform } from "./transform.ts";
export { typeOf } from "./types.ts";
export { selectors, walk } from "./walk.ts";
