import type { Expr, VectorSelector } from "../ast.ts";
import { walk } from "../walk.ts";

/** Functions that look at a native histogram's count and sum at most. */
const STATISTICS: ReadonlySet<string> = new Set([
  "absent",
  "histogram_avg",
  "histogram_count",
  "histogram_sum",
  "start_timestamp",
  "timestamp",
]);
/** What looks at its buckets. */
const WHOLE: ReadonlySet<string> = new Set([
  "!=",
  "==",
  "</",
  ">/",
  "changes",
  "count_values",
  "histogram_fraction",
  "histogram_quantile",
  "histogram_quantiles",
  "histogram_stddev",
  "histogram_stdvar",
]);

/**
 * The selectors of whose native histograms nothing but counts and sums are needed. Prometheus reads those in a way that
 * tells every reset of a counter; otherwise it is told only where there was none.
 *
 * @see Prometheus, `promql/engine.go`, `detectHistogramStatsDecoding`
 */
export function selectorsOfStatistics(expr: Expr): ReadonlySet<VectorSelector> {
  const found = new Set<VectorSelector>();
  walk(expr, (node, around) => {
    if (node.kind === "vector" && isOfStatistics(around)) found.add(node);
  });
  return found;
}

function isOfStatistics(around: readonly Expr[]): boolean {
  let isFound = false;
  for (const node of around.toReversed()) {
    if (node.kind === "subquery") return false;
    const name =
      node.kind === "call" ? node.func : node.kind === "aggregation" || node.kind === "binary" ? node.op : "";
    if (WHOLE.has(name)) return false;
    if (STATISTICS.has(name)) isFound = true;
  }
  return isFound;
}
