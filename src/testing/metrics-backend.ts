import { QueryError } from "../errors.ts";
import type {
  Answer,
  Grid,
  InstantData,
  MatrixData,
  MetricsBackend,
  SeriesData,
  VectorData,
} from "../metrics/backend.ts";
import {
  type EvaluatedSeries,
  type EvaluatedVector,
  type Expr,
  evaluate,
  histogramBuckets,
  type NativeHistogram,
  print,
  type SeriesStorage,
} from "../promql/index.ts";
import type { ServerDescription } from "../results/server-description.ts";
import { type AskOptions, type Duration, durationMs } from "../time.ts";
import { inProcess } from "./description.ts";

/** What is known of the series beside themselves. */
export interface SeriesMetricsOptions {
  /** The time between two samples: no step is chosen finer than this. `"15s"` when left out. */
  readonly scrapeInterval?: Duration | undefined;
  /** The clock for a question that names no instant, in epoch milliseconds; `Date.now` when left out. */
  readonly now?: (() => number) | undefined;
}

/**
 * Metrics from series in memory: every query is evaluated here, as a Prometheus would.
 *
 * @throws {QueryError} `code: "step"` for an interval that is none
 * @example
 * const storage = memoryStorage();
 * storage.load('istio_requests_total{reporter="destination",destination_workload="backend"} 0+30x240', { step: "15s" });
 * const mesh = createMesh({ metrics: seriesMetrics(storage) });
 * (await mesh.workload("backend").rate("5m").at(3_600_000)).value // 2
 */
export const seriesMetrics = (storage: SeriesStorage, options: SeriesMetricsOptions = {}): MetricsBackend =>
  seriesMetricsOf("series in memory", storage, options);

/** The same, with what the doctor is told that it is. */
export function seriesMetricsOf(
  product: string,
  storage: SeriesStorage,
  { scrapeInterval = "15s", now = Date.now }: SeriesMetricsOptions,
): MetricsBackend {
  const scrapeIntervalMs = durationMs(scrapeInterval, "seriesMetrics: scrapeInterval", "step");
  return new SeriesMetrics(product, storage, scrapeIntervalMs, now);
}

class SeriesMetrics implements MetricsBackend {
  readonly name = "series";
  readonly scrapeIntervalMs: number;
  readonly #product: string;
  readonly #storage: SeriesStorage;
  readonly #now: () => number;

  constructor(product: string, storage: SeriesStorage, scrapeIntervalMs: number, now: () => number) {
    this.#product = product;
    this.#storage = storage;
    this.scrapeIntervalMs = scrapeIntervalMs;
    this.#now = now;
  }

  describe(options?: AskOptions): Promise<ServerDescription> {
    return inProcess(this.#product, options);
  }

  async instant(expr: Expr, atMs: number | undefined, { signal }: AskOptions = {}): Promise<Answer<InstantData>> {
    signal?.throwIfAborted();
    const startedMs = performance.now();
    const value = evaluate(expr, { at: atMs ?? this.#now() }, this.#storage);
    if (value.kind === "matrix") {
      const query = print(expr);
      throw new QueryError("promql", `${query} is a range of samples; ask for a value of it, such as a rate`, {
        query,
      });
    }
    return answer(value.kind === "vector" ? vectorOf(value) : value, value, startedMs);
  }

  async range(expr: Expr, { startMs, endMs, stepMs }: Grid, { signal }: AskOptions = {}): Promise<Answer<MatrixData>> {
    signal?.throwIfAborted();
    const startedMs = performance.now();
    const value = evaluate(expr, { from: startMs, to: endMs, step: stepMs }, this.#storage);
    return answer({ kind: "matrix", series: value.series.map(seriesOf) }, value, startedMs);
  }
}

function vectorOf({ labels, timesMs, values, histograms }: EvaluatedVector): VectorData {
  const vector = { kind: "vector", labels, timesMs, values } as const;
  if (histograms === undefined) return vector;
  const found = histograms.flatMap((one, i) => (one === undefined ? [] : [[i, histogramOf(one)] as const]));
  return { ...vector, histograms: new Map(found) };
}

function seriesOf({ labels, timesMs, values, histograms }: EvaluatedSeries): SeriesData {
  if (histograms === undefined) return { labels, timesMs, values };
  const isNumber = (_: number, i: number): boolean => histograms[i] === undefined;
  return {
    labels,
    timesMs: timesMs.filter(isNumber),
    values: values.filter(isNumber),
    histograms: histograms.flatMap((one, i) => {
      const timeMs = timesMs[i];
      return one === undefined || timeMs === undefined ? [] : [{ timeMs, histogram: histogramOf(one) }];
    }),
  };
}

const histogramOf = (histogram: NativeHistogram) => ({
  count: histogram.count,
  sum: histogram.sum,
  buckets: histogramBuckets(histogram),
});

/** Remarks are about the query alone: nothing of what is in memory can be missing. */
function answer<T>(
  data: T,
  { warnings, infos }: { readonly warnings: readonly string[]; readonly infos: readonly string[] },
  startedMs: number,
): Answer<T> {
  return { data, warnings, infos, complete: true, tookMs: performance.now() - startedMs };
}
