import type { SeriesStorage, StoredSeries } from "../../promql/index.ts";
import type { EmittedTrace, Telemetry } from "../telemetry.ts";

/**
 * The telemetry as it is known at the present: samples that were taken, lines that were written and traces all of whose
 * spans have ended. What a simulation says of times to come is left out.
 */
export function untilNow(telemetry: Telemetry, now: () => number): Telemetry {
  const isKnown = ({ spans }: EmittedTrace): boolean => {
    const nowUs = now() * 1000;
    return spans.every(({ startUs, durationUs }) => startUs + durationUs <= nowUs);
  };
  return {
    series: seriesUntil(telemetry.series, now),
    *traces(fromMs, toMs) {
      const endMs = Math.min(toMs, now());
      if (fromMs > endMs) return;
      for (const trace of telemetry.traces(fromMs, endMs)) if (isKnown(trace)) yield trace;
    },
    trace(id) {
      const trace = telemetry.trace(id);
      return trace !== undefined && isKnown(trace) ? trace : undefined;
    },
    *lines(fromNs, toNs, order, isOf) {
      const nowNs = BigInt(Math.floor(now())) * 1_000_000n;
      const endNs = toNs < nowNs ? toNs : nowNs;
      if (fromNs < endNs) yield* telemetry.lines(fromNs, endNs, order, isOf);
    },
  };
}

const seriesUntil = (series: SeriesStorage, now: () => number): SeriesStorage => ({
  *select(matchers, fromMs, toMs, hints) {
    const endMs = Math.min(toMs, Math.floor(now()));
    if (fromMs > endMs) return;
    for (const one of series.select(matchers, fromMs, endMs, hints)) {
      const part = between(one, fromMs, endMs);
      if (part.timesMs.length > 0) yield part;
    }
  },
});

/** The samples within the span alone: a storage may give more. */
function between(series: StoredSeries, fromMs: number, toMs: number): StoredSeries {
  const { labels, timesMs, values, histograms } = series;
  let [first, end] = [0, timesMs.length];
  while (first < end && (timesMs[first] ?? 0) < fromMs) first++;
  while (end > first && (timesMs[end - 1] ?? 0) > toMs) end--;
  if (first === 0 && end === timesMs.length) return series;
  return {
    labels,
    timesMs: timesMs.subarray(first, end),
    values: values.subarray(first, end),
    ...(histograms !== undefined && { histograms: histograms.slice(first, end) }),
  };
}
