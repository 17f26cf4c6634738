import type { SeriesStorage } from "../promql/index.ts";
import { isSeenByDestination, isSeenBySource } from "./exchange.ts";
import { linesOf } from "./lines.ts";
import { simulatedSeries } from "./series.ts";
import type { SimulatedRequest, Simulation } from "./simulation.ts";
import { spansOf } from "./spans.ts";
import type { Stream } from "./stream.ts";
import type { EmittedLine, EmittedTrace, LineWriter, Telemetry } from "./telemetry.ts";
import type { Workload } from "./topology.ts";

/** What the proxies of a simulation emit. */
export const telemetryOf = (simulation: Simulation): Telemetry => new SimulatedTelemetry(simulation);

/** Requests are made for so long a time at once: little at first, since many readers stop soon. */
const FIRST_MS = 1_000;
const MOST_MS = 60_000;

class SimulatedTelemetry implements Telemetry {
  readonly series: SeriesStorage;
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.series = simulatedSeries(simulation);
  }

  *traces(fromMs: number, toMs: number): Iterable<EmittedTrace> {
    const longestMs = this.#simulation.longestMs(toMs);
    const { startMs } = this.#simulation.declared;
    let waiting: SimulatedRequest[] = [];
    let reachedMs = Math.max(Math.floor(fromMs), startMs);
    const endMs = Math.ceil(toMs) + longestMs;
    for (let lengthMs = FIRST_MS; reachedMs < endMs; lengthMs = Math.min(2 * lengthMs, MOST_MS)) {
      const untilMs = Math.min(reachedMs + lengthMs, endMs);
      const found = this.#simulation
        .requests(reachedMs, untilMs, hasSpans)
        .filter(({ isTraced, startUs }) => isTraced && startUs >= fromMs * 1_000 && startUs <= toMs * 1_000);
      waiting = [...waiting, ...found].sort((a, b) => a.startUs - b.startUs);
      reachedMs = untilMs;
      // Whatever is over later began after this.
      const settledUs = (reachedMs - longestMs) * 1_000;
      const later = reachedMs >= endMs ? -1 : waiting.findIndex(({ startUs }) => startUs >= settledUs);
      for (const request of waiting.splice(0, later < 0 ? waiting.length : later)) yield spansOf(request);
    }
  }

  trace(id: string): EmittedTrace | undefined {
    const request = this.#simulation.traced(id);
    return request !== undefined && hasSpans(request.stream) ? spansOf(request) : undefined;
  }

  *lines(
    fromNs: bigint,
    toNs: bigint,
    order: "backward" | "forward",
    isOf: (writer: LineWriter) => boolean = () => true,
  ): Iterable<EmittedLine> {
    const writers = new Set<string>();
    for (const workload of this.#simulation.topology.callers.values()) {
      const { namespace, pod, app } = workload;
      if (workload.proxy !== "none" && isOf({ namespace, pod, app, container: "istio-proxy" })) writers.add(pod);
    }
    const isWanted = (stream: Stream): boolean => writersOf(stream).some(({ pod }) => writers.has(pod));
    const isWithin = ({ timeNs, pod }: EmittedLine): boolean => timeNs >= fromNs && timeNs < toNs && writers.has(pod);
    const { startMs } = this.#simulation.declared;
    const fromMs = Math.max(Number(fromNs / 1_000_000n), startMs);
    const toMs = Number((toNs + 999_999n) / 1_000_000n);
    for (const [low, high] of slices(fromMs, toMs, order)) {
      const lines = this.#simulation.requests(low, high, isWanted).flatMap(linesOf).filter(isWithin);
      lines.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
      yield* order === "forward" ? lines : lines.reverse();
    }
  }
}

/** A time in parts, in the order in which they are wanted. */
function* slices(fromMs: number, toMs: number, order: "backward" | "forward"): Iterable<readonly [number, number]> {
  let low = fromMs;
  let high = toMs;
  for (let lengthMs = FIRST_MS; low < high; lengthMs = Math.min(2 * lengthMs, MOST_MS)) {
    if (order === "forward") {
      const next = Math.min(low + lengthMs, high);
      yield [low, next];
      low = next;
    } else {
      const next = Math.max(high - lengthMs, low);
      yield [next, high];
      high = next;
    }
  }
}

/** Whether any proxy makes a span of the requests of a stream. */
const hasSpans = ({ kind }: Stream): boolean =>
  kind.exchanges.some(
    (exchange) => exchange.service.protocol !== "tcp" && (isSeenBySource(exchange) || isSeenByDestination(exchange)),
  );

const WRITERS = new WeakMap<Stream, readonly Workload[]>();

/** Whose proxies write of the requests of a stream. */
function writersOf(stream: Stream): readonly Workload[] {
  const known = WRITERS.get(stream);
  if (known !== undefined) return known;
  const refused = stream.kind.exchanges.flatMap(({ isRefused, callee }) =>
    isRefused && callee !== undefined ? [callee] : [],
  );
  const writers = [...new Set([...refused, ...stream.profile.reports.map(({ writer }) => writer)])];
  WRITERS.set(stream, writers);
  return writers;
}
