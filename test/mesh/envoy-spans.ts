/** What the proxies say of the spans they sent. */
import { localAddress, proxied } from "./topology.ts";

/** Reports of spans, of one or more each, that a proxy could not hand to the collector since it started. */
export async function droppedSpans(): Promise<number> {
  const counts = await Promise.all(
    proxied.map(async ({ ports }) => {
      const url = `http://${localAddress}:${ports.admin}/stats?filter=${encodeURIComponent("^tracing\\.zipkin\\.")}`;
      const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
      const text = await response.text();
      const count = (stat: string): number => {
        // A proxy for TCP alone has no tracer.
        return Number(text.match(new RegExp(`^tracing\\.zipkin\\.${stat}: (\\d+)$`, "m"))?.[1] ?? 0);
      };
      return count("reports_dropped") + count("reports_failed") + count("reports_skipped_no_cluster");
    }),
  );
  return counts.reduce((sum, each) => sum + each, 0);
}
