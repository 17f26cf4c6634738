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
import type { Side } from "./window-view.ts";

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
  "destination_service_namespace",
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

const DURATION_LABELS = [
  "reporter",
  "destination_service",
  "destination_service_name",
  "destination_service_namespace",
  "destination_version",
  "destination_canonical_revision",
] as const;

/** Histograms of durations by service and version, and their sums under `le="sum"`. */
export function durationsOf({ matchers, windowMs, offsetMs }: ExplainSelection): Expr {
  const total = (metric: string, more: readonly string[]) =>
    aggregate("sum", call("rate", matrix(selector(metric, matchers), windowMs)), {
      grouping: by(...DURATION_LABELS, ...more),
    });
  const sums = tagged(total(`${METRICS.duration}_sum`, []), "le", SUM);
  return shiftBack(binary("or", total(`${METRICS.duration}_bucket`, ["le"]), sums), offsetMs);
}

/** What a finding is about. */
export interface CourseSelection {
  readonly matchers: readonly Matcher[];
  readonly side: Side;
  readonly shows: Readonly<Record<string, string>>;
}

/** How often what a finding is about was counted per second, or how long it took in the mean: for its course over time. */
export function courseOf(selection: CourseSelection, windowMs: number, measure: "mean" | "rate"): Expr {
  const { matchers, side, shows } = selection;
  const reporter = side === "caller" ? matcher("reporter", "=", "source") : matcher("reporter", "=~", CALLEES);
  const conditions = [
    reporter,
    ...matchers,
    ...Object.entries(shows).map(([name, value]) => matcher(name, "=", value)),
  ];
  const total = (metric: string) => aggregate("sum", call("rate", matrix(selector(metric, conditions), windowMs)));
  if (measure === "rate") return total(METRICS.requests);
  return binary("/", total(`${METRICS.duration}_sum`), binary(">", total(`${METRICS.duration}_count`), number(0)));
}

const CALLEES = "destination|waypoint";

/** Requests that arrived for each that was sent. */
export function triesOf(matchers: readonly Matcher[], windowMs: number): Expr {
  const counted = (side: Side) => courseOf({ matchers, side, shows: {} }, windowMs, "rate");
  return binary("/", counted("callee"), binary(">", counted("caller"), number(0)));
}

/** Which calls found nobody, of a scope whose callee is named by what only an answer tells. */
export interface LostSelection extends ExplainSelection {
  readonly lost: readonly Matcher[];
  /** Whether only calls to services count that the scope's callee answers for. */
  readonly isServed: boolean;
}

/** Calls that found nobody where the scope's callee is meant. */
export function lostOf({ lost, isServed, matchers, failureLabels, windowMs, offsetMs }: LostSelection): Expr {
  const unknown = [...lost, matcher("reporter", "=", "source"), matcher("destination_workload", "=", "unknown")];
  const calls = requestsOf({ matchers: unknown, failureLabels, windowMs, offsetMs: 0 });
  if (!isServed) return shiftBack(calls, offsetMs);
  const service = ["destination_service_name", "destination_service_namespace"];
  const seen = call("last_over_time", matrix(selector(METRICS.requests, matchers), 2 * windowMs));
  const served = aggregate("group", seen, { grouping: by(...service) });
  return shiftBack(binary("and", calls, served, { matching: { kind: "on", labels: service } }), offsetMs);
}
