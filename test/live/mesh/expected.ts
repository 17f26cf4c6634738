/** What the answers must be, reckoned from the truth alone by rules written here once more, apart from the library's. */
import type { Flow } from "../../mesh/mesh.ts";

/** Bounds of Istio's duration buckets in milliseconds. */
const BOUNDS = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

export const requestsOf = (flows: readonly Flow[]): Flow[] => flows.filter((flow) => flow.protocol !== "tcp");

export const countOf = (flows: readonly Flow[]): number => sum(requestsOf(flows), (flow) => flow.count);

export const failedOf = (flows: readonly Flow[]): number => countOf(flows.filter(hasFailed));

const SERVER_FAULTS = [2, 4, 12, 13, 14, 15];

function hasFailed({ protocol, code = -1, grpcStatus }: Flow): boolean {
  if (protocol === "grpc" && grpcStatus !== undefined) return SERVER_FAULTS.includes(grpcStatus);
  return code === 0 || code >= 500;
}

export const sum = (flows: readonly Flow[], part: (flow: Flow) => number | undefined): number =>
  flows.reduce((total, flow) => total + (part(flow) ?? 0), 0);

/** Between what the mean of the proxies' own durations lies. */
export function meanBoundsOf(flows: readonly Flow[]): readonly [least: number, most: number] {
  const bounds = requestsOf(flows).flatMap((flow) => [...flow.boundsMs]);
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  return [mean(bounds.map(([least]) => least)), mean(bounds.map(([, most]) => most))];
}

/** The bounds of Istio's duration buckets between which the quantile lies, as far as both sides of the proxy can tell. */
export interface QuantileBounds {
  readonly lower: number;
  readonly upper: number;
  /** How many buckets that is. */
  readonly buckets: number;
}

/**
 * The buckets that may hold the quantile: between that of the least and that of the most that each request can have
 * taken, give or take `slack` of the ranks, by which the shares of two proxies scraped at different moments are off.
 */
export function bucketsOf(flows: readonly Flow[], quantile: number, slack: number): QuantileBounds {
  const bounds = requestsOf(flows).flatMap((flow) => [...flow.boundsMs]);
  const least = at(
    bounds.map(([ms]) => ms),
    Math.max(0, quantile - slack),
  );
  const most = at(
    bounds.map(([, ms]) => ms),
    Math.min(1, quantile + slack),
  );
  const lower = BOUNDS.findLast((bound) => bound < least) ?? 0;
  const upper = BOUNDS.find((bound) => bound >= most) ?? Number.POSITIVE_INFINITY;
  const edges = [0, ...BOUNDS, Number.POSITIVE_INFINITY];
  return { lower, upper, buckets: edges.indexOf(upper) - edges.indexOf(lower) };
}

function at(values: number[], quantile: number): number {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.max(0, Math.ceil(quantile * values.length) - 1))] ?? 0;
}
