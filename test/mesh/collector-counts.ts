/** What the collector of spans says of itself. */
import type { ForwardingCounts } from "./forwarding.ts";
import { until } from "./processes.ts";
import { collectorPort, localAddress } from "./topology.ts";

export interface CollectorCounts {
  /** Spans taken, each of which goes to every backend. */
  readonly takenSpans: number;
  /** Requests turned away because too much was waiting; whoever sent them was told. */
  readonly refusedRequests: number;
  readonly backends: Readonly<Record<string, ForwardingCounts>>;
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
    return Object.values(counts.backends).every((each) => each.waiting === 0);
  };
  await until("the collector to forward its spans", 60_000, nothingWaits, signal);
  requireNothingLost(counts);
}

export function requireNothingLost(counts: CollectorCounts): void {
  for (const [name, { lost }] of Object.entries(counts.backends)) {
    if (lost === 0) continue;
    throw new Error(`collector: ${name} did not get ${lost} spans, output/collector.txt says why; start the mesh anew`);
  }
}
