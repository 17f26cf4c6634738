import type { Grid } from "../backend.ts";

/** How many instants a grid has. */
export const pointsOf = ({ startMs, endMs, stepMs }: Grid): number => Math.floor((endMs - startMs) / stepMs) + 1;

/**
 * The grid cut into as few pieces as hold at most `mostPoints` instants each, all of nearly the same size, in order.
 *
 * The pieces keep the grid's instants: each has its own, and none is left out. A grid that needs no cut is its own
 * only piece.
 */
export function chunksOf(grid: Grid, mostPoints: number): readonly Grid[] {
  const points = pointsOf(grid);
  const count = Math.ceil(points / mostPoints);
  if (count <= 1) return [grid];
  const { startMs, stepMs } = grid;
  // Whole numbers throughout: the borders fall on instants.
  const border = (i: number): number => Math.floor((i * points) / count);
  return Array.from({ length: count }, (_, i) => ({
    startMs: startMs + border(i) * stepMs,
    endMs: startMs + (border(i + 1) - 1) * stepMs,
    stepMs,
  }));
}
