import type { LabelSet } from "../results/labels.ts";
import type { Matrix } from "../results/matrix.ts";

/** A series of a matrix that is read instant by instant. */
export interface ReadSeries {
  readonly labels: LabelSet;
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
}

/**
 * Shows a matrix instant by instant: at each the series that have a value there, as `visit` wants to know them.
 *
 * @param of what stands for a series, made once
 */
export function eachInstant<S>(
  matrix: Pick<Matrix, "endMs" | "startMs" | "stepMs"> & { readonly series: readonly ReadSeries[] },
  of: (labels: LabelSet) => S,
  visit: (atMs: number, present: readonly { readonly series: S; readonly value: number }[]) => void,
): void {
  const columns = matrix.series.map((one) => ({ ...one, series: of(one.labels), next: 0 }));
  for (let atMs = matrix.startMs; atMs <= matrix.endMs; atMs += matrix.stepMs) {
    const present: { readonly series: S; readonly value: number }[] = [];
    for (const column of columns) {
      if (column.timesMs[column.next] !== atMs) continue;
      present.push({ series: column.series, value: column.values[column.next] ?? Number.NaN });
      column.next++;
    }
    visit(atMs, present);
  }
}
