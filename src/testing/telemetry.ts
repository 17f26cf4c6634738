import type { SeriesStorage } from "../promql/index.ts";

/**
 * What a mesh emits about its requests: the same ones as series, as spans and as lines of access logs.
 *
 * Everything is a function of the time asked for: asked twice, it is the same, and nothing is kept.
 */
export interface Telemetry {
  /** Istio's metrics as a Prometheus holds them: the samples of its scrapes. */
  readonly series: SeriesStorage;
  /** The traces of which the first span began from `fromMs` to `toMs`, both included, the earliest first. */
  traces(fromMs: number, toMs: number): Iterable<EmittedTrace>;
  /** The trace of that id, in lower-case hexadecimal with all its zeros. */
  trace(id: string): EmittedTrace | undefined;
  /**
   * The lines that the proxies wrote from `fromNs` to before `toNs`, in that order of time; with `isOf` those of the
   * proxies that it takes, which spares making the others.
   */
  lines(
    fromNs: bigint,
    toNs: bigint,
    order: "backward" | "forward",
    isOf?: (writer: LineWriter) => boolean,
  ): Iterable<EmittedLine>;
}

/** The spans of one request through the mesh, in the order in which they began. */
export interface EmittedTrace {
  readonly id: string;
  readonly spans: readonly EmittedSpan[];
}

/** One span as a proxy sends it. */
export interface EmittedSpan {
  /** 16 lower-case hexadecimal digits. */
  readonly id: string;
  readonly parentId: string | undefined;
  readonly kind: "client" | "server";
  /** The proxy's own name, as Istio gives it: `"backend.default"`. */
  readonly service: string;
  readonly operation: string;
  /** Epoch microseconds, whole. */
  readonly startUs: number;
  readonly durationUs: number;
  readonly address: string;
  /** Envoy's and Istio's tags, which are all texts. */
  readonly tags: Readonly<Record<string, string>>;
}

/** Where a line was written. */
export interface LineWriter {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** The workload's label `app`. */
  readonly app: string;
}

/** One line of an access log, and whose it is. */
export interface EmittedLine extends LineWriter {
  /** Epoch nanoseconds. */
  readonly timeNs: bigint;
  readonly text: string;
}
