import { EvaluationError, unreachable } from "../../errors.ts";
import type { Aggregation, At, Binary, Expr, MatrixSelector, Subquery, Unary, VectorSelector } from "../ast.ts";
import type { FunctionName } from "../functions.ts";
import { isSetOp } from "../operators.ts";
import { typeOf } from "../types.ts";
import { aggregateGroups } from "./aggregation.ts";
import { Annotations } from "./annotations.ts";
import { chooseSeries } from "./choice.ts";
import { type Column, type Grid, gridOf, instantGrid, joinEqual, repeated } from "./column.ts";
import { countValues } from "./count-values.ts";
import type { Evaluation, Settings } from "./evaluation.ts";
import { extendedSamples } from "./extended-range.ts";
import { extremesOf } from "./extremes.ts";
import { groupsOf } from "./grouping.ts";
import { textOf } from "./label-functions.ts";
import { limitRatio } from "./limit-ratio.ts";
import { times } from "./native-histogram.ts";
import { joinScalar, joinScalars } from "./scalar-operations.ts";
import { Lookups, type RangeSeries, samplesOf } from "./selection.ts";
import { setOperation } from "./set-operations.ts";
import { invariantParts } from "./step-invariance.ts";
import { scalarCall, vectorCall } from "./vector-functions.ts";
import { matchVectors } from "./vector-matching.ts";
import { Window } from "./window.ts";

/** Functions that look at a window's ends, and at where a series falls. */
const GROWTH: ReadonlySet<FunctionName> = new Set<FunctionName>(["delta", "increase", "rate"]);

/** The evaluation of one expression: each node gives columns on a grid of instants. */
export class Evaluator implements Evaluation {
  readonly settings: Settings;
  readonly annotations = new Annotations();
  readonly #invariant: ReadonlySet<Expr>;

  constructor(expr: Expr, settings: Settings) {
    this.settings = settings;
    this.#invariant = invariantParts(expr);
  }

  vector(expr: Expr, grid: Grid): Column[] {
    if (grid.steps === 0) return [];
    if (grid.steps === 1 || !this.#invariant.has(expr)) return this.#vector(expr, grid);
    return repeated(this.#vector(expr, instantGrid(grid.startMs)), grid.steps);
  }

  #vector(expr: Expr, grid: Grid): Column[] {
    switch (expr.kind) {
      case "vector":
        return this.settings.selection.instants(expr, this.lookups(expr, grid), "value");
      case "aggregation":
        return this.#aggregation(expr, grid);
      case "call":
        return vectorCall(this, expr, grid);
      case "binary":
        return this.#binary(expr, grid);
      case "unary":
        return this.#unary(expr, grid);
      case "number":
      case "string":
      case "matrix":
      case "subquery":
        throw new EvaluationError("execution", `a ${typeOf(expr)} is no instant vector`);
      default:
        return unreachable(expr);
    }
  }

  scalar(expr: Expr, grid: Grid): Float64Array {
    if (grid.steps === 0) return new Float64Array();
    if (grid.steps === 1 || !this.#invariant.has(expr)) return this.#scalar(expr, grid);
    return new Float64Array(grid.steps).fill(this.#scalar(expr, instantGrid(grid.startMs))[0] ?? Number.NaN);
  }

  #scalar(expr: Expr, grid: Grid): Float64Array {
    switch (expr.kind) {
      case "number":
        return new Float64Array(grid.steps).fill(expr.value);
      case "call":
        return scalarCall(this, expr, grid);
      case "binary":
        return joinScalars(expr, this.scalar(expr.left, grid), this.scalar(expr.right, grid));
      case "unary": {
        const values = this.scalar(expr.expr, grid);
        return expr.op === "-" ? values.map((value) => -value) : values;
      }
      case "string":
      case "vector":
      case "matrix":
      case "subquery":
      case "aggregation":
        throw new EvaluationError("execution", `a ${typeOf(expr)} is no scalar`);
      default:
        return unreachable(expr);
    }
  }

  #unary({ op, expr }: Unary, grid: Grid): Column[] {
    const columns = this.vector(expr, grid);
    if (op === "+") return columns;
    return joinEqual(
      columns.map(({ labels, values, present, histograms }) => ({
        labels: this.settings.delayedNames ? labels : labels.dropMetadata(),
        dropName: true,
        values: values.map((value) => -value),
        present,
        histograms: histograms?.map((one) => one && times(one, -1)),
      })),
    );
  }

  #binary(expr: Binary, grid: Grid): Column[] {
    const { op, left, right, matching } = expr;
    const { delayedNames } = this.settings;
    const leftIsScalar = typeOf(left) === "scalar";
    if (leftIsScalar || typeOf(right) === "scalar") {
      const scalars = leftIsScalar ? this.scalar(left, grid) : undefined;
      const columns = this.vector(leftIsScalar ? right : left, grid);
      const other = scalars ?? this.scalar(right, grid);
      return joinScalar(expr, columns, other, leftIsScalar, { delayedNames, annotations: this.annotations });
    }
    const lefts = this.vector(left, grid);
    const rights = this.vector(right, grid);
    if (isSetOp(op)) return setOperation(op, lefts, rights, matching, grid.steps);
    return matchVectors(expr, lefts, rights, grid.steps, { delayedNames, annotations: this.annotations });
  }

  #aggregation(expr: Aggregation, grid: Grid): Column[] {
    const { op, param, grouping } = expr;
    if (op === "count_values") return countValues(textOf(param), this.vector(expr.expr, grid), grouping, grid.steps);
    const parameter = param === undefined ? new Float64Array(grid.steps) : this.scalar(param, grid);
    const columns = this.vector(expr.expr, grid);
    const groups = groupsOf(columns, grouping);
    switch (op) {
      case "topk":
      case "bottomk":
      case "limitk":
        return chooseSeries(op, groups, parameter, columns.length, { at: expr, annotations: this.annotations });
      case "limit_ratio":
        return limitRatio(groups, parameter, param ?? expr, this.annotations);
      case "quantile":
        this.#checkQuantile(parameter, param ?? expr);
        return aggregateGroups(op, groups, parameter, grid.steps, { at: expr.expr, annotations: this.annotations });
      default:
        return aggregateGroups(op, groups, parameter, grid.steps, { at: expr.expr, annotations: this.annotations });
    }
  }

  #checkQuantile(parameter: Float64Array, param: Expr): void {
    const { least, most } = extremesOf(parameter);
    if (parameter.some(Number.isNaN)) this.annotations.invalidQuantile(Number.NaN, param);
    if (most > 1) this.annotations.invalidQuantile(most, param);
    if (least < 0) this.annotations.invalidQuantile(least, param);
  }

  /** The instant that `@` fixes. */
  #fixed(at: At | undefined): number | undefined {
    if (at === "start") return this.settings.query.startMs;
    return at === "end" ? this.settings.queryEndMs : at;
  }

  lookups(shift: VectorSelector | Subquery, grid: Grid): Lookups {
    return new Lookups(grid, shift, this.#fixed(shift.at));
  }

  /** The series that `func` over ranges looks at, from the first step's range to the last one's. */
  rangeSeries(expr: MatrixSelector | Subquery, grid: Grid, func?: FunctionName): RangeSeries[] {
    if (expr.kind === "subquery") return this.#subquery(expr, grid);
    const { selector, rangeMs } = expr;
    const lookups = this.lookups(selector, grid);
    const { before, behind } = this.reach(expr);
    const fromMs = lookups.firstMs - rangeMs - before;
    const isGrowth = func !== undefined && GROWTH.has(func) && selector.extended === undefined;
    const { firstMs, stepMs, steps } = lookups;
    const hints = isGrowth ? { growth: { firstMs, stepMs, steps, rangeMs } } : undefined;
    return this.settings.selection.ranges(selector, fromMs, lookups.lastMs + behind, hints);
  }

  /** How far a range reaches beyond its edges. */
  reach(expr: MatrixSelector | Subquery): { readonly before: number; readonly behind: number } {
    const extended = expr.kind === "matrix" ? expr.selector.extended : undefined;
    return {
      before: extended === undefined ? 0 : this.settings.lookbackMs,
      behind: extended === "smoothed" ? this.settings.lookbackMs : 0,
    };
  }

  #subquery(expr: Subquery, grid: Grid): RangeSeries[] {
    const lookups = this.lookups(expr, grid);
    const stepMs = expr.stepMs ?? this.settings.subqueryStepMs;
    // The steps are whole multiples of the step since the epoch, whenever the query was made.
    const startMs = (Math.floor((lookups.firstMs - expr.rangeMs) / stepMs) + 1) * stepMs;
    const inner = gridOf(startMs, lookups.lastMs, stepMs);
    const timesMs = Float64Array.from({ length: inner.steps }, (_, i) => startMs + i * stepMs);
    return this.vector(expr.expr, inner).map((column) => ({
      labels: column.labels,
      dropName: column.dropName,
      samples: samplesOf(column, timesMs),
    }));
  }

  /** The samples of a range at one instant, as they are. */
  matrix(expr: MatrixSelector | Subquery, atMs: number): RangeSeries[] {
    const grid = instantGrid(atMs);
    const series = this.rangeSeries(expr, grid);
    if (expr.kind === "subquery") return series;
    const { extended } = expr.selector;
    if (extended === undefined) return series;
    const endMs = this.lookups(expr.selector, grid).firstMs;
    const { before, behind } = this.reach(expr);
    return series.map(({ labels, dropName, samples }) => {
      const window = new Window(samples);
      window.startMs = endMs - expr.rangeMs;
      window.endMs = endMs;
      window.slide(window.startMs - before, endMs + behind);
      return { labels, dropName, samples: extendedSamples(window, extended) };
    });
  }
}
