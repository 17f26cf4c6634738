import type { Expr } from "../ast.ts";
import type { Annotations } from "./annotations.ts";
import { type Column, emptyColumn, type HistogramColumn, type MixedColumns, nonEmpty } from "./column.ts";
import { allBuckets, hasCustomBounds, type NativeHistogram } from "./native-histogram.ts";
import { type Estimate, nativeFraction, nativeQuantile } from "./native-quantile.ts";
import { Compensated } from "./window-sum.ts";

/** How an evaluation treats metric names, and where its remarks go. */
interface Context {
  readonly annotations: Annotations;
  readonly delayedNames: boolean;
}

/** A number of each native histogram at each step. */
function numbers(
  columns: readonly HistogramColumn[],
  { delayedNames }: Pick<Context, "delayedNames">,
  value: (histogram: NativeHistogram, step: number, metric: string) => number,
): Column[] {
  return columns.map(({ labels, values }) => {
    const result = emptyColumn(delayedNames ? labels : labels.dropMetadata(), values.length, true);
    const metric = delayedNames ? labels.get("__name__") : "";
    for (const [step, histogram] of values.entries()) {
      if (histogram === undefined) continue;
      result.present[step] = 1;
      result.values[step] = value(histogram, step, metric);
    }
    return result;
  });
}

const SIMPLE = {
  histogram_avg: ({ sum, count }: NativeHistogram) => sum / count,
  histogram_count: ({ count }: NativeHistogram) => count,
  histogram_stddev: (histogram: NativeHistogram) => Math.sqrt(varianceOf(histogram)),
  histogram_stdvar: varianceOf,
  histogram_sum: ({ sum }: NativeHistogram) => sum,
} as const;

/** What `histogram_count` and its like say. */
export const simpleNumbers = (
  func: keyof typeof SIMPLE,
  columns: readonly HistogramColumn[],
  context: Pick<Context, "delayedNames">,
): Column[] => numbers(columns, context, SIMPLE[func]);

/** Each bucket stands for its middle: the arithmetic one with custom bounds, zero around zero, the geometric one else. */
function varianceOf(histogram: NativeHistogram): number {
  const mean = histogram.sum / histogram.count;
  const total = new Compensated();
  for (const { lower, upper, count } of allBuckets(histogram)) {
    if (count === 0) continue;
    const delta = middle(lower, upper, hasCustomBounds(histogram)) - mean;
    total.add(count * delta * delta);
  }
  return total.total / histogram.count;
}

function middle(lower: number, upper: number, isCustom: boolean): number {
  if (isCustom) return (upper + lower) / 2;
  if (lower <= 0 && upper >= 0) return 0;
  return upper < 0 ? -Math.sqrt(upper * lower) : Math.sqrt(upper * lower);
}

/** The quantile of each native histogram; remarks are about `arg`. */
export const nativeQuantiles = (
  q: Float64Array,
  columns: readonly HistogramColumn[],
  arg: Expr,
  context: Context,
): Column[] =>
  numbers(columns, context, (histogram, step, metric) => {
    const { value, doubt } = nativeQuantile(q[step] as number, histogram);
    if (doubt !== undefined) {
      const result = doubt === "nan" ? "result is NaN" : "result is skewed higher";
      context.annotations.notANumber(`input to histogram_quantile has NaN observations, ${result}`, metric, arg);
    }
    return value;
  });

/** The share between two bounds of each native histogram; remarks are about `arg`. */
export const nativeFractions = (
  lower: Float64Array,
  upper: Float64Array,
  columns: readonly HistogramColumn[],
  arg: Expr,
  context: Context,
): Column[] =>
  numbers(columns, context, (histogram, step, metric) => {
    const found: Estimate = nativeFraction(lower[step] as number, upper[step] as number, histogram);
    if (found.doubt !== undefined) {
      const what = "input to histogram_fraction has NaN observations, which are excluded from all fractions";
      context.annotations.notANumber(what, metric, arg);
    }
    return found.value;
  });

const LE: ReadonlySet<string> = new Set(["le"]);

/** The same vector without what is both a native and a classic histogram at a step, which is remarked. */
export function ofOneKind(vector: MixedColumns, arg: Expr, { annotations, delayedNames }: Context): MixedColumns {
  const classic = new Map<string, Column[]>();
  for (const column of vector.floats) {
    const key = column.labels.keyWithout(LE);
    classic.set(key, [...(classic.get(key) ?? []), column]);
  }
  const histograms = vector.histograms.map((native) => {
    const same = classic.get(native.labels.key);
    if (same === undefined) return native;
    const values = native.values.map((value, step) => {
      if (value === undefined || !same.some(({ present }) => present[step] === 1)) return value;
      for (const { present } of same) present[step] = 0;
      annotations.mixedHistograms(delayedNames ? native.labels.get("__name__") : "", arg);
      return undefined;
    });
    return { ...native, values };
  });
  return { floats: nonEmpty(vector.floats), histograms };
}
