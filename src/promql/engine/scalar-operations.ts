import { EvaluationError } from "../../errors.ts";
import type { Binary } from "../ast.ts";
import { isComparison } from "../operators.ts";
import { type Column, joinEqual, nonEmpty } from "./column.ts";
import { ELEMENT_OPERATORS } from "./operators.ts";

/** Two scalars joined by an operator, step by step. */
export function joinScalars({ op }: Binary, left: Float64Array, right: Float64Array): Float64Array {
  const element = ELEMENT_OPERATORS[op];
  if (element === undefined)
    throw new EvaluationError("execution", `operator "${op}" not allowed for Scalar operations`);
  return left.map((value, i) => element(value, right[i] as number));
}

/** A vector joined with a scalar, which stands on the left where `swapped`. The vector's columns are written to. */
export function joinScalar(
  { op, bool }: Binary,
  columns: readonly Column[],
  scalars: Float64Array,
  swapped: boolean,
  delayedNames: boolean,
): Column[] {
  const element = ELEMENT_OPERATORS[op];
  if (element === undefined) return [];
  const isFilter = isComparison(op) && !bool;
  const dropsName = !isFilter;
  const results = columns.map((column) => {
    const { values, present } = column;
    for (let i = 0; i < values.length; i++) {
      const x = values[i] as number;
      const scalar = scalars[i] as number;
      const value = swapped ? element(scalar, x) : element(x, scalar);
      if (!isFilter) values[i] = value;
      else if (value === 0) present[i] = 0;
    }
    if (!dropsName) return column;
    const labels = delayedNames ? column.labels : column.labels.dropMetadata();
    return { values, present, labels, dropName: true };
  });
  return isFilter ? nonEmpty(results) : joinEqual(results);
}
