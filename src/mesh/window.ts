import { QueryError } from "../errors.ts";
import { metaOf } from "../metrics/answer.ts";
import type { MetricsBackend, VectorData } from "../metrics/backend.ts";
import type { Context } from "../metrics/query.ts";
import { type Expr, print } from "../promql/index.ts";
import type { Meta } from "../results/meta.ts";
import { type OnProgress, type Progress, Teller } from "../results/progress.ts";
import { type AskOptions, type ResolvedSpan, resolveSpan, type TimeSpan } from "../time.ts";
import { together } from "../traces/together.ts";

/** One question about a window, answered. */
export interface WindowAnswer {
  readonly data: VectorData;
  readonly meta: Meta;
}

/** The answers to all questions about a window of time, in their order. */
export interface WindowAnswers extends ResolvedSpan {
  readonly backend: string;
  readonly answers: readonly WindowAnswer[];
  /** From the first question to the last decoded answer, in milliseconds. */
  readonly tookMs: number;
}

/**
 * Asks several questions about one window of time side by side, each an instant query at its end; the first that fails
 * ends the others.
 *
 * @param what what asks, for errors: `"graph"`
 * @param questions the expressions for a window of so many milliseconds
 */
export async function askWindow(
  context: Context,
  what: Exclude<Progress["what"], "logs" | "range" | "traces">,
  options: TimeSpan & AskOptions & { readonly onProgress?: OnProgress | undefined },
  questions: (windowMs: number) => readonly Expr[],
): Promise<WindowAnswers> {
  const { signal, timeoutMs } = options;
  const backend = checked(context.backend, what);
  const startedMs = context.now();
  const { fromMs, toMs } = resolveSpan(spanOf(options), startedMs, what);
  const windowMs = Math.round(toMs - fromMs);
  if (windowMs <= 0) {
    throw new QueryError("range", `${what}: the range is empty; write { last: "10m" } or { from, to }`);
  }
  // The backend's own clock says what is now.
  const atMs = options.last === undefined ? toMs : undefined;
  const asked = questions(windowMs);
  const total = asked.length;
  const teller = new Teller(options.onProgress ?? context.onProgress);
  let done = 0;
  try {
    const answers = await together(asked, signal, async (expr, ended) => {
      const answer = await backend.instant(expr, atMs, { signal: ended, timeoutMs });
      const meta = metaOf(backend.name, print(expr), answer, context.onPartial);
      done++;
      teller.tell({ what, unit: "question", done, total, ratio: done / total, ended: done === total });
      return { data: answer.data.kind === "vector" ? answer.data : EMPTY, meta };
    });
    return { fromMs, toMs, backend: backend.name, answers, tookMs: context.now() - startedMs };
  } finally {
    teller.end();
  }
}

const EMPTY: VectorData = Object.freeze({
  kind: "vector",
  labels: [],
  timesMs: new Float64Array(),
  values: new Float64Array(),
});

/** What several answers say of themselves together. */
export interface JoinedMeta {
  readonly promql: readonly string[];
  readonly complete: boolean;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/** Complete when all are; every remark once. */
export const joinMetas = (answers: readonly WindowAnswer[]): JoinedMeta => ({
  promql: answers.map(({ meta }) => meta.promql),
  complete: answers.every(({ meta }) => meta.complete),
  warnings: [...new Set(answers.flatMap(({ meta }) => meta.warnings))],
  infos: [...new Set(answers.flatMap(({ meta }) => meta.infos))],
});

/** The span alone of what the options say. */
const spanOf = (options: TimeSpan): TimeSpan =>
  options.last !== undefined ? { last: options.last } : { from: options.from, to: options.to };

function checked(backend: MetricsBackend | undefined, what: string): MetricsBackend {
  if (backend !== undefined) return backend;
  throw new QueryError(
    "config",
    `${what}: this mesh has no metrics backend; write createMesh({ metrics: prometheus("http://prometheus:9090") })`,
  );
}
