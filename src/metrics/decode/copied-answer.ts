import type { InstantData, MatrixData, SeriesData } from "../backend.ts";
import type { DecodedAnswer } from "./answer.ts";

/** The same answer in columns of its own, so that who changes them changes nobody else's. */
export const copiedAnswer = (answer: DecodedAnswer): DecodedAnswer =>
  answer.status === "error" ? answer : { ...answer, data: copied(answer.data) };

function copied(data: InstantData | MatrixData): InstantData | MatrixData {
  if (data.kind === "vector") return { ...data, timesMs: data.timesMs.slice(), values: data.values.slice() };
  if (data.kind !== "matrix") return data;
  let times: Float64Array | undefined;
  let timesMs = new Float64Array();
  const series = data.series.map((one): SeriesData => {
    // Series that share their times go on sharing them.
    if (one.timesMs !== times) timesMs = one.timesMs.slice();
    times = one.timesMs;
    return { ...one, timesMs, values: one.values.slice() };
  });
  return { ...data, series };
}
