/** What the answers must be, reckoned from the truth alone by rules written here once more, apart from the library's. */
import type { Flow } from "../mesh/mesh.ts";

/** Bounds of Istio's duration buckets in milliseconds. */
const BOUNDS = [10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

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

export const durationsOf = (flows: readonly Flow[]): number[] =>
  requestsOf(flows)
    .flatMap((flow) => [...flow.durationsMs])
    .sort((a, b) => a - b);

/**
 * The ends of the buckets that hold the quantile, give or take `slack` of the ranks. Below 10 ms the clocks of client
 * and proxy differ by more than a bucket is wide, so that is one bucket here.
 */
export function bucketOf(sorted: readonly number[], quantile: number, slack: number): { lower: number; upper: number } {
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? 0;
  const least = at(Math.max(0, quantile - slack));
  const most = at(Math.min(1, quantile + slack));
  return {
    lower: BOUNDS.findLast((bound) => bound < least) ?? 0,
    upper: BOUNDS.find((bound) => bound >= most) ?? Number.POSITIVE_INFINITY,
  };
}
