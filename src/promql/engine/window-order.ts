import { quantileOf } from "./quantile.ts";
import type { RangeFunction, Window } from "./window.ts";

/**
 * The greatest (`sign` 1) or least (`sign` -1) value of each window, in time linear in the samples of the series: those
 * that a later one outdoes are never looked at again.
 */
export const extreme =
  (sign: -1 | 1): RangeFunction =>
  ({ values }) => {
    /** Places of values that fall (or rise, for the least) from the front, the best of the window. */
    const queue = new Int32Array(values.length);
    let head = 0;
    let tail = 0;
    let seen = 0;
    return (window) => {
      for (; seen < window.end; seen++) {
        const value = sign * (values[seen] as number);
        // NaN is the value of a window only where there is nothing else.
        if (Number.isNaN(value)) continue;
        while (tail > head && sign * (values[queue[tail - 1] as number] as number) < value) tail--;
        queue[tail++] = seen;
      }
      while (head < tail && (queue[head] as number) < window.first) head++;
      window.result = head < tail ? (values[queue[head] as number] as number) : Number.NaN;
      return true;
    };
  };

/** The time in seconds of the last of the greatest or least values. */
export const timeOfExtreme =
  (sign: -1 | 1): RangeFunction =>
  () =>
  (window) => {
    let best = window.first;
    for (let i = window.first; i < window.end; i++) {
      const greatest = window.value(best);
      if (sign * window.value(i) >= sign * greatest || Number.isNaN(greatest)) best = i;
    }
    window.result = window.time(best) / 1000;
    return true;
  };

export function quantileOver(window: Window, q: number): number {
  const values = window.values.slice(window.first, window.end);
  return quantileOf(q, values, values.length);
}

/** The median of the distances from the median. */
export function medianDeviation(window: Window): number {
  const values = window.values.slice(window.first, window.end);
  if (values.some(Number.isNaN)) return Number.NaN;
  const median = quantileOf(0.5, values, values.length);
  return quantileOf(
    0.5,
    values.map((value) => Math.abs(value - median)),
    values.length,
  );
}

/** How often the value changes from one sample to the next, between the first and the last. */
export const changesOver: RangeFunction = ({ values }) =>
  countsBetween(values, (a, b) => a !== b && !(Number.isNaN(a) && Number.isNaN(b)));

/** How often the value falls from one sample to the next. */
export const resetsOver: RangeFunction = ({ values }) => countsBetween(values, (a, b) => b < a);

/** Counts the steps between neighbours once for the series, so that a window is a difference of two counts. */
function countsBetween(values: Float64Array, counts: (before: number, after: number) => boolean) {
  const upTo = new Uint32Array(values.length);
  for (let i = 1; i < values.length; i++) {
    upTo[i] = (upTo[i - 1] as number) + (counts(values[i - 1] as number, values[i] as number) ? 1 : 0);
  }
  return (window: Window): boolean => {
    window.result = (upTo[window.end - 1] as number) - (upTo[window.first] as number);
    return true;
  };
}
