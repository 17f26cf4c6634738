/** Series of every kind that the engine evaluates: what real ones do, and what only a bad day brings. */
import { compareLabels, Labels } from "../../../src/promql/engine/labels.ts";
import { isStaleAt, markStale, wordsOf } from "../../../src/promql/engine/staleness.ts";
import type { LabelRecord, NativeHistogram, SparseBuckets } from "../../../src/promql/index.ts";
import { type Random, random } from "../../mesh/random.ts";
import type { WrittenSeries } from "../remote-write.ts";

export const START_MS = 1_700_000_000_000;
export const END_MS = START_MS + 2 * 3_600_000;
const INTERVAL_MS = 15_000;

export function evaluationData(seed: number): WrittenSeries[] {
  const source = random(seed);
  const all: WrittenSeries[] = [];
  for (const job of ["api", "web"]) {
    for (const instance of ["a:1", "b:2", "c:3"]) {
      for (const code of ["200", "404", "503"]) {
        const labels = { __name__: "requests_total", job, instance, code };
        all.push(series(labels, source, counter(source, code === "503" ? 0.2 : 3), { resets: true }));
      }
      all.push(series({ __name__: "temperature", job, instance }, source, () => source.next() * 80 - 20, {}));
      all.push(series({ __name__: "load", job, instance }, source, () => source.between(-3, 4), { jitter: 4000 }));
    }
    all.push(...histogram(job, source));
    all.push(series({ __name__: "build_info", job, version: job === "api" ? "v1" : "v2" }, source, () => 1, {}));
    all.push(series({ __name__: "odd", job }, source, () => source.pick(ODD), {}));
    all.push(series({ __name__: "huge", job }, source, () => source.pick(HUGE), {}));
  }
  for (const name of ["twin_a", "twin_b"]) {
    all.push(
      series({ __name__: name, job: "api" }, source, () => source.between(0, 9), { from: name === "twin_a" ? 0 : 0.4 }),
    );
  }
  for (const instance of ["a:1", "c:3"]) {
    const labels = { __name__: "per.node.größe", "host.name": instance, zone: "zürich 😀" };
    all.push(series(labels, source, () => source.between(0, 1000) / 10, { jitter: 7000 }));
  }
  all.push(
    series({ __name__: "sparse", job: "api", instance: "a:1" }, source, () => source.between(1, 5), { every: 28 }),
  );
  all.push(series({ __name__: "constant", job: "web", instance: "b:2" }, source, () => 42.5, {}));
  all.push(...nativeHistograms(source));
  // A server that has but one block adds series up in the order in which it first saw them.
  return all.sort((a, b) => compareLabels(Labels.of(a.labels), Labels.of(b.labels)));
}

const ODD = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1, -1, 0.1, 5e-324, 3.7, -2.5];
const HUGE = [1.7e308, -1.7e308, 9e307, 1e300, -1e300, 2 ** 53, 12345.678, -7];

interface Shape {
  /** The share of the time at which the series begins. */
  readonly from?: number;
  /** Every how many intervals it is scraped. */
  readonly every?: number;
  /** How far a scrape may be off its time. */
  readonly jitter?: number;
  readonly resets?: boolean;
}

function counter(source: Random, most: number): (before: number) => number {
  const step = source.pick([1, 0.25, 0.1]);
  return (before) => before + Math.round(source.next() * most * 10) * step;
}

/** Scrapes, some of which are missing, some the last before the series was gone for a while. */
function series(labels: LabelRecord, source: Random, next: (before: number) => number, shape: Shape): WrittenSeries {
  const { from = 0, every = 1, jitter = 0, resets = false } = shape;
  // All are seen first at the same time, though as gone.
  const times = [START_MS - INTERVAL_MS];
  const values = [0];
  const stale = [0];
  let value = 0;
  const size = (END_MS - START_MS) / INTERVAL_MS;
  for (let i = Math.floor(from * size); i <= size; i += every) {
    const chance = source.next();
    // Gone for up to ten minutes, with or without a word.
    if (chance < 0.008) {
      if (chance < 0.005) {
        stale.push(times.length);
        times.push(START_MS + i * INTERVAL_MS + source.between(0, jitter));
        values.push(0);
      }
      i += source.between(1, 40);
      continue;
    }
    if (chance < 0.03) continue;
    value = resets && source.next() < 0.02 ? source.between(0, 2) : next(value);
    times.push(START_MS + i * INTERVAL_MS + source.between(0, jitter));
    values.push(value);
  }
  const column = Float64Array.from(values);
  for (const place of stale) markStale(wordsOf(column), place);
  return { labels, timesMs: times, values: column };
}

/** Native histograms: of two resolutions and two zero buckets, below zero too, with resets, as gauges, and with bounds. */
function nativeHistograms(source: Random): WrittenSeries[] {
  const kinds = [
    { name: "native_seconds", instance: "a:1", schema: 0, zeroThreshold: 0.001, bounds: [], hint: "unknown" },
    { name: "native_seconds", instance: "b:2", schema: 2, zeroThreshold: 0.001, bounds: [], hint: "unknown" },
    { name: "native_seconds", instance: "c:3", schema: 2, zeroThreshold: 0.25, bounds: [], hint: "unknown" },
    { name: "native_gauge", instance: "a:1", schema: 1, zeroThreshold: 0, bounds: [], hint: "gauge" },
    {
      name: "native_bounds",
      instance: "a:1",
      schema: -53,
      zeroThreshold: 0,
      bounds: [0.1, 0.5, 2, 10],
      hint: "unknown",
    },
    {
      name: "native_bounds",
      instance: "b:2",
      schema: -53,
      zeroThreshold: 0,
      bounds: [0.1, 0.5, 2, 10],
      hint: "unknown",
    },
  ] as const;
  return kinds.map(({ name, instance, schema, zeroThreshold, bounds, hint }) => {
    const isCustom = bounds.length > 0;
    const labels = { __name__: name, job: instance === "b:2" ? "web" : "api", instance };
    const positive = new Map<number, number>();
    const negative = new Map<number, number>();
    let zero = 0;
    const histograms: (NativeHistogram | undefined)[] = [undefined];
    const { timesMs, values } = series(labels, source, () => 0, {});
    for (let i = 1; i < timesMs.length; i++) {
      if (source.next() < 0.03) for (const counts of [positive, negative]) counts.clear();
      const index = () => (isCustom ? source.between(0, bounds.length) : source.between(1, 9));
      for (let n = source.between(1, 4); n > 0; n--)
        positive.set(index(), (positive.get(index()) ?? 0) + source.between(1, 9));
      if (!isCustom && instance !== "b:2") negative.set(index(), source.between(1, 3) + i);
      if (!isCustom) zero += source.between(0, 2);
      const count = [...positive.values(), ...negative.values()].reduce((sum, x) => sum + x, zero);
      const sum = Math.round(source.next() * 1000) / 8 + count;
      const buckets = [sparse(positive), sparse(negative)] as const;
      histograms.push({
        schema,
        zeroThreshold,
        bounds,
        hint,
        count,
        sum,
        zeroCount: zero,
        positive: buckets[0],
        negative: buckets[1],
      });
    }
    const staleAt = (i: number): boolean => isStaleAt(wordsOf(values), i);
    return { labels, timesMs, values, histograms: histograms.map((one, i) => (staleAt(i) ? undefined : one)) };
  });
}

function sparse(counts: ReadonlyMap<number, number>): SparseBuckets {
  const indexes = [...counts.keys()].sort((a, b) => a - b);
  return { indexes, counts: indexes.map((index) => counts.get(index) ?? 0) };
}

/** Classic histograms: their buckets differ, one lacks its last, one has a bound that is none. */
function histogram(job: string, source: Random): WrittenSeries[] {
  const sets =
    job === "api"
      ? [
          ["0.1", "0.5", "1", "2.5", "+Inf"],
          ["0.1", "0.25", "1.0", "1", "+Inf", "huge"],
        ]
      : [
          ["-1", "0", "1e1", "+Inf"],
          ["1", "5"],
        ];
  return sets.flatMap((bounds, i) => {
    const instance = i === 0 ? "a:1" : "b:2";
    const parts = bounds.map((le, at) => {
      const labels = { __name__: "latency_seconds_bucket", job, instance, le };
      // Each bucket counts what it holds by itself, so that it is not always above the one before it.
      return series(labels, source, (before) => before + source.between(0, 4 + 3 * at), { resets: true });
    });
    const rest = ["sum", "count"].map((kind) =>
      series({ __name__: `latency_seconds_${kind}`, job, instance }, source, counter(source, 5), { resets: true }),
    );
    return [...parts, ...rest];
  });
}
