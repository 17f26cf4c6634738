import { describe, expect, test } from "vitest";
import { createMesh } from "../../src/index.ts";
import { matrix, memoryStorage, parse, selector } from "../../src/promql/index.ts";
import { seriesMetrics } from "../../src/testing/index.ts";

const HOUR = 3_600_000;
const storage = memoryStorage();
storage.load(
  [
    'istio_requests_total{reporter="destination",destination_workload="backend",response_code="200"} 0+30x240',
    'istio_requests_total{reporter="destination",destination_workload="backend",response_code="503"} 0+15x240',
  ].join("\n"),
  { step: "15s" },
);
const metrics = seriesMetrics(storage, { now: () => HOUR });

describe("metrics from series in memory", () => {
  test("answer a mesh's questions at an instant, by label and over time", async () => {
    const rate = createMesh({ metrics, now: () => HOUR })
      .workload("backend")
      .rate("5m");
    expect((await rate).value).toBeCloseTo(3, 12);
    expect(
      Array.from(await rate.by("response_code"), ({ labels, value }) => [labels.response_code, Math.round(value)]),
    ).toEqual([
      ["200", 2],
      ["503", 1],
    ]);
    const [series] = [...(await rate.over({ from: HOUR / 2, to: HOUR, step: "10m" }))];
    expect([...(series?.values ?? [])].map((value) => Math.round(value * 1e9) / 1e9)).toEqual([3, 3, 3, 3]);
  });

  test("are of the clock's now where no instant is named", async () => {
    const { data } = await metrics.instant(parse("time()"), undefined);
    expect(data).toMatchObject({ kind: "scalar", value: HOUR / 1000, timeMs: HOUR });
  });

  test("carry the remarks of the evaluation, and are complete", async () => {
    const answer = await metrics.instant(parse("rate(up[5m])"), HOUR);
    expect(answer).toMatchObject({ data: { labels: [] }, complete: true, warnings: [] });
    const remarked = await metrics.instant(parse("quantile(2, istio_requests_total)"), HOUR);
    expect(remarked.warnings.join()).toMatch(/quantile value should be between 0 and 1/);
    expect(remarked.complete).toBe(true);
  });

  test("give native histograms as a server's answer has them, beside numbers", async () => {
    const native = memoryStorage();
    native.load("a {{count:3 sum:4 z_bucket:1 z_bucket_w:0.5 buckets:[2] offset:1}} 7", { step: "1m" });
    const backend = seriesMetrics(native);
    const histogram = {
      count: 3,
      sum: 4,
      buckets: [
        { lower: -0.5, upper: 0.5, count: 1, bounds: "both" },
        { lower: 1, upper: 2, count: 2, bounds: "right" },
      ],
    };
    const { data } = await backend.instant(selector("a"), 0);
    expect(data).toMatchObject({ kind: "vector", histograms: new Map([[0, histogram]]) });
    const range = await backend.range(selector("a"), { startMs: 0, endMs: 60_000, stepMs: 60_000 });
    expect(range.data.series).toEqual([
      {
        labels: { __name__: "a" },
        timesMs: Float64Array.of(60_000),
        values: Float64Array.of(7),
        histograms: [{ timeMs: 0, histogram }],
      },
    ]);
  });

  test("are no bare range of samples", async () => {
    await expect(metrics.instant(matrix(selector("up"), 60_000), HOUR)).rejects.toMatchObject({ code: "promql" });
  });

  test("end with the caller's own reason", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(metrics.instant(selector("up"), HOUR, { signal })).rejects.toBe(reason);
    const grid = { startMs: 0, endMs: HOUR, stepMs: 60_000 };
    await expect(metrics.range(selector("up"), grid, { signal })).rejects.toBe(reason);
  });

  test("say what they are", async () => {
    expect(await metrics.describe?.()).toEqual({
      product: "series in memory",
      version: undefined,
      dialect: "in-process",
    });
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(metrics.describe?.({ signal })).rejects.toBe(reason);
  });

  test("need an interval that is one", () => {
    expect(() => seriesMetrics(storage, { scrapeInterval: "often" })).toThrow(/seriesMetrics: scrapeInterval/);
  });
});
