import { describe, expect, test } from "vitest";
import { BackendError, TimeoutError } from "../../../src/errors.ts";
import { createMesh } from "../../../src/index.ts";
import type { MetricsBackend } from "../../../src/metrics/backend.ts";
import { ScrapeInterval } from "../../../src/metrics/plan/scrape-interval.ts";
import { windowRemarks } from "../../../src/metrics/plan/window-remarks.ts";
import { parse } from "../../../src/promql/index.ts";
import { AT, recordingBackend, vectorData } from "../recording-backend.ts";

const MINUTE = 60_000;

function intervalOf(answer: () => number | undefined) {
  let nowMs = 0;
  const backend = recordingBackend({
    instant: () => {
      const seconds = answer();
      return seconds === undefined ? vectorData() : vectorData([{}, seconds]);
    },
  });
  const interval = new ScrapeInterval(backend.instant, () => nowMs);
  return { interval, backend, pass: (ms: number) => (nowMs += ms) };
}

describe("the time between two scrapes", () => {
  test.each([
    [15.002, 15_000],
    [59.998, 60_000],
    [1.004, 1000],
    [0.5001, 500],
    [0.98, 1000],
    [0, undefined],
    [Number.NaN, undefined],
    [undefined, undefined],
  ])("of %s seconds is %s ms", async (seconds, ms) => {
    const { interval, backend } = intervalOf(() => seconds);
    expect(await interval.find({})).toBe(ms);
    expect(backend.asked[0]?.promql).toBe(
      "quantile(0.5, (idelta(scrape_duration_seconds[10m]) > 0 or last_over_time(scrape_duration_seconds[10m])) / (irate(scrape_duration_seconds[10m]) > 0))",
    );
  });

  test("is asked for once an hour, and again after five minutes where nothing told", async () => {
    let seconds: number | undefined = 30;
    const { interval, backend, pass } = intervalOf(() => seconds);
    expect(interval.knownMs).toBeUndefined();
    for (let i = 0; i < 3; i++) await interval.find({});
    pass(59 * MINUTE);
    expect(await interval.find({})).toBe(30_000);
    expect(backend.asked).toHaveLength(1);
    seconds = undefined;
    pass(2 * MINUTE);
    expect(await interval.find({})).toBeUndefined();
    seconds = 10;
    pass(4 * MINUTE);
    expect(await interval.find({})).toBeUndefined();
    pass(2 * MINUTE);
    expect(await interval.find({})).toBe(10_000);
    expect(interval.knownMs).toBe(10_000);
    expect(backend.asked).toHaveLength(3);
  });

  test("is no error of its own, but the caller's abort is", async () => {
    const refused = new ScrapeInterval(
      () => Promise.reject(new BackendError("refused", "no", { status: 403, backend: "x" })),
      () => 0,
    );
    expect(await refused.find({})).toBeUndefined();
    const reason = new Error("enough");
    const ended = new ScrapeInterval(
      () => Promise.reject(reason),
      () => 0,
    );
    await expect(ended.find({})).rejects.toBe(reason);
  });

  test("is not unknown to others because one had no time for it, nor after a failure what it was", async () => {
    let failure: Error | undefined = new TimeoutError("late", { timeoutMs: 50 });
    const { interval, backend, pass } = intervalOf(() => {
      if (failure !== undefined) throw failure;
      return 30;
    });
    expect(await interval.find({ timeoutMs: 50 })).toBeUndefined();
    failure = undefined;
    expect(await interval.find({})).toBe(30_000);
    pass(61 * MINUTE);
    failure = new BackendError("unavailable", "no", { status: 503, backend: "x" });
    expect(await interval.find({})).toBe(30_000);
    expect(await interval.find({})).toBe(30_000);
    expect(backend.asked).toHaveLength(3);
  });

  test("is waited for no longer than the question may take", async () => {
    const { interval, backend, pass } = intervalOf(() => 1);
    await interval.find({ timeoutMs: 200 });
    pass(120 * MINUTE);
    await interval.find({ timeoutMs: 60_000 });
    expect(backend.asked.map(({ options }) => options?.timeoutMs)).toEqual([200, 5000]);
  });

  test("is what no step is chosen finer than, once it was found", async () => {
    const recording = recordingBackend({ instant: () => vectorData([{}, 60]) });
    const interval = new ScrapeInterval(recording.instant, () => 0);
    const backend: MetricsBackend = {
      ...recording,
      scrapeIntervalMs: undefined,
      findScrapeInterval: (options = {}) => interval.find(options),
    };
    const { asked } = recording;
    const rate = createMesh({ metrics: backend, now: () => AT })
      .all()
      .rate("5m");
    await rate.over({ last: "10m" });
    await rate.over({ last: "10m" });
    expect(asked.map(({ grid }) => grid?.stepMs)).toEqual([undefined, MINUTE, MINUTE]);
  });
});

describe("a rate's window", () => {
  const remarks = (text: string) => windowRemarks(parse(text), 15_000);

  test("of four scrapes or more is nothing to speak of, nor is one where nobody knows", () => {
    expect(remarks("sum(rate(a[1m])) / increase(b[5m])")).toEqual({ warnings: [], infos: [] });
    expect(windowRemarks(parse("rate(a[1s])"), undefined)).toEqual({ warnings: [], infos: [] });
  });

  test("of less than two holds too little, and is warned of once", () => {
    expect(remarks("rate(a[20s]) + rate(b[20s])")).toEqual({
      warnings: [
        "PromQL window: rate(…[20s]) needs two samples, and targets are scraped every 15s: values are missing; write [1m] or more",
      ],
      infos: [],
    });
  });

  test("of less than four is spoken of", () => {
    expect(remarks("histogram_quantile(0.9, sum by (le) (increase(a[30s])))")).toEqual({
      warnings: [],
      infos: [
        "PromQL window: increase(…[30s]) holds few samples where targets are scraped every 15s: one missed scrape leaves a gap; [1m] or more does not",
      ],
    });
  });

  test("of what needs no two samples may be short", () => {
    expect(remarks("max_over_time(a[1s]) + rate(b[1m:1s])")).toEqual({ warnings: [], infos: [] });
  });

  test("is spoken of in the answer to a range, and to an instant where the interval is known", async () => {
    const rate = createMesh({ metrics: recordingBackend(), now: () => AT })
      .all()
      .rate("20s");
    const expected = { complete: true, warnings: [expect.stringContaining("rate(…[20s]) needs two samples")] };
    expect((await rate).meta).toMatchObject(expected);
    expect((await rate.over({ last: "1h" })).meta).toMatchObject(expected);
  });
});
