import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolveGrid, type TimeRange } from "../../src/metrics/step.ts";

const NOW = 1_795_168_800_000;
const grid = (range: TimeRange, scrapeIntervalMs = 15_000) => resolveGrid(range, NOW, scrapeIntervalMs);
const SECOND = 1000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

type Fineness =
  | { readonly step?: string; readonly points?: never }
  | { readonly points?: number; readonly step?: never };

describe("the step", () => {
  test.each<[TimeRange, number]>([
    [{ last: "6h", step: "1m" }, 60 * SECOND],
    [{ last: "6h", step: "7s" }, 7 * SECOND],
    [{ last: "5m", step: "1h" }, HOUR],
    [{ last: "6h" }, 120 * SECOND],
    [{ last: "1h" }, 15 * SECOND],
    [{ last: "10s" }, 15 * SECOND],
    [{ from: NOW, to: NOW }, 15 * SECOND],
    [{ last: "1d" }, 300 * SECOND],
    [{ last: "30d" }, 3 * HOUR],
    [{ last: "1y" }, 2 * DAY],
    [{ last: "6h", points: 10 }, HOUR],
    [{ last: "6h", points: 1 }, 6 * HOUR],
    [{ last: "6h", points: 11_000 }, 15 * SECOND],
    [{ last: "6h", points: undefined }, 120 * SECOND],
    [{ last: "6h", step: undefined }, 120 * SECOND],
  ])("of %j is %d ms", (range, stepMs) => {
    expect(grid(range).stepMs).toBe(stepMs);
  });

  test("is never below the scrape interval where it is chosen, and as written where it is written", () => {
    expect(grid({ last: "1h" }, 60 * SECOND).stepMs).toBe(60 * SECOND);
    expect(grid({ last: "1h" }, 45 * SECOND).stepMs).toBe(60 * SECOND);
    expect(grid({ last: "1h", step: "5s" }, 60 * SECOND).stepMs).toBe(5 * SECOND);
  });

  test("is chosen round and within the points asked for", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3 * 365 * DAY }),
        fc.option(fc.integer({ min: 1, max: 200_000 }), { nil: undefined }),
        fc.integer({ min: 1, max: 10 * 60 * SECOND }),
        (length, points, scrapeIntervalMs) => {
          const { startMs, endMs, stepMs } = grid({ from: NOW - length, to: NOW, points }, scrapeIntervalMs);
          expect(stepMs).toBeGreaterThanOrEqual(scrapeIntervalMs);
          expect(stepMs % SECOND).toBe(0);
          expect((endMs - startMs) / stepMs).toBeLessThanOrEqual(points ?? 300);
        },
      ),
      { seed: 20_261_124, numRuns: 2000 },
    );
  });
});

describe("the instants", () => {
  test("are multiples of the step within the range, as near to its ends as there are any", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4 * DAY }),
        fc.integer({ min: 0, max: 30 * DAY }),
        fc.constantFrom<Fineness>({}, { points: 7 }, { points: 5000 }, { step: "7m" }),
        (back, length, fineness) => {
          const moving = fineness.step !== undefined;
          const [least, most] = moving ? [NOW - length - 1, NOW] : [NOW - back - length, NOW - back];
          const span = moving ? { last: `${length + 1}ms` } : { from: least, to: most };
          const { startMs, endMs, stepMs } = grid({ ...span, ...fineness });
          const holdsOne = Math.floor(most / stepMs) * stepMs >= least;
          if (!holdsOne) {
            expect([startMs, endMs]).toEqual([most, most]);
            return;
          }
          expect([startMs % stepMs, endMs % stepMs]).toEqual([0, 0]);
          expect(startMs - least).toBeGreaterThanOrEqual(0);
          expect(startMs - least).toBeLessThan(stepMs);
          expect(most - endMs).toBeGreaterThanOrEqual(0);
          expect(most - endMs).toBeLessThan(stepMs);
        },
      ),
      { seed: 20_261_125, numRuns: 2000 },
    );
  });

  test("stay the same while the clock moves within a step", () => {
    const at = (nowMs: number) => resolveGrid({ last: "1h", step: "1m" }, nowMs, 15_000);
    expect(at(NOW + 59_999)).toEqual(at(NOW + 1));
    expect(at(NOW + 60_000)).toEqual({ startMs: NOW - HOUR + 60_000, endMs: NOW + 60_000, stepMs: 60_000 });
  });

  test("count from the beginning where that and the step are written", () => {
    expect(grid({ from: 1, to: 7001, step: "3s" })).toEqual({ startMs: 1, endMs: 7001, stepMs: 3000 });
    expect(grid({ from: 1, to: 7001, points: 3 }, 1)).toEqual({ startMs: 5000, endMs: 5000, stepMs: 5000 });
  });

  test("are whole milliseconds", () => {
    expect(grid({ from: 0.4, to: 1000.6, step: "1s" })).toEqual({ startMs: 0, endMs: 1001, stepMs: 1000 });
  });

  test("are now and so much before it where now is on the step", () => {
    expect(grid({ last: "1h" })).toMatchObject({ startMs: NOW - HOUR, endMs: NOW });
  });
});

describe("as many instants as can be asked for", () => {
  test("are ten million steps, a last step begun not counted", () => {
    expect(grid({ from: 0, to: 10_000_000 * SECOND + 999, step: "1s" }).stepMs).toBe(SECOND);
  });

  test("are refused beyond that, with a step that would do", () => {
    const beyond = { from: 0, to: 10_000_001 * SECOND, step: "1s" };
    expect(() => grid(beyond)).toThrow(
      expect.objectContaining({
        code: "step",
        message: "over: 10000001 steps of 1s are more than 10000000; write a step of 2s or more, or a shorter range",
      }),
    );
    expect(grid({ ...beyond, step: "2s" }).stepMs).toBe(2 * SECOND);
  });
});

describe("a range that cannot be meant is refused", () => {
  test.each<[unknown, string, string]>([
    [{ last: "6h", step: "0s" }, "step", 'over: step: "0s" is not a positive PromQL duration'],
    [{ last: "6h", step: 60 }, "step", "over: step: 60 is not a positive PromQL duration"],
    [{ last: "6h", step: "1m", points: 10 }, "step", 'over: "step" and "points" exclude each other; write one of them'],
    [{ last: "6h", points: 0 }, "step", "over: points is a whole number from 1 to 10000000, not 0"],
    [{ last: "6h", points: 1.5 }, "step", "not 1.5"],
    [{ last: "6h", points: -1 }, "step", "not -1"],
    [{ last: "6h", points: 10_000_001 }, "step", "not 10000001"],
    [{ last: "6h", points: "300" }, "step", 'not "300"'],
    [{ last: "6h", points: Number.NaN }, "step", "not NaN"],
    [{ step: "1m" }, "range", "over: the range has no beginning"],
    [{ from: "x", step: "1m" }, "time", 'over: from: "x" is not an instant'],
    [{ from: 2, to: 1 }, "range", "before it begins"],
  ])("%j", (range, code, message) => {
    expect(() => grid(range as TimeRange)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});
