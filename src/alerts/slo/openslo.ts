import { QueryError } from "../../errors.ts";
import { type Expr, pretty, transform, walk } from "../../promql/index.ts";
import type { Tree } from "../rulefile/tree.ts";
import { printYaml } from "../rulefile/yaml.ts";
import type { BurnLine } from "./burn-table.ts";
import type { Indicator } from "./indicator.ts";
import { alertPolicies } from "./openslo-alerts.ts";

/** Over which any rate is a rate of the same counters. */
const ANY = "5m";

/**
 * Each objective as an SLO of OpenSLO v1, with its indicator in it: bad and all requests, or fast and all, as counters;
 * and an alert policy for each line of its table that looks at one time.
 *
 * @see OpenSLO, https://github.com/OpenSLO/OpenSLO
 * @throws {QueryError} `code: "export"` for what is no quotient of counters
 */
export function openSlo(
  name: string,
  window: string,
  indicators: readonly Indicator[],
  lines: readonly BurnLine[],
): string {
  return indicators.map((one) => printYaml(document(name, window, one, lines))).join("---\n");
}

function document(slo: string, window: string, indicator: Indicator, lines: readonly BurnLine[]): Tree {
  const name = `${slo}-${indicator.name}`;
  if (!RESOURCE.test(name)) {
    throw new QueryError(
      "export",
      `toOpenSLO: ${JSON.stringify(name)} is no name there; use lower-case letters, digits and -, 63 of them at most`,
    );
  }
  const source = (expr: Expr): Tree => ({
    metricSource: { type: "Prometheus", spec: { query: pretty(counted(expr, name)) } },
  });
  const policies = alertPolicies(name, lines);
  return {
    apiVersion: "openslo/v1",
    kind: "SLO",
    metadata: { name },
    spec: {
      service: slo,
      indicator: { metadata: { name }, spec: { ratioMetric: { counter: true, ...ratioOf(indicator, source) } } },
      timeWindow: [{ duration: window, isRolling: true }],
      budgetingMethod: "Occurrences",
      objectives: [{ target: indicator.objective.value }],
      ...(policies.length === 0 ? {} : { alertPolicies: policies }),
    },
  };
}

function ratioOf(indicator: Indicator, source: (expr: Expr) => Tree): Tree {
  if (indicator.name === "availability") {
    return { bad: source(indicator.errors(ANY)), total: source(indicator.total(ANY)) };
  }
  const fast = indicator.good?.(ANY);
  // The quotient of a bucket's count by the count of all that is above 0.
  if (fast?.kind !== "binary" || fast.right.kind !== "binary") {
    throw new QueryError("export", "toOpenSLO: native histograms have no counter of fast requests");
  }
  return { good: source(fast.left), total: source(fast.right.left) };
}

/** The counters behind rates: who reads the file takes the rates. */
function counted(expr: Expr, name: string): Expr {
  const bare = transform(expr, (node) => {
    const [of] = node.kind === "call" && node.func === "rate" ? node.args : [];
    return of?.kind === "matrix" ? of.selector : node;
  });
  walk(bare, (node) => {
    if (node.kind !== "matrix" && node.kind !== "subquery") return;
    throw new QueryError("export", `toOpenSLO: ${name} is no sum of rates of counters`);
  });
  return bare;
}

const RESOURCE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
