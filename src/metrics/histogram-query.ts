import { type Expr, print } from "../promql/index.ts";
import { HistogramMatrix } from "../results/histogram-matrix.ts";
import { HistogramVector } from "../results/histogram-vector.ts";
import { DISPLAY, displayed, type MimeBundle } from "../results/mime.ts";
import { type AskOptions, type Instant, instantMs } from "../time.ts";
import { metaOf, timeOf } from "./answer.ts";
import type { Answer, MatrixData } from "./backend.ts";
import { histogramSamples, histogramSeries } from "./histogram-answer.ts";
import { askPieces, joinAnswers, type RangeOptions } from "./plan/range.ts";
import { remarked } from "./plan/window-remarks.ts";
import { backendOf, type Context } from "./question.ts";
import { planRange } from "./range-plan.ts";
import type { TimeRange } from "./step.ts";

/** A question whose answers are histograms, native ones or series of buckets; otherwise like any {@link Query}. */
export class HistogramQuery<U extends string = string> implements PromiseLike<HistogramVector<U>> {
  /** The PromQL as a tree. */
  readonly expr: Expr;
  /** What was observed is measured in this. */
  readonly unit: U;
  readonly #context: Context;

  constructor(context: Context, expr: Expr, unit: U) {
    this.#context = context;
    this.expr = expr;
    this.unit = unit;
    Object.freeze(this);
  }

  /** The PromQL that would be sent. */
  get promql(): string {
    return print(this.expr);
  }

  /** Awaiting the query asks for now, by the backend's clock. */
  then<A = HistogramVector<U>, B = never>(
    onAnswer?: ((answer: HistogramVector<U>) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.now().then(onAnswer, onError);
  }

  /** The histograms now; what awaiting the query does, with options. */
  async now(options: AskOptions = {}): Promise<HistogramVector<U>> {
    return this.#ask(undefined, options);
  }

  /** The histograms at an instant. */
  async at(instant: Instant, options: AskOptions = {}): Promise<HistogramVector<U>> {
    return this.#ask(instantMs(instant, "at"), options);
  }

  /** The histograms over a range, asked for in pieces where it is longer than the backend answers at once. */
  async over(range: TimeRange, options: RangeOptions = {}): Promise<HistogramMatrix<U>> {
    const startedMs = performance.now();
    const { backend, grid, scrapeIntervalMs, asked } = await planRange(this.#context, range, options);
    const answers: Answer<MatrixData>[] = [];
    for await (const { answer } of askPieces(backend, this.expr, grid, asked)) answers.push(answer);
    const joined = remarked(joinAnswers(answers, performance.now() - startedMs), this.expr, scrapeIntervalMs);
    const meta = metaOf(backend.name, this.promql, joined, this.#context.onPartial);
    return new HistogramMatrix({ unit: this.unit, meta, ...grid, series: histogramSeries(joined.data, meta) });
  }

  /** How it looks in a notebook: as its answer. */
  [DISPLAY](): Promise<MimeBundle> {
    return displayed(async () => (await this)[DISPLAY]());
  }

  async #ask(atMs: number | undefined, options: AskOptions): Promise<HistogramVector<U>> {
    const { now, onPartial } = this.#context;
    const backend = backendOf(this.#context);
    const answer = remarked(await backend.instant(this.expr, atMs, options), this.expr, backend.scrapeIntervalMs);
    const meta = metaOf(backend.name, this.promql, answer, onPartial);
    const at = atMs ?? timeOf(answer.data) ?? now();
    return new HistogramVector({ unit: this.unit, at, meta, samples: histogramSamples(answer.data, at, meta) });
  }
}
