import { by as byLabels, type Expr, print, without as withoutLabels } from "../promql/index.ts";
import { HistogramMatrix } from "../results/histogram-matrix.ts";
import { HistogramVector } from "../results/histogram-vector.ts";
import type { CustomLabel } from "../results/labels.ts";
import { DISPLAY, displayed, type MimeBundle } from "../results/mime.ts";
import { type AskOptions, type Duration, durationMs, type Instant, instantMs } from "../time.ts";
import { metaOf } from "./answer.ts";
import { askInstant } from "./ask-instant.ts";
import type { Answer, MatrixData } from "./backend.ts";
import { back, exprOf, unlock } from "./formula.ts";
import { groupingLabels } from "./grouping-labels.ts";
import { histogramSamples, histogramSeries } from "./histogram-answer.ts";
import { askPieces, joinAnswers, type RangeOptions } from "./plan/range.ts";
import { remarked } from "./plan/window-remarks.ts";
import type { Plan } from "./question.ts";
import { planRange } from "./range-plan.ts";
import type { TimeRange } from "./step.ts";

/** What a query for histograms is a shell over. */
interface HistogramPlan<U extends string> extends Pick<Plan<U>, "context" | "formula" | "grouping" | "unit"> {}

/** A question whose answers are histograms, native ones or series of buckets; otherwise like any {@link Query}. */
export class HistogramQuery<U extends string = string, out K extends string = string>
  implements PromiseLike<HistogramVector<U>>
{
  readonly #plan: HistogramPlan<U>;

  constructor(plan: HistogramPlan<U>) {
    this.#plan = Object.freeze(plan);
    Object.freeze(this);
  }

  /** What was observed is measured in this. */
  get unit(): U {
    return this.#plan.unit;
  }

  /** The PromQL that would be sent; the same conditions as {@link Query.promql}. */
  get promql(): string {
    return print(this.expr);
  }

  /** The PromQL as a tree. */
  get expr(): Expr {
    return exprOf(this.#plan);
  }

  /**
   * One histogram for each combination of these labels.
   *
   * @throws {QueryError} `code: "label"` when a name is empty, no text, or a slip of a known one
   */
  by(...labels: readonly (CustomLabel | K)[]): HistogramQuery<U, K> {
    return this.#with({ grouping: byLabels(...groupingLabels(labels, "by", this.#plan.context)) });
  }

  /** One histogram for each combination of all labels but these. */
  without(...labels: readonly (CustomLabel | K)[]): HistogramQuery<U, K> {
    return this.#with({ grouping: withoutLabels(...groupingLabels(labels, "without", this.#plan.context)) });
  }

  /**
   * The same question about an earlier time.
   *
   * @param duration how far back, as a PromQL duration: `"1d"`
   */
  offset(duration: Duration): HistogramQuery<U, K> {
    return this.#with({ formula: back(this.#plan.formula, durationMs(duration, "offset")) });
  }

  #with(changed: Partial<HistogramPlan<U>>): HistogramQuery<U, K> {
    return new HistogramQuery({ ...this.#plan, ...changed });
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
    const { context, unit, formula, grouping } = this.#plan;
    const { backend, grid, scrapeIntervalMs, asked } = await planRange(context, range, options);
    const expr = (await unlock(formula, grid.endMs, asked.allowance.rest)).build(grouping);
    const answers: Answer<MatrixData>[] = [];
    for await (const { answer } of askPieces(backend, expr, grid, asked)) answers.push(answer);
    const joined = remarked(joinAnswers(answers, performance.now() - startedMs), expr, scrapeIntervalMs);
    const meta = metaOf(backend.name, print(expr), joined, context.onPartial);
    return new HistogramMatrix({ unit, meta, ...grid, series: histogramSeries(joined.data, meta) });
  }

  /** How it looks in a notebook: as its answer. */
  [DISPLAY](): Promise<MimeBundle> {
    return displayed(async () => (await this)[DISPLAY]());
  }

  async #ask(atMs: number | undefined, options: AskOptions): Promise<HistogramVector<U>> {
    const { data, at, meta } = await askInstant(this.#plan, atMs, options);
    return new HistogramVector({ unit: this.unit, at, meta, samples: histogramSamples(data, at, meta) });
  }
}
