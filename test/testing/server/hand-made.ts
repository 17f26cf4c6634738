/** A mesh written by hand: whatever of its telemetry a test gives, and nothing of the rest. */
import { memoryStorage } from "../../../src/promql/index.ts";
import type { EmittedLine, EmittedTrace, Telemetry } from "../../../src/testing/telemetry.ts";

export interface HandMade {
  readonly series?: Telemetry["series"];
  readonly traces?: readonly EmittedTrace[];
  readonly lines?: readonly EmittedLine[];
}

export function handMade({ series = memoryStorage(), traces = [], lines = [] }: HandMade): Telemetry {
  const startUs = ({ spans }: EmittedTrace): number => Math.min(...spans.map((span) => span.startUs));
  const sorted = traces.toSorted((a, b) => startUs(a) - startUs(b));
  const written = lines.toSorted((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
  return {
    series,
    traces: (fromMs, toMs) =>
      sorted.filter((trace) => startUs(trace) >= fromMs * 1000 && startUs(trace) <= toMs * 1000),
    trace: (id) => traces.find((trace) => trace.id === id),
    lines(fromNs, toNs, order, isOf = () => true) {
      const within = written.filter((line) => line.timeNs >= fromNs && line.timeNs < toNs && isOf(line));
      return order === "forward" ? within : within.reverse();
    },
  };
}
