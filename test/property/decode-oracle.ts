import type { NativeHistogram } from "../../src/metrics/backend.ts";
import type { DecodedAnswer, DecodedSuccess } from "../../src/metrics/decode/answer.ts";
import type { HistogramBucket } from "../../src/results/histogram.ts";

/** The document is JSON, but not an answer. */
export class ShapeError extends Error {}

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What `decodeAnswer` must give, by way of `JSON.parse`: any other error than ShapeError means "not JSON". */
export function slowDecode(body: Uint8Array): DecodedAnswer {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  const { status, data, errorType, error, warnings, infos, isPartial } = object(JSON.parse(text));
  const remarks = { warnings: strings(warnings), infos: strings(infos) };
  const partial = present(isPartial) ? boolean(isPartial) : false;
  const reason = {
    errorType: typeof errorType === "number" ? String(errorType) : present(errorType) ? string(errorType) : "",
    error: present(error) ? string(error) : "",
  };
  if (status === "error") return { status, ...reason, ...remarks };
  check(status === "success");
  return { status: "success", data: dataOf(object(data)), ...remarks, partial };
}

function dataOf({ resultType, result }: Record<string, Json>): DecodedSuccess["data"] {
  check(result !== undefined);
  switch (resultType) {
    case "vector": {
      const samples = list(result ?? []).map(vectorSample);
      const histograms = new Map(
        samples.flatMap(({ histogram }, i): [number, NativeHistogram][] => (histogram ? [[i, histogram]] : [])),
      );
      return {
        kind: "vector",
        labels: samples.map(({ labels }) => labels),
        timesMs: Float64Array.from(samples, ({ timeMs }) => timeMs),
        values: Float64Array.from(samples, ({ value }) => value),
        ...(histograms.size > 0 && { histograms }),
      };
    }
    case "matrix":
      return {
        kind: "matrix",
        series: list(result ?? []).map((json) => {
          const { metric, values, histograms } = object(json);
          check(present(values) || present(histograms));
          const floats = list(values ?? []).map((pair) => pairOf(pair, value));
          const others = list(histograms ?? []).map((pair) => pairOf(pair, histogramOf));
          for (const samples of [floats, others]) {
            samples.reduce((before, [time]) => {
              check(before <= time);
              return time;
            }, -Infinity);
          }
          return {
            labels: labelsOf(metric),
            timesMs: Float64Array.from(floats, ([timeMs]) => timeMs),
            values: Float64Array.from(floats, ([, number]) => number),
            ...(present(histograms) && { histograms: others.map(([timeMs, histogram]) => ({ timeMs, histogram })) }),
          };
        }),
      };
    case "scalar": {
      const [timeMs, number] = pairOf(result, value);
      return { kind: "scalar", timeMs, value: number };
    }
    case "string": {
      const [timeMs, text] = pairOf(result, string);
      return { kind: "string", timeMs, value: text };
    }
    default:
      throw new ShapeError();
  }
}

function vectorSample(json: Json) {
  const fields = object(json);
  check(present(fields.value) !== present(fields.histogram));
  const labels = labelsOf(fields.metric);
  if (present(fields.value)) {
    const [timeMs, number] = pairOf(fields.value, value);
    return { labels, timeMs, value: number };
  }
  const [timeMs, histogram] = pairOf(fields.histogram, histogramOf);
  return { labels, timeMs, value: Number.NaN, histogram };
}

function histogramOf(json: Json): NativeHistogram {
  const { count, sum, buckets } = object(json);
  return {
    count: value(count),
    sum: value(sum),
    buckets: list(buckets ?? []).map((bucket) => {
      const [rule, lower, upper, amount, ...rest] = list(bucket);
      check(rest.length === 0 && typeof rule === "number");
      const bounds = (["right", "left", "none", "both"] as const)[rule as number];
      check(bounds !== undefined);
      return {
        lower: value(lower),
        upper: value(upper),
        count: value(amount),
        bounds: bounds as HistogramBucket["bounds"],
      };
    }),
  };
}

function pairOf<T>(json: Json | undefined, second: (json: Json) => T): readonly [number, T] {
  const pair = list(json);
  check(pair.length === 2 && typeof pair[0] === "number");
  const timeMs = Math.round(Number(pair[0]) * 1000) + 0; // never -0
  check(Number.isFinite(timeMs));
  return [timeMs, second(pair[1] as Json)];
}

function value(json: Json | undefined): number {
  if (typeof json === "number") return json;
  const text = string(json);
  if (text === "NaN") return Number.NaN;
  if (text === "-Inf") return -Infinity;
  if (text === "Inf" || text === "+Inf") return Infinity;
  check(/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text));
  return Number(text);
}

function labelsOf(json: Json | undefined): Record<string, string> {
  if (json === null) return {};
  const labels = object(json);
  for (const label of Object.values(labels)) string(label);
  return labels as Record<string, string>;
}

function strings(json: Json | undefined): string[] {
  return list(json ?? []).map(string);
}

function present(json: Json | undefined): boolean {
  return json !== undefined && json !== null;
}

function boolean(json: Json | undefined): boolean {
  check(typeof json === "boolean");
  return json as boolean;
}

function string(json: Json | undefined): string {
  check(typeof json === "string");
  return json as string;
}

function list(json: Json | undefined): readonly Json[] {
  check(Array.isArray(json));
  return json as readonly Json[];
}

function object(json: Json | undefined): Record<string, Json> {
  check(typeof json === "object" && json !== null && !Array.isArray(json));
  return json as Record<string, Json>;
}

function check(holds: boolean): void {
  if (!holds) throw new ShapeError();
}
