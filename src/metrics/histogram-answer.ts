import { DecodeError } from "../errors.ts";
import { Histogram, type HistogramBucket } from "../results/histogram.ts";
import type { HistogramSeries } from "../results/histogram-matrix.ts";
import type { HistogramSample } from "../results/histogram-vector.ts";
import { type LabelSet, labelValue } from "../results/labels.ts";
import type { Meta } from "../results/meta.ts";
import type { InstantData, MatrixData } from "./backend.ts";

/**
 * The histograms of an answer: native ones as they are, and of series of buckets those whose labels differ in nothing
 * but `le`. Their sum and count may stand beside them, under names that end in `_sum` and `_count`.
 *
 * @throws {DecodeError} `code: "shape"` for numbers that are no part of a histogram
 */
export function histogramSamples(data: InstantData, at: number, meta: Meta): readonly HistogramSample[] {
  if (data.kind !== "vector") throw unfit(`a ${data.kind}`, meta);
  const families = new Families(meta);
  const found = data.labels.flatMap((labels, i): HistogramSample[] => {
    const native = data.histograms?.get(i);
    const timeMs = data.timesMs[i] ?? at;
    if (native !== undefined) return [{ labels, histogram: new Histogram(native), at: timeMs }];
    families.add(labels, [timeMs], [data.values[i] ?? Number.NaN]);
    return [];
  });
  const folded = families
    .series()
    .flatMap(({ labels, timesMs, histograms }) =>
      histograms.map((histogram, i) => ({ labels, histogram, at: timesMs[i] ?? at })),
    );
  return [...found, ...folded];
}

/** The same over time; otherwise as {@link histogramSamples}. */
export function histogramSeries(data: MatrixData, meta: Meta): readonly HistogramSeries[] {
  const families = new Families(meta);
  const found = data.series.flatMap(({ labels, timesMs, values, histograms = [] }): HistogramSeries[] => {
    if (values.length > 0) families.add(labels, timesMs, values);
    if (histograms.length === 0) return [];
    return [
      {
        labels,
        timesMs: Float64Array.from(histograms, ({ timeMs }) => timeMs),
        histograms: histograms.map(({ histogram }) => new Histogram(histogram)),
      },
    ];
  });
  return [...found, ...families.series()];
}

/** The series of one classic histogram. */
interface Family {
  readonly labels: LabelSet;
  /** By time, what each bound counts up to it. */
  readonly counts: Map<number, Map<number, number>>;
  readonly sums: Map<number, number>;
}

/** Puts series of buckets together. */
class Families {
  readonly #meta: Meta;
  readonly #families = new Map<string, Family>();

  constructor(meta: Meta) {
    this.#meta = meta;
  }

  add(labels: LabelSet, timesMs: ArrayLike<number>, values: ArrayLike<number>): void {
    const name = labelValue(labels, "__name__");
    const le = labelValue(labels, "le");
    const part = le === "" ? /_(count|sum)$/.exec(name)?.[1] : "bucket";
    const bound = boundOf(le);
    if (part === undefined || (part === "bucket" && bound === undefined)) {
      throw unfit(`a number${name === "" ? "" : ` of ${name}`} without a bucket's bound`, this.#meta);
    }
    const family = this.#family(labels, name.slice(0, name.endsWith(`_${part}`) ? -part.length - 1 : undefined));
    for (let i = 0; i < timesMs.length; i++) {
      const [timeMs, value] = [timesMs[i] ?? Number.NaN, values[i] ?? Number.NaN];
      if (part === "sum") family.sums.set(timeMs, value);
      else if (bound !== undefined) {
        const counts = family.counts.get(timeMs) ?? new Map<number, number>();
        counts.set(bound, value);
        family.counts.set(timeMs, counts);
      }
    }
  }

  series(): readonly HistogramSeries[] {
    return Array.from(this.#families.values(), ({ labels, counts, sums }) => {
      const times = [...counts.keys()].sort((a, b) => a - b);
      const histograms = times.map((timeMs) => this.#histogram(counts.get(timeMs) ?? new Map(), sums.get(timeMs)));
      return { labels, timesMs: Float64Array.from(times), histograms };
    }).filter(({ histograms }) => histograms.length > 0);
  }

  #family(labels: LabelSet, name: string): Family {
    const { le: _, __name__: __, ...rest } = labels;
    const own: LabelSet = Object.freeze(name === "" ? rest : { __name__: name, ...rest });
    const key = JSON.stringify(Object.entries(own).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = this.#families.get(key);
    if (known !== undefined) return known;
    const family: Family = { labels: own, counts: new Map(), sums: new Map() };
    this.#families.set(key, family);
    return family;
  }

  #histogram(counts: ReadonlyMap<number, number>, sum: number | undefined): Histogram {
    const count = counts.get(Number.POSITIVE_INFINITY);
    if (count === undefined) throw unfit('a histogram without its bucket le="+Inf"', this.#meta);
    let [lower, below] = [Number.NEGATIVE_INFINITY, 0];
    const buckets = [...counts]
      .sort(([a], [b]) => a - b)
      .map(([upper, cumulative], i): HistogramBucket => {
        // Counts of one scrape rise with their bounds; sums of rates may not, by their last bit.
        const upTo = Math.max(below, cumulative);
        const start = i === 0 && upper > 0 ? 0 : lower;
        const bucket: HistogramBucket = { lower: start, upper, count: upTo - below, bounds: "right" };
        [lower, below] = [upper, upTo];
        return bucket;
      });
    return new Histogram({ count: Math.max(count, below), sum, buckets });
  }
}

/** A bound by its number: `"1000"` is `"1000.0"` in Prometheus 3. */
function boundOf(le: string): number | undefined {
  if (le === "+Inf") return Number.POSITIVE_INFINITY;
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(le) ? Number(le) : undefined;
}

const unfit = (what: string, { backend, promql }: Meta): DecodeError =>
  new DecodeError("shape", `${backend}: ${what} came where histograms were asked for`, { backend, query: promql });
