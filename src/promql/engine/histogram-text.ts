import { generalText } from "./float-text.ts";
import {
  hasCustomBounds,
  histogramBuckets,
  type NativeHistogram,
  type ResetHint,
  type SparseBuckets,
} from "./native-histogram.ts";

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

const HINTS: Readonly<Record<ResetHint, string | undefined>> = {
  gauge: "gauge",
  none: "not_reset",
  reset: "reset",
  unknown: undefined,
};

/** A native histogram in promtool's notation: `{{count:3 sum:5 offset:1 buckets:[3]}}`. */
export function histogramNotation(histogram: NativeHistogram): string {
  const { schema, count, sum, zeroCount, zeroThreshold, bounds, positive, negative, hint } = histogram;
  const list = (numbers: readonly number[]): string => `[${numbers.map((x) => generalText(x)).join(" ")}]`;
  const fields: readonly (readonly [string, string | undefined])[] = [
    ["schema", schema === 0 ? undefined : String(schema)],
    ["count", generalText(count)],
    ["sum", generalText(sum)],
    ["z_bucket", zeroCount === 0 ? undefined : generalText(zeroCount)],
    ["z_bucket_w", zeroThreshold === 0 ? undefined : generalText(zeroThreshold)],
    ["custom_values", hasCustomBounds(histogram) ? list(bounds) : undefined],
    ["counter_reset_hint", HINTS[hint]],
    ...sideFields("", positive, list),
    ...sideFields("n_", negative, list),
  ];
  return `{{${fields.flatMap(([name, text]) => (text === undefined ? [] : `${name}:${text}`)).join(" ")}}}`;
}

/** The buckets of one side without gaps, and where they begin. */
function sideFields(
  prefix: string,
  { indexes, counts }: SparseBuckets,
  list: (numbers: readonly number[]) => string,
): readonly (readonly [string, string | undefined])[] {
  const first = indexes[0];
  if (first === undefined) return [];
  const all = new Array<number>((indexes[indexes.length - 1] ?? first) - first + 1).fill(0);
  for (const [i, index] of indexes.entries()) all[index - first] = counts[i] ?? 0;
  return [
    [`${prefix}offset`, first === 0 ? undefined : String(first)],
    [`${prefix}buckets`, list(all)],
  ];
}
