import { METRICS } from "../mesh/istio.ts";
import {
  type GrowthWindows,
  type Matcher,
  type SelectHints,
  type SeriesStorage,
  type StoredSeries,
  seriesTest,
} from "../promql/index.ts";
import type { LabelSet } from "../results/labels.ts";
import { bytesOf, LE, type Measure, type Observed, observedOf, openMs, type Part } from "./counters.ts";
import { mix } from "./hash.ts";
import { labelsKey, labelsOf, targetLabels } from "./labels.ts";
import type { Simulation } from "./simulation.ts";
import { placeOf, type Steps } from "./steps.ts";
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
  /** The longest that a connection is open, as far as streams are known. */
  #longestOpenMs = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.#taken = Array.from({ length: simulation.flows }, () => 0);
  }

  *select(
    matchers: readonly Matcher[],
    fromMs: number,
    toMs: number,
    { growth }: SelectHints = {},
  ): Iterable<StoredSeries> {
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
      const all = new Columns(times);
      const some = growth === undefined ? all : new Columns(times, endsOf(growth, times));
      for (const counted of this.#counted.values()) {
        if (counted.writer !== writer) continue;
        // Where a series begins is to be known exactly.
        const columns = some.birth(counted.parts) === 0 ? some : all;
        yield* this.#seriesOf(counted, columns, isWanted);
      }
    }
  }

  *#seriesOf(counted: Counted, columns: Columns, isWanted: IsWanted): Iterable<StoredSeries> {
    const { protocol, isOk } = counted;
    const count = { of: () => asItIs };
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
    const sum = columns.sum();
    for (const part of parts) {
      sum.add(opened ? columns.before(part.stream, openMs(part)) : columns.of(part.stream), of(part));
    }
    yield* fromBirth(name, labels, columns.timesMs, sum.values(), columns.birth(parts));
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
      const sum = columns.sum();
      let values = sum.values();
      for (const [bucket, le] of LE.entries()) {
        const within = parts.filter((_, i) => observed[i]?.bucket === bucket);
        for (const { stream } of within) sum.add(columns.of(stream), asItIs);
        // Buckets that nothing falls into share the column of the one below.
        if (within.length > 0 && (isCounted || wanted.includes(true, bucket))) values = sum.values();
        if (wanted[bucket] === true) {
          yield* fromBirth(`${name}_bucket`, { ...labels, le }, columns.timesMs, values, birth);
        }
      }
      if (isCounted) yield* fromBirth(`${name}_count`, labels, columns.timesMs, values, birth);
    }
    if (!isWanted(`${name}_sum`, labels)) return;
    const sum = columns.sum();
    for (const [i, { stream }] of parts.entries()) {
      const values = observed[i];
      if (values !== undefined) sum.add(columns.of(stream), (count) => values.sum(count));
    }
    yield* fromBirth(`${name}_sum`, labels, columns.timesMs, sum.values(), birth);
  }

  #observedBy(part: Part, measure: Measure): Observed {
    const known = this.#observed.get(measure) ?? new WeakMap<Part, Observed>();
    this.#observed.set(measure, known);
    const observed = known.get(part) ?? observedOf(part, measure);
    known.set(part, observed);
    return observed;
  }

  /** Takes in the streams that there were by `ms`, and those whose connections may have been opened by then. */
  #takeUntil(ms: number): void {
    for (let reachedMs = Number.NEGATIVE_INFINITY; reachedMs < ms + this.#longestOpenMs; ) {
      reachedMs = ms + this.#longestOpenMs;
      this.#takeEnded(reachedMs);
    }
  }

  #takeEnded(ms: number): void {
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
    if (report.exchange.service.protocol === "tcp") {
      this.#longestOpenMs = Math.max(this.#longestOpenMs, openMs(part));
    }
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
  const timesMs = new Float64Array(Math.max(0, last - first + 1));
  for (let i = 0; i < timesMs.length; i++) timesMs[i] = (first + i) * intervalMs + offsetMs;
  return timesMs;
}

const asItIs = (count: number): number => count;

/** The places of the first and the last scrape of each window, and of the first of all. */
function endsOf({ firstMs, stepMs, steps, rangeMs }: GrowthWindows, timesMs: Float64Array): Int32Array {
  const places = new Set([0]);
  for (let step = 0; step < steps; step++) {
    const endMs = firstMs + step * stepMs;
    for (const ms of [endMs - rangeMs, endMs]) {
      const next = placeOf(timesMs, ms);
      const behind = timesMs[next] === ms ? next + 1 : next;
      // The start is no part of a window, and its end is.
      const place = ms === endMs ? behind - 1 : behind;
      if (place >= 0 && place < timesMs.length) places.add(place);
    }
  }
  return Int32Array.from(places).sort();
}

/** How many requests of each stream there were at each scrape of one proxy, or at some of them and then until the next. */
class Columns {
  readonly timesMs: Float64Array;
  readonly #places: Int32Array | undefined;
  readonly #askedMs: Float64Array;
  readonly #expected = new Map<Spell, Steps>();
  readonly #counts = new Map<Stream, Steps>();

  constructor(timesMs: Float64Array, places?: Int32Array) {
    this.timesMs = timesMs;
    this.#places = places;
    this.#askedMs = places === undefined ? timesMs : Float64Array.from(places, (place) => timesMs[place] as number);
  }

  sum(): Sum {
    return new Sum(this.timesMs.length);
  }

  of(stream: Stream): Steps {
    const counts = this.#counts.get(stream) ?? stream.along(this.#expectedOf(stream.spell));
    this.#counts.set(stream, counts);
    return counts;
  }

  /** How many there were so long after each scrape, and had begun at it. */
  before(stream: Stream, ms: number): Steps {
    return stream.along(this.#placed(stream.spell.along(this.#askedMs.map((timeMs) => timeMs + ms))));
  }

  /** The place of the first scrape at which any request had come. */
  birth(parts: readonly Part[]): number {
    let birth = this.timesMs.length;
    for (const { stream } of parts) {
      const { at, values } = this.of(stream);
      const first = values.findIndex((count) => count > 0);
      birth = Math.min(birth, at[first] ?? birth);
      if (birth === 0) break;
    }
    return birth;
  }

  #expectedOf(spell: Spell): Steps {
    const expected = this.#expected.get(spell) ?? this.#placed(spell.along(this.#askedMs));
    this.#expected.set(spell, expected);
    return expected;
  }

  #placed({ at, values }: Steps): Steps {
    const places = this.#places;
    return { at: places === undefined ? at : at.map((i) => places[i] as number), values };
  }
}

/**
 * A sum of what streams come to at each scrape, kept as its differences from one scrape to the next. All of them are
 * whole numbers, so that adding them up in another order changes nothing.
 */
class Sum {
  readonly #differences: Float64Array;

  constructor(size: number) {
    this.#differences = new Float64Array(size);
  }

  add({ at, values }: Steps, value: (count: number) => number): void {
    const differences = this.#differences;
    let before = 0;
    for (let i = 0; i < at.length; i++) {
      const place = at[i] as number;
      const now = value(values[i] as number);
      differences[place] = (differences[place] as number) + now - before;
      before = now;
    }
  }

  /** The sum so far. */
  values(): Float64Array {
    const values = new Float64Array(this.#differences.length);
    let sum = 0;
    for (let i = 0; i < values.length; i++) {
      sum += this.#differences[i] as number;
      values[i] = sum;
    }
    return values;
  }
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
