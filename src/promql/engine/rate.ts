import type { RangeFunction, Window } from "./window.ts";

/** Seconds of a length in milliseconds, rounded as Go rounds them. */
export const secondsOf = (ms: number): number => Math.trunc(ms / 1000) + ((ms % 1000) * 1e6) / 1e9;

/**
 * How much a series grows over each window, extrapolated to its ends where the samples come near enough to them.
 *
 * @see Prometheus, `promql/functions.go`, `extrapolatedRate`
 */
export const growth =
  (isCounter: boolean, isRate: boolean): RangeFunction =>
  ({ values }) => {
    const resets = isCounter ? resetsOf(values) : undefined;
    let next = 0;
    return (window) => {
      const { first, end } = window;
      if (end - first < 2) return false;
      const from = values[first] as number;
      let result = (values[end - 1] as number) - from;
      if (resets !== undefined) {
        // A reset is a sample below the one before it; the window must have both.
        while (next < resets.length && (resets[next] as number) <= first) next++;
        for (let i = next; i < resets.length && (resets[i] as number) < end; i++) {
          result += values[(resets[i] as number) - 1] as number;
        }
      }
      window.result = result * extrapolation(window, result, from, isCounter, isRate);
      return true;
    };
  };

/** The places of samples that are below the ones before them. */
function resetsOf(values: Float64Array): Int32Array {
  let count = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) < (values[i - 1] as number)) count++;
  const resets = new Int32Array(count);
  for (let i = 1, at = 0; i < values.length; i++) {
    if ((values[i] as number) < (values[i - 1] as number)) resets[at++] = i;
  }
  return resets;
}

/** By how much the growth between the samples is multiplied to be that of the whole range, or of a second of it. */
export function extrapolation(
  window: Window,
  result: number,
  from: number,
  isCounter: boolean,
  isRate: boolean,
): number {
  const { timesMs, first, end, startMs, endMs } = window;
  const firstMs = timesMs[first] as number;
  const lastMs = timesMs[end - 1] as number;
  let toStart = (firstMs - startMs) / 1000;
  let toEnd = (endMs - lastMs) / 1000;
  const sampled = (lastMs - firstMs) / 1000;
  const between = sampled / (end - first - 1);
  const threshold = between * 1.1;
  // Where the next sample is due and missing, the series is taken to begin or end half an interval away.
  if (toStart >= threshold) toStart = between / 2;
  if (isCounter && result > 0) {
    // A counter never was below zero.
    const toZero = from >= 0 ? sampled * (from / result) : toStart;
    if (toZero < toStart) toStart = toZero;
  }
  if (toEnd >= threshold) toEnd = between / 2;
  const factor = (sampled + toStart + toEnd) / sampled;
  return isRate ? factor / secondsOf(endMs - startMs) : factor;
}

/** The difference of the last two samples, or how much a counter grew between them in a second. */
export const lastGrowth =
  (isRate: boolean): RangeFunction =>
  () =>
  (window) => {
    const last = window.end - 1;
    if (last <= window.first) return false;
    const before = window.value(last - 1);
    const now = window.value(last);
    // After a reset the counter has grown from zero.
    const result = isRate && now < before ? now : now - before;
    window.result = isRate ? result / ((window.time(last) - window.time(last - 1)) / 1000) : result;
    return true;
  };
