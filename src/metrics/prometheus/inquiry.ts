import type { Inquiry } from "../../http/client.ts";
import { type Expr, selectors } from "../../promql/index.ts";
import type { Answer } from "../backend.ts";

/** A look-up of the API, named as its path is. */
export const lookup = <T>(operation: string): Inquiry<Answer<T>> => ({ operation, outcome: outcomeOf });

/** A question about a query: which metrics it reads is its summary. */
export const queryInquiry = <T>(operation: string, expr: Expr, text: string): Inquiry<Answer<T>> => ({
  operation,
  target: () => metricsOf(expr),
  text: () => text,
  outcome: outcomeOf,
});

function metricsOf(expr: Expr): string {
  const names = selectors(expr).map(({ name, matchers }) => {
    const named = matchers.find(({ label, op }) => label === "__name__" && op === "=");
    return name ?? named?.value ?? "";
  });
  return [...new Set(names)].filter((name) => name !== "").join(" ");
}

const outcomeOf = ({ data, complete, warnings }: Answer<unknown>) => ({
  rows: rowsOf(data),
  complete,
  warnings: warnings.length,
});

/** Series, names or whatever else the data is a list of. */
function rowsOf(data: unknown): number | undefined {
  if (Array.isArray(data)) return data.length;
  if (data instanceof Map) return data.size;
  if (typeof data !== "object" || data === null) return undefined;
  if ("series" in data && Array.isArray(data.series)) return data.series.length;
  if ("labels" in data && Array.isArray(data.labels)) return data.labels.length;
  return "kind" in data && (data.kind === "scalar" || data.kind === "string") ? 1 : undefined;
}
