import { QueryError } from "../errors.ts";
import type { MetricsBackend } from "../metrics/backend.ts";
import { aggregate, by, type Matcher, matcher, selector } from "../promql/index.ts";
import { type AskOptions, shown } from "../time.ts";
import { METRICS } from "./istio.ts";

/** How histograms are kept: as series of buckets, or as values of their own (Prometheus 2.40 and later). */
export type KnownHistograms = "classic" | "native";

/** What a mesh can be told of its histograms; `"auto"` asks the backend. */
export type Histograms = KnownHistograms | "auto";

/** How long an answer is believed. */
const BELIEVED_MS = 5 * 60_000;

/** Finds out once how a backend keeps the mesh's histograms, and remembers it for a while. */
export class HistogramChoice {
  readonly #backend: MetricsBackend;
  readonly #now: () => number;
  #known: { readonly kind: KnownHistograms; readonly untilMs: number } | undefined;

  constructor(backend: MetricsBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  /** Native where there is any such series, since whoever keeps both means to change over; classic without any. */
  async of(atMs: number | undefined, options: AskOptions): Promise<KnownHistograms> {
    if (this.#known !== undefined && this.#known.untilMs > this.#now()) return this.#known.kind;
    const names = matcher("__name__", "=~", `${METRICS.duration}|${METRICS.duration}_bucket`);
    const expr = aggregate("group", selector(undefined, [names]), { grouping: by("__name__") });
    const { data } = await this.#backend.instant(expr, atMs, options);
    const seen = data.kind === "vector" ? data.labels.map((labels) => labels.__name__) : [];
    const kind = seen.includes(METRICS.duration) ? "native" : "classic";
    if (seen.length > 0) this.#known = { kind, untilMs: this.#now() + BELIEVED_MS };
    return kind;
  }
}

/** The option of a mesh, checked. */
export function checkHistograms(histograms: unknown): Histograms {
  if (histograms === "auto" || histograms === "classic" || histograms === "native") return histograms;
  throw new QueryError("config", `createMesh: histograms is "classic", "native" or "auto", not ${shown(histograms)}`);
}

/**
 * Selects the bucket with this upper bound, a number: Prometheus 3 writes `1000` as `1000.0`, and Go from a million on
 * as `1e+06`.
 */
export function boundMatcher(bound: number): Matcher {
  const digits = String(bound).replace(".", "\\.");
  const forms = Number.isInteger(bound) ? [`${digits}(\\.0)?`] : [digits];
  if (bound >= 1e6) forms.push(exponential(bound).replace(/[.+]/g, "\\$&"));
  return matcher("le", "=~", forms.join("|"));
}

/** As Go's shortest form has it, whose exponent has two digits. */
const exponential = (value: number): string => value.toExponential().replace(/e\+(\d)$/, "e+0$1");
