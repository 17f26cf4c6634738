import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Answer, Grid, MatrixData, SeriesData } from "../../../src/metrics/backend.ts";
import { pointsOf } from "../../../src/metrics/plan/chunks.ts";
import { RangeCache, type ServedAnswer } from "../../../src/metrics/plan/range-cache.ts";
import { parse } from "../../../src/promql/index.ts";

const UP = parse("up");
const MINUTE = 60_000;

/** Three series that come and go, whose values at an instant are the same whenever they are asked for. */
function truth({ startMs, stepMs, ...grid }: Grid): MatrixData {
  const instants = Array.from({ length: pointsOf({ startMs, stepMs, ...grid }) }, (_, i) => startMs + i * stepMs);
  const series = [0, 1, 2].flatMap((i): SeriesData[] => {
    const times = instants.filter((time) => i === 0 || Math.floor(time / (7 * MINUTE)) % 3 !== i);
    const timesMs = Float64Array.from(times);
    return times.length === 0 ? [] : [{ labels: { i: String(i) }, timesMs, values: timesMs.map((t) => t + i / 8) }];
  });
  return { kind: "matrix", series };
}

function cacheOf(samples = 100_000, quality: Partial<Answer<MatrixData>> = {}) {
  let nowMs = 0;
  let served: { atMs?: number; tookMs?: number } = {};
  const fetched: Grid[] = [];
  const cache = new RangeCache({ samples, settleMs: 5 * MINUTE }, () => nowMs);
  const fetch = async (grid: Grid): Promise<ServedAnswer> => {
    fetched.push(grid);
    const { atMs: servedAtMs, tookMs = 0 } = served;
    nowMs += tookMs;
    return { answer: { data: truth(grid), warnings: [], infos: [], complete: true, tookMs, ...quality }, servedAtMs };
  };
  return {
    fetched,
    ask: (grid: Grid, text = "up") => cache.read(text === "up" ? UP : parse(text), grid, fetch),
    at: (ms: number) => {
      nowMs = ms;
    },
    serve: (how: typeof served) => {
      served = how;
    },
  };
}

const grid = (from: number, to: number): Grid => ({ startMs: from * MINUTE, endMs: to * MINUTE, stepMs: MINUTE });

describe("a range that is asked for again", () => {
  test("fetches what is new, and what may still change", async () => {
    const { ask, at, fetched } = cacheOf();
    at(100 * MINUTE);
    await ask(grid(40, 100));
    at(102 * MINUTE);
    const { data } = await ask(grid(42, 102));
    expect(fetched).toEqual([grid(40, 100), grid(96, 102)]);
    expect(data).toEqual(truth(grid(42, 102)));
  });

  test("fetches what the server had not seen yet, where the clock here was ahead of it", async () => {
    const { ask, at, serve, fetched } = cacheOf();
    at(160 * MINUTE);
    serve({ atMs: 100 * MINUTE });
    await ask(grid(60, 120));
    at(120 * MINUTE);
    serve({ atMs: 120 * MINUTE });
    await ask(grid(60, 120));
    expect(fetched.slice(1)).toEqual([grid(96, 120)]);
  });

  test("fetches what was still to change when it was asked, however long the answer took", async () => {
    const { ask, at, serve, fetched } = cacheOf();
    at(100 * MINUTE);
    serve({ atMs: 110 * MINUTE, tookMs: 10 * MINUTE });
    await ask(grid(60, 100));
    await ask(grid(60, 100));
    expect(fetched.slice(1)).toEqual([grid(96, 100)]);
  });

  test("fetches nothing where all of it is settled", async () => {
    const { ask, at, fetched } = cacheOf();
    at(1000 * MINUTE);
    await ask(grid(0, 100));
    expect((await ask(grid(20, 50))).data).toEqual(truth(grid(20, 50)));
    expect(fetched).toHaveLength(1);
  });

  test("fetches nothing where its pieces were answered in any order", async () => {
    const { ask, at, fetched } = cacheOf();
    at(1000 * MINUTE);
    const pieces = [grid(0, 19), grid(20, 39), grid(40, 59), grid(60, 79), grid(80, 99)];
    for (const i of [3, 0, 4, 2, 1]) await ask(pieces[i] as Grid);
    expect(fetched).toHaveLength(5);
    for (const piece of pieces) expect((await ask(piece)).data).toEqual(truth(piece));
    expect((await ask(grid(0, 99))).data).toEqual(truth(grid(0, 99)));
    expect(fetched).toHaveLength(5);
  });

  test("fetches what is missing between what was kept", async () => {
    const { ask, at, fetched } = cacheOf();
    at(1000 * MINUTE);
    await ask(grid(10, 19));
    await ask(grid(40, 49));
    expect((await ask(grid(5, 55))).data).toEqual(truth(grid(5, 55)));
    expect(fetched.slice(2)).toEqual([grid(5, 9), grid(20, 39), grid(50, 55)]);
    await ask(grid(5, 55));
    expect(fetched).toHaveLength(5);
  });

  test("is fetched as a whole where too much is missing between what was kept", async () => {
    const { ask, at, fetched } = cacheOf();
    at(1000 * MINUTE);
    for (const from of [10, 20, 30, 40]) await ask(grid(from, from + 4));
    expect((await ask(grid(0, 60))).data).toEqual(truth(grid(0, 60)));
    expect(fetched.slice(4)).toEqual([grid(0, 60)]);
  });

  test("fetches what lies before and after it", async () => {
    const { ask, at, fetched } = cacheOf();
    at(1000 * MINUTE);
    await ask(grid(40, 60));
    expect((await ask(grid(20, 80))).data).toEqual(truth(grid(20, 80)));
    expect(fetched.slice(1)).toEqual([grid(20, 39), grid(61, 80)]);
    await ask(grid(20, 80));
    expect(fetched).toHaveLength(3);
  });

  test("in pieces keeps the pieces together", async () => {
    const { ask, at, fetched } = cacheOf();
    at(1000 * MINUTE);
    for (const piece of [grid(0, 49), grid(50, 99), grid(100, 150)]) await ask(piece);
    expect((await ask(grid(10, 140))).data).toEqual(truth(grid(10, 140)));
    expect(fetched).toHaveLength(3);
  });

  test("with another step, at other instants or as another question is another range", async () => {
    const { ask, at, fetched } = cacheOf();
    at(1000 * MINUTE);
    await ask(grid(0, 10));
    await ask({ ...grid(0, 10), stepMs: 2 * MINUTE });
    await ask({ startMs: 1, endMs: 10 * MINUTE + 1, stepMs: MINUTE });
    await ask(grid(0, 10), "down");
    expect(fetched).toHaveLength(4);
  });

  test("says again what was remarked of what is kept, each remark once", async () => {
    const { ask, at, fetched } = cacheOf(1000, { infos: ["PromQL info: x"] });
    at(1000 * MINUTE);
    for (const range of [grid(0, 10), grid(5, 20), grid(0, 20), grid(2, 8)]) {
      expect((await ask(range)).infos).toEqual(["PromQL info: x"]);
    }
    expect(fetched).toHaveLength(2);
  });

  test("is nothing that whoever asked before could have changed", async () => {
    const { ask, at } = cacheOf();
    at(1000 * MINUTE);
    for (let i = 0; i < 3; i++) {
      const { data } = await ask(grid(0, 10));
      expect(data).toEqual(truth(grid(0, 10)));
      data.series[0]?.values.fill(-1);
      data.series[0]?.timesMs.fill(-1);
    }
  });

  test("is the whole answer, whatever was asked for before", async () => {
    const ranges = fc.array(fc.tuple(fc.nat(60), fc.nat(40), fc.nat(20)), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(ranges, fc.integer({ min: 1, max: 400 }), async (asked, samples) => {
        const { ask, at } = cacheOf(samples);
        let now = 20;
        for (const [from, length, pass] of asked) {
          now += pass;
          at(now * MINUTE);
          expect((await ask(grid(from, from + length))).data).toEqual(truth(grid(from, from + length)));
        }
      }),
      { seed: 20_261_125, numRuns: 300 },
    );
  });
});

describe("nothing is kept", () => {
  test.each([
    "up @ end()",
    "up @ start()",
    "up @ 7",
    "up offset -1m",
    "max_over_time(up[5m] @ end())",
    "rate(a[1m] smoothed)",
  ])("of %s, which looks elsewhere than back from its instants", async (text) => {
    const { ask, at, fetched } = cacheOf();
    at(1000 * MINUTE);
    for (let i = 0; i < 2; i++) await ask(grid(0, 10), text);
    expect(fetched).toHaveLength(2);
  });

  test.each<[string, Partial<Answer<MatrixData>>]>([
    ["is not whole", { complete: false }],
    ["was warned of", { warnings: ["w"] }],
  ])("of an answer that %s", async (_, quality) => {
    const { ask, at, fetched } = cacheOf(1000, quality);
    at(1000 * MINUTE);
    for (let i = 0; i < 2; i++) await ask(grid(0, 10));
    expect(fetched).toHaveLength(2);
  });

  test("beyond as many samples as may be, the question first that was asked longest ago", async () => {
    const { ask, at, fetched } = cacheOf(100);
    at(1000 * MINUTE);
    await ask(grid(0, 200));
    await ask(grid(0, 200));
    expect(fetched).toHaveLength(2);
    for (const text of ["a", "b", "c", "a", "c"]) await ask(grid(0, 15), text);
    // "a" had to go for "c", and "b" for "a"
    expect(fetched).toHaveLength(6);
  });
});
