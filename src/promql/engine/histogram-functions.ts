import type { Call, Expr } from "../ast.ts";
import type { Annotations } from "./annotations.ts";
import { type Column, emptyColumn, type Grid, joinEqual, nonEmpty } from "./column.ts";
import { openMetricsText } from "./float-text.ts";
import { type Buckets, bucketFraction, bucketQuantile } from "./histogram.ts";
import type { Labels } from "./labels.ts";

/** The series of one classic histogram, by rising upper bounds. */
interface Histogram {
  /** Its labels without `le`. */
  readonly labels: Labels;
  readonly series: readonly { readonly bound: number; readonly column: Column }[];
}

const LE: ReadonlySet<string> = new Set(["le"]);

/** How an evaluation treats metric names, and where its remarks go. */
interface Context {
  readonly grid: Grid;
  readonly annotations: Annotations;
  readonly delayedNames: boolean;
}

function histogramsOf(columns: readonly Column[], arg: Expr, { annotations, delayedNames }: Context): Histogram[] {
  const found = new Map<string, { labels: Labels; series: { bound: number; column: Column }[] }>();
  for (const column of columns) {
    const le = column.labels.get("le");
    const bound = upperBound(le);
    if (bound === undefined) {
      annotations.badBucketLabel(delayedNames ? column.labels.get("__name__") : "", le, arg);
      continue;
    }
    const key = column.labels.keyWithout(LE);
    const histogram = found.get(key);
    if (histogram === undefined) found.set(key, { labels: column.labels.drop(LE), series: [{ bound, column }] });
    else histogram.series.push({ bound, column });
  }
  for (const { series } of found.values()) series.sort((a, b) => (a.bound === b.bound ? 0 : a.bound - b.bound));
  return [...found.values()];
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

function upperBound(le: string): number | undefined {
  const infinite = INFINITE.exec(le);
  if (infinite !== null) return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = DECIMAL.test(le) ? Number(le) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}

/** The buckets that a histogram has at one step, copied to columns that may be written to. */
function bucketsAt({ series }: Histogram, step: number, into: { bounds: Float64Array; counts: Float64Array }): Buckets {
  let size = 0;
  for (const { bound, column } of series) {
    if (column.present[step] !== 1) continue;
    into.bounds[size] = bound;
    into.counts[size] = column.values[step] as number;
    size++;
  }
  return { ...into, size };
}

const roomFor = ({ series }: Histogram) => ({
  bounds: new Float64Array(series.length),
  counts: new Float64Array(series.length),
});

/** One value of each histogram at each step. */
function reduce(
  histograms: readonly Histogram[],
  { grid, delayedNames }: Context,
  value: (buckets: Buckets, step: number, labels: Labels) => number,
): Column[] {
  return histograms.map((histogram) => {
    const { labels } = histogram;
    const result = emptyColumn(delayedNames ? labels : labels.dropMetadata(), grid.steps, true);
    const room = roomFor(histogram);
    for (let step = 0; step < grid.steps; step++) {
      const buckets = bucketsAt(histogram, step, room);
      if (buckets.size === 0) continue;
      result.present[step] = 1;
      result.values[step] = value(buckets, step, labels);
    }
    return result;
  });
}

function quantiles(q: Float64Array, histograms: readonly Histogram[], vector: Expr, context: Context): Column[] {
  const { annotations, delayedNames, grid } = context;
  return reduce(histograms, context, (buckets, step, labels) => {
    const { value, repair } = bucketQuantile(q[step] as number, buckets);
    if (repair !== undefined) {
      const atMs = grid.startMs + step * grid.stepMs;
      annotations.forcedMonotonicity(delayedNames ? labels.get("__name__") : "", vector, atMs, repair);
    }
    return value;
  });
}

function warnOfQuantile(q: Float64Array, arg: Expr, annotations: Annotations): void {
  for (const value of q) if (!(value >= 0 && value <= 1)) annotations.invalidQuantile(value, arg);
}

/** `histogram_quantile` over classic histograms. */
export function histogramQuantile(call: Call, q: Float64Array, columns: readonly Column[], context: Context): Column[] {
  const [arg = call, vector = call] = call.args;
  warnOfQuantile(q, arg, context.annotations);
  return joinEqual(nonEmpty(quantiles(q, histogramsOf(columns, vector, context), vector, context)));
}

/** `histogram_quantiles` over classic histograms: several quantiles, told apart by a label. */
export function histogramQuantiles(
  call: Call,
  columns: readonly Column[],
  label: string,
  qs: readonly Float64Array[],
  context: Context,
): Column[] {
  const [vector = call] = call.args;
  for (const [i, q] of qs.entries()) warnOfQuantile(q, call.args[i + 2] ?? call, context.annotations);
  const histograms = histogramsOf(columns, vector, context);
  const found = qs.flatMap((q) =>
    quantiles(q, histograms, vector, context).flatMap((column) => named(column, label, q)),
  );
  return joinEqual(nonEmpty(found));
}

/** A column under the label of its quantile; one for each where the quantile changes from step to step. */
export function named(column: Column, label: string, q: Float64Array): Column[] {
  const byText = new Map<string, Column>();
  for (let step = 0; step < q.length; step++) {
    if (column.present[step] !== 1) continue;
    const text = openMetricsText(q[step] as number);
    let part = byText.get(text);
    if (part === undefined) {
      part = emptyColumn(column.labels.with(label, text), q.length, column.dropName);
      byText.set(text, part);
    }
    part.present[step] = 1;
    part.values[step] = column.values[step] as number;
  }
  return [...byText.values()];
}

/** `histogram_fraction` over classic histograms. */
export function histogramFraction(
  call: Call,
  lower: Float64Array,
  upper: Float64Array,
  columns: readonly Column[],
  context: Context,
): Column[] {
  const histograms = histogramsOf(columns, call.args[2] ?? call, context);
  const found = reduce(histograms, context, (buckets, step) =>
    bucketFraction(lower[step] as number, upper[step] as number, buckets),
  );
  return joinEqual(nonEmpty(found));
}
