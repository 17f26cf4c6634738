import { compareText } from "../../promql/engine/labels.ts";
import type { LabelSet } from "../../results/labels.ts";

/** A text that is equal for equal labels only, whatever the order of their names. */
export const labelKey = (labels: LabelSet): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * Prometheus's order of series: by name and value in turn, as bytes of UTF-8, and the shorter set first.
 *
 * @see Prometheus, `model/labels`: `Compare`
 */
export function byLabels(a: LabelSet, b: LabelSet): number {
  const left = Object.keys(a).sort(compareText);
  const right = Object.keys(b).sort(compareText);
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i++) {
    const [x = "", y = ""] = [left[i], right[i]];
    const order = compareText(x, y) || compareText(a[x] ?? "", b[y] ?? "");
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
