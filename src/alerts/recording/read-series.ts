import type { Grid } from "../../metrics/backend.ts";
import type { Expr, SeriesStorage, StoredSeries } from "../../promql/index.ts";
import type { LabelSet } from "../../results/labels.ts";
import type { ReadSeries } from "../columns.ts";
import { alertKey } from "../state.ts";
import { readsAny } from "./reads.ts";
import { evaluated } from "./record.ts";
import type { Recording } from "./recordings.ts";

/** An expression as it is evaluated and as it was written, and the recordings that are evaluated after it. */
export interface Reads {
  readonly expr: Expr;
  readonly written: Expr;
  readonly behind: readonly Recording[];
}

/** What an expression finds at the instants of a grid, where all that is recorded is there already. */
export function readSeries(reads: Reads, storage: SeriesStorage, grid: Grid): readonly ReadSeries[] {
  const { expr, written, behind } = reads;
  if (behind.length === 0 || !readsAny(written, behind)) return evaluated(expr, grid, storage, written).series;
  return instantByInstant(reads, storage, grid);
}

/** What is written behind the reader at an instant is not there yet when it is evaluated. */
function instantByInstant({ expr, written, behind }: Reads, storage: SeriesStorage, grid: Grid): ReadSeries[] {
  const found = new Map<string, { labels: LabelSet; timesMs: number[]; values: number[] }>();
  for (let atMs = grid.startMs; atMs <= grid.endMs; atMs += grid.stepMs) {
    const now = { startMs: atMs, endMs: atMs, stepMs: grid.stepMs };
    for (const { labels, values } of evaluated(expr, now, before(storage, atMs, behind), written).series) {
      const key = alertKey(labels);
      const one = found.get(key) ?? { labels, timesMs: [], values: [] };
      found.set(key, one);
      one.timesMs.push(atMs);
      one.values.push(values[0] ?? Number.NaN);
    }
  }
  return Array.from(found.values(), ({ labels, timesMs, values }) => ({
    labels,
    timesMs: Float64Array.from(timesMs),
    values: Float64Array.from(values),
  }));
}

/** The storage, where the recordings that are named hold nothing from an instant on. */
const before = (storage: SeriesStorage, atMs: number, recordings: readonly Recording[]): SeriesStorage => ({
  *select(matchers, fromMs, toMs) {
    for (const series of storage.select(matchers, fromMs, toMs)) {
      const isLate = recordings.some(
        ({ name, labels }) =>
          series.labels.__name__ === name &&
          Object.entries(labels).every(([label, value]) => (series.labels[label] ?? "") === value),
      );
      const known = isLate ? cut(series, atMs) : series;
      if (known.timesMs.length > 0) yield known;
    }
  },
});

function cut({ labels, timesMs, values, histograms }: StoredSeries, atMs: number): StoredSeries {
  let length = timesMs.length;
  while (length > 0 && (timesMs[length - 1] ?? 0) >= atMs) length--;
  return {
    labels,
    timesMs: timesMs.subarray(0, length),
    values: values.subarray(0, length),
    ...(histograms !== undefined && { histograms: histograms.slice(0, length) }),
  };
}
