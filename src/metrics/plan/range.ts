import { QueryError } from "../../errors.ts";
import { checkOptions, type OptionNames } from "../../http/config.ts";
import { type Expr, pinEnds } from "../../promql/index.ts";
import { type OnProgress, type Progress, Teller } from "../../results/progress.ts";
import { type AskOptions, shown } from "../../time.ts";
import type { Answer, Grid, MatrixData, MetricsBackend } from "../backend.ts";
import { Allowance } from "./allowance.ts";
import { chunksOf } from "./chunks.ts";
import { joinMatrices } from "./join.ts";

/** How far a question about a range has come: how many of the pieces that it was cut into are answered. */
export interface RangeProgress extends Progress {
  readonly what: "range";
  readonly unit: "piece";
  /** Samples so far. */
  readonly samples: number;
}

/** How a question about a range is asked. */
export interface RangeOptions extends AskOptions {
  /** The most instants to ask for at once, where that is less than the backend takes. */
  readonly pointsPerRequest?: number | undefined;
  /** Called after each piece, in order of time. */
  readonly onProgress?: OnProgress<RangeProgress> | undefined;
}

const NAMES: OptionNames<RangeOptions> = { pointsPerRequest: true, onProgress: true, signal: true, timeoutMs: true };

/**
 * @throws {QueryError} `code: "step"` for pieces that hold no whole number of instants, `"config"` for options that are
 * none
 */
export function checkRangeOptions(options: RangeOptions): void {
  checkOptions(options, NAMES, "over");
  const { pointsPerRequest } = options;
  if (pointsPerRequest === undefined || (Number.isInteger(pointsPerRequest) && pointsPerRequest > 0)) return;
  throw new QueryError(
    "step",
    `over: pointsPerRequest is a whole number above 0, not ${shown(pointsPerRequest)}; leave it out for the backend's own limit`,
  );
}

/** The answer to one piece of a range. */
export interface Piece {
  readonly grid: Grid;
  readonly answer: Answer<MatrixData>;
}

/**
 * The values of `expr` over `grid`, piece by piece in order of time, where the backend does not answer it at once.
 *
 * The pieces are asked for side by side, as many as the backend takes questions, and no further ahead of who reads
 * them. The first that fails ends the others, and so does who stops reading. `timeoutMs` is for all of them together.
 *
 * @param allowance what is left of the deadline, where something was asked before
 */
export async function* askPieces(
  backend: MetricsBackend,
  expr: Expr,
  grid: Grid,
  options: RangeOptions & { readonly allowance?: Allowance } = {},
): AsyncGenerator<Piece, void, undefined> {
  const { pointsPerRequest = Number.POSITIVE_INFINITY, onProgress, signal, timeoutMs } = options;
  const { allowance = new Allowance({ signal, timeoutMs }, backend.name) } = options;
  const { limits } = backend;
  const grids = chunksOf(grid, Math.min(pointsPerRequest, limits?.pointsPerRequest ?? Number.POSITIVE_INFINITY));
  const pinned = grids.length === 1 ? expr : pinEnds(expr, grid.startMs, grid.endMs);
  const stop = new AbortController();
  // One piece is one question: its caller's signal is passed on as it is.
  const asked =
    grids.length === 1 ? signal : AbortSignal.any(signal === undefined ? [stop.signal] : [signal, stop.signal]);
  const tasks = grids.map((one) => async (): Promise<Piece> => {
    const answer = await backend.range(pinned, one, { ...allowance.rest(), signal: asked });
    return { grid: one, answer };
  });
  const teller = new Teller(onProgress);
  const total = grids.length;
  let done = 0;
  let samples = 0;
  try {
    for await (const piece of inOrder(tasks, limits?.concurrency ?? 1)) {
      done++;
      samples += samplesOf(piece.answer.data);
      teller.tell({ what: "range", unit: "piece", done, total, ratio: done / total, ended: done === total, samples });
      yield piece;
    }
  } finally {
    stop.abort();
    teller.end();
  }
}

/** The answers of the pieces as one; what they say of themselves is gathered, each remark once. */
export function joinAnswers(pieces: readonly Answer<MatrixData>[], tookMs: number): Answer<MatrixData> {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  return {
    data: joinMatrices(pieces.map(({ data }) => data)),
    warnings: [...new Set(pieces.flatMap(({ warnings }) => warnings))],
    infos: [...new Set(pieces.flatMap(({ infos }) => infos))],
    complete: pieces.every(({ complete }) => complete),
    tookMs,
  };
}

/** Runs the tasks, up to `atOnce` side by side, and gives their results in the order of the tasks. */
async function* inOrder<T>(tasks: readonly (() => Promise<T>)[], atOnce: number): AsyncGenerator<T, void, undefined> {
  const waiting = tasks.values();
  const running: Promise<T>[] = [];
  let fail: (reason: unknown) => void = () => {};
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });
  // Whoever waits hears of it; nobody may be waiting when it happens.
  failure.catch(() => {});
  const start = (): void => {
    const next = waiting.next();
    if (next.done === true) return;
    const result = next.value();
    result.catch(fail);
    running.push(result);
  };
  for (let i = 0; i < atOnce; i++) start();
  for (let first = running.shift(); first !== undefined; first = running.shift()) {
    const result = await Promise.race([first, failure]);
    start();
    yield result;
  }
}

const samplesOf = ({ series }: MatrixData): number =>
  series.reduce((sum, { values, histograms }) => sum + values.length + (histograms?.length ?? 0), 0);
