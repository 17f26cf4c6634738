import type { Extension } from "../ast.ts";
import { secondsOf } from "./rate.ts";
import type { RangeFunction, Samples, Window } from "./window.ts";

/*
 * Ranges that reach for samples beyond their edges. The windows here hold the samples of the lookback before the range,
 * and of the one behind it where they are smoothed.
 */

/** The first of the samples from `from` up to, but without, `to` for which `reached` holds; `to` where there is none. */
function search(from: number, to: number, reached: (index: number) => boolean): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The samples that bound the range: the last one at or before its start, and the first one at or behind its end. */
function bounds(window: Window, extension: Extension): { readonly left: number; readonly right: number } {
  const last = window.end - 1;
  const left = Math.max(window.first, search(window.first, last, (i) => window.time(i) > window.startMs) - 1);
  const right = extension === "smoothed" ? search(window.first, last, (i) => window.time(i) >= window.endMs) : last;
  return { left, right };
}

function interpolated(window: Window, before: number, atMs: number, isCounter: boolean): number {
  const to = window.value(before + 1);
  const from = isCounter && to < window.value(before) ? 0 : window.value(before);
  const fromMs = window.time(before);
  return from + ((to - from) * (atMs - fromMs)) / (window.time(before + 1) - fromMs);
}

function leftValue(window: Window, left: number, extension: Extension, isCounter: boolean): number {
  if (window.time(left) >= window.startMs || extension === "anchored") return window.value(left);
  return interpolated(window, left, window.startMs, isCounter);
}

function rightValue(window: Window, right: number, extension: Extension, isCounter: boolean): number {
  if (window.time(right) <= window.endMs || right === window.first) return window.value(right);
  return extension === "smoothed" ? interpolated(window, right - 1, window.endMs, isCounter) : window.value(right - 1);
}

/**
 * The growth between the values at the range's edges, without any extrapolation.
 *
 * @see Prometheus, `promql/functions.go`, `extendedRate`
 */
export const extendedGrowth =
  (extension: Extension, isCounter: boolean, isRate: boolean): RangeFunction =>
  () =>
  (window) => {
    let { left, right } = bounds(window, extension);
    if (window.time(right) <= window.startMs) return false;
    if (extension === "smoothed" && window.time(left) > window.endMs) return false;
    const from = leftValue(window, left, extension, isCounter);
    const to = rightValue(window, right, extension, isCounter);
    let result = to - from;
    if (isCounter) {
      if (window.time(left) <= window.startMs) left++;
      if (window.time(right) >= window.endMs) right--;
      result += lostInResets(window, left, right, from, to);
    }
    window.result = isRate ? result / secondsOf(window.endMs - window.startMs) : result;
    return true;
  };

function lostInResets(window: Window, left: number, right: number, from: number, to: number): number {
  let lost = 0;
  let previous = from;
  for (let i = left; i <= right; i++) {
    const value = window.value(i);
    if (value < previous) lost += previous;
    previous = value;
  }
  return to < previous ? lost + previous : lost;
}

/** Lets a function see the samples within the range and the last one before it. */
export const anchored =
  (func: RangeFunction): RangeFunction =>
  (samples) => {
    const reduce = func(samples);
    return (window, scalars) => {
      const { first, end } = window;
      const within = search(first, end, (i) => window.time(i) > window.startMs);
      if (within >= end) return false;
      window.first = Math.max(first, within - 1);
      const found = reduce(window, scalars);
      window.first = first;
      return found;
    };
  };

/** The samples of an extended range as they are: with one on either edge. */
export function extendedSamples(window: Window, extension: Extension): Samples {
  const none = { timesMs: new Float64Array(), values: new Float64Array() };
  if (window.length === 0) return none;
  let { left, right } = bounds(window, extension);
  if (window.time(right) <= window.startMs) return none;
  const from = leftValue(window, left, extension, false);
  const to = rightValue(window, right, extension, false);
  if (window.time(left) <= window.startMs) left++;
  if (window.time(right) >= window.endMs) right--;
  const inner = Math.max(right - left + 1, 0);
  const timesMs = new Float64Array(inner + 2);
  const values = new Float64Array(inner + 2);
  timesMs[0] = window.startMs;
  values[0] = from;
  timesMs.set(window.timesMs.subarray(left, left + inner), 1);
  values.set(window.values.subarray(left, left + inner), 1);
  timesMs[inner + 1] = window.endMs;
  values[inner + 1] = to;
  return { timesMs, values };
}

/** The value of a smoothed selector at `atMs`: between the samples around it, or the last one before it. */
export function smoothedValue(window: Window, atMs: number): number | undefined {
  const i = search(window.first, window.end, (j) => window.time(j) >= atMs);
  if (i < window.end && window.time(i) === atMs) return window.value(i);
  if (i === window.first) return undefined;
  return i < window.end ? interpolated(window, i - 1, atMs, false) : window.value(i - 1);
}
