import type { Grid } from "../../metrics/backend.ts";
import type { RangeOptions } from "../../metrics/plan/range.ts";
import type { Context } from "../../metrics/question.ts";
import { type Expr, memoryStorage, type SeriesStorage } from "../../promql/index.ts";
import { formatDuration } from "../../time.ts";
import type { ReadSeries } from "../columns.ts";
import { questionIn } from "../question.ts";
import { readSeries } from "./read-series.ts";
import { divide, partOf, readsOf } from "./reads.ts";
import { areOrdered, type Evaluation, record, SeriesWriter } from "./record.ts";
import type { Recording } from "./recordings.ts";

/** Part of the past: the values of an expression over instants, and what is known to be missing of them. */
export interface PastPart extends Grid {
  readonly series: readonly ReadSeries[];
  readonly meta: { readonly promql?: string; readonly complete: boolean; readonly warnings: readonly string[] };
}

/** What a rule evaluates, and which recordings its own group evaluates after it. */
export interface Reader {
  readonly expr: Expr;
  readonly behind: readonly Recording[];
}

/** Whom to ask for what no recording tells, and how. */
export interface PastAsking {
  readonly context: Context;
  readonly options: RangeOptions;
}

/**
 * The past as it would have been with recording rules: their expressions are asked for over as much of it as the readers
 * look at, and what reads them is evaluated here.
 */
export class RecordedPast {
  readonly #recordings: readonly Recording[];
  readonly #parts: Parts;
  readonly #storage: SeriesStorage;
  readonly #failures: readonly string[];

  private constructor(
    recordings: readonly Recording[],
    parts: Parts,
    storage: SeriesStorage,
    failures: readonly string[],
  ) {
    this.#recordings = recordings;
    this.#parts = parts;
    this.#storage = storage;
    this.#failures = failures;
  }

  /** Asks for what the readers need of the recordings, from the first instant of `grid` on. */
  static async of(
    recordings: readonly Recording[],
    readers: readonly Reader[],
    grid: Grid,
    asking: PastAsking,
  ): Promise<RecordedPast> {
    const parts = new Parts(asking);
    const evaluations: Evaluation[] = [];
    const starts = startsOf(recordings, readers, grid);
    const needed = recordings.flatMap((recording) => {
      const startMs = starts.get(recording);
      if (startMs === undefined) return [];
      return [{ recording, startMs, ...divide(recording.expr, recordings, parts) }];
    });
    parts.expected = needed.reduce((sum, one) => sum + one.parts.length, 0);
    for (const { recording, startMs, expr, parts: asked } of needed) {
      for (const part of asked) await parts.add(part, { ...grid, startMs });
      evaluations.push({ recording, startMs, expr });
    }
    const { storage, failures } = record(evaluations, parts.storage, grid);
    const told = failures.map(
      ({ name, count, error }) => `${name}: ${count} ${count === 1 ? "evaluation" : "evaluations"} failed: ${error}`,
    );
    return new RecordedPast(recordings, parts, storage, told);
  }

  /** What a reader finds at the instants of a grid, none of them before those that were prepared for. */
  async read({ expr, behind }: Reader, grid: Grid): Promise<PastPart> {
    const divided = divide(expr, this.#recordings, this.#parts);
    this.#parts.expected += divided.parts.length;
    for (const part of divided.parts) await this.#parts.add(part, grid);
    const series = readSeries({ expr: divided.expr, written: expr, behind }, this.#storage, grid);
    const { complete, warnings } = this.#parts;
    return { ...grid, series, meta: { complete, warnings: [...warnings, ...this.#failures] } };
  }
}

/** From when on each recording is needed, on the instants of the grid; those that nobody reads are left out. */
function startsOf(
  recordings: readonly Recording[],
  readers: readonly Reader[],
  { startMs, endMs, stepMs }: Grid,
): ReadonlyMap<Recording, number> {
  const starts = new Map<Recording, number>();
  const need = (expr: Expr, fromMs: number): void => {
    for (const read of readsOf(expr, recordings, { startMs: fromMs, endMs })) {
      const at = startMs - Math.ceil(Math.max(0, startMs - read.fromMs) / stepMs) * stepMs;
      starts.set(read.recording, Math.min(at, starts.get(read.recording) ?? at));
    }
  };
  for (const { expr } of readers) need(expr, startMs);
  for (let known = -1; known < starts.size; ) {
    known = starts.size;
    for (const recording of [...recordings].reverse()) {
      const fromMs = starts.get(recording);
      if (fromMs !== undefined) need(recording.expr, fromMs);
    }
  }
  if (areOrdered(recordings.filter((one) => starts.has(one)))) return starts;
  const first = Math.min(...starts.values());
  return new Map(Array.from(starts.keys(), (recording) => [recording, first]));
}

/** The answers of a backend that expressions are made of, each by its number. */
class Parts {
  complete = true;
  readonly warnings = new Set<string>();
  /** How many there will be. */
  expected = 0;
  readonly storage: SeriesStorage;
  readonly #asking: PastAsking;
  readonly #answers: SeriesStorage[] = [];
  readonly #untilMs: number | undefined;
  #named = 0;

  constructor(asking: PastAsking) {
    this.#asking = asking;
    const { timeoutMs } = asking.options;
    this.#untilMs = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
    const answers = this.#answers;
    this.storage = {
      select(matchers, fromMs, toMs) {
        const part = partOf(matchers);
        return part === undefined ? [] : (answers[part]?.select([], fromMs, toMs) ?? []);
      },
    };
  }

  /** The number of the next part. */
  next(): number {
    return this.#named++;
  }

  async add(expr: Expr, { startMs, endMs, stepMs }: Grid): Promise<void> {
    const { context, options } = this.#asking;
    const { pointsPerRequest, onProgress = context.onProgress, signal } = options;
    const done = this.#answers.length;
    const { series, meta } = await questionIn(context, expr).over(
      { from: startMs, to: endMs, step: formatDuration(stepMs) },
      {
        pointsPerRequest,
        signal,
        timeoutMs: this.#untilMs === undefined ? undefined : Math.max(1, this.#untilMs - performance.now()),
        onProgress:
          onProgress &&
          ((progress) =>
            onProgress({
              ...progress,
              done: done * progress.total + progress.done,
              total: this.expected * progress.total,
              ratio: (done + progress.ratio) / this.expected,
              ended: progress.ended && (progress.ratio < 1 || done + 1 === this.expected),
            })),
      },
    );
    if (!meta.complete) this.complete = false;
    for (const warning of meta.warnings) this.warnings.add(warning);
    const answer = memoryStorage();
    new SeriesWriter(answer, stepMs, (labels) => labels, 0).write(series, startMs, endMs);
    this.#answers.push(answer);
  }
}
