import { EvaluationError } from "../../errors.ts";
import type { Binary } from "../ast.ts";
import { isComparison, isTrim } from "../operators.ts";
import type { Annotations } from "./annotations.ts";
import { type Column, joinEqual, nonEmpty, relabelled, sampleAt, setHistogram } from "./column.ts";
import { OperationRemarks } from "./histogram-operations.ts";
import { ELEMENT_OPERATORS } from "./operators.ts";

/** Two scalars joined by an operator, step by step. */
export function joinScalars({ op }: Binary, left: Float64Array, right: Float64Array): Float64Array {
  const element = ELEMENT_OPERATORS[op];
  if (element === undefined)
    throw new EvaluationError("execution", `operator "${op}" not allowed for Scalar operations`);
  return left.map((value, i) => element(value, right[i] as number));
}

/** How an evaluation treats metric names, and where its remarks go. */
export interface OperationContext {
  readonly delayedNames: boolean;
  readonly annotations: Annotations;
}

/** A vector joined with a scalar, which stands on the left where `swapped`. The vector's columns are written to. */
export function joinScalar(
  expr: Binary,
  columns: readonly Column[],
  scalars: Float64Array,
  swapped: boolean,
  { delayedNames, annotations }: OperationContext,
): Column[] {
  const { op, bool } = expr;
  const element = ELEMENT_OPERATORS[op];
  const isFilter = isComparison(op) && !bool;
  const remarks = new OperationRemarks(expr, annotations);
  const results = columns.map((column) => {
    const { values, present } = column;
    if (element === undefined || column.histograms !== undefined) joinSamples(expr, column, scalars, swapped, remarks);
    else {
      for (let i = 0; i < values.length; i++) {
        const x = values[i] as number;
        const scalar = scalars[i] as number;
        const value = swapped ? element(scalar, x) : element(x, scalar);
        if (!isFilter) values[i] = value;
        else if (value === 0) present[i] = 0;
      }
    }
    if (isFilter || isTrim(op)) return column;
    return relabelled(column, delayedNames ? column.labels : column.labels.dropMetadata(), true);
  });
  remarks.flush();
  return isFilter ? nonEmpty(results) : joinEqual(nonEmpty(results));
}

/** The same for a column with native histograms among its samples. */
function joinSamples(
  { op, bool }: Binary,
  column: Column,
  scalars: Float64Array,
  swapped: boolean,
  remarks: OperationRemarks,
): void {
  const element = ELEMENT_OPERATORS[op];
  const isFilter = isComparison(op) && !bool;
  for (let step = 0; step < scalars.length; step++) {
    if (column.present[step] === 0) continue;
    const scalar = scalars[step] as number;
    const sample = sampleAt(column, step);
    if (typeof sample === "number") {
      if (element === undefined) remarks.refuseNumbers(step);
      const value = element === undefined ? 0 : swapped ? element(scalar, sample) : element(sample, scalar);
      if (element === undefined || (isFilter && value === 0)) column.present[step] = 0;
      else if (!isFilter) column.values[step] = value;
      continue;
    }
    const found = swapped ? remarks.operate(scalar, sample, step) : remarks.operate(sample, scalar, step);
    if (found === undefined || typeof found.value === "number") column.present[step] = 0;
    else setHistogram(column, step, found.value);
  }
}
