import { EvaluationError } from "../../errors.ts";
import type { Expr } from "../ast.ts";
import type { Annotations } from "./annotations.ts";
import { type Column, isEmpty } from "./column.ts";
import { extremesOf } from "./extremes.ts";
import type { Group } from "./grouping.ts";
import { hashShare } from "./label-hash.ts";

/** About a share of all series, always the same ones; a negative share takes those that its complement leaves. */
export function limitRatio(
  groups: readonly Group[],
  ratios: Float64Array,
  param: Expr,
  annotations: Annotations,
): Column[] {
  if (ratios.every((ratio) => ratio === 0)) return [];
  if (ratios.some(Number.isNaN)) throw new EvaluationError("execution", "Ratio value is NaN");
  const { least, most } = extremesOf(ratios);
  if (most > 1) annotations.invalidRatio(most, 1, param);
  if (least < -1) annotations.invalidRatio(least, -1, param);
  const columns = groups.flatMap((group) => group.columns);
  for (const { labels, present } of columns) {
    const share = hashShare(labels);
    for (const [step, ratio] of ratios.entries()) if (!isChosen(share, ratio)) present[step] = 0;
  }
  return columns.filter((column) => !isEmpty(column));
}

function isChosen(share: number, ratio: number): boolean {
  if (ratio === 0) return false;
  const within = Math.min(1, Math.max(-1, ratio));
  return within > 0 ? share < within : share >= 1 + within;
}
