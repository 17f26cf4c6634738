import { DecodeError } from "../errors.ts";
import type { LabelSet } from "../results/labels.ts";
import type { Matrix } from "../results/matrix.ts";
import { formatDuration, formatInstant } from "../time.ts";

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
 * @throws {DecodeError} for values at other instants, which would be lost
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
      const nextMs = column.timesMs[column.next] ?? Number.POSITIVE_INFINITY;
      if (nextMs < atMs) throw unasked(nextMs, matrix);
      if (nextMs > atMs) continue;
      present.push({ series: column.series, value: column.values[column.next] ?? Number.NaN });
      column.next++;
    }
    visit(atMs, present);
  }
  for (const { timesMs, next } of columns) {
    const leftMs = timesMs[next];
    if (leftMs !== undefined) throw unasked(leftMs, matrix);
  }
}

/** Some servers can be set to move a range to instants that they have kept. */
const unasked = (atMs: number, { startMs, stepMs }: Pick<Matrix, "startMs" | "stepMs">): DecodeError =>
  new DecodeError(
    "shape",
    `a value at ${formatInstant(atMs)} came where ${formatInstant(startMs)} and every ${formatDuration(stepMs)} from there on were asked for; let the server answer for the instants that it is asked for`,
  );
