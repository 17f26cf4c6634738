import { METRICS } from "../mesh/istio.ts";
import { type Matcher, type SeriesStorage, type StoredSeries, seriesTest } from "../promql/index.ts";
import type { LabelSet } from "../results/labels.ts";
import { bytesOf, LE, type Measure, type Observed, observedOf, openMs, type Part } from "./counters.ts";
import { mix } from "./hash.ts";
import { labelsKey, labelsOf, targetLabels } from "./labels.ts";
import type { Simulation } from "./simulation.ts";
import type { Stream } from "./stream.ts";
import type { Spell } from "./timeline.ts";
import type { Workload } from "./topology.ts";

/** The metrics of a simulated mesh as a Prometheus holds them, reckoned for the range that is asked for. */
export const simulatedSeries = (simulation: Simulation): SeriesStorage => new SimulatedSeries(simulation);

/** The parts of all counters with the same labels. */
interface Counted {
  readonly labels: LabelSet;
  readonly writer: Workload;
  readonly protocol: "grpc" | "http" | "tcp";
  readonly isOk: boolean;
  readonly parts: Part[];
}

class SimulatedSeries implements SeriesStorage {
  readonly #simulation: Simulation;
  readonly #counted = new Map<string, Counted>();
  readonly #taken: number[];
  readonly #observed = new Map<string, WeakMap<Part, Observed>>();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.#taken = Array.from({ length: simulation.flows }, () => 0);
  }

  *select(matchers: readonly Matcher[], fromMs: number, toMs: number): Iterable<StoredSeries> {
    const test = seriesTest(matchers);
    const names = new Map<string, boolean>();
    const isWanted = (name: string, labels: LabelSet): boolean => {
      const isNamed =
        names.get(name) ?? seriesTest(matchers.filter(({ label }) => label === "__name__"))({ __name__: name });
      names.set(name, isNamed);
      return isNamed && test({ ...labels, __name__: name });
    };
    this.#takeUntil(toMs);
    const { declared, topology } = this.#simulation;
    for (const writer of topology.callers.values()) {
      if (writer.proxy === "none") continue;
      const times = scrapes(writer, declared.scrapeIntervalMs, Math.max(fromMs, declared.startMs), toMs, declared.seed);
      if (times.length === 0) continue;
      const target = targetLabels(writer);
      if (isWanted("up", target)) yield ofOnes("up", target, times);
      const build = { ...target, component: "proxy", tag: "1.27.1" };
      if (isWanted("istio_build", build)) yield ofOnes("istio_build", build, times);
      const columns = new Columns(times);
      for (const counted of this.#counted.values()) {
        if (counted.writer === writer) yield* this.#seriesOf(counted, columns, isWanted);
      }
    }
  }

  *#seriesOf(counted: Counted, columns: Columns, isWanted: IsWanted): Iterable<StoredSeries> {
    const { protocol, isOk } = counted;
    const count = { of: () => (n: number) => n };
    if (protocol === "tcp") {
      yield* this.#counter(METRICS.tcpOpened, counted, columns, isWanted, { ...count, opened: true });
      yield* this.#counter(METRICS.tcpClosed, counted, columns, isWanted, count);
      yield* this.#counter(METRICS.tcpReceived, counted, columns, isWanted, { of: (part) => bytesOf(part, "request") });
      yield* this.#counter(METRICS.tcpSent, counted, columns, isWanted, { of: (part) => bytesOf(part, "response") });
      return;
    }
    yield* this.#counter(METRICS.requests, counted, columns, isWanted, count);
    if (protocol === "grpc") {
      yield* this.#counter(METRICS.requestMessages, counted, columns, isWanted, count);
      if (isOk) yield* this.#counter(METRICS.responseMessages, counted, columns, isWanted, count);
    }
    yield* this.#histogram(METRICS.duration, "duration", counted, columns, isWanted);
    yield* this.#histogram(METRICS.requestBytes, "request", counted, columns, isWanted);
    yield* this.#histogram(METRICS.responseBytes, "response", counted, columns, isWanted);
  }

  *#counter(
    name: string,
    { labels, parts }: Counted,
    columns: Columns,
    isWanted: IsWanted,
    { of, opened = false }: { readonly of: (part: Part) => (count: number) => number; readonly opened?: boolean },
  ): Iterable<StoredSeries> {
    if (!isWanted(name, labels)) return;
    const sums = columns.zeros();
    for (const part of parts) {
      const counts = opened ? columns.before(part.stream, openMs(part)) : columns.of(part.stream);
      const value = of(part);
      for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + value(counts[i] ?? 0);
    }
    yield* fromBirth(name, labels, columns.timesMs, sums, columns.birth(parts));
  }

  *#histogram(
    name: string,
    measure: Measure,
    { labels, parts }: Counted,
    columns: Columns,
    isWanted: IsWanted,
  ): Iterable<StoredSeries> {
    const observed = parts.map((part) => this.#observedBy(part, measure));
    const birth = columns.birth(parts);
    const wanted = LE.map((le) => isWanted(`${name}_bucket`, { ...labels, le }));
    const isCounted = isWanted(`${name}_count`, labels);
    if (isCounted || wanted.includes(true)) {
      const sums = columns.zeros();
      for (const [bucket, le] of LE.entries()) {
        for (const [i, part] of parts.entries()) {
          if (observed[i]?.bucket === bucket) add(sums, columns.of(part.stream));
        }
        if (wanted[bucket] === true) {
          yield* fromBirth(`${name}_bucket`, { ...labels, le }, columns.timesMs, sums.slice(), birth);
        }
      }
      if (isCounted) yield* fromBirth(`${name}_count`, labels, columns.timesMs, sums, birth);
    }
    if (!isWanted(`${name}_sum`, labels)) return;
    const sums = columns.zeros();
    for (const [i, part] of parts.entries()) {
      const counts = columns.of(part.stream);
      const values = observed[i];
      if (values === undefined) continue;
      for (let at = 0; at < sums.length; at++) sums[at] = (sums[at] ?? 0) + values.sum(counts[at] ?? 0);
    }
    yield* fromBirth(`${name}_sum`, labels, columns.timesMs, sums, birth);
  }

  #observedBy(part: Part, measure: Measure): Observed {
    const known = this.#observed.get(measure) ?? new WeakMap<Part, Observed>();
    this.#observed.set(measure, known);
    const observed = known.get(part) ?? observedOf(part, measure);
    known.set(part, observed);
    return observed;
  }

  /** Takes in the streams that there were by `ms`. */
  #takeUntil(ms: number): void {
    for (let flow = 0; flow < this.#simulation.flows; flow++) {
      const streams = this.#simulation.streams(flow, ms);
      for (const stream of streams.slice(this.#taken[flow] ?? 0)) {
        for (const report of stream.profile.reports) this.#take({ stream, report });
      }
      this.#taken[flow] = Math.max(this.#taken[flow] ?? 0, streams.length);
    }
  }

  #take(part: Part): void {
    const { report } = part;
    const key = labelsKey(report);
    const counted = this.#counted.get(key);
    if (counted !== undefined) {
      counted.parts.push(part);
      return;
    }
    const { outcome, writer, exchange } = report;
    const { protocol } = exchange.service;
    const labels = labelsOf(report);
    this.#counted.set(key, { labels, writer, protocol, isOk: outcome.grpcStatus === 0, parts: [part] });
  }
}

type IsWanted = (name: string, labels: LabelSet) => boolean;

/** The instants at which a proxy is scraped: its own within every interval, as a Prometheus spreads them. */
function scrapes({ pod }: Workload, intervalMs: number, fromMs: number, toMs: number, seed: number): Float64Array {
  const offsetMs = [...pod].reduce((bits, letter) => mix(bits, letter.charCodeAt(0)), seed) % intervalMs;
  const first = Math.ceil((fromMs - offsetMs) / intervalMs);
  const last = Math.floor((toMs - offsetMs) / intervalMs);
  return Float64Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * intervalMs + offsetMs);
}

/** How many requests of each stream there were at each scrape of one proxy. */
class Columns {
  readonly timesMs: Float64Array;
  readonly #expected = new Map<Spell, Float64Array>();
  readonly #counts = new Map<Stream, Float64Array>();

  constructor(timesMs: Float64Array) {
    this.timesMs = timesMs;
  }

  zeros(): Float64Array<ArrayBuffer> {
    return new Float64Array(this.timesMs.length);
  }

  of(stream: Stream): Float64Array {
    let counts = this.#counts.get(stream);
    if (counts === undefined) {
      const expected = this.#expectedOf(stream.spell);
      const isStill = expected.at(-1) === expected[0];
      counts = isStill
        ? this.zeros().fill(stream.untilExpected(expected[0] ?? 0))
        : expected.map((until) => stream.untilExpected(until));
      this.#counts.set(stream, counts);
    }
    return counts;
  }

  /** How many there were so long after each scrape, and had begun at it. */
  before(stream: Stream, ms: number): Float64Array {
    return this.timesMs.map((timeMs) => stream.until(timeMs + ms));
  }

  /** The place of the first scrape at which any request had come. */
  birth(parts: readonly Part[]): number {
    let birth = this.timesMs.length;
    for (const { stream } of parts) {
      const first = this.of(stream).findIndex((count) => count > 0);
      if (first >= 0) birth = Math.min(birth, first);
      if (birth === 0) break;
    }
    return birth;
  }

  #expectedOf(spell: Spell): Float64Array {
    const expected = this.#expected.get(spell) ?? this.timesMs.map((ms) => spell.until(ms));
    this.#expected.set(spell, expected);
    return expected;
  }
}

function add(sums: Float64Array, counts: Float64Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (counts[i] ?? 0);
}

const ofOnes = (name: string, labels: LabelSet, timesMs: Float64Array): StoredSeries => ({
  labels: { ...labels, __name__: name },
  timesMs,
  values: new Float64Array(timesMs.length).fill(1),
});

/** A counter is there from its first request on. */
function* fromBirth(
  name: string,
  labels: LabelSet,
  timesMs: Float64Array,
  values: Float64Array,
  birth: number,
): Iterable<StoredSeries> {
  if (birth === timesMs.length) return;
  yield { labels: { ...labels, __name__: name }, timesMs: timesMs.subarray(birth), values: values.subarray(birth) };
}
