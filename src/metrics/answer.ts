import { DecodeError, PartialError } from "../errors.ts";
import type { Grouping } from "../promql/index.ts";
import { type LabelSet, labelValue } from "../results/labels.ts";
import { Matrix, Series } from "../results/matrix.ts";
import type { Meta } from "../results/meta.ts";
import { Sample } from "../results/sample.ts";
import { Vector } from "../results/vector.ts";
import type { Answer, Grid, InstantData, MatrixData, VectorData } from "./backend.ts";

/** What to do about an answer of which part is missing: an error, or a result whose `meta.complete` is false. */
export type OnPartial = "throw" | "warn";

/**
 * What a result says about its origin.
 *
 * @throws {PartialError} when data is missing and `onPartial` is `"throw"`
 */
export function metaOf(backend: string, promql: string, answer: Answer<unknown>, onPartial: OnPartial): Meta {
  const { complete, warnings, infos, tookMs } = answer;
  if (!complete && onPartial === "throw") {
    throw new PartialError(
      `${backend}: part of the data is missing: ${warnings.join("; ") || "it did not say which"}`,
      {
        backend,
        query: promql,
        warnings,
      },
    );
  }
  return Object.freeze({ backend, promql, complete, warnings, infos, tookMs });
}

/** Whether a query of this shape has one series without labels. */
export const isSingle = (shape: Grouping): boolean => shape.kind === "by" && shape.labels.length === 0;

/** The instant that an answer holds for, where it has any value. */
export const timeOf = (data: InstantData): number | undefined =>
  data.kind === "vector" ? data.timesMs[0] : data.timeMs;

interface Frame<U extends string> {
  readonly unit: U;
  readonly at: number;
  readonly meta: Meta;
}

/** The one value of a query without labels; `undefined` in it where nothing was measured. */
export function sampleOf<U extends string>(data: InstantData, frame: Frame<U>): Sample<U> {
  if (data.kind === "scalar") return new Sample({ ...frame, value: data.value, labels: {} });
  const { labels, values } = floats(data, frame.meta);
  if (labels.length > 1) throw unfit(`${labels.length} series`, frame.meta);
  return new Sample({ ...frame, value: values[0], labels: labels[0] ?? {} });
}

/** One value for each combination of labels. */
export function vectorOf<U extends string>(data: InstantData, shape: Grouping, frame: Frame<U>): Vector<string, U> {
  const { labels, values, timesMs } = floats(data, frame.meta);
  return new Vector({ ...frame, labels: labels.map((set) => shaped(set, shape)), values, timesMs });
}

function floats(data: InstantData, meta: Meta): VectorData {
  if (data.kind === "vector" && data.histograms === undefined) return data;
  throw data.kind === "vector" ? unasked(meta) : unfit(`a ${data.kind}`, meta);
}

const unfit = (what: string, { backend, promql }: Meta, advice = ""): DecodeError =>
  new DecodeError("shape", `${backend}: ${what} came where numbers were asked for${advice}`, {
    backend,
    query: promql,
  });

const unasked = (meta: Meta): DecodeError =>
  unfit("a native histogram", meta, '; write mesh.promql(…, { type: "histogram" }), or take a number of it');

/** The course of each combination of labels. */
export function matrixOf<U extends string>(
  data: MatrixData,
  shape: Grouping,
  frame: { readonly unit: U; readonly meta: Meta } & Grid,
): Matrix<string, U> {
  const { unit } = frame;
  const series = data.series.map((one) => {
    if (one.histograms !== undefined) throw unasked(frame.meta);
    return new Series({ unit, labels: shaped(one.labels, shape), timesMs: one.timesMs, values: one.values });
  });
  return new Matrix({ ...frame, series });
}

/** Exactly the labels grouped by, `""` where the series has none; all of its labels under `without`. */
function shaped(labels: LabelSet, shape: Grouping): LabelSet {
  if (shape.kind === "without") return labels;
  return Object.freeze(Object.fromEntries(shape.labels.map((name) => [name, labelValue(labels, name)])));
}
