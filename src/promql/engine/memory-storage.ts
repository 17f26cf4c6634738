import { QueryError } from "../../errors.ts";
import { type Duration, durationMs, type Instant, instantMs, shown } from "../../time.ts";
import type { Matcher } from "../ast.ts";
import { isWellFormed } from "../quote.ts";
import { type LabelRecord, Labels } from "./labels.ts";
import { seriesTest } from "./matchers.ts";
import { isReset, type NativeHistogram, withHint } from "./native-histogram.ts";
import { parseSeries } from "./series-notation.ts";
import { markStale, wordsOf } from "./staleness.ts";
import type { SeriesStorage, StoredSeries } from "./storage.ts";

/** When the first sample of a notation was taken, and how far apart they are. */
export interface LoadOptions {
  /** The time between two samples; a number is milliseconds. */
  readonly step: Duration | number;
  /** The time of the first sample, epoch 0 when left out. */
  readonly start?: Instant | undefined;
}

/** Series in memory, sixteen bytes a sample beside the room that is kept for the next ones. */
export interface MemoryStorage extends SeriesStorage {
  /**
   * Adds a sample to the series of these labels: a number or a native histogram; `"stale"` says that the series ends
   * there. A sample of the same time is replaced.
   *
   * @throws {QueryError} `code: "label"` for labels that are none, `"time"` for a time that is no whole millisecond
   */
  append(labels: LabelRecord, timestampMs: number, value: NativeHistogram | number | "stale"): void;
  /**
   * Adds a whole column of samples to a series, in order of time and all behind those that it has.
   *
   * @throws {QueryError} `code: "time"` where they are not in order
   */
  appendColumns(labels: LabelRecord, timesMs: ArrayLike<number>, values: Float64Array): void;
  /**
   * Adds series in promtool's notation, one a line: see {@link parseSeries}.
   *
   * @throws {QueryError} `code: "string"` for a line that is not in that notation
   * @example
   * const storage = memoryStorage();
   * storage.load('http_requests{job="a"} 0+10x30', { step: "1m", start: 0 })
   */
  load(notation: string, options: LoadOptions): void;
  /** How many series there are. */
  readonly seriesCount: number;
  /** How many samples there are in all. */
  readonly sampleCount: number;
}

/** A storage without any series. */
export const memoryStorage = (): MemoryStorage => new SeriesInMemory();

class SeriesInMemory implements MemoryStorage {
  readonly #series = new Map<string, GrowingSeries>();
  readonly #byName = new Map<string, GrowingSeries[]>();

  get seriesCount(): number {
    return this.#series.size;
  }

  get sampleCount(): number {
    let count = 0;
    for (const series of this.#series.values()) count += series.length;
    return count;
  }

  append(labels: LabelRecord, timestampMs: number, value: NativeHistogram | number | "stale"): void {
    checkTime(timestampMs, "append");
    if (value !== "stale" && typeof value !== "number" && !isHistogram(value)) {
      throw new QueryError("string", `append: a value is a number, a native histogram or "stale", not ${shown(value)}`);
    }
    this.#of(labels).add(timestampMs, value);
  }

  appendColumns(labels: LabelRecord, timesMs: ArrayLike<number>, values: Float64Array): void {
    if (timesMs.length !== values.length) {
      throw new QueryError("time", `appendColumns: ${timesMs.length} times and ${values.length} values`);
    }
    this.#of(labels).addAll(timesMs, values);
  }

  load(notation: string, { step, start = 0 }: LoadOptions): void {
    const stepMs = typeof step === "number" ? step : durationMs(step, "load: step", "step");
    if (!Number.isSafeInteger(stepMs) || stepMs <= 0) {
      throw new QueryError("step", `load: ${stepMs} ms is no step; write "15s" or whole milliseconds above 0`);
    }
    const startMs = instantMs(start, "load: start");
    checkTime(startMs, "load: start");
    for (const line of notation.split("\n")) {
      if (line.trim() === "" || line.trim().startsWith("#")) continue;
      const { labels, values, omitted, histograms } = parseSeries(line);
      const kept = Array.from(values.keys()).filter((i) => omitted[i] === 0);
      const times = kept.map((i) => startMs + i * stepMs);
      const series = this.#of(labels);
      series.merge(times, pick(values, kept));
      for (const [i, place] of kept.entries()) {
        const histogram = histograms?.[place];
        if (histogram !== undefined) series.add(times[i] as number, histogram);
      }
    }
  }

  *select(matchers: readonly Matcher[], fromMs: number, toMs: number): Iterable<StoredSeries> {
    const matches = seriesTest(matchers);
    const name = matchers.find(({ label, op }) => label === "__name__" && op === "=")?.value;
    const candidates = name === undefined || name === "" ? this.#series.values() : (this.#byName.get(name) ?? []);
    for (const series of candidates) {
      if (!matches(series.labels)) continue;
      const part = series.between(fromMs, toMs);
      if (part.timesMs.length > 0) yield part;
    }
  }

  #of(record: LabelRecord): GrowingSeries {
    const labels = Labels.of(checkedLabels(record));
    const before = this.#series.get(labels.key);
    if (before !== undefined) return before;
    const series = new GrowingSeries(Object.freeze(labels.toRecord()));
    this.#series.set(labels.key, series);
    const name = labels.get("__name__");
    const named = this.#byName.get(name);
    if (named === undefined) this.#byName.set(name, [series]);
    else named.push(series);
    return series;
  }
}

/** The chosen values of a column, the markers of a series' end among them. */
function pick(values: Float64Array, places: readonly number[]): Float64Array {
  const picked = new Float64Array(places.length);
  for (const [i, place] of places.entries()) picked.set(values.subarray(place, place + 1), i);
  return picked;
}

const isHistogram = (value: unknown): value is NativeHistogram =>
  typeof value === "object" && value !== null && "schema" in value && "positive" in value && "negative" in value;

function checkedLabels(record: LabelRecord): LabelRecord {
  for (const [name, value] of Object.entries(record)) {
    if (typeof value !== "string") {
      throw new QueryError("label", `append: the value of label ${shown(name)} is text, not ${shown(value)}`);
    }
    if (name === "" || !isWellFormed(name) || !isWellFormed(value)) {
      throw new QueryError("label", `append: ${shown(name)}=${shown(value)} is no label that UTF-8 can hold`);
    }
  }
  return record;
}

function checkTime(ms: number, what: string): void {
  if (!Number.isSafeInteger(ms)) {
    throw new QueryError("time", `${what}: ${shown(ms)} is no time; write whole epoch milliseconds`);
  }
}

/** Columns that grow by half when they are full. */
class GrowingSeries {
  readonly labels: LabelRecord;
  length = 0;
  #times = new Float64Array(4);
  #values = new Float64Array(4);
  /** The native histograms among the samples, by their time. */
  #histograms: Map<number, NativeHistogram> | undefined;

  constructor(labels: LabelRecord) {
    this.labels = labels;
  }

  add(timeMs: number, value: NativeHistogram | number | "stale"): void {
    let at = this.length;
    const last = this.#times[at - 1];
    if (at > 0 && last !== undefined && timeMs <= last) at = firstFrom(this.#times, this.length, timeMs);
    if (at === this.length || this.#times[at] !== timeMs) {
      this.#reserve(1);
      this.#times.copyWithin(at + 1, at, this.length);
      this.#values.copyWithin(at + 1, at, this.length);
      this.length++;
      this.#times[at] = timeMs;
    }
    this.#histograms?.delete(timeMs);
    if (value === "stale") markStale(wordsOf(this.#values), at);
    else if (typeof value === "number") this.#values[at] = value;
    else {
      this.#values[at] = Number.NaN;
      this.#histograms ??= new Map();
      this.#histograms.set(timeMs, value);
    }
  }

  addAll(timesMs: ArrayLike<number>, values: Float64Array): void {
    let last = this.#times[this.length - 1] ?? Number.NEGATIVE_INFINITY;
    if (this.length === 0) last = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < timesMs.length; i++) {
      const time = timesMs[i] ?? Number.NaN;
      checkTime(time, "appendColumns");
      if (time <= last) {
        throw new QueryError(
          "time",
          `appendColumns: the sample at ${time} ms does not come after the one at ${last} ms`,
        );
      }
      last = time;
    }
    this.#reserve(values.length);
    this.#times.set(timesMs, this.length);
    this.#values.set(values, this.length);
    this.length += values.length;
  }

  /** Samples that may lie anywhere among those there are, in order of time themselves. */
  merge(timesMs: readonly number[], values: Float64Array): void {
    const first = timesMs[0];
    if (first === undefined) return;
    const last = this.#times[this.length - 1];
    if (this.length === 0 || (last !== undefined && first > last)) {
      this.addAll(timesMs, values);
      return;
    }
    const words = wordsOf(values);
    for (const [i, time] of timesMs.entries()) {
      this.add(time, 0);
      const at = firstFrom(this.#times, this.length, time);
      wordsOf(this.#values).set(words.subarray(2 * i, 2 * i + 2), 2 * at);
    }
  }

  between(fromMs: number, toMs: number): StoredSeries {
    const first = firstFrom(this.#times, this.length, fromMs);
    const end = firstFrom(this.#times, this.length, toMs + 1);
    const part = {
      labels: this.labels,
      timesMs: this.#times.subarray(first, end),
      values: this.#values.subarray(first, end),
    };
    const found = this.#histograms;
    if (found === undefined) return part;
    const histograms = Array.from(part.timesMs, (time, i) => {
      const histogram = found.get(time);
      if (histogram?.hint !== "unknown") return histogram;
      const before = found.get(this.#times[first + i - 1] ?? Number.NaN);
      return before === undefined ? histogram : withHint(histogram, isReset(before, histogram) ? "reset" : "none");
    });
    return histograms.some((one) => one !== undefined) ? { ...part, histograms } : part;
  }

  #reserve(more: number): void {
    const wanted = this.length + more;
    if (wanted <= this.#times.length) return;
    const size = Math.max(wanted, Math.ceil(this.#times.length * 1.5));
    this.#times = grown(this.#times, size, this.length);
    this.#values = grown(this.#values, size, this.length);
  }
}

function grown(column: Float64Array<ArrayBuffer>, size: number, used: number): Float64Array<ArrayBuffer> {
  const bigger = new Float64Array(size);
  bigger.set(column.subarray(0, used));
  return bigger;
}

/** The first of the sorted `times` that is not before `ms`. */
function firstFrom(times: Float64Array, length: number, ms: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
