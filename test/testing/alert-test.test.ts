import { AssertionError } from "node:assert";
import { describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { alert, labelOf, record, text, valueAs } from "../../src/alerts/index.ts";
import { createMesh } from "../../src/index.ts";
import { memoryStorage, parse } from "../../src/promql/index.ts";
import { alertMatchers, simulatedMesh, testAlert } from "../../src/testing/index.ts";

expect.extend(alertMatchers);

declare module "vitest" {
  interface Matchers<T> {
    toBeFiring(wanted: { readonly at: string; readonly labels?: Readonly<Record<string, string>> }): T;
    toBePending(wanted: { readonly at: string; readonly labels?: Readonly<Record<string, string>> }): T;
    toBeQuiet(wanted: { readonly at: string; readonly labels?: Readonly<Record<string, string>> }): T;
  }
}

const down = alert("Down", parse("up == 0"))
  .for("2m")
  .severity("page")
  .annotations({ summary: text`${labelOf("job")} is at ${valueAs({ digits: 1 })}` });
const given = testAlert(down).given(`
  # two jobs, of which one goes
  up{job="api"} 1 0x9
  up{job="web"} 1x10
`);
const api = { job: "api", severity: "page" };

describe("a test of an alert", () => {
  test("holds it to what is expected", () => {
    given.expect(
      { at: "0m", firing: [], pending: [] },
      { at: "1m", pending: [{ labels: api }], firing: [] },
      { at: "2m59s", pending: [{ labels: api }] },
      { at: "3m", firing: [{ labels: api, annotations: { summary: "api is at 0.0" } }], pending: [] },
    );
  });

  test.each<[string, () => unknown, string]>([
    ["nothing is expected", () => given.expect({ at: "3m", firing: [] }), "Down at 3m: firing are"],
    [
      "something else is expected",
      () => given.expect({ at: "3m", firing: [{ labels: { job: "web" } }] }),
      '{"job":"web"}',
    ],
    [
      "it says something else",
      () => given.expect({ at: "3m", firing: [{ labels: api, annotations: { summary: "?" } }] }),
      "api is at 0.0",
    ],
    ["it is only pending", () => given.expect({ at: "2m", firing: [{ labels: api }] }), "  none"],
  ])("fails where %s", (_, run, message) => {
    expect(run).toThrow(AssertionError);
    expect(run).toThrow(message);
  });

  test("fails with the evaluation that fails", () => {
    const same = testAlert(alert("Same", parse("up == 0")).labels({ job: "" })).given('up{job="a"} 0\nup{job="b"} 0');
    expect(() => same.alertsAt("0m")).toThrow(
      "the evaluation at 0 s fails: vector contains metrics with the same labelset",
    );
  });

  test("has matchers", () => {
    expect(given).toBePending({ at: "2m", labels: { job: "api" } });
    expect(given).toBeFiring({ at: "3m" });
    expect(given).not.toBeFiring({ at: "3m", labels: { job: "web" } });
    expect(given).toBeQuiet({ at: "5m", labels: { job: "web" } });
    expect(() => expect(given).toBeQuiet({ at: "5m" })).toThrow('firing {"job":"api","severity":"page"}');
  });

  test("takes a storage, a start and an interval of its own", () => {
    const storage = memoryStorage();
    storage.load('up{job="api"} 0x10', { step: "10s", start: "2026-11-20T10:00:00Z" });
    testAlert(down, { start: "2026-11-20T10:00:00Z", interval: "30s" })
      .given(storage)
      .expect({ at: "90s", pending: [{ labels: api }] }, { at: "2m", firing: [{ labels: api }] });
  });

  test("evaluates what is recorded first", () => {
    const rule = alert("Many", parse('jobs:up:sum{team="a"} > 1'));
    const recordings = [record("jobs:up:sum", parse("sum(up)")).labels({ team: "a" })];
    testAlert(rule, { recordings })
      .given('up{job="a"} 1 1 1 stale\nup{job="b"} 1 1 0 stale')
      .expect({ at: "1m", firing: [{ labels: { team: "a" } }] }, { at: "2m", firing: [] }, { at: "4m", firing: [] });
  });

  test("runs the rules of a mesh", () => {
    const { service } = { service: createMesh().service("backend") };
    const series = (code: string, values: string) =>
      `istio_requests_total{reporter="destination",request_protocol="http",destination_service_name="backend",response_code="${code}"} ${values}`;
    const test = testAlert(alert("Failing", service.success("5m").below("99%")).for("3m").minTraffic(1)).given(
      [series("200", "0+600x20"), series("503", "0x5 0+60x15")].join("\n"),
    );
    expect(test).toBeQuiet({ at: "5m" });
    expect(test).toBePending({ at: "8m" });
    expect(test).toBeFiring({ at: "12m" });
  });
});

describe("a test as a file of promtool", () => {
  const file = given
    .expect({ at: "1m", pending: [{ labels: api }] }, { at: "3m", firing: [{ labels: api }] })
    .toPromtool({ ruleFile: "alerts.yml" });

  test("says the same", () => {
    expect(parseYaml(file)).toEqual({
      rule_files: ["alerts.yml"],
      evaluation_interval: "1m",
      tests: [
        {
          interval: "1m",
          input_series: [
            { series: 'up{job="api"}', values: "1 0x9" },
            { series: 'up{job="web"}', values: "1x10" },
          ],
          alert_rule_test: [
            {
              eval_time: "3m",
              alertname: "Down",
              exp_alerts: [{ exp_labels: api, exp_annotations: { summary: "api is at 0.0" } }],
            },
          ],
          promql_expr_test: [
            {
              expr: 'ALERTS{alertname="Down",alertstate="pending"}',
              eval_time: "1m",
              exp_samples: [
                { labels: 'ALERTS{alertname="Down",alertstate="pending",job="api",severity="page"}', value: 1 },
              ],
            },
          ],
        },
      ],
    });
  });

  test("writes each series shortly and whole", () => {
    const values = (notation: string) => {
      const yaml = testAlert(down).given(`x ${notation}`).toPromtool({ ruleFile: "a" });
      return (parseYaml(yaml) as { tests: [{ input_series: [{ values: string }] }] }).tests[0].input_series[0].values;
    };
    expect(values("1 2 3 4")).toBe("1+1x3");
    expect(values("5 4 3 _ _ 3 3 stale")).toBe("5-1x2 _x2 3x1 stale");
    expect(values("0.1 0.2 NaN Inf -Inf _")).toBe("0.1 0.2 NaN Inf -Inf _");
    expect(values("-2+2x3 7")).toBe("-2+2x3 7");
    const histogram = "{{count:3 sum:5 offset:1 buckets:[1 0 2]}}";
    expect(values(`${histogram} 1 ${histogram}`)).toBe(`${histogram} 1 ${histogram}`);
    expect(values("Inf Inf NaN NaN stale stale 1e-7 1e-7")).toBe("Inf Inf NaN NaN stale stale 1e-7 1e-7");
  });

  test("is refused for series that stand in no notation", () => {
    expect(() => testAlert(down).given(memoryStorage()).toPromtool({ ruleFile: "a" })).toThrow(
      "give them in promtool's notation",
    );
  });
});

test("a simulated incident fires the alert while it lasts, and not before or after", () => {
  const from = Date.UTC(2026, 0, 2, 13, 20);
  const sim = simulatedMesh({
    services: { web: {}, api: {} },
    clients: { gateway: { kind: "gateway" } },
    flows: [{ from: "gateway", to: "web", perSecond: 20, calls: [{ to: "api" }] }],
    incidents: [{ kind: "failing", service: "api", from, to: from + 20 * 60_000, share: 0.5 }],
    rhythm: "steady",
    start: from - 60 * 60_000,
    now: from + 60 * 60_000,
  });
  const rule = alert("ApiFailing", createMesh().edge("web", "api").success("5m").below("95%")).for("5m").minTraffic(1);
  const incident = testAlert(rule, { start: from - 10 * 60_000, interval: "30s" }).given(sim);
  expect(incident).toBeQuiet({ at: "10m" });
  expect(incident).toBePending({ at: "12m" });
  expect(incident).toBeFiring({ at: "20m" });
  expect(incident).toBeFiring({ at: "30m" });
  expect(incident).toBeQuiet({ at: "40m" });
});
