import { describe, expect, test } from "vitest";
import { alert, logLines, tracesOf } from "../../src/alerts/index.ts";
import { createMesh, type LogBackend, type LogMeasure } from "../../src/index.ts";
import { simulatedMesh } from "../../src/testing/index.ts";

const untyped = (value: unknown) => value as never;
const AT = Date.UTC(2026, 10, 20, 13, 30);

describe("a condition over lines of logs", () => {
  const filter = { origin: { namespace: "shop", container: "istio-proxy" }, lines: [{ text: " 503 " }] };
  const many = logLines(filter, { window: "5m", by: [{ origin: "app" }] });

  test("is LogQL", () => {
    expect(many.above(10).logql).toBe(
      'sum by (app) (count_over_time({namespace="shop",container="istio-proxy"} |= " 503 "[5m])) > 10',
    );
    expect(logLines(filter, { window: "1m", measurement: { kind: "rate" }, labels: "otel" }).atMost(0.5).logql).toBe(
      'sum by () (rate({k8s_namespace_name="shop",k8s_container_name="istio-proxy"} |= " 503 "[1m])) <= 0.5',
    );
  });

  test("is asked of any backend for logs, and holds for the series that compare so", async () => {
    const asked: LogMeasure[] = [];
    let isWhole = true;
    const series = (app: string, value: number) => ({
      labels: { app },
      timesMs: Float64Array.of(AT),
      values: Float64Array.of(value),
    });
    const backend = {
      measure: async (question: LogMeasure) => {
        asked.push(question);
        return { series: [series("web", 12), series("api", 10)], warnings: ["an ingester is away"], complete: isWhole };
      },
    } as unknown as LogBackend;
    expect(await many.above(10).holding(backend, AT)).toEqual([{ labels: { app: "web" }, value: 12 }]);
    expect(await many.atLeast(10).holding(backend, AT)).toHaveLength(2);
    expect(await many.below(10).holding(backend, AT)).toEqual([]);
    expect(await many.atMost(10).holding(backend, AT)).toEqual([{ labels: { app: "api" }, value: 10 }]);
    isWhole = false;
    await expect(many.above(10).holding(backend, AT)).rejects.toMatchObject({ warnings: ["an ingester is away"] });
    expect(asked[0]).toMatchObject({ filter, windowMs: 300_000, fromMs: AT, toMs: AT, by: [{ origin: "app" }] });
  });

  test.each<[string, () => unknown]>([
    ["no window", () => logLines(filter, { window: "soon" })],
    ["no labels", () => logLines(filter, { window: "5m", labels: untyped("fluentd") })],
    ["no number", () => many.above(Number.NaN)],
  ])("of %s is refused", (_, build) => {
    expect(build).toThrow(expect.objectContaining({ name: "QueryError" }));
  });

  test("cannot be tried on the past by Prometheus, which its error says", async () => {
    await expect(alert("x", many.above(1)).backtest({ last: "1h" })).rejects.toMatchObject({ code: "export" });
  });
});

describe("a condition over traces", () => {
  const sim = simulatedMesh({
    services: { web: {}, api: {} },
    clients: { gateway: { kind: "gateway" } },
    flows: [{ from: "gateway", to: "web", perSecond: 2, calls: [{ to: "api" }] }],
    incidents: [{ kind: "failing", service: "api", from: AT - 600_000, to: AT, share: 0.5 }],
    sampling: 1,
    start: AT - 3_600_000,
    now: AT,
  });
  const edge = createMesh(sim.backends()).edge("web", "api");

  test("counts those that are as described", async () => {
    const failed = await tracesOf(edge, { last: "5m", errors: true }).atLeast(3).evaluate();
    expect(failed).toMatchObject({ count: 3, holds: true });
    const before = await tracesOf(edge, { from: AT - 1_800_000, to: AT - 1_200_000, errors: true })
      .atLeast(1)
      .evaluate();
    expect(before).toMatchObject({ count: 0, holds: false });
  });

  test("counts something", () => {
    expect(() => tracesOf(edge, { last: "5m" }).atLeast(0)).toThrow("atLeast: 0 is no whole number of traces above 0");
  });
});
