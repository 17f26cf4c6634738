import type { Call } from "../ast.ts";
import type { Annotations } from "./annotations.ts";
import type { SampleValue } from "./histogram-operations.ts";
import { histogramGrowth, lastHistogramGrowth } from "./histogram-rate.ts";
import { joinedHistograms } from "./histogram-sum.ts";
import { isEqual, isReset, type NativeHistogram } from "./native-histogram.ts";
import { type RangeFunction, type Samples, Window } from "./window.ts";

/** What is evaluated over a series that has native histograms, and where remarks go. */
export interface MixedRange {
  readonly call: Call;
  /** What the function is where there are numbers alone. */
  readonly func: RangeFunction;
  readonly samples: Samples;
  readonly metric: string;
  readonly annotations: Annotations;
}

/**
 * What a function over ranges makes of a window in which at least one sample is a native histogram; nothing where it
 * has no value.
 */
export function mixedReduction(
  range: MixedRange,
): (window: Window, scalars: readonly number[]) => SampleValue | undefined {
  const { call, annotations, metric } = range;
  const at = call.args[0] ?? call;
  /** The native histograms of a window that has nothing else; a mix is remarked. */
  const unmixed = (window: Window): readonly NativeHistogram[] | undefined => {
    const found = histogramsIn(range, window);
    if (found.length === window.length) return found;
    annotations.mixedRange(metric, at);
    return undefined;
  };
  switch (call.func) {
    case "delta":
    case "increase":
    case "rate": {
      const asked = { isCounter: call.func !== "delta", isRate: call.func === "rate", metric, at, annotations };
      return (window) => {
        const found = unmixed(window);
        return found && histogramGrowth(window, found, asked);
      };
    }
    case "idelta":
    case "irate": {
      const asked = { isRate: call.func === "irate", metric, at, annotations };
      return (window) => lastGrowth(range, window, asked);
    }
    case "avg_over_time":
    case "sum_over_time": {
      const op = call.func === "sum_over_time" ? "sum" : "avg";
      return (window) => {
        const found = unmixed(window);
        return (
          found &&
          joinedHistograms(
            op,
            found.map((histogram) => ({ histogram, metric })),
            { at, annotations },
          )
        );
      };
    }
    case "changes":
      return (window) => neighboursIn(range, window, hasChanged);
    case "resets":
      return (window) => neighboursIn(range, window, isDrop);
    case "first_over_time":
      return (window) => sampleIn(range, window.first);
    case "last_over_time":
      return (window) => sampleIn(range, window.end - 1);
    case "absent_over_time":
    case "count_over_time":
    case "present_over_time":
    case "ts_of_first_over_time":
    case "ts_of_last_over_time": {
      const reduce = range.func(range.samples);
      return (window, scalars) => (reduce(window, scalars) ? window.result : undefined);
    }
    default:
      return (window, scalars) => ofNumbers(range, window, scalars);
  }
}

const sampleIn = ({ samples }: MixedRange, place: number): SampleValue =>
  samples.histograms?.[place] ?? (samples.values[place] as number);

const histogramsIn = ({ samples }: MixedRange, { first, end }: Window): readonly NativeHistogram[] =>
  (samples.histograms ?? []).slice(first, end).flatMap((one) => one ?? []);

/** A function that looks at numbers alone: it is told of the others where there are any. */
function ofNumbers(range: MixedRange, window: Window, scalars: readonly number[]): number | undefined {
  const { samples, func, annotations, metric, call } = range;
  const places: number[] = [];
  for (let i = window.first; i < window.end; i++) if (samples.histograms?.[i] === undefined) places.push(i);
  if (places.length === 0) return undefined;
  annotations.ignoredInRange(metric, call.args[0] ?? call);
  const numbers = {
    timesMs: Float64Array.from(places, (i) => samples.timesMs[i] as number),
    values: Float64Array.from(places, (i) => samples.values[i] as number),
  };
  const alone = new Window(numbers);
  alone.end = places.length;
  alone.startMs = window.startMs;
  alone.endMs = window.endMs;
  alone.atMs = window.atMs;
  return func(numbers)(alone, scalars) ? alone.result : undefined;
}

function lastGrowth(
  range: MixedRange,
  window: Window,
  asked: Parameters<typeof lastHistogramGrowth>[3],
): NativeHistogram | number | undefined {
  const last = window.end - 1;
  if (last <= window.first) return undefined;
  const before = sampleIn(range, last - 1);
  const now = sampleIn(range, last);
  if (typeof before === "number" && typeof now === "number") {
    return range.func(range.samples)(window, []) ? window.result : undefined;
  }
  if (typeof before === "number" || typeof now === "number") {
    range.annotations.mixedRange(range.metric, asked.at);
    return undefined;
  }
  return lastHistogramGrowth(before, now, window.time(last) - window.time(last - 1), asked);
}

function neighboursIn(
  range: MixedRange,
  window: Window,
  counts: (before: SampleValue, now: SampleValue) => boolean,
): number {
  let count = 0;
  for (let i = window.first + 1; i < window.end; i++) {
    if (counts(sampleIn(range, i - 1), sampleIn(range, i))) count++;
  }
  return count;
}

function hasChanged(before: SampleValue, now: SampleValue): boolean {
  if (typeof before === "number" && typeof now === "number") {
    return before !== now && !(Number.isNaN(before) && Number.isNaN(now));
  }
  return typeof before === "number" || typeof now === "number" || !isEqual(before, now);
}

function isDrop(before: SampleValue, now: SampleValue): boolean {
  if (typeof before === "number" && typeof now === "number") return now < before;
  return typeof before === "number" || typeof now === "number" || isReset(before, now);
}
