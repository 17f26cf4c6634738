import type { Answer, Grid, InstantData, MatrixData, MetricsBackend, VectorData } from "../../src/metrics/backend.ts";
import { type Expr, print } from "../../src/promql/index.ts";
import type { LabelSet } from "../../src/results/labels.ts";

type Options = Parameters<MetricsBackend["instant"]>[2];

/** A question as a backend was asked it. */
export interface Question {
  readonly promql: string;
  readonly atMs?: number | undefined;
  readonly grid?: Grid;
  readonly options: Options;
}

/** A backend that keeps what it is asked. */
export interface RecordingBackend extends MetricsBackend {
  readonly asked: readonly Question[];
}

/** Answers each question with what these make of its text: nothing, where they are left out. */
export interface Answers {
  readonly instant?: ((promql: string) => InstantData | Promise<InstantData>) | undefined;
  readonly range?: (promql: string, grid: Grid) => MatrixData | Promise<MatrixData>;
  /** What the answers say of themselves. */
  readonly quality?: Partial<Answer<unknown>>;
}

export function recordingBackend({ instant, range, quality }: Answers = {}): RecordingBackend {
  const asked: Question[] = [];
  const answer = <T>(data: T): Answer<T> => ({ warnings: [], infos: [], complete: true, tookMs: 1, ...quality, data });
  return {
    name: "recording",
    scrapeIntervalMs: 15_000,
    asked,
    instant: async (expr: Expr, atMs, options) => {
      const promql = print(expr);
      asked.push({ promql, atMs, options });
      return answer((await instant?.(promql)) ?? vectorData());
    },
    range: async (expr: Expr, grid, options) => {
      const promql = print(expr);
      asked.push({ promql, grid, options });
      return answer((await range?.(promql, grid)) ?? { kind: "matrix", series: [] });
    },
  };
}

/** The instant that all vectors below are of. */
export const AT = Date.UTC(2026, 10, 20, 10);

export function vectorData(...members: readonly (readonly [LabelSet, number])[]): VectorData {
  return {
    kind: "vector",
    labels: members.map(([labels]) => labels),
    values: Float64Array.from(members, ([, value]) => value),
    timesMs: Float64Array.from(members, () => AT),
  };
}
