import type { LabelSet } from "../../results/labels.ts";
import type { MatrixData, SeriesData } from "../backend.ts";
import { byLabels, labelKey } from "./label-order.ts";

/**
 * The series of one range out of the answers to its pieces, which come in order of time and share no instant.
 *
 * A series that some pieces lack is as long as the others make it. Series stand in Prometheus's order, by their labels;
 * where a piece does not keep to it, in the order in which they first came.
 */
export function joinMatrices(pieces: readonly MatrixData[]): MatrixData {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return first;
  const found = new Map<string, SeriesData[]>();
  let before: readonly Joined[] = [];
  for (const { series } of pieces) {
    const here: Joined[] = [];
    for (const [place, one] of series.entries()) {
      // Most series of a piece stand where they stood in the piece before.
      const twin = before[place];
      const key = twin !== undefined && sameLabels(twin.labels, one.labels) ? twin.key : labelKey(one.labels);
      const parts = found.get(key);
      if (parts === undefined) found.set(key, [one]);
      else parts.push(one);
      here.push({ key, labels: one.labels });
    }
    before = here;
  }
  const columns = new ColumnJoiner();
  const series = Array.from(found.values(), (parts) => columns.join(parts));
  if (pieces.some((piece) => piece.series.length !== series.length) && pieces.every(isSorted)) {
    series.sort((a, b) => byLabels(a.labels, b.labels));
  }
  return { kind: "matrix", series };
}

interface Joined {
  readonly key: string;
  readonly labels: LabelSet;
}

function sameLabels(a: LabelSet, b: LabelSet): boolean {
  if (a === b) return true;
  let count = 0;
  for (const name in a) {
    if (a[name] !== b[name] || !Object.hasOwn(b, name)) return false;
    count++;
  }
  return count === Object.keys(b).length;
}

const isSorted = ({ series }: MatrixData): boolean =>
  series.every((one, i) => {
    const next = series[i + 1];
    return next === undefined || byLabels(one.labels, next.labels) <= 0;
  });

/** Joins columns piece by piece; series whose pieces share their times share the joined times too. */
class ColumnJoiner {
  #pieces: readonly Float64Array[] = [];
  #times: Float64Array = new Float64Array(0);

  join(parts: readonly SeriesData[]): SeriesData {
    const [first] = parts;
    if (first === undefined || parts.length === 1) return first as SeriesData;
    const histograms = parts.flatMap((part) => part.histograms ?? []);
    return {
      labels: first.labels,
      timesMs: this.#timesOf(parts.map((part) => part.timesMs)),
      values: concat(parts.map((part) => part.values)),
      ...(histograms.length > 0 && { histograms }),
    };
  }

  #timesOf(pieces: readonly Float64Array[]): Float64Array {
    const same = pieces.length === this.#pieces.length && pieces.every((piece, i) => piece === this.#pieces[i]);
    if (!same) {
      this.#pieces = pieces;
      this.#times = concat(pieces);
    }
    return this.#times;
  }
}

function concat(pieces: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
