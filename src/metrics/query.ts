import { QueryError } from "../errors.ts";
import { checkOptions, type OptionNames } from "../http/config.ts";
import {
  binary,
  by as byLabels,
  type ComparisonOp,
  call,
  type Expr,
  type Grouping,
  number,
  print,
  without as withoutLabels,
} from "../promql/index.ts";
import type { CustomLabel, LabelName } from "../results/labels.ts";
import type { Matrix } from "../results/matrix.ts";
import { DISPLAY, displayed, INSPECT, type MimeBundle } from "../results/mime.ts";
import { type Quotient, quotient } from "../results/unit.ts";
import type { AskOptions } from "../time.ts";
import { type Duration, durationMs, type Instant, instantMs, shown } from "../time.ts";
import { isSingle, matrixOf, metaOf, sampleOf, vectorOf } from "./answer.ts";
import { askInstant } from "./ask-instant.ts";
import type { Answer, Grid, MatrixData } from "./backend.ts";
import { Condition, type MissingOptions, type Threshold, thresholdOf } from "./condition.ts";
import { displayQuestion, printQuestion } from "./display.ts";
import { back, exprOf, type Formula, join, map, SINGLE, unlock } from "./formula.ts";
import { groupingLabels } from "./grouping-labels.ts";

import { askPieces, checkRangeOptions, joinAnswers, type Piece, type RangeOptions } from "./plan/range.ts";
import { remarked } from "./plan/window-remarks.ts";
import type { Context, Instantaneous, Plan } from "./question.ts";
import { planRange } from "./range-plan.ts";
import { resolveGrid, type TimeRange } from "./step.ts";

export type { Context } from "./question.ts";

/** Any query, whatever its unit and labels. */
interface Operand {
  readonly unit: string;
}

/**
 * A question that has not been asked yet. Awaiting it asks for now; {@link Query.at} and {@link Query.over} ask for
 * other times. A query never changes: each method returns a new one, and nothing is sent before it is awaited.
 */
export class Query<U extends string, L extends string = never, out K extends string = string>
  implements PromiseLike<Instantaneous<U, L>>
{
  readonly #plan: Plan<U>;

  constructor(plan: Plan<U>) {
    this.#plan = Object.freeze(plan);
    Object.freeze(this);
  }

  /** What its values are measured in, such as `"req/s"`. */
  get unit(): U {
    return this.#plan.unit;
  }

  /**
   * The PromQL that would be sent.
   *
   * @throws {QueryError} `code: "reporter"` while the reporter is still to be chosen (`"auto"`)
   */
  get promql(): string {
    return print(this.expr);
  }

  /** The PromQL as a tree, for tools; the same conditions as {@link Query.promql}. */
  get expr(): Expr {
    return exprOf(this.#plan);
  }

  /** Whom it asks, and by which clock, for tools. */
  get context(): Context {
    return this.#plan.context;
  }

  /**
   * One value for each combination of these labels.
   *
   * In a query made of several, every part is grouped so.
   *
   * @throws {QueryError} `code: "label"` when a name is empty, no text, or a slip of a known one
   */
  by<const N extends readonly (CustomLabel | K)[]>(...labels: N): Query<U, LabelName<N[number]>, K> {
    return this.#regroup(byLabels(...groupingLabels(labels, "by", this.context)));
  }

  /** One value for each combination of all labels but these; which labels the series then have is the server's. */
  without(...labels: readonly (CustomLabel | K)[]): Query<U, string, K> {
    return this.#regroup(withoutLabels(...groupingLabels(labels, "without", this.context)));
  }

  #regroup<N extends string>(grouping: Grouping): Query<U, N, K> {
    return new Query({ ...this.#plan, grouping, shape: grouping });
  }

  /**
   * The same question about an earlier time.
   *
   * @param duration how far back, as a PromQL duration: `"1d"`
   */
  offset(duration: Duration): Query<U, L, K> {
    const ms = durationMs(duration, "offset");
    const { formula, traffic } = this.#plan;
    return new Query({ ...this.#plan, formula: back(formula, ms), traffic: traffic && back(traffic, ms) });
  }

  /**
   * The sum with a query of the same unit, or with a number of that unit.
   *
   * A value that is missing on one side is missing in the sum.
   *
   * @throws {QueryError} `code: "unit"` when the units differ, `"grouping"` when the labels do not match
   */
  plus<M extends string = never>(other: Query<U, M, K> | number): Query<U, L | M, K> {
    return this.#combine("+", other, this.#sameUnit(other, "plus"));
  }

  /** The difference to a query of the same unit, or to a number of that unit; otherwise as {@link Query.plus}. */
  minus<M extends string = never>(other: Query<U, M, K> | number): Query<U, L | M, K> {
    return this.#combine("-", other, this.#sameUnit(other, "minus"));
  }

  /**
   * The product with a number or a ratio, which leaves the unit as it is.
   *
   * @throws {QueryError} `code: "unit"` when the other query is no ratio
   */
  times<M extends string = never>(other: Query<"ratio", M, K> | number): Query<U, L | M, K> {
    if (other instanceof Query && other.unit !== "ratio") {
      throw new QueryError(
        "unit",
        `times: ${this.unit} times ${other.unit} has no meaning here; the factor is a ratio or a number`,
      );
    }
    return this.#combine("*", other, this.unit);
  }

  /**
   * The quotient by a number, or by another query: of the same unit it is a ratio, of another one a unit of its own,
   * such as `"B/s"` by `"req/s"`, which is `"B/req"`.
   *
   * Where the divisor is 0 or missing there is no value: never NaN, never infinity.
   */
  dividedBy(other: number): Query<U, L, K>;
  dividedBy<V extends string, M extends string = never>(other: Query<V, M, K>): Query<Quotient<U, V>, L | M, K>;
  dividedBy(other: Operand | number): unknown {
    if (other === 0) throw new QueryError("unit", "dividedBy(0): nothing can be divided by zero");
    if (!(other instanceof Query)) return this.#combine("/", other, this.unit);
    return this.#combine("/", other, quotient(this.unit, other.unit), notZero);
  }

  #sameUnit(other: Operand | number, verb: string): U {
    if (other instanceof Query && other.unit !== this.unit) {
      throw new QueryError("unit", `${verb}: ${this.unit} and ${other.unit} do not mix; both sides need the same unit`);
    }
    return this.unit;
  }

  #combine<V extends string, N extends string>(
    op: "*" | "+" | "-" | "/",
    other: Operand | number,
    unit: V,
    change: (right: Expr) => Expr = (right) => right,
  ): Query<V, N, K> {
    const { context, formula } = this.#plan;
    if (other instanceof Query) {
      if (other.#plan.context.backend !== context.backend) {
        throw new QueryError(
          "config",
          "the two queries are of different meshes; ask each and compute with the answers",
        );
      }
      const { traffic } = this.#plan;
      return new Query({ context, unit, traffic, ...join(op, this.#plan, other.#plan, change) });
    }
    if (typeof other !== "number" || !Number.isFinite(other)) {
      throw new QueryError("unit", `${shown(other)} is neither a query nor a finite number`);
    }
    const isShare = undefined;
    return new Query({
      ...this.#plan,
      unit,
      isShare,
      formula: map(formula, (expr) => binary(op, expr, number(other))),
    });
  }

  /**
   * The condition that the value is above a threshold: a number of the query's unit, for milliseconds also `"250ms"`, for
   * a ratio also `"99.5%"`; or above that of another query of the same unit. A missing value is not above anything.
   *
   * @throws {QueryError} `code: "unit"` when that is no threshold of this unit, or one that a share never reaches
   * @example
   * mesh.edge("frontend", "backend").latency(0.99, "5m").above("250ms")
   */
  above<M extends string = never>(threshold: Query<U, M, K> | Threshold<U>): Condition<U, L | M> {
    return this.#compare(">", threshold, "above");
  }

  /** The condition that the value is below a threshold; otherwise as {@link Query.above}. */
  below<M extends string = never>(threshold: Query<U, M, K> | Threshold<U>): Condition<U, L | M> {
    return this.#compare("<", threshold, "below");
  }

  /** The condition that the value is a threshold or above it; otherwise as {@link Query.above}. */
  atLeast<M extends string = never>(threshold: Query<U, M, K> | Threshold<U>): Condition<U, L | M> {
    return this.#compare(">=", threshold, "atLeast");
  }

  /** The condition that the value is a threshold or below it; otherwise as {@link Query.above}. */
  atMost<M extends string = never>(threshold: Query<U, M, K> | Threshold<U>): Condition<U, L | M> {
    return this.#compare("<=", threshold, "atMost");
  }

  /** The condition that the value is exactly this; otherwise as {@link Query.above}. */
  equals<M extends string = never>(threshold: Query<U, M, K> | Threshold<U>): Condition<U, L | M> {
    return this.#compare("==", threshold, "equals");
  }

  /**
   * The condition that the value differs from another one by at least this share of that, up or down. Its values are how
   * much it changed: 0.5 for half more or half less. Where the other one is missing or 0 it does not hold.
   *
   * @param ratio above 0: 0.5 or `"50%"`
   * @param options `against`: how far back, `"1d"`, or another query of the same unit
   * @throws {QueryError} `code: "unit"` when the ratio is none
   * @example
   * mesh.service("backend").rate("10m").changedBy("50%", { against: "1d" })
   */
  changedBy<M extends string = never>(
    ratio: Threshold<"ratio">,
    { against }: { readonly against: Duration | Query<U, M, K> },
  ): Condition<"ratio", L | M> {
    const other: Operand = against instanceof Query ? against : this.offset(against);
    this.#sameUnit(other, "changedBy");
    const quotient = this.#combine<"ratio", L | M>("/", other, "ratio", notZero);
    const { formula, ...rest } = quotient.minus(1).#plan;
    const change = { ...rest, formula: map(formula, (expr) => call("abs", expr)) };
    const least = thresholdOf(ratio, change, "changedBy");
    if (!(least > 0)) throw new QueryError("unit", `changedBy(${shown(ratio)}): a change is above 0, up or down`);
    return Condition.comparing(asking, change, ">=", least);
  }

  /**
   * The condition that nothing is measured; with `seen`, for each series that was there that long ago and is not now.
   *
   * @throws {QueryError} `code: "grouping"` for a grouped query without `seen`
   */
  missing(): Condition<"1", L>;
  missing(options: MissingOptions): Condition<U, L>;
  missing(options?: MissingOptions): unknown {
    const seen = options && this.offset(options.seen).#plan;
    return Condition.absence(asking, this.#plan, seen);
  }

  #compare<N extends string>(op: ComparisonOp, threshold: unknown, verb: string): Condition<U, N> {
    const plan = this.#plan;
    if (!(threshold instanceof Query)) {
      return Condition.comparing<U, N>(asking, plan, op, thresholdOf(threshold, plan, verb));
    }
    this.#sameUnit(threshold, verb);
    const other: Query<string, string> = threshold;
    if (other.#plan.context.backend === plan.context.backend) return Condition.joining(asking, plan, op, other.#plan);
    throw new QueryError("config", `${verb}: the two queries are of different meshes; compare their answers`);
  }

  /** Awaiting the query asks for now, by the backend's clock. */
  then<A = Instantaneous<U, L>, B = never>(
    onAnswer?: ((answer: Instantaneous<U, L>) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.now().then(onAnswer, onError);
  }

  /** The value now, by the backend's clock; what awaiting the query does, with options. */
  async now(options: AskOptions = {}): Promise<Instantaneous<U, L>> {
    checkOptions(options, ASKING, "now");
    return this.#ask(undefined, options);
  }

  /**
   * The value at an instant.
   *
   * @throws {QueryError} `code: "time"` when that is no instant
   * @example
   * await mesh.edge("frontend", "backend").rate("5m").at("2026-11-20T10:00:00Z")
   */
  async at(instant: Instant, options: AskOptions = {}): Promise<Instantaneous<U, L>> {
    checkOptions(options, ASKING, "at");
    return this.#ask(instantMs(instant, "at"), options);
  }

  /**
   * The course of the value over a range: awaited it is a {@link Matrix}, and its `parts()` are matrices as they come.
   *
   * A range that is longer than the backend answers at once is asked for in pieces, side by side.
   *
   * @throws {QueryError} `code: "range"`, `"step"` or `"time"` when the range cannot be meant as it stands
   * @example
   * await mesh.edge("frontend", "backend").rate("5m").over({ last: "6h", step: "1m" })
   */
  over(range: TimeRange, options: RangeOptions = {}): RangeQuery<U, L> {
    const scrapeIntervalMs = this.#plan.context.backend?.scrapeIntervalMs ?? 1;
    resolveGrid(range, this.#plan.context.now(), scrapeIntervalMs);
    checkRangeOptions(options);
    return new RangeQuery(() => this.#askRange(range, options));
  }

  /** How it looks in a notebook: its value now, and its course over the last hour. */
  [DISPLAY](): Promise<MimeBundle> {
    return displayQuestion(this);
  }

  /** Its text, and how to ask it. */
  [INSPECT](): string {
    return printQuestion(this);
  }

  async #ask(atMs: number | undefined, options: AskOptions): Promise<Instantaneous<U, L>> {
    const { unit, shape } = this.#plan;
    const { data, at, meta } = await askInstant(this.#plan, atMs, options);
    const result = isSingle(shape) ? sampleOf(data, { unit, at, meta }) : vectorOf(data, shape, { unit, at, meta });
    return result as Instantaneous<U, L>;
  }

  async #askRange(range: TimeRange, options: RangeOptions): Promise<AskedRange<U, L>> {
    const { context, unit, formula, grouping, shape } = this.#plan;
    const { backend, grid, scrapeIntervalMs, asked } = await planRange(context, range, options);
    const expr = (await unlock(formula, grid.endMs, asked.allowance.rest)).build(grouping);
    const promql = print(expr);
    return {
      grid,
      pieces: askPieces(backend, expr, grid, asked),
      matrix: (answer, part) =>
        matrixOf(answer.data, shape, {
          unit,
          meta: metaOf(backend.name, promql, remarked(answer, expr, scrapeIntervalMs), context.onPartial),
          ...part,
        }) as Matrix<L, U>,
    };
  }
}

/** A question about a range that is being answered. */
interface AskedRange<U extends string, L extends string> {
  readonly grid: Grid;
  readonly pieces: AsyncIterable<Piece>;
  readonly matrix: (answer: Answer<MatrixData>, part: Grid) => Matrix<L, U>;
}

/** A question about a range of time; awaiting it asks, and so does reading its {@link RangeQuery.parts}. */
export class RangeQuery<U extends string, L extends string = never> implements PromiseLike<Matrix<L, U>> {
  readonly #ask: () => Promise<AskedRange<U, L>>;

  constructor(ask: () => Promise<AskedRange<U, L>>) {
    this.#ask = ask;
    Object.freeze(this);
  }

  then<A = Matrix<L, U>, B = never>(
    onAnswer?: ((answer: Matrix<L, U>) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#whole().then(onAnswer, onError);
  }

  /**
   * The same answer piece by piece, in order of time, each as soon as it and those before it are there: for ranges that
   * shall not be held as a whole. The pieces share no instant. One piece is all there is where the backend answers the
   * range at once; who stops reading ends the questions that are under way.
   *
   * @example
   * const week = edge.rate("5m").over({ last: "7d", step: "15m" }, { pointsPerRequest: 200 });
   * for await (const part of week.parts()) console.log(part.length);
   */
  async *parts(): AsyncGenerator<Matrix<L, U>, void, undefined> {
    const { pieces, matrix } = await this.#ask();
    for await (const { answer, grid } of pieces) yield matrix(answer, grid);
  }

  /** How it looks in a notebook: as its answer. */
  [DISPLAY](): Promise<MimeBundle> {
    return displayed(async () => (await this)[DISPLAY]());
  }

  async #whole(): Promise<Matrix<L, U>> {
    const startedMs = performance.now();
    const { grid, pieces, matrix } = await this.#ask();
    const answers: Answer<MatrixData>[] = [];
    for await (const { answer } of pieces) answers.push(answer);
    return matrix(joinAnswers(answers, performance.now() - startedMs), grid);
  }
}

const ASKING: OptionNames<AskOptions> = { signal: true, timeoutMs: true };

const notZero = (divisor: Expr): Expr => binary("!=", divisor, number(0));

/** How a condition asks: as the query of its plan. */
const asking = <U extends string, L extends string>(plan: Plan<U>): Query<U, L> => new Query(plan);

/** A query over the expressions of `formula`, one value without labels until it is grouped. */
export function query<U extends string, K extends string = string>(
  context: Context,
  unit: U,
  formula: Formula,
  { traffic, isShare }: Pick<Plan, "isShare" | "traffic"> = {},
): Query<U, never, K> {
  return new Query({ context, unit, formula, grouping: undefined, shape: SINGLE, traffic, isShare });
}
