import { QueryError } from "../errors.ts";
import type { Expr, Grouping } from "../promql/index.ts";
import type { Matrix } from "../results/matrix.ts";
import type { OnProgress } from "../results/progress.ts";
import type { Sample } from "../results/sample.ts";
import type { Vector } from "../results/vector.ts";
import type { AskOptions, Instant } from "../time.ts";
import type { OnPartial } from "./answer.ts";
import type { MetricsBackend } from "./backend.ts";
import type { Formula } from "./formula.ts";
import type { RangeOptions } from "./plan/range.ts";
import type { TimeRange } from "./step.ts";

/** What a query needs beside its expression: whom to ask, what time it is, and what to do about missing data. */
export interface Context {
  /** `undefined` for a mesh without metrics: its queries print, and asking them is a QueryError. */
  readonly backend: MetricsBackend | undefined;
  readonly now: () => number;
  readonly onPartial: OnPartial;
  /** Told of long work that has nobody of its own to tell. */
  readonly onProgress?: OnProgress | undefined;
  /** Refuses a plain label name that can only be a slip, with a QueryError; `verb` names the method. */
  readonly checkLabel: (name: string, verb: string) => void;
}

/** Whom to ask. */
export function backendOf({ backend }: Context): MetricsBackend {
  if (backend !== undefined) return backend;
  throw new QueryError(
    "config",
    'this mesh has no metrics backend; write createMesh({ metrics: prometheus("http://prometheus:9090") })',
  );
}

/** What a query and a condition are shells over. */
export interface Plan<U extends string = string> {
  readonly context: Context;
  readonly unit: U;
  readonly formula: Formula;
  /** The grouping the formula is built with; `undefined` leaves each part as it was written. */
  readonly grouping: Grouping | undefined;
  /** The labels that the result's series have. */
  readonly shape: Grouping;
  /** Requests per second of the traffic that the values are of, where they are of requests. */
  readonly traffic?: Formula | undefined;
  /** Whether the values are shares of a whole, which are never above 1. */
  readonly isShare?: boolean | undefined;
}

/** One number for a query that keeps no labels, otherwise one for each combination of the labels kept. */
export type Instantaneous<U extends string, L extends string> = [L] extends [never] ? Sample<U> : Vector<L, U>;

/** What can be asked for now, for an instant and for a range: a query, as those see it who need nothing else of it. */
export interface Question<U extends string = string, L extends string = string>
  extends PromiseLike<Instantaneous<U, L>> {
  /** What its values are measured in. */
  readonly unit: U;
  /** The PromQL that would be sent. */
  readonly promql: string;
  /** The PromQL as a tree. */
  readonly expr: Expr;
  /** Whom it asks, and by which clock. */
  readonly context: Context;
  /** The value now. */
  now(options?: AskOptions): Promise<Instantaneous<U, L>>;
  /** The value at an instant. */
  at(instant: Instant, options?: AskOptions): Promise<Instantaneous<U, L>>;
  /** The course of the value over a range. */
  over(range: TimeRange, options?: RangeOptions): RangeQuestion<U, L>;
}

/** A question about a range: awaited it gives the whole, in parts it is read as it comes. */
export interface RangeQuestion<U extends string = string, L extends string = string> extends PromiseLike<Matrix<L, U>> {
  /** The answer piece by piece, in order of time; the pieces share no instant. */
  parts(): AsyncGenerator<Matrix<L, U>, void, undefined>;
}
