import { describe, expect, test } from "vitest";
import { alert, type Backtest, fromYAML, labelOf, text } from "../../src/alerts/index.ts";
import { createMesh, type MetricsBackend } from "../../src/index.ts";
import { memoryStorage, parse } from "../../src/promql/index.ts";
import { seriesMetrics } from "../../src/testing/index.ts";

const NOW = Date.UTC(2026, 10, 20, 10);
const MINUTE = 60_000;
const START = NOW - 120 * MINUTE;

/** Two hours of two callers: web fails from minute 30 to 50 and 55 to 70, app a little all the time. */
function storageOf() {
  const storage = memoryStorage();
  const load = (caller: string, code: string, values: string) =>
    storage.load(
      `istio_requests_total{reporter="destination",request_protocol="http",destination_service_name="backend",source_workload="${caller}",response_code="${code}"} ${values}`,
      { step: "1m", start: START },
    );
  load("web", "200", "0+600x120");
  load("web", "503", "0x30 60+60x19 1200x5 1260+60x14 2100x50");
  load("app", "200", "0+600x120");
  load("app", "503", "0+1x120");
  return storage;
}

function counting(backend: MetricsBackend): { readonly backend: MetricsBackend; readonly asked: string[] } {
  const asked: string[] = [];
  const range: MetricsBackend["range"] = (expr, grid, options) => {
    asked.push(`${(grid.endMs - grid.startMs) / MINUTE}m`);
    return backend.range(expr, grid, options);
  };
  return {
    asked,
    backend: {
      ...backend,
      name: backend.name,
      scrapeIntervalMs: backend.scrapeIntervalMs,
      instant: backend.instant.bind(backend),
      range,
    },
  };
}

const { backend, asked } = counting(seriesMetrics(storageOf()));
const mesh = createMesh({ metrics: backend, now: () => NOW });
const success = mesh.service("backend").success("5m").by("source_workload");
const rule = alert("Failing", success.below("95%"))
  .for("5m")
  .severity("page")
  .annotations({ summary: text`${labelOf("source_workload")}` });

const lines = (tried: Backtest<never> | Backtest) =>
  tried.alerts.flatMap(({ labels, intervals }) =>
    intervals.map(
      ({ state, startMs, endMs, ongoing }) =>
        `${labels.source_workload} ${state} ${(startMs - START) / MINUTE}-${(endMs - START) / MINUTE}${ongoing ? "+" : ""}`,
    ),
  );

describe("a back-test", () => {
  test("has every interval of every label set, by one question that also looks at what came before", async () => {
    asked.length = 0;
    const tried = await rule.backtest({ last: "2h" });
    expect(asked).toEqual(["126m"]);
    expect(lines(tried)).toEqual(["web pending 33-38", "web firing 38-52", "web pending 59-64", "web firing 64-73"]);
    expect(tried.alerts[0]?.labels).toEqual({ alertname: "Failing", severity: "page", source_workload: "web" });
    expect(tried).toMatchObject({
      pages: 2,
      pagesPerWeek: 168,
      firingMs: 23 * MINUTE,
      longestMs: 14 * MINUTE,
      flaps: 1,
      complete: true,
      startMs: START,
      endMs: NOW,
      stepMs: MINUTE,
      failures: [],
    });
  });

  test("knows what was pending before it begins, and what is still firing when it ends", async () => {
    const from = START + 36 * MINUTE;
    const tried = await rule.backtest({ from, to: from + 4 * MINUTE });
    expect(lines(tried)).toEqual(["web pending 33-38", "web firing 38-40+"]);
    expect((await rule.backtest({ from: START + 45 * MINUTE, to: START + 50 * MINUTE })).pages).toBe(0);
  });

  test("of the last hours has multiples of its step, whatever the second", async () => {
    const later = createMesh({ metrics: backend, now: () => NOW - 12_345 });
    const moved = alert("Failing", later.service("backend").success("5m").by("source_workload").below("95%")).for("5m");
    const tried = await moved.backtest({ last: "1h" });
    expect([tried.startMs, tried.endMs]).toEqual([NOW - 60 * MINUTE, NOW - MINUTE]);
    expect(await moved.backtest({ last: "10s" })).toMatchObject({ startMs: NOW - MINUTE, endMs: NOW - MINUTE });
    const written = await moved.backtest({ from: START + 1, to: NOW });
    expect([written.startMs, written.endMs]).toEqual([START + 1, NOW]);
  });

  test("fails where values come of other instants than it has asked for", async () => {
    const shifted = (byMs: number): MetricsBackend => ({
      ...backend,
      range: async (expr, grid, options) => {
        const answer = await backend.range(expr, grid, options);
        const series = answer.data.series.map((one) => ({ ...one, timesMs: one.timesMs.map((ms) => ms + byMs) }));
        return { ...answer, data: { ...answer.data, series } };
      },
    });
    for (const byMs of [-20_000, 20_000]) {
      const metrics = shifted(byMs);
      await expect(rule.backtest({ from: START, to: NOW }, { metrics })).rejects.toMatchObject({
        name: "DecodeError",
        message: expect.stringContaining("let the server answer for the instants that it is asked for"),
      });
    }
  });

  test("that is shorter than a step is one evaluation", async () => {
    const at = START + 45 * MINUTE;
    const tried = await rule.backtest({ from: at, to: at + 30_000 });
    expect(lines(tried)).toEqual(["web firing 44-45+"]);
    expect(tried).toMatchObject({ pages: 0, firingMs: 0 });
  });

  test("takes no value that is no number for the least or the greatest", async () => {
    const storage = memoryStorage();
    storage.load("load NaN 3 NaN 1 2\nodd NaN NaN NaN NaN NaN", { step: "1m", start: START });
    const metrics = seriesMetrics(storage, { now: () => NOW });
    const least = async (name: string) => {
      const tried = await alert("A", parse(name)).backtest({ from: START, to: START + 4 * MINUTE }, { metrics });
      return tried.alerts.flatMap(({ intervals }) => intervals.map(({ least, greatest }) => [least, greatest]));
    };
    expect(await least("load")).toEqual([[1, 3]]);
    expect(await least("odd")).toEqual([[Number.NaN, Number.NaN]]);
  });

  test("says of which labels it cannot tell what a server makes of them", async () => {
    const [written] = fromYAML(
      "groups: [{name: g, rules: [{alert: A, expr: istio_requests_total, labels: {severity: '{{ if gt $value 1.0 }}page{{ end }}'}}]}]",
    ).alerts;
    const tried = await written?.backtest({ from: START, to: NOW }, { metrics: backend });
    expect(tried?.warnings).toEqual([
      "A: only a server fills in the label severity; what it would tell apart is one here",
    ]);
  });

  test("takes another step, and pieces of the past", async () => {
    asked.length = 0;
    const whole = await rule.backtest({ last: "2h", step: "2m" });
    const pieces = await rule.backtest({ last: "2h", step: "2m" }, { pointsPerRequest: 10 });
    expect(lines(pieces)).toEqual(lines(whole));
    expect(asked.length).toBeGreaterThan(6);
  });

  test("draws itself", async () => {
    const text = (await rule.backtest({ last: "2h" })).toString();
    expect(text).toBe(
      [
        "Failing: 2 pages, 168 a week; firing for 23m, 14m at the longest; 1 soon after the one before",
        "2026-11-20T08:00:00Z to 2026-11-20T10:00:00Z, evaluated every 1m",
        "alert                              fired  for  ░ pending  █ firing",
        `severity=page source_workload=web  2      23m  ${"·".repeat(16)}░░░${"█".repeat(7)}···░░░${"█".repeat(5)}${"·".repeat(23)}`,
      ].join("\n"),
    );
  });

  test("of a rule that never fired says so", async () => {
    const quiet = await rule.withThreshold("10%").backtest({ last: "2h" });
    expect(quiet.toString()).toContain("0 pages, 0 a week");
    expect(quiet.toString()).toContain("never pending, never firing");
    expect(quiet.toHTML()).toContain("It was never pending and never fired.");
  });

  test("is a page in which every name is text", async () => {
    const evil = alert("<script>alert(1)</script>", success.below("95%")).labels({
      team: '"><img src=x onerror=alert(2)>',
    });
    const html = (await evil.backtest({ last: "2h" })).toHTML();
    expect(html).toContain("&lt;script&gt;alert(1)");
    expect(html).not.toMatch(/<script|<img|https?:\/\//);
    expect(html).toContain("prefers-color-scheme: dark");
  });

  test("fails where series have equal labels, and says when", async () => {
    const same = alert("Same", success.below("100%")).labels({ source_workload: "" });
    const tried = await same.backtest({ from: START + 35 * MINUTE, to: START + 45 * MINUTE });
    expect(tried.failures.length).toBeGreaterThan(0);
    expect(tried.failures[0]?.error).toContain("same labelset");
  });

  test("of a reporter that is to be found out tells the query that was sent", async () => {
    const auto = createMesh({ metrics: backend, now: () => NOW })
      .service("backend")
      .reportedBy("auto");
    const tried = await alert("Failing", auto.success("5m").by("source_workload").below("95%"))
      .for("5m")
      .backtest({ last: "2h" });
    expect(tried.query).toContain('reporter="destination"');
    expect(lines(tried)).toEqual(["web pending 33-38", "web firing 38-52", "web pending 59-64", "web firing 64-73"]);
  });

  test("of an expression asks whom it is told to", async () => {
    const metrics = seriesMetrics(storageOf());
    const written = alert("Down", parse('istio_requests_total{response_code="503"} > 2000'));
    const tried = await written.backtest({ from: START, to: NOW }, { metrics });
    expect(tried.pages).toBe(1);
    await expect(written.backtest({ last: "1h" })).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining("{ metrics: prometheus("),
    });
  });

  test.each([
    ["no range", {}, "range"],
    ["no step", { last: "1h", step: "soon" }, "step"],
    ["no time", { from: "soon" }, "time"],
  ])("over %s is refused", async (_, range, code) => {
    await expect(rule.backtest(range as never)).rejects.toMatchObject({ name: "QueryError", code });
  });

  test("ends with the caller's signal", async () => {
    const signal = AbortSignal.abort(new Error("mine"));
    await expect(rule.backtest({ last: "1h" }, { signal })).rejects.toThrow("mine");
  });
});

describe("a sweep", () => {
  test("tries every combination by one question, each as a rule of its own would come out", async () => {
    const tried = await rule.backtest({ last: "2h" });
    asked.length = 0;
    const { settings } = await tried.sweep({ for: ["0s", "5m", "20m"], threshold: ["95%", 0.92, "99.9%"] });
    expect(asked).toEqual(["141m"]);
    expect(settings).toHaveLength(9);
    for (const { forMs, threshold, pages, firingMs, longestMs, flaps } of settings) {
      const alone = await rule
        .for(`${forMs / 1000}s`)
        .withThreshold(threshold ?? 0)
        .backtest({ last: "2h" });
      expect({ pages, firingMs, longestMs, flaps }).toEqual({
        pages: alone.pages,
        firingMs: alone.firingMs,
        longestMs: alone.longestMs,
        flaps: alone.flaps,
      });
    }
    expect(settings.filter(({ isOwn }) => isOwn)).toMatchObject([{ forMs: 5 * MINUTE, threshold: 0.95, pages: 2 }]);
  });

  test("asks whom the back-test has asked", async () => {
    const unbound = alert("Failing", createMesh().service("backend").success("5m").by("source_workload").below("95%"));
    const tried = await unbound.backtest({ from: START, to: NOW }, { metrics: backend });
    const { settings } = await tried.sweep({ threshold: ["95%", "99.9%"] });
    expect(settings.map(({ pages }) => pages)).toEqual([tried.pages, expect.any(Number)]);
    expect(settings[1]?.firingMs).toBeGreaterThan(tried.firingMs);
  });

  test("of for alone needs no single threshold", async () => {
    const both = alert("Both", success.below("95%").and(mesh.service("backend").rate("5m").above(1)));
    const tried = await both.backtest({ last: "2h" });
    const { settings } = await tried.sweep({ for: ["1m", "15m"] });
    expect(settings.map(({ pages }) => pages)).toEqual([2, 1]);
    await expect(tried.sweep({ threshold: [1] })).rejects.toMatchObject({ code: "unit" });
  });

  test("keeps the traffic that the rule needs", async () => {
    const busy = rule.minTraffic(100);
    const { settings } = await (await busy.backtest({ last: "2h" })).sweep({ threshold: ["95%"] });
    expect(settings).toMatchObject([{ pages: 0 }]);
  });

  test("is a table in which the rule's own setting is marked", async () => {
    const sweep = await (await rule.backtest({ last: "2h" })).sweep({ for: ["5m", "1h"] });
    expect(sweep.toString().split("\n")).toEqual([
      "   threshold  for  pages  a week  firing  longest  flaps",
      "→  95 %       5m   2      168     23m     14m      1",
      "   95 %       1h   0      0       0s      0s       0",
    ]);
  });
});
