import type { Expr, MatrixSelector, Subquery, VectorSelector } from "../ast.ts";
import type { FunctionName } from "../functions.ts";
import type { Annotations } from "./annotations.ts";
import type { Column, Grid } from "./column.ts";
import type { Lookups, RangeSeries, Selection } from "./selection.ts";

/** What an evaluation is told beside its expression. */
export interface Settings {
  readonly selection: Selection;
  readonly lookbackMs: number;
  /** The step of subqueries that name none. */
  readonly subqueryStepMs: number;
  /** Whether metric names go in the end only, as under `promql-delayed-name-removal`. */
  readonly delayedNames: boolean;
  /** The instants of the query as a whole. */
  readonly query: Grid;
  /** The end that was asked for, which no step need meet. */
  readonly queryEndMs: number;
}

/** What functions need of the evaluation that they are part of: the values of their arguments, and where remarks go. */
export interface Evaluation {
  readonly settings: Settings;
  readonly annotations: Annotations;
  /** The series of a vector; they may be written to. */
  vector(expr: Expr, grid: Grid): Column[];
  /** A number for each step; it may be written to. */
  scalar(expr: Expr, grid: Grid): Float64Array;
  /** When a selector or subquery looks, step by step. */
  lookups(shift: VectorSelector | Subquery, grid: Grid): Lookups;
  /** The series of a range with their samples from the first step's range to the last one's. */
  rangeSeries(expr: MatrixSelector | Subquery, grid: Grid, func?: FunctionName): RangeSeries[];
  /** How far a range reaches beyond its edges. */
  reach(expr: MatrixSelector | Subquery): { readonly before: number; readonly behind: number };
}
