import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMesh, type Mesh, type MetricsBackend, prometheus, type RangeProgress } from "../../../src/index.ts";
import type { Grid, MatrixData } from "../../../src/metrics/backend.ts";
import { pointsOf } from "../../../src/metrics/plan/chunks.ts";
import { askPieces, joinAnswers, type RangeOptions } from "../../../src/metrics/plan/range.ts";
import { type Expr, parse } from "../../../src/promql/index.ts";
import { answering } from "../../http/listener.ts";
import { latestPrometheus } from "../../mesh/latest-prometheus.ts";
import { type SinglePrometheus, singlePrometheus } from "../single-prometheus.ts";
import { feed } from "./otlp.ts";

const HOUR = 3_600_000;
const TO = Math.floor(Date.now() / 60_000) * 60_000;
const FROM = TO - 3.2 * HOUR;
const EVERY = 15_000;

/** Whether a series has samples at a time: the first all along, others for a part of it or on and off. */
const alive = (i: number, timeMs: number): boolean => {
  const part = (timeMs - FROM) / (TO - FROM);
  if (i % 4 === 1) return part > 0.37;
  if (i % 4 === 2) return part < 0.61;
  return i % 4 === 0 || Math.floor(part * 7) % 2 === 0;
};

const counted = (i: number, timeMs: number): number =>
  ((timeMs - FROM) / 1000) * (1 + i / 7) + Math.sin(timeMs / 1e5 + i);

const LABELS = Array.from({ length: 12 }, (_, i) => ({
  reporter: i % 3 === 0 ? "source" : "destination",
  source_workload: `frontend-${i % 2}`,
  destination_workload: `backend-${i}`,
  response_code: ["200", "404", "503"][i % 3] ?? "",
}));

/** What the library asks, and what only raw PromQL says: all that looks at a range's ends, at steps, at histograms. */
const RAW: readonly string[] = [
  "istio_requests_total",
  "istio_requests_total offset 7m",
  "istio_requests_total @ start()",
  "istio_requests_total - istio_requests_total @ end()",
  "rate(istio_requests_total[5m] @ end())",
  "sum by (response_code) (rate(istio_requests_total[2m])) / on () group_left () sum(rate(istio_requests_total[2m] offset 10m))",
  "max_over_time(rate(istio_requests_total[1m])[10m:30s])",
  "avg_over_time((sum(istio_requests_total))[9m:47s] @ start())",
  "sum_over_time(istio_requests_total[4m:])",
  "topk(3, rate(istio_requests_total[3m]))",
  "bottomk by (reporter) (1, istio_requests_total)",
  'absent(istio_requests_total{response_code="404",reporter="source"})',
  "changes(istio_requests_total[5m]) > 3",
  "quantile_over_time(0.7, istio_requests_total[3m])",
  "time() - timestamp(istio_requests_total)",
  'label_replace(istio_requests_total, "x", "$1", "destination_workload", "backend-(.*)")',
  'count_values("v", floor(istio_requests_total / 5000))',
  "predict_linear(istio_requests_total[6m], 600)",
  "minute() + hour()",
  "7",
  "took",
  "rate(took[5m])",
  "sum(rate(took[5m]))",
  "histogram_quantile(0.9, sum(rate(took[4m])))",
  "histogram_count(took) or istio_requests_total",
  '{__name__=~"took|istio_requests_total"}',
];

describe("a range in pieces", () => {
  let server: SinglePrometheus;
  let backend: MetricsBackend;
  let mesh: Mesh;

  beforeAll(async () => {
    const programs = await latestPrometheus({ onSlow: (what) => console.log(`          ${what}`) });
    server = await singlePrometheus({ programs, flags: ["--web.enable-otlp-receiver"] });
    await feed(server.url, {
      fromMs: FROM,
      toMs: TO,
      everyMs: EVERY,
      floats: LABELS.map((labels, i) => ({
        name: "istio_requests_total",
        labels,
        at: (timeMs) => (alive(i, timeMs) ? counted(i, timeMs) : undefined),
      })),
      histograms: [0, 1, 2, 3].map((i) => ({
        name: "took",
        labels: { pod: `p${i}` },
        at: (timeMs) => {
          const seen = Math.floor((timeMs - FROM) / 1000) * (i + 1);
          return alive(i, timeMs) ? { sum: seen * 2.5, counts: [seen, Math.floor(seen / 3), seen % 50] } : undefined;
        },
      })),
    });
    backend = prometheus(server.url, { scrapeInterval: "15s" });
    mesh = createMesh({ metrics: backend, now: () => TO });
  });
  afterAll(() => server?.stop());

  async function joined(expr: Expr, grid: Grid, options: RangeOptions): Promise<MatrixData> {
    const answers = [];
    for await (const { answer } of askPieces(backend, expr, grid, options)) answers.push(answer);
    return joinAnswers(answers, 0).data;
  }

  const grids = fc
    .record({
      startMs: fc.integer({ min: FROM - HOUR / 4, max: TO }),
      stepMs: fc.constantFrom(1000, 7000, 15_000, 60_000, 61_000, 333_333),
      points: fc.integer({ min: 2, max: 200 }),
      more: fc.nat(900),
    })
    .map(({ startMs, stepMs, points, more }) => ({ startMs, stepMs, endMs: startMs + (points - 1) * stepMs + more }));

  it("has series that come and go, and native histograms", async () => {
    const { data } = await backend.range(parse("istio_requests_total or took"), {
      startMs: FROM,
      endMs: TO,
      stepMs: 60_000,
    });
    const full = pointsOf({ startMs: FROM, endMs: TO, stepMs: 60_000 });
    const lengths = data.series.map((one) => one.values.length + (one.histograms?.length ?? 0));
    expect(data.series).toHaveLength(16);
    expect(lengths.filter((length) => length === full).length).toBe(4);
    expect(Math.min(...lengths)).toBeLessThan(0.7 * full);
    expect(data.series.filter((one) => one.histograms !== undefined)).toHaveLength(4);
  });

  it("is the whole range sample by sample, whatever is asked", async () => {
    const { rate, success, latency } = {
      rate: mesh.all().rate("2m"),
      success: mesh.all().success("5m"),
      latency: mesh.all().latency(0.9, "5m"),
    };
    const ours = [
      rate,
      rate.by("destination_workload"),
      success.by("response_code"),
      latency,
      rate.dividedBy(rate.offset("30m")),
    ];
    const asked = [...ours.map((query) => query.expr), ...RAW.map((text) => parse(text))];
    let samples = 0;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...asked), grids, fc.integer({ min: 1, max: 60 }), async (expr, grid, most) => {
        const pointsPerRequest = Math.max(most, Math.ceil(pointsOf(grid) / 25));
        const { data } = await backend.range(expr, grid);
        samples += data.series.reduce((sum, one) => sum + one.values.length, 0);
        expect(await joined(expr, grid, { pointsPerRequest })).toStrictEqual(data);
      }),
      { seed: 20_261_125, numRuns: Number(process.env.RANGE_RUNS ?? 80) },
    );
    expect(samples).toBeGreaterThan(10_000);
  });

  it("is cut where the server would refuse it, at 11,002 instants and not at 11,001", async () => {
    for (const [points, pieces] of [
      [11_001, 1],
      [11_002, 2],
    ] as const) {
      const progress: RangeProgress[] = [];
      const range = { from: TO - (points - 1) * 1000, to: TO, step: "1s" };
      const options = { onProgress: (one: RangeProgress) => progress.push(one) };
      const matrix = await mesh.all().rate("2m").over(range, options);
      expect(progress.map((one) => one.total)).toEqual(Array.from({ length: pieces }, () => pieces));
      expect(progress.at(-1)).toMatchObject({ done: pieces, ratio: 1, samples: matrix.series[0]?.length });
      const times = matrix.series[0]?.timesMs ?? new Float64Array();
      expect(times.length).toBe(points);
      expect([times[0], times.at(-1)]).toEqual([range.from, TO]);
      expect(times.every((time, i) => time === range.from + i * 1000)).toBe(true);
    }
  });

  it("has a step that is no finer than its targets are scraped, as they themselves show", async () => {
    const target = new URL(server.url).host;
    const scraping = await singlePrometheus({ target });
    try {
      const found = prometheus(scraping.url);
      await expect
        .poll(async () => (await found.instant(parse("count_over_time(up[1m]) >= 3"), undefined)).data, {
          timeout: 20_000,
          interval: 500,
        })
        .toMatchObject({ labels: [{ job: "x" }] });
      expect(found.scrapeIntervalMs).toBeUndefined();
      const { stepMs, meta } = await createMesh({ metrics: found }).all().rate("1s").over({ last: "1m" });
      expect([stepMs, found.scrapeIntervalMs]).toEqual([1000, 1000]);
      expect(meta.warnings).toEqual([expect.stringContaining("rate(…[1s]) needs two samples")]);
    } finally {
      await scraping.stop();
    }
  });

  /** The instants of each range that a client asks for, on its way to the server. */
  async function counting(): Promise<{ readonly url: string; readonly asked: number[]; close(): Promise<void> }> {
    const asked: number[] = [];
    const proxy = await answering(async (request, response) => {
      const url = new URL(request.url ?? "/", server.url);
      if (url.pathname.endsWith("/query_range")) {
        const [from = 0, to = 0, step = 1] = ["start", "end", "step"].map((name) => Number(url.searchParams.get(name)));
        asked.push(Math.floor((to - from) / step + 1e-6) + 1);
      }
      const answer = await fetch(url);
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
    return { url: proxy.url, asked, close: proxy.close };
  }

  it("that moves fetches no more than is new where answers are kept, and has the same samples", async () => {
    const { url, asked, close } = await counting();
    try {
      const kept = prometheus(url, { scrapeInterval: "15s", cache: { samples: 1_000_000, settle: "10m" } });
      const [stepMs, length] = [60_000, 2 * HOUR];
      // Ends a little before what was written last, and goes beyond.
      const moving = [30, 29, 27, 10, 3, 0].map((minutes) => TO - minutes * 60_000);
      for (const text of ["rate(istio_requests_total[5m])", "took", "sum by (response_code) (istio_requests_total)"]) {
        const expr = parse(text);
        const before = asked.length;
        for (const endMs of moving) {
          const grid = { startMs: endMs - length, endMs, stepMs };
          const { data } = await kept.range(expr, grid);
          expect(data).toStrictEqual((await backend.range(expr, grid)).data);
        }
        const [first, ...later] = asked.slice(before);
        expect(first).toBe(length / stepMs + 1);
        // One question each time: the minutes that are new, and those that may still change.
        expect(later).toHaveLength(moving.length - 1);
        for (const [i, instants] of later.entries()) {
          const moved = ((moving[i + 1] ?? 0) - (moving[i] ?? 0)) / 60_000;
          expect(instants).toBeLessThanOrEqual(moved + 12);
        }
      }
    } finally {
      await close();
    }
  });

  it("is not asked for again where its pieces are kept, whatever order they came in", async () => {
    const { url, asked, close } = await counting();
    try {
      const kept = prometheus(url, { scrapeInterval: "15s", cache: { samples: 1_000_000, settle: "10m" } });
      const query = createMesh({ metrics: kept, now: () => TO })
        .all()
        .rate("2m")
        .by("destination_workload");
      const range = { from: TO - 2 * HOUR, to: TO - 0.5 * HOUR, step: "15s" };
      const first = await query.over(range, { pointsPerRequest: 20 });
      expect(asked.length).toBe(Math.ceil(361 / 20));
      const again = await query.over(range, { pointsPerRequest: 50 });
      expect(asked.length).toBe(Math.ceil(361 / 20));
      expect(again.series).toStrictEqual(first.series);
      const whole = await mesh.all().rate("2m").by("destination_workload").over(range);
      expect(again.series).toStrictEqual(whole.series);
    } finally {
      await close();
    }
  });

  it("comes part by part, in order, before the last of it is there", async () => {
    const query = mesh.all().rate("2m").by("destination_workload");
    const range = { from: FROM, to: TO, step: "5s" };
    const whole = await query.over(range);
    const ends: number[] = [];
    let samples = 0;
    for await (const part of query.over(range, { pointsPerRequest: 100 }).parts()) {
      ends.push(part.startMs, part.endMs);
      for (const series of part) samples += series.length;
    }
    expect(ends).toEqual([...ends].sort((a, b) => a - b));
    expect(ends.length).toBe(2 * Math.ceil(2305 / 100));
    expect(samples).toBe(whole.series.reduce((sum, series) => sum + series.length, 0));
  });
});
