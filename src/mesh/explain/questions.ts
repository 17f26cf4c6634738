import {
  aggregate,
  binary,
  by,
  call,
  type Expr,
  type Matcher,
  matcher,
  matrix,
  number,
  selector,
  shiftBack,
} from "../../promql/index.ts";
import { SUM, tagged } from "../graph/questions.ts";
import { METRICS } from "../istio.ts";

/** Which part of the mesh is explained, over which windows. */
export interface ExplainSelection {
  readonly matchers: readonly Matcher[];
  readonly failureLabels: readonly string[];
  readonly windowMs: number;
  readonly offsetMs: number;
}

const REQUEST_LABELS = [
  "reporter",
  "source_workload_namespace",
  "source_workload",
  "source_principal",
  "destination_service",
  "destination_service_name",
  "destination_version",
  "destination_canonical_revision",
  "request_protocol",
  "response_code",
  "grpc_response_status",
  "response_flags",
  "connection_security_policy",
] as const;

/** Requests per second by all that tells causes apart. */
export function requestsOf({ matchers, failureLabels, windowMs, offsetMs }: ExplainSelection): Expr {
  const labels = [...new Set([...REQUEST_LABELS, ...failureLabels])];
  const rate = call("rate", matrix(selector(METRICS.requests, matchers), windowMs));
  return shiftBack(binary(">", aggregate("sum", rate, { grouping: by(...labels) }), number(0)), offsetMs);
}

/** Histograms of durations by version, and their sums under `le="sum"`. */
export function durationsOf({ matchers, windowMs, offsetMs }: ExplainSelection): Expr {
  const labels = ["reporter", "destination_version", "destination_canonical_revision"];
  const total = (metric: string, more: readonly string[]) =>
    aggregate("sum", call("rate", matrix(selector(metric, matchers), windowMs)), { grouping: by(...labels, ...more) });
  const sums = tagged(total(`${METRICS.duration}_sum`, []), "le", SUM);
  return shiftBack(binary("or", total(`${METRICS.duration}_bucket`, ["le"]), sums), offsetMs);
}

/** The share that a finding's requests have of all, or their mean duration, for its course over time. */
export function courseOf(
  matchers: readonly Matcher[],
  shows: Readonly<Record<string, string>>,
  windowMs: number,
  measure: "mean" | "rate",
): Expr {
  const conditions = [...matchers, ...Object.entries(shows).map(([label, value]) => matcher(label, "=", value))];
  const total = (metric: string) => aggregate("sum", call("rate", matrix(selector(metric, conditions), windowMs)));
  if (measure === "rate") return total(METRICS.requests);
  return binary("/", total(`${METRICS.duration}_sum`), binary(">", total(`${METRICS.duration}_count`), number(0)));
}

/** Which calls found nobody, of a scope whose callee is named by what only an answer tells. */
export interface LostSelection extends ExplainSelection {
  readonly lost: readonly Matcher[];
}

/** Calls that found nobody at a service that the scope's callee answers for. */
export function lostOf({ lost, matchers, failureLabels, windowMs, offsetMs }: LostSelection): Expr {
  const service = by("destination_service_name", "destination_service_namespace");
  const unknown = [...lost, matcher("reporter", "=", "source"), matcher("destination_workload", "=", "unknown")];
  const calls = requestsOf({ matchers: unknown, failureLabels, windowMs, offsetMs: 0 });
  const served = aggregate(
    "group",
    call("last_over_time", matrix(selector(METRICS.requests, matchers), 2 * windowMs)),
    {
      grouping: service,
    },
  );
  const matching = { kind: "on", labels: ["destination_service_name"] } as const;
  return shiftBack(binary("and", calls, served, { matching }), offsetMs);
}
