/** What the shipper of access logs says of itself. */
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import type { ForwardingCounts } from "./forwarding.ts";
import { opensearchUrl } from "./logging.ts";
import { until } from "./processes.ts";
import { localAddress, shipperPort } from "./topology.ts";

export interface ShipperCounts {
  /** Lines read, each of which goes to every backend. */
  readonly takenLines: number;
  /** Of lines whose end is not written yet. */
  readonly unfinishedBytes: number;
  readonly backends: Readonly<Record<string, ForwardingCounts>>;
}

export async function shipperCounts(): Promise<ShipperCounts> {
  const url = `http://${localAddress}:${shipperPort}/counts`;
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
  return (await response.json()) as ShipperCounts;
}

/** Proxies write their logs every second. */
const quietMs = 2_500;

/**
 * Waits until the proxies have written everything and every backend has it; throws if one will never have it. There must
 * be no traffic.
 */
export async function shipped(logs: string, signal?: AbortSignal): Promise<void> {
  const sizes = (): string =>
    readdirSync(logs)
      .map((each) => statSync(path.join(logs, each)).size)
      .join();
  let before = sizes();
  let sinceMs = performance.now();
  const written = async (): Promise<boolean> => {
    const size = sizes();
    if (size !== before) sinceMs = performance.now();
    before = size;
    return performance.now() - sinceMs > quietMs;
  };
  await until("the proxies to write their logs", 60_000, written, signal);
  let counts = await shipperCounts();
  const forwarded = async (): Promise<boolean> => {
    counts = await shipperCounts();
    return Object.values(counts.backends).every(({ waiting }) => waiting === 0);
  };
  await until("the shipper to forward its lines", 60_000, forwarded, signal);
  for (const [name, { lost }] of Object.entries(counts.backends)) {
    if (lost === 0) continue;
    throw new Error(`shipper: ${name} did not get ${lost} lines, output/log-shipper.txt says why; start the mesh anew`);
  }
  if (counts.unfinishedBytes > 0) throw new Error("shipper: a proxy did not finish its last line; start the mesh anew");
  // What was taken is searched after the next refresh.
  const refreshed = await fetch(`${opensearchUrl}/logstash-*/_refresh`, { method: "POST" });
  if (!refreshed.ok) throw new Error(`shipper: OpenSearch did not refresh: ${refreshed.status}`);
}
