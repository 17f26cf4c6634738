/** What the collector of spans says of itself. */
import { until } from "./processes.ts";
import { collectorPort, localAddress } from "./topology.ts";

export interface CollectorCounts {
  /** Spans taken, each of which goes to every backend. */
  readonly takenSpans: number;
  /** Requests turned away because too much was waiting; whoever sent them was told. */
  readonly refusedRequests: number;
  readonly backends: Readonly<Record<string, BackendCounts>>;
}

export interface BackendCounts {
  readonly forwardedSpans: number;
  readonly waitingSpans: number;
  /** Attempts that failed and were made again. */
  readonly retries: number;
  /** Given up; the reason is in `output/collector.txt`. */
  readonly lostSpans: number;
}

export const collectorUrl = `http://${localAddress}:${collectorPort}`;

export async function collectorCounts(): Promise<CollectorCounts> {
  const response = await fetch(`${collectorUrl}/counts`, { signal: AbortSignal.timeout(5000) });
  return (await response.json()) as CollectorCounts;
}

/** Waits until every backend has what the collector took; throws if one will never have it. */
export async function forwarded(signal?: AbortSignal): Promise<void> {
  let counts = await collectorCounts();
  const nothingWaits = async (): Promise<boolean> => {
    counts = await collectorCounts();
    return Object.values(counts.backends).every((each) => each.waitingSpans === 0);
  };
  await until("the collector to forward its spans", 60_000, nothingWaits, signal);
  requireNothingLost(counts);
}

export function requireNothingLost(counts: CollectorCounts): void {
  for (const [name, { lostSpans }] of Object.entries(counts.backends)) {
    if (lostSpans === 0) continue;
    throw new Error(
      `collector: ${name} did not get ${lostSpans} spans, output/collector.txt says why; start the mesh anew`,
    );
  }
}
