import type { NativeHistogram } from "./native-histogram.ts";

/** The samples of one series without the markers of its end: two columns, in order of time. */
export interface Samples {
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  readonly histograms?: readonly (NativeHistogram | undefined)[] | undefined;
}

/** Those samples of a series that one step of a range function sees. It slides over the series, never back. */
export class Window {
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  /** The samples are those from `first` up to, but without, `end`. */
  first = 0;
  end = 0;
  /** The range that was asked for: behind `startMs`, up to and including `endMs`. */
  startMs = 0;
  endMs = 0;
  /** The time of the step, which is `endMs` unless the selector looks elsewhere. */
  atMs = 0;
  /** What the function found. */
  result = Number.NaN;

  constructor({ timesMs, values }: Samples) {
    this.timesMs = timesMs;
    this.values = values;
  }

  /** How many samples there are. */
  get length(): number {
    return this.end - this.first;
  }

  /** Moves on to the samples behind `fromMs`, up to and including `toMs`. */
  slide(fromMs: number, toMs: number): void {
    const { timesMs } = this;
    const size = timesMs.length;
    let { first, end } = this;
    while (end < size && (timesMs[end] as number) <= toMs) end++;
    while (first < end && (timesMs[first] as number) <= fromMs) first++;
    this.first = first;
    this.end = end;
  }

  time(index: number): number {
    return this.timesMs[index] ?? Number.NaN;
  }

  value(index: number): number {
    return this.values[index] ?? Number.NaN;
  }
}

/**
 * Works out one step over a window that has samples: sets `window.result` and returns true, or returns false where the
 * function has no value. `scalars` are its other arguments at this step.
 */
export type Reduction = (window: Window, scalars: readonly number[]) => boolean;

/** Makes the reduction for one series, which may look at its samples once beforehand. */
export type RangeFunction = (samples: Samples) => Reduction;

/** What looks at nothing but the window. */
export const stateless =
  (value: (window: Window, scalars: readonly number[]) => number): RangeFunction =>
  () =>
  (window, scalars) => {
    window.result = value(window, scalars);
    return true;
  };
