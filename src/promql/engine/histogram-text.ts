import { generalText } from "./float-text.ts";
import { histogramBuckets, type NativeHistogram } from "./native-histogram.ts";

const BRACKETS = { both: "[]", left: "[)", none: "()", right: "(]" } as const;

/** A native histogram as Prometheus writes it: `{count:3, sum:5, (1,2]:3}`. */
export function histogramText(histogram: NativeHistogram): string {
  const { count, sum } = histogram;
  const buckets = histogramBuckets(histogram).map(({ lower, upper, bounds, count: size }) => {
    const [open, close] = BRACKETS[bounds];
    return `${open}${generalText(lower)},${generalText(upper)}${close}:${generalText(size)}`;
  });
  return `{${[`count:${generalText(count)}`, `sum:${generalText(sum)}`, ...buckets].join(", ")}}`;
}
