import fc from "fast-check";
import { expect, test } from "vitest";
import { chunksOf, pointsOf } from "../../../src/metrics/plan/chunks.ts";

const instants = (grid: { readonly startMs: number; readonly endMs: number; readonly stepMs: number }): number[] =>
  Array.from({ length: pointsOf(grid) }, (_, i) => grid.startMs + i * grid.stepMs);

test("a grid that is answered at once is its own only piece, end and all", () => {
  const grid = { startMs: 1, endMs: 10_999, stepMs: 1000 };
  expect(chunksOf(grid, 11)).toEqual([grid]);
  expect(chunksOf(grid, Number.POSITIVE_INFINITY)).toEqual([grid]);
});

test("11,002 instants are two pieces where 11,001 are taken at once", () => {
  const grid = { startMs: 0, endMs: 11_001_000, stepMs: 1000 };
  expect(pointsOf(grid)).toBe(11_002);
  expect(chunksOf(grid, 11_001)).toEqual([
    { startMs: 0, endMs: 5_500_000, stepMs: 1000 },
    { startMs: 5_501_000, endMs: 11_001_000, stepMs: 1000 },
  ]);
});

test("pieces have every instant once, in order, and no more than was said", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1e12, max: 2e12 }),
      fc.integer({ min: 1, max: 1e8 }),
      fc.nat(3000),
      fc.nat(1000),
      fc.integer({ min: 1, max: 500 }),
      (startMs, stepMs, steps, more, most) => {
        const grid = { startMs, endMs: startMs + steps * stepMs + Math.min(more, stepMs - 1), stepMs };
        const pieces = chunksOf(grid, most);
        expect(pieces.flatMap(instants)).toEqual(instants(grid));
        const sizes = pieces.map(pointsOf);
        expect(Math.max(...sizes)).toBeLessThanOrEqual(most);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(pieces).toHaveLength(Math.ceil(pointsOf(grid) / most));
      },
    ),
    { seed: 20_261_125, numRuns: 1000 },
  );
});
