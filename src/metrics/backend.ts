import type { Expr } from "../promql/ast.ts";
import type { HistogramBucket } from "../results/histogram.ts";
import type { LabelSet } from "../results/labels.ts";
import type { ServerDescription } from "../results/server-description.ts";
import type { AskOptions, ResolvedSpan } from "../time.ts";

/**
 * Where metrics come from: the two questions that PromQL's HTTP API answers, free of any wire format.
 *
 * An implementation throws only {@link MeshQueryError}s, or the reason of the caller's signal.
 */
export interface MetricsBackend {
  /** What errors and results call this backend, such as `"prometheus"`. */
  readonly name: string;
  /** The time between two scrapes in milliseconds, as far as it is known: no step is chosen finer than this. */
  readonly scrapeIntervalMs: number | undefined;
  /** Finds out the time between two scrapes and remembers it, where it can; `undefined` where nothing tells. */
  findScrapeInterval?(options?: AskOptions): Promise<number | undefined>;
  /** What the server is, where it can be known. */
  describe?(options?: AskOptions): Promise<ServerDescription>;
  /** How much it takes at once: a longer range is asked for in pieces. Anything, one question at a time, without it. */
  readonly limits?: BackendLimits | undefined;
  /** The value of `expr` at `atMs`; at the backend's own now when that is left out. */
  instant(expr: Expr, atMs: number | undefined, options?: AskOptions): Promise<Answer<InstantData>>;
  /** The values of `expr` at `startMs`, `startMs + stepMs`, … up to and including `endMs`. */
  range(expr: Expr, grid: Grid, options?: AskOptions): Promise<Answer<MatrixData>>;
  /** Single observations of the series that `expr` selects, kept with the trace that they belong to; where it has them. */
  exemplars?(expr: Expr, span: ResolvedSpan, options?: AskOptions): Promise<Answer<readonly Exemplar[]>>;
}

/** What a backend answers at once. */
export interface BackendLimits {
  /** The most instants of a range in one question. */
  readonly pointsPerRequest: number;
  /** Questions that it takes side by side. */
  readonly concurrency: number;
}

/** One observation with labels of its own, such as the id of its trace. */
export interface Exemplar {
  readonly series: LabelSet;
  readonly labels: LabelSet;
  readonly value: number;
  readonly timeMs: number;
}

/** The instants a range query is evaluated at, in epoch milliseconds. */
export interface Grid {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** A backend's answer with what it said about its quality. */
export interface Answer<T> {
  readonly data: T;
  /** Something may be missing or wrong. */
  readonly warnings: readonly string[];
  /** Remarks that do not touch the values' completeness. */
  readonly infos: readonly string[];
  /** False when the backend says, or its own limits imply, that part of the data is missing. */
  readonly complete: boolean;
  /** From the question to the whole decoded answer, in milliseconds. */
  readonly tookMs: number;
}

/** What an expression is at one instant, by its type. */
export type InstantData = VectorData | ScalarData | StringData;

/** One sample per series: `labels[i]` had `values[i]` at `timesMs[i]`. */
export interface VectorData {
  readonly kind: "vector";
  readonly labels: readonly LabelSet[];
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  /** Native histograms by series index, where the answer has any; their `values[i]` is NaN. */
  readonly histograms?: ReadonlyMap<number, NativeHistogram> | undefined;
}

/** A number without labels, as `scalar()` and literals give it. */
export interface ScalarData {
  readonly kind: "scalar";
  readonly timeMs: number;
  readonly value: number;
}

/** A text, which only a string literal gives. */
export interface StringData {
  readonly kind: "string";
  readonly timeMs: number;
  readonly value: string;
}

/** The values over a range: one entry per series that has any. */
export interface MatrixData {
  readonly kind: "matrix";
  readonly series: readonly SeriesData[];
}

/** The samples of one series as two columns of equal length, in order of time. */
export interface SeriesData {
  readonly labels: LabelSet;
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
  /** Native histograms of the series, which may stand beside floats at other instants. */
  readonly histograms?: readonly { readonly timeMs: number; readonly histogram: NativeHistogram }[] | undefined;
}

/** A native histogram as Prometheus's API gives it. */
export interface NativeHistogram {
  readonly count: number;
  readonly sum: number;
  readonly buckets: readonly HistogramBucket[];
}
