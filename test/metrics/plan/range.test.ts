import { describe, expect, test } from "vitest";
import { TimeoutError } from "../../../src/errors.ts";
import type { Answer, Grid, MatrixData, MetricsBackend } from "../../../src/metrics/backend.ts";
import { pointsOf } from "../../../src/metrics/plan/chunks.ts";
import { askPieces, joinAnswers, type RangeProgress } from "../../../src/metrics/plan/range.ts";
import { type Expr, parse, print } from "../../../src/promql/index.ts";
import type { AskOptions } from "../../../src/time.ts";

const UP = parse("up");
const HUNDRED: Grid = { startMs: 0, endMs: 99_000, stepMs: 1000 };
const TOLD = { what: "range", unit: "piece", total: 10, ended: false };

interface Asked {
  readonly promql: string;
  readonly grid: Grid;
  readonly options: AskOptions;
  answer(answer?: Partial<Answer<MatrixData>>): void;
  fail(reason: unknown): void;
}

/** A backend whose answers the test gives when it wants to: one series with a sample at each instant. */
function pendingBackend(limits?: MetricsBackend["limits"]) {
  const asked: Asked[] = [];
  const backend: MetricsBackend = {
    name: "pending",
    scrapeIntervalMs: 1000,
    limits,
    instant: () => Promise.reject(new Error("not asked for")),
    range: (expr: Expr, grid, options = {}) =>
      new Promise((resolve, reject) => {
        const timesMs = Float64Array.from({ length: pointsOf(grid) }, (_, i) => grid.startMs + i * grid.stepMs);
        const data: MatrixData = { kind: "matrix", series: [{ labels: {}, timesMs, values: timesMs }] };
        const good = { data, warnings: [], infos: [], complete: true, tookMs: 1 };
        asked.push({
          promql: print(expr),
          grid,
          options,
          answer: (answer) => resolve({ ...good, ...answer }),
          fail: reject,
        });
        options.signal?.addEventListener("abort", () => reject(options.signal?.reason));
      }),
  };
  return { asked, backend };
}

/** Lets everything go on that waits for nothing but its turn. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("a range that the backend answers at once", () => {
  test("is one question, as it was asked", async () => {
    const { asked, backend } = pendingBackend({ pointsPerRequest: 100, concurrency: 3 });
    const { signal } = new AbortController();
    const next = askPieces(backend, parse("a @ end()"), HUNDRED, { signal, timeoutMs: 5000 }).next();
    await settled();
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({ promql: "a @ end()", grid: HUNDRED, options: { timeoutMs: 5000 } });
    expect(asked[0]?.options.signal).toBe(signal);
    asked[0]?.answer();
    await expect(next).resolves.toMatchObject({ value: { grid: HUNDRED } });
  });
});

describe("a longer range", () => {
  test("is asked for in pieces, each with the whole range's ends", async () => {
    const { asked, backend } = pendingBackend({ pointsPerRequest: 40, concurrency: 9 });
    void askPieces(backend, parse("a @ end() - a @ start() + b"), HUNDRED).next();
    await settled();
    expect(asked.map(({ grid }) => [grid.startMs, grid.endMs])).toEqual([
      [0, 32_000],
      [33_000, 65_000],
      [66_000, 99_000],
    ]);
    expect(new Set(asked.map(({ promql }) => promql))).toEqual(new Set(["a @ 99 - a @ 0 + b"]));
  });

  test("is asked for as many pieces at a time as the backend takes, no further ahead of the reader, in order", async () => {
    const { asked, backend } = pendingBackend({ pointsPerRequest: 10, concurrency: 3 });
    const progress: RangeProgress[] = [];
    const pieces = askPieces(backend, UP, HUNDRED, { onProgress: (one) => progress.push(one) });
    const first = pieces.next();
    await settled();
    expect(asked).toHaveLength(3);
    asked[2]?.answer();
    asked[1]?.answer();
    await settled();
    expect(progress).toEqual([]);
    expect(asked).toHaveLength(3);
    asked[0]?.answer();
    await expect(first).resolves.toMatchObject({ value: { grid: { startMs: 0 } } });
    expect(progress).toEqual([{ ...TOLD, done: 1, ratio: 0.1, samples: 10 }]);
    await settled();
    expect(asked).toHaveLength(4);
    await expect(pieces.next()).resolves.toMatchObject({ value: { grid: { startMs: 10_000 } } });
    await expect(pieces.next()).resolves.toMatchObject({ value: { grid: { startMs: 20_000 } } });
    expect(progress.at(-1)).toEqual({ ...TOLD, done: 3, ratio: 0.3, samples: 30 });
    expect(asked).toHaveLength(6);
  });

  test("is cut finer where its reader wants it so, and not coarser than the backend takes", async () => {
    for (const [pointsPerRequest, questions] of [
      [25, 4],
      [200, 2],
    ] as const) {
      const { asked, backend } = pendingBackend({ pointsPerRequest: 50, concurrency: 100 });
      void askPieces(backend, UP, HUNDRED, { pointsPerRequest }).next();
      await settled();
      expect(asked).toHaveLength(questions);
    }
  });

  test("fails with its first failure, and ends the other questions", async () => {
    const { asked, backend } = pendingBackend({ pointsPerRequest: 10, concurrency: 3 });
    const failure = new Error("no");
    const first = askPieces(backend, UP, HUNDRED).next();
    await settled();
    asked[2]?.fail(failure);
    await expect(first).rejects.toBe(failure);
    expect(asked).toHaveLength(3);
    expect(asked.map(({ options }) => options.signal?.aborted)).toEqual([true, true, true]);
  });

  test("ends its questions when nobody reads on, and tells so", async () => {
    const { asked, backend } = pendingBackend({ pointsPerRequest: 10, concurrency: 3 });
    const progress: RangeProgress[] = [];
    const reading = (async () => {
      for await (const _ of askPieces(backend, UP, HUNDRED, { onProgress: (one) => progress.push(one) })) break;
    })();
    await settled();
    asked[0]?.answer();
    await reading;
    expect(progress.map(({ done, ended }) => [done, ended])).toEqual([
      [1, false],
      [1, true],
    ]);
    expect(asked.slice(1).map(({ options }) => options.signal?.aborted)).toEqual([true, true, true]);
  });

  test("ends with the caller's own reason", async () => {
    const { asked, backend } = pendingBackend({ pointsPerRequest: 10, concurrency: 3 });
    const caller = new AbortController();
    const first = askPieces(backend, UP, HUNDRED, { signal: caller.signal }).next();
    await settled();
    const reason = new Error("enough");
    caller.abort(reason);
    await expect(first).rejects.toBe(reason);
    expect(asked).toHaveLength(3);
  });

  test("has one deadline for all its pieces", async () => {
    const { asked, backend } = pendingBackend({ pointsPerRequest: 10, concurrency: 1 });
    const pieces = askPieces(backend, UP, HUNDRED, { timeoutMs: 40 });
    const first = pieces.next();
    await settled();
    await new Promise((resolve) => setTimeout(resolve, 50));
    asked[0]?.answer();
    await first;
    await expect(pieces.next()).rejects.toThrow(TimeoutError);
    expect(asked).toHaveLength(1);
  });
});

test("what the pieces say of themselves is said of the whole, each remark once", () => {
  const answer = (quality: Partial<Answer<MatrixData>>): Answer<MatrixData> => ({
    data: { kind: "matrix", series: [] },
    warnings: [],
    infos: [],
    complete: true,
    tookMs: 1,
    ...quality,
  });
  const joined = joinAnswers(
    [answer({ warnings: ["w"], infos: ["i"] }), answer({ warnings: ["w", "v"], complete: false }), answer({})],
    7,
  );
  expect(joined).toMatchObject({ warnings: ["w", "v"], infos: ["i"], complete: false, tookMs: 7 });
});
