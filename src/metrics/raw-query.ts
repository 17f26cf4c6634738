import { DecodeError, QueryError } from "../errors.ts";
import { type Expr, parse, print, typeOf, type ValueType, without } from "../promql/index.ts";
import { DISPLAY, displayed, type MimeBundle } from "../results/mime.ts";
import { StringSample } from "../results/string-sample.ts";
import { type AskOptions, type Instant, instantMs, shown } from "../time.ts";
import { metaOf } from "./answer.ts";
import { ready, SINGLE } from "./formula.ts";
import { HistogramQuery } from "./histogram-query.ts";
import { Query } from "./query.ts";
import { backendOf, type Context } from "./question.ts";

/** What a query in PromQL's own words gives. */
export interface RawOptions<U extends string = string> {
  /** What its values are measured in; `"1"`, which is no unit, when left out. */
  readonly unit?: U | undefined;
  /**
   * What the expression is by its type: checked before anything is sent. `"vector"` when left out; `"histogram"` is a
   * vector of native histograms, or of the series that classic ones are kept in.
   */
  readonly type?: "histogram" | "scalar" | "string" | "vector" | undefined;
  /** Whether functions are taken that a server must be told to take. */
  readonly experimental?: boolean | undefined;
}

/**
 * A query in PromQL's own words.
 *
 * @throws {PromqlSyntaxError} when the text is no PromQL
 * @throws {QueryError} `code: "promql"` when its type is another than the one that was named
 */
export function rawQuery(
  context: Context,
  source: Expr | string,
  options: RawOptions = {},
): HistogramQuery | Query<string, string> | StringQuery {
  const { unit = "1", type = "vector", experimental } = options;
  const expr = typeof source === "string" ? parse(source, { experimental }) : source;
  if (typeof expr?.kind !== "string") {
    throw new QueryError("promql", `promql: ${shown(source)} is no PromQL; write text, or what the tag promql gives`);
  }
  if (typeof unit !== "string" || unit === "") throw new QueryError("unit", `promql: ${shown(unit)} is no unit`);
  checkType(expr, type === "histogram" ? "vector" : type);
  if (type === "string") return new StringQuery(context, expr);
  const formula = ready((grouping) => {
    if (grouping === undefined) return expr;
    throw new QueryError("grouping", "promql: such a query is grouped in its own text; write sum by (label) (…)");
  });
  if (type === "histogram") return new HistogramQuery({ context, unit, formula, grouping: undefined });
  // A vector keeps whatever labels the server gives it.
  const shape = type === "vector" ? without() : SINGLE;
  return new Query({ context, unit, formula, grouping: undefined, shape });
}

function checkType(expr: Expr, wanted: "scalar" | "string" | "vector"): void {
  const type = typeOf(expr);
  if (type === wanted) return;
  throw new QueryError("promql", `promql: ${shown(print(expr))} is a ${type}, not a ${wanted}; ${ADVICE[type]}`);
}

const ADVICE: Readonly<Record<ValueType, string>> = {
  matrix: "put it into a function such as rate(…) or last_over_time(…)",
  scalar: 'write { type: "scalar" }',
  string: 'write { type: "string" }',
  vector: 'leave out the type, or write { type: "vector" }',
};

/** A question whose answer is a text; otherwise like any {@link Query}. */
export class StringQuery implements PromiseLike<StringSample> {
  /** The PromQL as a tree. */
  readonly expr: Expr;
  readonly #context: Context;

  constructor(context: Context, expr: Expr) {
    this.#context = context;
    this.expr = expr;
    Object.freeze(this);
  }

  /** The PromQL that would be sent. */
  get promql(): string {
    return print(this.expr);
  }

  /** Awaiting the query asks for now, by the backend's clock. */
  then<A = StringSample, B = never>(
    onAnswer?: ((answer: StringSample) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.now().then(onAnswer, onError);
  }

  /** The text now; what awaiting the query does, with options. */
  async now(options: AskOptions = {}): Promise<StringSample> {
    return this.#ask(undefined, options);
  }

  /** The text at an instant. */
  async at(instant: Instant, options: AskOptions = {}): Promise<StringSample> {
    return this.#ask(instantMs(instant, "at"), options);
  }

  /** How it looks in a notebook: as its answer. */
  [DISPLAY](): Promise<MimeBundle> {
    return displayed(async () => (await this)[DISPLAY]());
  }

  async #ask(atMs: number | undefined, options: AskOptions): Promise<StringSample> {
    const backend = backendOf(this.#context);
    const answer = await backend.instant(this.expr, atMs, options);
    const { data } = answer;
    const meta = metaOf(backend.name, this.promql, answer, this.#context.onPartial);
    if (data.kind === "string") return new StringSample({ value: data.value, at: atMs ?? data.timeMs, meta });
    throw new DecodeError("shape", `${backend.name}: a ${data.kind} came where a string was asked for`, {
      backend: backend.name,
      query: this.promql,
    });
  }
}
