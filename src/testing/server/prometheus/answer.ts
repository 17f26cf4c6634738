import { unreachable } from "../../../errors.ts";
import { plainText } from "../../../promql/engine/float-text.ts";
import { compareText } from "../../../promql/engine/labels.ts";
import {
  type EvaluatedInstant,
  histogramBuckets,
  type LabelRecord,
  type NativeHistogram,
} from "../../../promql/index.ts";
import type { ServerReply } from "../exchange.ts";
import { goJson, goNumber } from "../go-text.ts";
import type { ErrorType } from "./parameters.ts";

/** What is said beside an answer. */
export interface Remarks {
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** An answer that says yes; `data` is JSON already, in Prometheus's own order and spelling of numbers. */
export function success(data: string, { warnings = [], infos = [] }: Remarks = {}): ServerReply {
  const beside = (name: string, kind: string, all: readonly string[]): string =>
    all.length === 0 ? "" : `,"${name}":${goJson(firstTen(all, kind))}`;
  return {
    status: 200,
    contentType: "application/json",
    body: `{"status":"success","data":${data}${beside("warnings", "warning", warnings)}${beside("infos", "info", infos)}}`,
  };
}

function firstTen(all: readonly string[], kind: string): readonly string[] {
  const first = all.slice(0, 10);
  return first.length === all.length
    ? first
    : [...first, `${all.length - first.length} more ${kind} annotations omitted`];
}

const STATUS: Readonly<Record<ErrorType, number>> = { bad_data: 400, execution: 422, internal: 500 };

/** An answer that says no. */
export const failure = (type: ErrorType, message: string): ServerReply => ({
  status: STATUS[type],
  contentType: "application/json",
  body: goJson({ status: "error", errorType: type, error: message }),
});

/** The value of an expression; `limit` series at most where it is not 0. */
export function valueReply(value: EvaluatedInstant, limit: number): ServerReply {
  const results = resultsOf(value);
  const cut = Array.isArray(results) && limit > 0 && results.length > limit;
  const kept = Array.isArray(results) ? `[${(cut ? results.slice(0, limit) : results).join(",")}]` : results;
  return success(`{"resultType":"${value.kind}","result":${kept}}`, {
    warnings: cut ? [...value.warnings, CUT] : value.warnings,
    infos: value.infos,
  });
}

export const CUT = "results truncated due to limit";

/** One JSON text for each series, or one for a value without labels. */
function resultsOf(value: EvaluatedInstant): string | readonly string[] {
  switch (value.kind) {
    case "scalar":
      // Written by Go's own encoder, unlike the samples of series.
      return `[${value.timeMs / 1000},"${plainText(value.value)}"]`;
    case "string":
      return `[${value.timeMs / 1000},${goJson(value.value)}]`;
    case "vector":
      return value.labels.map((labels, i) => {
        const [ms, histogram] = [value.timesMs[i] ?? Number.NaN, value.histograms?.[i]];
        const point =
          histogram === undefined
            ? `"value":${pointJson(ms, value.values[i] ?? Number.NaN)}`
            : `"histogram":[${timeJson(ms)},${histogramJson(histogram)}]`;
        return `{"metric":${labelsJson(labels)},${point}}`;
      });
    case "matrix":
      return value.series.map(({ labels, timesMs, values, histograms }) => {
        const points: string[] = [];
        const natives: string[] = [];
        for (const [i, ms] of timesMs.entries()) {
          const histogram = histograms?.[i];
          if (histogram === undefined) points.push(pointJson(ms, values[i] ?? Number.NaN));
          else natives.push(`[${timeJson(ms)},${histogramJson(histogram)}]`);
        }
        const floats = points.length === 0 ? "" : `,"values":[${points.join(",")}]`;
        const rest = natives.length === 0 ? "" : `,"histograms":[${natives.join(",")}]`;
        return `{"metric":${labelsJson(labels)}${floats}${rest}}`;
      });
    default:
      return unreachable(value);
  }
}

const pointJson = (ms: number, value: number): string => `[${timeJson(ms)},"${goNumber(value)}"]`;

/** Which bounds belong to a bucket, as a number. */
const BOUNDS = { right: 0, left: 1, none: 2, both: 3 } as const;

/** @see Prometheus, `util/jsonutil`, `MarshalHistogram` */
function histogramJson(histogram: NativeHistogram): string {
  const quoted = (value: number): string => `"${goNumber(value)}"`;
  const buckets = histogramBuckets(histogram).map(
    ({ bounds, lower, upper, count }) => `[${BOUNDS[bounds]},${quoted(lower)},${quoted(upper)},${quoted(count)}]`,
  );
  const shown = buckets.length === 0 ? "" : `,"buckets":[${buckets.join(",")}]`;
  return `{"count":${quoted(histogram.count)},"sum":${quoted(histogram.sum)}${shown}}`;
}

/** Seconds with either no decimals or three. */
function timeJson(ms: number): string {
  const [whole, fraction] = [Math.trunc(Math.abs(ms) / 1000), Math.abs(ms) % 1000];
  const decimals = fraction === 0 ? "" : `.${String(fraction).padStart(3, "0")}`;
  return `${ms < 0 ? "-" : ""}${whole}${decimals}`;
}

/** Labels in the order of their names' bytes, which an object of JavaScript does not keep. */
export function labelsJson(labels: LabelRecord): string {
  const pairs = Object.keys(labels)
    .sort(compareText)
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(labels[name])}`);
  return `{${pairs.join(",")}}`;
}
