import type { LabelSet } from "../../results/labels.ts";
import type { InstantData, MatrixData, NativeHistogram, SeriesData, VectorData } from "../backend.ts";
import type { AnswerContext } from "./decode-error.ts";
import { later, readFields } from "./fields.ts";
import { CLOSE_ARRAY, JsonScanner, OPEN_ARRAY, QUOTE } from "./json-scanner.ts";
import { keepShapes } from "./kept-shapes.ts";
import { LabelReader } from "./labels.ts";
import { SampleReader } from "./sample-reader.ts";
import { readHistogramSample, readHistogramSamples, readPair, readValue } from "./samples.ts";

/** What a body of Prometheus' query API says: the data asked for, or why there is none. */
export type DecodedAnswer = DecodedSuccess | DecodedFailure;

export interface DecodedSuccess {
  readonly status: "success";
  readonly data: InstantData | MatrixData;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** VictoriaMetrics' `isPartial`: part of its storage did not answer. */
  readonly partial: boolean;
}

export interface DecodedFailure {
  readonly status: "error";
  /** Such as `"bad_data"`; the digits where VictoriaMetrics sends a number; empty where nothing was said. */
  readonly errorType: string;
  readonly error: string;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/**
 * Decodes the body of an answer to `/api/v1/query` or `/api/v1/query_range`, from its bytes straight to columns.
 *
 * A body that says `"status":"error"` is a result, not an exception. Keys may come in any order, the last of equal
 * keys wins, and keys that are not understood are skipped. Every value is the very double that `Number` makes of its
 * text, every time is rounded to whole milliseconds, and series on the same instants share one column of times.
 *
 * @param context names the backend and the query in errors
 * @throws {DecodeError} `truncated` when the bytes end inside the document, `syntax` when they are not JSON in UTF-8,
 * `shape` when they are JSON of another shape; nothing else, whatever the bytes
 * @see https://prometheus.io/docs/prometheus/latest/querying/api/
 */
export function decodeAnswer(body: Uint8Array, context: AnswerContext): DecodedAnswer {
  keepShapes();
  const scan = new JsonScanner(body, context);
  const answer = later(scan, () => readAnswer(scan));
  scan.end();
  return answer();
}

function readAnswer(scan: JsonScanner): DecodedAnswer {
  const { status, data, errorType, error, warnings, infos, isPartial } = readFields(
    scan,
    {
      status: () => scan.string("a status"),
      // a failure's data may have any shape
      data: () => later(scan, () => readData(scan)),
      ...remarkReaders(scan),
    },
    "an answer",
  );
  const remarks = { warnings: warnings ?? [], infos: infos ?? [] };
  switch (status) {
    case "error":
      return { status, errorType: errorType ?? "", error: error ?? "", ...remarks };
    case "success":
      if (!data) return scan.fail("shape", 'a success needs "data"', 0);
      return { status, data: data(), ...remarks, partial: isPartial ?? false };
    default:
      return scan.fail("shape", '"status" must be "success" or "error"', 0);
  }
}

/** What an answer says of itself beside its data. */
export interface Remarks {
  errorType?: string;
  error?: string;
  warnings?: readonly string[];
  infos?: readonly string[];
  isPartial?: boolean;
}

/** Reads each of an answer's {@link Remarks}. */
export const remarkReaders = (scan: JsonScanner) => ({
  errorType: () => readErrorType(scan),
  error: () => scan.string("an error text"),
  warnings: () => readStrings(scan, "an array of warnings"),
  infos: () => readStrings(scan, "an array of infos"),
  isPartial: () => readBoolean(scan),
});

type Data = InstantData | MatrixData;

function readData(scan: JsonScanner): Data {
  const start = scan.at;
  let typeSoFar: string | undefined;
  let early: { readonly resultType: string; readonly data: () => Data } | undefined;
  const { resultType, result: resultAt } = readFields(
    scan,
    {
      resultType: () => {
        typeSoFar = scan.string("a result type");
        return typeSoFar;
      },
      result: () => {
        const at = scan.at;
        const type = typeSoFar;
        if (type === undefined) scan.skip();
        early = type === undefined ? undefined : { resultType: type, data: later(scan, () => readResult(scan, type)) };
        return at;
      },
    },
    "data with a result type and a result",
  );
  if (typeof resultType !== "string") return scan.fail("shape", '"data" needs "resultType"', start);
  if (resultAt === undefined) return scan.fail("shape", '"data" needs "result"', start);
  if (resultAt === null) return emptyResult(scan, resultType, start);
  if (early?.resultType === resultType) return early.data();
  // the type came after the result, or twice
  const end = scan.at;
  scan.at = resultAt;
  const data = readResult(scan, resultType);
  scan.at = end;
  return data;
}

function readResult(scan: JsonScanner, resultType: string): Data {
  switch (resultType) {
    case "vector":
      return readVector(scan);
    case "matrix":
      return readMatrix(scan);
    case "scalar":
      return { kind: "scalar", ...readPair(scan, readValue) };
    case "string":
      return { kind: "string", ...readPair(scan, readText) };
    default:
      return scan.fail("shape", '"resultType" must be vector, matrix, scalar or string');
  }
}

/** Some dialects write an empty list as null. */
function emptyResult(scan: JsonScanner, resultType: string, at: number): Data {
  switch (resultType) {
    case "vector":
      return { kind: "vector", labels: [], timesMs: new Float64Array(0), values: new Float64Array(0) };
    case "matrix":
      return { kind: "matrix", series: [] };
    default:
      return scan.fail("shape", '"result" may be null only for a vector or a matrix', at);
  }
}

function readVector(scan: JsonScanner): VectorData {
  const labelReader = new LabelReader(scan);
  const readers = {
    metric: () => labelReader.read(),
    value: () => readPair(scan, readValue),
    histogram: () => readHistogramSample(scan),
  };
  const labels: LabelSet[] = [];
  const timesMs: number[] = [];
  const values: number[] = [];
  const histograms = new Map<number, NativeHistogram>();
  readEach(scan, "an array of samples", () => {
    const start = scan.at;
    const { metric, value, histogram } = readFields(scan, readers, "a sample with its labels");
    if (metric === undefined) scan.fail("shape", 'a sample needs "metric"', start);
    if (histogram) {
      if (value) scan.fail("shape", 'a sample has both "value" and "histogram"', start);
      histograms.set(labels.length, histogram.histogram);
    }
    const sample = value ?? histogram;
    if (!sample) return scan.fail("shape", 'a sample needs "value" or "histogram"', start);
    labels.push(metric ?? {});
    timesMs.push(sample.timeMs);
    values.push(value?.value ?? Number.NaN);
  });
  const columns = { timesMs: Float64Array.from(timesMs), values: Float64Array.from(values) };
  return { kind: "vector", labels, ...columns, ...(histograms.size > 0 && { histograms }) };
}

function readMatrix(scan: JsonScanner): MatrixData {
  const labelReader = new LabelReader(scan);
  const sampleReader = new SampleReader(scan);
  const readers = {
    metric: () => labelReader.read(),
    values: () => sampleReader.read(),
    histograms: () => readHistogramSamples(scan),
  };
  const series: SeriesData[] = [];
  readEach(scan, "an array of series", () => {
    const start = scan.at;
    const { metric, values, histograms } = readFields(scan, readers, "a series");
    if (metric === undefined) scan.fail("shape", 'a series needs "metric"', start);
    if (!values && !histograms) scan.fail("shape", 'a series needs "values" or "histograms"', start);
    const columns = values ?? { timesMs: new Float64Array(0), values: new Float64Array(0) };
    series.push({ labels: metric ?? {}, ...columns, ...(histograms && { histograms }) });
  });
  return { kind: "matrix", series };
}

function readEach(scan: JsonScanner, what: string, readElement: () => void): void {
  scan.demand(OPEN_ARRAY, what);
  if (scan.take(CLOSE_ARRAY)) return;
  do readElement();
  while (scan.more(CLOSE_ARRAY));
}

function readText(scan: JsonScanner): string {
  return scan.string("a string");
}

function readStrings(scan: JsonScanner, what: string): string[] {
  const strings: string[] = [];
  readEach(scan, what, () => {
    strings.push(scan.string("a string"));
  });
  return strings;
}

function readErrorType(scan: JsonScanner): string {
  return scan.peek() === QUOTE ? scan.string("an error type") : String(scan.number("an error type"));
}

function readBoolean(scan: JsonScanner): boolean {
  if (scan.literal("true")) return true;
  if (!scan.literal("false")) scan.fail("shape", "true or false belongs here");
  return false;
}
