import { describe, expect, test } from "vitest";
import { alert, type Backtest, fromYAML, record, ruleFile, ruleGroup, slo } from "../../src/alerts/index.ts";
import { createMesh, type MetricsBackend } from "../../src/index.ts";
import { memoryStorage, parse, print } from "../../src/promql/index.ts";
import { seriesMetrics, testAlert } from "../../src/testing/index.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The questions that a backend is asked. */
function asking(notation: string, step: "1m" | "30s" = "1m") {
  const storage = memoryStorage();
  storage.load(notation, { step });
  const backend = seriesMetrics(storage, { now: () => 24 * HOUR });
  const asked: string[] = [];
  const metrics: MetricsBackend = {
    name: backend.name,
    scrapeIntervalMs: 15_000,
    instant: backend.instant.bind(backend),
    range: (expr, grid, options) => {
      asked.push(print(expr));
      return backend.range(expr, grid, options);
    },
  };
  return { metrics, asked, storage };
}

/** When alerts were pending (p) and firing (F), in minutes. */
const lines = ({ alerts }: Backtest): string[] =>
  alerts.flatMap(({ intervals }) =>
    intervals.map(({ state, startMs, endMs }) => `${state} ${startMs / MINUTE}-${endMs / MINUTE}`),
  );

const counter = (code: string, values: string): string =>
  `istio_requests_total{reporter="destination",destination_service_name="backend",request_protocol="http",response_code="${code}"} ${values}`;
/** 100 requests a second; a tenth fails from minute 400 to 420, all of them in minutes 702 and 703. */
const INCIDENTS = `
  ${counter("200", "0+6000x400 2405400+5400x19 2514000+6000x280 4194000x1 4200000+6000x297")}
  ${counter("503", "0x400 600+600x19 12000x280 18000 24000x300")}
`;

describe("an SLO's back-test", () => {
  const { metrics, asked, storage } = asking(INCIDENTS);
  const mesh = createMesh({ metrics, now: () => 16 * HOUR });
  const one = slo({
    name: "backend",
    objective: 0.999,
    window: "30d",
    of: mesh.service("backend"),
    interval: "1m",
  });

  test("has what its alerts do under the very rules, though nothing was recorded, by a question for each window", async () => {
    const tried = await one.backtest({ from: HOUR, to: 16 * HOUR });
    expect(tried.rules.map(({ name, labels }) => [name, labels.severity])).toEqual([
      ["ErrorBudgetBurn", "page"],
      ["ErrorBudgetBurn", "ticket"],
      ["SLOMetricAbsent", "ticket"],
    ]);
    // Seven windows, and the condition of the alert that reads no recording.
    expect(asked.length).toBe(8);
    const [page] = tried.rules;
    const [alert] = one.alerts;
    if (page === undefined || alert === undefined) throw new Error("an SLO pages");
    expect(lines(page)).toEqual(["firing 409-424", "firing 702-732"]);
    const tested = testAlert(alert, { group: one.group }).given(storage);
    for (const minute of [408, 409, 423, 424, 701, 702, 731, 732]) {
      const firing = tested.alertsAt(`${minute}m`).some(({ state }) => state === "firing");
      const found = page.alerts.some(({ intervals }) =>
        intervals.some(({ startMs, endMs }) => startMs <= minute * MINUTE && minute * MINUTE < endMs),
      );
      expect([minute, found]).toEqual([minute, firing]);
    }
    expect(tried.pages).toBe(tried.rules.reduce((sum, { pages }) => sum + pages, 0));
  });

  test("draws each rule, and is a page with a part for each", async () => {
    const tried = await one.backtest({ from: HOUR, to: 16 * HOUR, step: "5m" });
    expect(tried.stepMs).toBe(5 * MINUTE);
    const text = String(tried);
    expect(text).toContain("backend: ");
    expect(text).toContain("ErrorBudgetBurn (page): 2 pages");
    expect(text).toContain("SLOMetricAbsent (ticket): never pending, never firing");
    const html = tried.toHTML();
    expect(html.match(/<h2>/g)).toHaveLength(3);
    expect(html).toContain("<h1>Back-test of backend</h1>");
  });

  test("tells apart the alerts of several objectives", async () => {
    const both = slo({
      name: "backend",
      objective: 0.999,
      latency: { under: "250ms", ratio: 0.99 },
      window: "30d",
      of: mesh.service("backend"),
      interval: "1m",
    });
    const tried = await both.backtest({ from: 6 * HOUR, to: 8 * HOUR, step: "5m" });
    expect(String(tried).match(/^[A-Z]\w+ \([^)]*\)/gm)).toEqual([
      "ErrorBudgetBurn (availability, page)",
      "ErrorBudgetBurn (availability, ticket)",
      "SLOMetricAbsent (availability, ticket)",
      "ErrorBudgetBurn (latency, page)",
      "ErrorBudgetBurn (latency, ticket)",
      "SLOMetricAbsent (latency, ticket)",
    ]);
    // What the title tells is not said again.
    expect(String(tried)).toMatch(/^ErrorBudgetBurn +1 /m);
  });

  test("needs a mesh with metrics", async () => {
    const none = slo({ name: "a", objective: 0.9, window: "30d", of: createMesh().service("backend") });
    await expect(none.backtest({ last: "1h" })).rejects.toMatchObject({ code: "config" });
  });
});

describe("a group's rules", () => {
  const up = 'up{job="a"} 0x3 1x5 0x20';
  const range = { from: 0, to: 20 * MINUTE };

  test("see at once what those before them record, and an evaluation later what those behind them do", async () => {
    const { metrics } = asking(up);
    const down = record("job:down", parse("up == bool 0")).labels({ kind: "x" });
    const first = alert("First", parse('job:down{kind="x"} > 0'));
    const group = ruleGroup("g", [first, down, alert("Last", first.expr)], {
      interval: "1m",
      labels: { team: "shop" },
    });
    const tried = await group.backtest(range, { metrics });
    expect(tried.rules.map(lines)).toEqual([
      ["firing 1-5", "firing 11-20"],
      ["firing 0-4", "firing 10-20"],
    ]);
    expect(tried.rules[0]?.alerts[0]?.labels).toEqual({ alertname: "First", job: "a", kind: "x", team: "shop" });
    const [tested] = testAlert(first, { group }).given(up).alertsAt("4m");
    expect(tested).toMatchObject({ state: "firing", labels: { team: "shop" } });
    expect(testAlert(first, { group }).given(up).alertsAt("5m")[0]?.state).toBe("resolved");
  });

  test("look as far behind their evaluation as the group does, recordings too", async () => {
    const { metrics, asked } = asking(up);
    const down = record("job:down", parse("up == bool 0"));
    const read = alert("Read", parse("job:down > 0"));
    const group = ruleGroup("g", [alert("Early", read.expr), down, read], { interval: "1m", queryOffset: "90s" });
    // Each finds at its evaluation what there was a minute and a half before.
    const tried = await group.backtest(range, { metrics });
    const [early, late] = tried.rules.map(lines);
    expect(late).toEqual(["firing 2-6", "firing 12-20"]);
    expect(early).toEqual(["firing 3-7", "firing 13-20"]);
    expect(asked).toEqual(["up == bool 0"]);
    const swept = await tried.rules[1]?.sweep({ for: ["0s"] });
    expect(swept?.settings[0]).toMatchObject({ pages: 2, firingMs: 12 * MINUTE });
    const tested = testAlert(read, { group }).given(up);
    const states = [1, 2, 5, 6, 11, 12].map((minute) => tested.alertsAt(`${minute}m`)[0]?.state);
    expect(states).toEqual([undefined, "firing", "firing", "resolved", "resolved", "firing"]);
  });

  test("of groups that look back differently far have each its own", async () => {
    const { metrics } = asking(up);
    const down = ruleGroup("down", [record("job:down", parse("up == bool 0"))], { queryOffset: "2m" });
    const read = ruleGroup("read", [alert("Read", parse("job:down > 0"))]);
    const [tried] = (await ruleFile(down, read).backtest(range, { metrics })).rules;
    expect(tried && lines(tried)).toEqual(["firing 0-4", "firing 10-20"]);
  });

  test("may read what they wrote themselves an evaluation before", async () => {
    const { metrics } = asking(up);
    const count = record("down:count", parse("count(up == 0) + (down:count or vector(0)) or down:count"));
    const group = ruleGroup("g", [count, alert("Often", parse("down:count > 5"))], { interval: "1m" });
    const [often] = (await group.backtest(range, { metrics })).rules;
    expect(often && lines(often)).toEqual(["firing 11-20"]);
  });

  test("are asked for the part that nothing records, whatever stands around it", async () => {
    const { metrics, asked } = asking(`${up}\nrequests{job="a"} 0+60x30`);
    const group = ruleGroup("g", [
      record("job:down", parse("up == bool 0")),
      record("job:rate", parse("rate(requests[5m])")),
      alert(
        "Both",
        parse("job:down > 0 and on (job) sum by (job) (rate(requests[5m])) > 0.5 and avg_over_time(job:rate[3m]) > 0"),
      ),
    ]);
    const [both] = (await group.backtest(range, { metrics })).rules;
    expect(both && lines(both)).toEqual(["firing 3-4", "firing 10-20"]);
    expect(asked).toEqual(["up == bool 0", "rate(requests[5m])", "sum by (job) (rate(requests[5m])) > 0.5"]);
  });

  test("fail as a server's do, and say so", async () => {
    const { metrics } = asking(`up{job="a"} 1x30\nup{job="b"} _x3 1x4 stale`);
    const two = ruleGroup("g", [record("one:up", parse("up")), alert("Up", parse("one:up == 1"))], { limit: 1 });
    const [limited] = (await two.backtest({ from: 0, to: 10 * MINUTE }, { metrics })).rules;
    // What failed to be recorded leaves what was there before, for five minutes.
    expect(limited && lines(limited)).toEqual(["firing 0-7", "firing 8-10"]);
    expect(limited?.warnings).toEqual(["one:up: 5 evaluations failed: exceeded limit of 1 with 2 series"]);
    const equal = ruleGroup("g", [
      record("one:up", parse("up")).labels({ job: "" }),
      alert("Up", parse("one:up == 1")),
    ]);
    const [same] = (await equal.backtest({ from: 0, to: 10 * MINUTE }, { metrics })).rules;
    expect(same?.warnings[0]).toContain("same labelset after applying rule labels");
  });

  test.each([
    ["max_over_time((up + job:down)[5m:1m]) > 0", "up stands in a subquery beside what is recorded; record it"],
    ['{job="a"} > 0', "reads metrics of any name, recorded ones among them; write the name of the metric"],
  ])("are refused where it could not be told what they find: %s", async (text, message) => {
    const { metrics } = asking(up);
    const group = ruleGroup("g", [record("job:down", parse("up == bool 0")), alert("A", parse(text))]);
    await expect(group.backtest(range, { metrics })).rejects.toMatchObject({ code: "promql" });
    await expect(group.backtest(range, { metrics })).rejects.toThrow(message);
  });

  test("of a file read the recordings of other groups", async () => {
    const { metrics } = asking(up);
    const file = fromYAML(`groups:
- { name: a, rules: [{ alert: Down, expr: "job:down > 0", for: 2m }] }
- { name: b, interval: 30s, rules: [{ record: "job:down", expr: "up == bool 0" }] }
`);
    const tried = await file.backtest(range, { metrics });
    expect(tried).toMatchObject({ name: "a, b", stepMs: 30_000 });
    expect(tried.named("Down").map(lines)).toEqual([["pending 0-2", "firing 2-4", "pending 10-12", "firing 12-20"]]);
  });

  test("that alert are wanted", async () => {
    const { metrics } = asking(up);
    await expect(ruleGroup("g", [record("a", parse("up"))]).backtest(range, { metrics })).rejects.toThrow(
      'no rule of "g" alerts',
    );
  });
});

test("one rule takes its recordings as it takes them in a test, and a sweep of it too", async () => {
  const { metrics } = asking('up{job="a"} 1x3 0x5 1x20');
  const mesh = createMesh({ metrics, now: () => 20 * MINUTE });
  const rule = alert("Down", mesh.promql("job:up").below(1)).for("2m");
  const recordings = [record("job:up", parse("up"))];
  const tried = await rule.backtest({ last: "20m" }, { recordings });
  expect(lines(tried)).toEqual(["pending 4-6", "firing 6-10"]);
  const { settings } = await tried.sweep({ for: ["0s", "2m", "10m"] });
  expect(settings.map(({ pages }) => pages)).toEqual([1, 1, 0]);
});
