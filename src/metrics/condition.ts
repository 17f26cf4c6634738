import { QueryError } from "../errors.ts";
import { binary, type ComparisonOp, call, type Expr, type Grouping, number, type SetOp } from "../promql/index.ts";
import { DISPLAY, INSPECT, type MimeBundle } from "../results/mime.ts";
import { type AskOptions, type Duration, type Instant, parseDuration, shown } from "../time.ts";
import { isSingle } from "./answer.ts";
import { displayQuestion, printQuestion } from "./display.ts";
import { type Formula, join, joinSets, map } from "./formula.ts";
import type { RangeOptions } from "./plan/range.ts";
import type { Context, Instantaneous, Plan, Question, RangeQuestion } from "./question.ts";
import type { TimeRange } from "./step.ts";

/**
 * What a value of a unit is compared with: a number of that unit; for milliseconds also a duration such as `"250ms"` or
 * `"1m30s"`, for a ratio also `"99.5%"`.
 */
export type Threshold<U extends string> = U extends "ms"
  ? LengthOfTime | number
  : U extends "ratio"
    ? number | `${number}%`
    : number;

/** A duration as a text of whole numbers: `"250ms"`, `"1m30s"`. */
export type LengthOfTime =
  | `${bigint}${"d" | "h" | "m" | "ms" | "s"}`
  | `${bigint}m${bigint}s`
  | `${bigint}s${bigint}ms`;

/** What a threshold may not be told by its type: whose traffic counts. */
export interface TrafficOptions {
  /** Requests per second that count; those that the condition's own values are of when it is left out. */
  readonly of?: Question<"req/s", never> | undefined;
}

/** How `missing` knows what there should be. */
export interface MissingOptions {
  /** How far back a series must have been there: `"1h"`. */
  readonly seen: Duration;
}

/** One value compared with a number: what such a condition is made of. */
export interface Comparison {
  readonly op: ComparisonOp;
  readonly threshold: number;
  /** The values that are compared, where the rest of the condition lets them count. */
  readonly values: Question;
}

/** Makes a question of a plan; a condition knows no other way to ask. */
type Asking = <U extends string, L extends string>(plan: Plan<U>) => Question<U, L>;

interface Fields<U extends string> {
  readonly plan: Plan<U>;
  readonly ask: Asking;
  /** What was compared, whether the condition holds for it or not. */
  readonly measured: readonly Plan[];
  readonly compared?:
    | { readonly op: ComparisonOp; readonly threshold: number; readonly values: Plan<U>; readonly gates: Gates }
    | undefined;
}

type Gates = readonly ((plan: Plan) => Plan)[];

/**
 * A condition on a query's values. It is a question itself: awaited it gives those values for which it holds now, so
 * that one without labels has `value: undefined` where it does not hold, or where nothing was measured.
 *
 * A missing value is neither above nor below anything: only `missing()` holds for it. What was compared, whether the
 * condition holds or not, is in {@link Condition.measured}.
 *
 * @example
 * const failing = mesh.edge("frontend", "backend").success("5m").below(0.99);
 * (await failing).value // 0.9894: undefined where it does not hold
 */
export class Condition<out U extends string = string, L extends string = string>
  implements PromiseLike<Instantaneous<U, L>>
{
  readonly #fields: Fields<U>;

  constructor(fields: Fields<U>) {
    this.#fields = Object.freeze(fields);
    Object.freeze(this);
  }

  /** What the values are measured in for which it holds. */
  get unit(): U {
    return this.#fields.plan.unit;
  }

  /**
   * The PromQL that gives a series where the condition holds, and none where it does not.
   *
   * @throws {QueryError} `code: "reporter"` while the reporter is still to be chosen (`"auto"`)
   */
  get promql(): string {
    return asked(this.#fields).promql;
  }

  /** The PromQL as a tree, for tools; the same conditions as {@link Condition.promql}. */
  get expr(): Expr {
    return asked(this.#fields).expr;
  }

  /** Whom it asks, and by which clock, for tools. */
  get context(): Context {
    return this.#fields.plan.context;
  }

  /** The labels that its series have, or those that they do not have. */
  get shape(): Grouping {
    return this.#fields.plan.shape;
  }

  /** The queries that are compared, without the comparison: to tell what does not hold from what is not measured. */
  get measured(): readonly Question[] {
    const { measured, ask } = this.#fields;
    return measured.map((plan) => ask(plan));
  }

  /** What is compared with which number, where that is all the condition says beside the traffic it needs. */
  get comparison(): Comparison | undefined {
    const { compared, ask } = this.#fields;
    if (compared === undefined) return undefined;
    const { op, threshold, values, gates } = compared;
    return { op, threshold, values: ask(gates.reduce<Plan>((plan, gate) => gate(plan), values)) };
  }

  /**
   * The same condition with another number to compare with.
   *
   * @throws {QueryError} `code: "unit"` where it does not compare with one number
   */
  withThreshold(threshold: Threshold<U>): Condition<U, L> {
    const { compared, ask } = this.#fields;
    if (compared === undefined) {
      throw new QueryError("unit", "withThreshold: this condition does not compare a value with one number");
    }
    const value = thresholdOf(threshold, compared.values, "withThreshold");
    const bare = Condition.comparing<U, L>(ask, compared.values, compared.op, value);
    return compared.gates.reduce<Condition<U, L>>((condition, gate) => condition.#gated(gate), bare);
  }

  /** A condition that compares the values of a plan with a number. */
  static comparing<U extends string, L extends string>(
    ask: Asking,
    values: Plan<U>,
    op: ComparisonOp,
    threshold: number,
  ): Condition<U, L> {
    const formula = map(values.formula, (expr) => binary(op, expr, number(threshold)));
    const plan = { ...values, formula, isShare: undefined };
    return new Condition({ plan, ask, measured: [values], compared: { op, threshold, values, gates: [] } });
  }

  /** A condition that compares the values of two plans, series by series. */
  static joining<U extends string, L extends string>(
    ask: Asking,
    left: Plan<U>,
    op: ComparisonOp,
    right: Plan,
  ): Condition<U, L> {
    const plan = { ...left, ...join(op, left, right, (expr) => expr), isShare: undefined };
    return new Condition({ plan, ask, measured: [left, right] });
  }

  /** A condition that holds where values were measured a while ago and are not now; without labels, where none is. */
  static absence(ask: Asking, values: Plan, seen: Plan | undefined): Condition {
    if (seen !== undefined)
      return new Condition({ plan: { ...values, ...joinSets("unless", seen, values) }, ask, measured: [] });
    if (!isSingle(values.shape)) {
      throw new QueryError(
        "grouping",
        'missing: which series of a grouped query should be there cannot be known; write missing({ seen: "1h" })',
      );
    }
    const plan: Plan = { ...values, unit: "1", formula: map(values.formula, (expr) => call("absent", expr)) };
    return new Condition({ plan, ask, measured: [] });
  }

  /**
   * Both: the values of this condition where the other one holds too.
   *
   * Conditions with other labels are joined by those that both have.
   *
   * @throws {QueryError} `code: "grouping"` when neither side's labels contain the other's
   */
  and<V extends string, M extends string>(other: Condition<V, M>): Condition<U, L> {
    return this.#joined("and", other, this.unit);
  }

  /** This one where the other does not hold; otherwise as {@link Condition.and}. */
  unless<V extends string, M extends string>(other: Condition<V, M>): Condition<U, L> {
    return this.#joined("unless", other, this.unit);
  }

  /**
   * At least one of both: the values of this one, and the other's where this one does not hold.
   *
   * @throws {QueryError} `code: "grouping"` when the labels differ
   */
  or<V extends string, M extends string>(other: Condition<V, M>): Condition<U | V, L> {
    const units: readonly (U | V)[] = [...new Set<U | V>([this.unit, other.unit])];
    return this.#joined("or", other, units.join(" or ") as U | V);
  }

  /**
   * The same, but only while there are at least so many requests per second: three requests at night are no reason to
   * wake anyone.
   *
   * @param rate requests per second, over the window of the condition's own values
   * @throws {QueryError} `code: "unit"` when that is no number above 0, or the values are not of requests and no `of` says which count
   * @example
   * mesh.service("backend").success("5m").below(0.99).minTraffic(1)
   */
  minTraffic(rate: number, { of }: TrafficOptions = {}): Condition<U, L> {
    if (typeof rate !== "number" || !(rate > 0 && rate < Number.POSITIVE_INFINITY)) {
      throw new QueryError("unit", `minTraffic: ${shown(rate)} is no number of requests per second above 0`);
    }
    const enough = (formula: Formula): Formula => map(formula, (expr) => binary(">=", expr, number(rate)));
    if (of !== undefined) {
      if (of?.unit !== "req/s") {
        throw new QueryError("unit", `minTraffic: of is no query of requests per second; write of: edge.rate("5m")`);
      }
      if (of.context.backend !== this.context.backend) {
        throw new QueryError("config", "minTraffic: the requests are of another mesh; count those of its own");
      }
      const formula: Formula = { kind: "ready", build: () => of.expr };
      const traffic = { formula: enough(formula), grouping: undefined, shape: { kind: "by", labels: [] } } as const;
      return this.#gated((plan) => ({ ...plan, ...joinSets("and", plan, traffic) }));
    }
    if (this.#fields.plan.traffic === undefined) {
      throw new QueryError(
        "unit",
        'minTraffic: these values are not of requests; say which count: minTraffic(1, { of: edge.rate("5m") })',
      );
    }
    return this.#gated((plan) => {
      if (plan.traffic === undefined) return plan;
      const { shape } = plan;
      const traffic = { formula: enough(plan.traffic), grouping: isSingle(shape) ? undefined : shape, shape };
      return { ...plan, ...joinSets("and", plan, traffic) };
    });
  }

  #gated(gate: (plan: Plan) => Plan): Condition<U, L> {
    const { plan, compared } = this.#fields;
    return new Condition({
      ...this.#fields,
      plan: { ...plan, ...gate(plan), unit: plan.unit },
      compared: compared && { ...compared, gates: [...compared.gates, gate] },
    });
  }

  #joined<N extends string, V extends string, M extends string>(
    op: SetOp,
    other: Condition<V, M>,
    unit: N,
  ): Condition<N, L> {
    if (!(other instanceof Condition)) {
      throw new QueryError("unit", `${op}: ${shown(other)} is no condition; write ${op}(query.above(1))`);
    }
    const { plan, ask, measured } = this.#fields;
    const right = other.#fields;
    if (plan.context.backend !== right.plan.context.backend) {
      throw new QueryError("config", `${op}: the two conditions are of different meshes; ask each of its own`);
    }
    const traffic = plan.traffic ?? right.plan.traffic;
    return new Condition({
      plan: { ...plan, ...joinSets(op, plan, right.plan), unit, traffic },
      ask,
      measured: [...measured, ...right.measured],
    });
  }

  /** Awaiting the condition asks for what holds now, by the backend's clock. */
  then<A = Instantaneous<U, L>, B = never>(
    onAnswer?: ((answer: Instantaneous<U, L>) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.now().then(onAnswer, onError);
  }

  /** What holds now, by the backend's clock; what awaiting the condition does, with options. */
  async now(options: AskOptions = {}): Promise<Instantaneous<U, L>> {
    return asked<U, L>(this.#fields).now(options);
  }

  /** What held at an instant. */
  async at(instant: Instant, options: AskOptions = {}): Promise<Instantaneous<U, L>> {
    return asked<U, L>(this.#fields).at(instant, options);
  }

  /** When it held within a range: the instants with a value. */
  over(range: TimeRange, options: RangeOptions = {}): RangeQuestion<U, L> {
    return asked<U, L>(this.#fields).over(range, options);
  }

  /** How it looks in a notebook: what holds now, and when it held over the last hour. */
  [DISPLAY](): Promise<MimeBundle> {
    return displayQuestion(this);
  }

  /** Its text, and how to ask it. */
  [INSPECT](): string {
    return printQuestion(this);
  }
}

const asked = <U extends string, L extends string>({ ask, plan }: Fields<U>): Question<U, L> => ask(plan);

/**
 * The number that a threshold means in the unit of the values.
 *
 * @throws {QueryError} `code: "unit"` for what is none of that unit, and for what a share can never be
 */
export function thresholdOf(threshold: unknown, { unit, isShare }: Plan, verb: string): number {
  const value = typeof threshold === "string" ? readThreshold(threshold, unit, verb) : threshold;
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new QueryError("unit", `${verb}: ${shown(threshold)} is no ${named(unit)}; ${advice(unit, verb)}`);
  }
  if (isShare && (value < 0 || value > 1)) {
    const meant =
      value > 1 && value <= 100
        ? `; write ${verb}("${value}%") or ${verb}(${Number((value / 100).toPrecision(12))})`
        : "";
    throw new QueryError("unit", `${verb}(${shown(threshold)}): a share is from 0 to 1${meant}`);
  }
  return value;
}

function readThreshold(text: string, unit: string, verb: string): number | undefined {
  if (unit === "ms") return parseDuration(text);
  const [, percent] = /^(-?\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  // Divided as a decimal, so that "99.9%" is 0.999 and no neighbour of it.
  if (unit === "ratio") return percent === undefined ? undefined : Number(`${percent}e-2`);
  throw new QueryError("unit", `${verb}: ${shown(text)} is no number of ${unit}; write ${verb}(10)`);
}

const named = (unit: string): string => (unit === "ratio" ? "ratio" : `number of ${unit}`);

function advice(unit: string, verb: string): string {
  if (unit === "ms") return `write milliseconds or a duration, ${verb}("250ms")`;
  return unit === "ratio" ? `write ${verb}(0.99) or ${verb}("99%")` : `write ${verb}(10)`;
}
