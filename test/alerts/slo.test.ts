import { describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { alert, fromOpenSLO, fromYAML, RuleFileError, type Slo, type SloOptions, slo } from "../../src/alerts/index.ts";
import { Decimal } from "../../src/alerts/slo/decimal.ts";
import { QueryError } from "../../src/errors.ts";
import { createMesh, type MetricsBackend } from "../../src/index.ts";
import { memoryStorage, parse, print } from "../../src/promql/index.ts";
import { seriesMetrics, testAlert } from "../../src/testing/index.ts";

const mesh = createMesh();
const backend = mesh.service("backend");
const usual = { name: "backend", objective: 0.999, window: "30d", of: backend } as const;
const made = (change: Partial<SloOptions> = {}): Slo => slo({ ...usual, interval: "1m", ...change });
const thresholds = (one: Slo): string[] =>
  one.alerts.flatMap(({ expr }) =>
    Array.from(print(expr).matchAll(/rate(\w+)\{[^}]*\} > ([\d.]+)/g), ([, w, n]) => `${w} ${n}`),
  );
const burn = (one: Slo, severity: string) => {
  const found = one.alerts.find(({ spec }) => {
    const [part] = spec.labels.severity?.parts ?? [];
    return spec.name === "ErrorBudgetBurn" && part?.kind === "text" && part.text === severity;
  });
  if (found === undefined) throw new Error(`no alert of severity ${severity}`);
  return found;
};

/** 100 requests a second for 10 hours; a tenth of them fails for 20 minutes from minute 400 on. */
const INCIDENT = `
  istio_requests_total{reporter="destination",destination_service_name="backend",request_protocol="http",response_code="200"} 0+6000x400 2405400+5400x19 2514000+6000x160
  istio_requests_total{reporter="destination",destination_service_name="backend",request_protocol="http",response_code="503"} 0x400 600+600x19 12000x160
`;
const labels = { slo: "backend", indicator: "availability" };

describe("the rules", () => {
  test("are the same text for the same promise, and read back", async () => {
    const text = made({ latency: { under: "250ms", ratio: "99%" }, labels: { team: "shop" } }).toYAML();
    await expect(text).toMatchFileSnapshot("../golden/slo.yml");
    expect(fromYAML(text).toYAML()).toBe(text);
  });

  test.each([
    [
      "7d",
      ["1h 0.01344", "5m 0.01344", "6h 0.0035", "30m 0.0035", "1d 0.0014", "2h 0.0014", "3d 0.00098", "6h 0.00098"],
    ],
    [
      "28d",
      [
        "1h 0.01344",
        "5m 0.01344",
        "6h 0.0056",
        "30m 0.0056",
        "1d 0.0028",
        "2h 0.0028",
        "3d 0.0009333333333333333",
        "6h 0.0009333333333333333",
      ],
    ],
    ["30d", ["1h 0.0144", "5m 0.0144", "6h 0.006", "30m 0.006", "1d 0.003", "2h 0.003", "3d 0.001", "6h 0.001"]],
    ["90d", ["3h 0.0144", "15m 0.0144", "18h 0.006", "1h30m 0.006", "3d 0.003", "6h 0.003", "9d 0.001", "18h 0.001"]],
  ])("wait over %s for the workbook's burn rates, in exact decimals", (window, wanted) => {
    expect(thresholds(made({ window }))).toEqual(wanted);
  });

  test("take a table of one's own", () => {
    const alerts = [{ severity: "call", budget: "1%", long: "2h", short: "10m" }] as const;
    expect(thresholds(made({ window: "14d", alerts }))).toEqual(["2h 0.00168", "10m 0.00168"]);
  });

  test("tell of a burn rate over one time, and wait, each wait an alert of its own", () => {
    const alerts = [
      { severity: "page", burnRate: 14.4, long: "1h", for: "2m" },
      { severity: "page", burnRate: 7, long: "6h", short: "30m" },
    ] as const;
    const one = made({ alerts });
    expect(thresholds(one)).toEqual(["1h 0.0144", "6h 0.007", "30m 0.007"]);
    expect(one.alerts.map(({ name, spec }) => [name, spec.forMs])).toEqual([
      ["ErrorBudgetBurn", 120_000],
      ["ErrorBudgetBurn", 0],
      ["SLOMetricAbsent", 600_000],
    ]);
    // Alerts of equal labels would be one to an Alertmanager, which each of two rules ends while the other one fires.
    expect(one.alerts.map((rule) => rule.toJSON().labels.for)).toEqual(["2m", "0s", undefined]);
    const alike = made({ alerts: [...alerts, { severity: "ticket", burnRate: 1, long: "3d", for: "1h" }] });
    expect(alike.alerts[2]?.toJSON().labels).toEqual({ slo: "backend", indicator: "availability", severity: "ticket" });
  });

  test("count any events", () => {
    const [first] = slo({
      ...usual,
      of: { errors: (w) => backend.where({ response_code: "429" }).rate(w), total: (w) => backend.rate(w) },
    }).recordings;
    expect(first && print(first.expr)).toBe(
      '(sum(rate(istio_requests_total{reporter="destination",destination_service_name="backend",response_code="429"}[5m])) or 0 * sum(rate(istio_requests_total{reporter="destination",destination_service_name="backend"}[5m]))) / (sum(rate(istio_requests_total{reporter="destination",destination_service_name="backend"}[5m])) > 0)',
    );
  });
});

test.each([
  ["0.999", "0.001"],
  ["99.95%", "0.0005"],
  [0.9999999, "0.0000001"],
  [1e-7, "0.9999999"],
])("%s leaves exactly %s", (given, left) => {
  expect(String(new Decimal(1n, 0).minus(Decimal.read(given) ?? new Decimal(0n, 0)))).toBe(left);
});

describe("what can not be kept is refused", () => {
  test.each<[Partial<SloOptions>, string]>([
    [{ objective: 99.9 }, '99.9 is no share between 0 and 1; write "99.9%"'],
    [{ objective: 1 }, "1 leaves no budget: no burn rate can be told of it; write 0.999"],
    [{ objective: undefined }, "say what is promised; write objective: 0.999"],
    [{ window: "14d" }, "there is no table of burn rates for 14d"],
    [{ minTraffic: 0 }, "minTraffic: 0 is no number of requests per second above 0"],
    [{ name: "a{b" }, '"a{b" is no name'],
    [
      { alerts: [{ severity: "page", budget: "2%", long: "5m", short: "1h" }] },
      "short 1h must be shorter than long 5m",
    ],
    [
      { alerts: [{ severity: "page", budget: 2, long: "1h", short: "5m" }] },
      'budget 2 is no share above 0; write "2%"',
    ],
    [
      { alerts: [{ severity: "page", burnRate: 0, long: "1h", short: "5m" }] },
      "burnRate 0 is no number above 0; write 14.4",
    ],
    [
      { alerts: [{ severity: "page", burnRate: 2, budget: "2%", long: "1h" }] },
      "either a budget or a burnRate; leave one of them out",
    ],
    [
      {
        of: { errors: (w) => backend.errors(w), total: (w) => backend.rate(w) },
        latency: { under: "250ms", ratio: 0.9 },
      },
      "events have no durations",
    ],
  ])("%o", (change, message) => {
    expect(() => made(change)).toThrow(QueryError);
    expect(() => made(change)).toThrow(message);
  });
});

describe("what will not work is told", () => {
  test("nothing where all is well", () => {
    expect(made({ retention: "30d", latency: { under: "250ms", ratio: 0.99 } }).warnings).toEqual([]);
  });

  test("alerts that wait for more than all, metrics that are gone, bounds of no bucket", () => {
    const { warnings } = made({ objective: 0.9, retention: "2d", latency: { under: "300ms", ratio: 0.99 } });
    expect(warnings).toEqual([
      "availability: the page over 1h can never fire: it waits for more than 1.44 of all requests to fail, 14.4 times the budget of 0.1",
      "latency: 300ms is no bound of a bucket, so that nothing is measured; nearest are 250ms and 500ms; latency.buckets says which bounds the proxies have",
      "metrics are kept for 2d, so that 3d, 30d cannot be told: what is older counts as if it had not been",
    ]);
    expect(made({ latency: { under: "300ms", ratio: 0.99, buckets: [300] } }).warnings).toEqual([]);
    const [unsorted] = made({ latency: { under: "300ms", ratio: 0.99, buckets: [200, 100] } }).warnings;
    expect(unsorted).toContain("nearest is 200ms;");
    expect(made({ interval: "5m" }).warnings).toEqual([]);
    expect(made({ interval: "10m" }).warnings).toEqual([
      "the rules are evaluated every 10m, but requests are counted over 5m: what happens between is in no share over the whole window",
    ]);
  });

  test("no bound needs to be one of native histograms", () => {
    const of = createMesh({ histograms: "native" }).service("backend");
    expect(made({ of, latency: { under: "300ms", ratio: 0.99 } }).warnings).toEqual([]);
  });
});

describe("an incident", () => {
  const one = made();
  const { recordings } = one;

  test("pages when 2% of the budget is spent in an hour, and a while after it is over no more", () => {
    // A tenth of the requests is bad for k of an hour's 60 minutes: k / 600 > 0.0144 from k = 9 on.
    testAlert(burn(one, "page"), { recordings })
      .given(INCIDENT)
      .expect(
        { at: "408m", firing: [], pending: [] },
        { at: "409m", firing: [{ labels: { ...labels, severity: "page" } }] },
        { at: "420m", firing: [{ labels: { ...labels, severity: "page" } }] },
        { at: "455m", firing: [] },
      );
  });

  test("pages nobody where there is less traffic than wanted", () => {
    const quiet = made({ minTraffic: 101 });
    testAlert(burn(quiet, "page"), { group: quiet.group }).given(INCIDENT).expect({ at: "415m", firing: [] });
    const busy = made({ minTraffic: 99 });
    testAlert(burn(busy, "page"), { group: busy.group })
      .given(INCIDENT)
      .expect({ at: "415m", firing: [{ labels: { ...labels, severity: "page" } }] });
  });

  test("of no traffic pages nobody, and no metrics are told of", () => {
    const silent = INCIDENT.replace(/ 0.*$/gm, " 7x30");
    for (const rule of one.alerts)
      testAlert(rule, { recordings }).given(silent).expect({ at: "30m", firing: [], pending: [] });
    const absent = one.alerts.find(({ name }) => name === "SLOMetricAbsent") ?? burn(one, "none");
    testAlert(absent, { recordings })
      .given("other 1x30")
      .expect(
        { at: "9m", firing: [], pending: [{ labels: { ...labels, severity: "ticket" } }] },
        { at: "10m", firing: [{ labels: { ...labels, severity: "ticket" } }] },
      );
  });
});

describe("the status", () => {
  // Two hours, one busy and good, one quiet in which all fails: a hundredth of the requests, half of the minutes.
  const storage = memoryStorage();
  storage.load(
    `istio_requests_total{reporter="destination",destination_service_name="backend",request_protocol="http",response_code="200"} 0+990x60 59400x60
     istio_requests_total{reporter="destination",destination_service_name="backend",request_protocol="http",response_code="503"} 0x60 10+10x59`,
    { step: 60_000, start: 0 },
  );
  const now = 120 * 60_000;
  const asked = createMesh({ metrics: seriesMetrics(storage), now: () => now });
  const one = made({
    of: asked.service("backend"),
    objective: 0.98,
    window: "2h",
    alerts: [{ severity: "page", budget: "20%", long: "30m", short: "5m" }],
  });

  test("weighs by traffic, and tells when the budget is spent", async () => {
    const status = await one.status({ at: now });
    const [found] = status.objectives;
    expect(found).toMatchObject({
      indicator: "availability",
      objective: 0.98,
      burnRates: [
        { window: "5m", rate: expect.closeTo(50, 9) },
        { window: "30m", rate: expect.closeTo(50, 9) },
      ],
    });
    expect(found?.good).toBeCloseTo(1 - 600 / 60_000, 3);
    expect(found?.budgetLeft).toBeCloseTo(0.5, 1);
    expect(found?.exhaustedInMs).toBeCloseTo(((found?.budgetLeft ?? 0) * 7_200_000) / 50, 6);
    expect(String(status)).toBe(
      "backend: availability 98.9916 % of 98 % over 2h, 49.5805 % of the budget left; spent in 1m 11s at this rate; burn rate 50 in 5m, 50 in 30m",
    );
  });

  test("asks once for each window", async () => {
    const metrics = seriesMetrics(storage);
    const questions: string[] = [];
    const instant: MetricsBackend["instant"] = (expr, ...rest) => {
      questions.push(print(expr).match(/\[\w+\]/)?.[0] ?? "");
      return metrics.instant(expr, ...rest);
    };
    const counting = { ...metrics, name: "counting", scrapeIntervalMs: 60_000, range: metrics.range, instant };
    const both = made({
      of: createMesh({ metrics: counting }).service("backend"),
      latency: { under: "250ms", ratio: 0.99 },
      alerts: [{ severity: "page", budget: "2%", long: "1h", short: "5m" }],
    });
    await both.status({ at: now });
    expect(questions.sort()).toEqual(["[1h]", "[1h]", "[30d]", "[30d]", "[5m]", "[5m]"]);
  });

  test("is what the rules record", async () => {
    const left = alert("Left", parse("slo:error_budget_remaining:ratio"));
    const [recorded] = testAlert(left, { recordings: one.recordings }).given(storage).alertsAt("120m");
    const [found] = (await one.status({ at: now })).objectives;
    expect(recorded?.labels).toEqual({ ...labels, alertname: "Left" });
    // The rules sum up windows of 5 minutes, which reach over the hour's end.
    expect(recorded?.value).toBeCloseTo(found?.budgetLeft ?? 0, 1);
  });

  test("is the same of events in PromQL's own words, each of which is one number", async () => {
    const rate = (code: string) => (window: string) =>
      `rate(istio_requests_total{response_code=~"${code}"}[${window}])`;
    const counted = (wrap: (text: string) => string) =>
      slo({
        ...usual,
        objective: 0.98,
        of: { errors: (w) => asked.promql(wrap(rate("503")(w))), total: (w) => asked.promql(wrap(rate(".*")(w))) },
        window: "2h",
        alerts: [{ severity: "page", budget: "20%", long: "30m", short: "5m" }],
      }).status({ at: now });
    const [found] = (await counted((text) => `sum(${text})`)).objectives;
    expect(found).toEqual((await one.status({ at: now })).objectives[0]);
    await expect(counted((text) => text)).rejects.toThrow("2 series came where one is counted; write sum(…)");
  });

  test("says nothing of what had no traffic", async () => {
    const [found] = (await one.status({ at: now * 3 })).objectives;
    expect(found).toMatchObject({ good: undefined, budgetLeft: undefined, exhaustedInMs: undefined });
    expect(String(await one.status({ at: now * 3 }))).toBe("backend: availability 98 %: no traffic in 2h");
  });
});

describe("OpenSLO", () => {
  test("has each objective as counters of bad, or fast, and of all requests", async () => {
    const text = made({ latency: { under: "250ms", ratio: "99%" } }).toOpenSLO();
    await expect(text).toMatchFileSnapshot("../golden/openslo.yml");
    const documents = text
      .split("---\n")
      .map((one) => parseYaml(one) as { readonly spec: Readonly<Record<string, unknown>> });
    expect(documents.map(({ spec }) => [spec.objectives, spec.timeWindow])).toEqual([
      [[{ target: 0.999 }], [{ duration: "30d", isRolling: true }]],
      [[{ target: 0.99 }], [{ duration: "30d", isRolling: true }]],
    ]);
  });

  test.each<[Partial<SloOptions>, string]>([
    [{ name: "Back_end" }, '"Back_end-availability" is no name there'],
    [
      { of: { errors: (w) => backend.errors(w), total: (w) => backend.requests(w) } },
      "backend-availability is no sum of rates of counters",
    ],
    [
      {
        objective: undefined,
        of: createMesh({ histograms: "native" }).service("backend"),
        latency: { under: "250ms", ratio: 0.99 },
      },
      "native histograms have no counter of fast requests",
    ],
  ])("refuses what it cannot hold: %o", (change, message) => {
    expect(() => made(change).toOpenSLO()).toThrow(message);
  });

  test("is read into the same thresholds and the same rates that it was written of", () => {
    const one = made({ latency: { under: "250ms", ratio: "99%" } });
    const [available, fast] = fromOpenSLO(one.toOpenSLO(), { mesh });
    expect(available?.name).toBe("backend-availability");
    expect(available && thresholds(available)).toEqual(thresholds(made()));
    expect(fast && thresholds(fast)[0]).toBe("1h 0.144");
    const total = (from: Slo | undefined) => {
      const found = from?.recordings.find(({ name }) => name === "slo:requests:rate5m");
      return found && print(found.expr);
    };
    expect(total(available)).toBe(total(one));
  });

  test("has alerts over one time as alert policies, which are read into the same lines", () => {
    const alerts = [
      { severity: "page", burnRate: 14.4, long: "1h", for: "5m" },
      { severity: "ticket", budget: "10%", long: "3d" },
    ] as const;
    const one = made({ alerts });
    const text = one.toOpenSLO();
    const { spec } = parseYaml(text) as { readonly spec: { readonly alertPolicies: readonly unknown[] } };
    expect(spec.alertPolicies).toMatchObject([
      {
        kind: "AlertPolicy",
        metadata: { name: "backend-availability-page-1h" },
        spec: {
          alertWhenBreaching: true,
          conditions: [
            {
              spec: {
                severity: "page",
                condition: { kind: "burnrate", threshold: 14.4, lookbackWindow: "1h", alertAfter: "5m" },
              },
            },
          ],
        },
      },
      { spec: { conditions: [{ spec: { condition: { threshold: 1, lookbackWindow: "3d", alertAfter: "0m" } } }] } },
    ]);
    const [again] = fromOpenSLO(text, { mesh });
    expect(again && thresholds(again)).toEqual(["1h 0.0144", "3d 0.001"]);
    expect(again?.alerts.map(({ spec }) => spec.forMs)).toEqual([300_000, 0, 600_000]);
    const [named] = fromOpenSLO(text, { mesh, alerts: [{ severity: "page", burnRate: 2, long: "1h" }] });
    expect(named && thresholds(named)).toEqual(["1h 0.002"]);
  });

  const text = (ratio: string, target = "targetPercent: 99.9") =>
    `apiVersion: openslo/v1
kind: SLO
metadata: { name: a }
spec:
  indicatorRef: b
  timeWindow: [{ duration: 4w, isRolling: true }]
  budgetingMethod: Occurrences
  objectives: [{ ${target} }]
---
apiVersion: openslo/v1
kind: SLI
metadata: { name: b }
spec: { ratioMetric: { ${ratio} } }
`;
  const source = (query: string) => `{ metricSource: { type: Prometheus, spec: { query: '${query}' } } }`;

  test("takes good ones from all, over windows that the queries have a place for", () => {
    const given = text(
      `good: ${source("sum(rate(good[{{.window}}]))")}, total: ${source("sum(rate(all[{{ .window }}]))")}`,
    );
    const [one] = fromOpenSLO(given, { mesh });
    expect(one?.window).toBe("28d");
    expect(one?.recordings.map(({ expr }) => print(expr))).toContain(
      "(clamp_min(sum(rate(all[1h])) - sum(rate(good[1h])), 0) or 0 * sum(rate(all[1h]))) / (sum(rate(all[1h])) > 0)",
    );
  });

  const total = `total: ${source("sum(all)")}`;
  const policed = (policies: string, more = "") =>
    text(`counter: true, bad: ${source("sum(bad)")}, ${total}`).replace(
      "  objectives:",
      `  alertPolicies: ${policies}\n  objectives:`,
    ) + more;
  const policy = (condition: string) => `---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: { name: p }
spec: { alertWhenBreaching: true, conditions: [{ conditionRef: c }], notificationTargets: [{ targetRef: t }] }
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: { name: c }
spec: { severity: page, condition: { kind: burnrate, ${condition} } }
`;

  test("takes alert policies and their conditions by name", () => {
    const given = policed("[{ alertPolicyRef: p }]", policy("threshold: 2, lookbackWindow: 1h, alertAfter: 5m"));
    const [one] = fromOpenSLO(given, { mesh });
    expect(one && thresholds(one)).toEqual(["1h 0.002"]);
  });

  test.each([
    [text(`counter: true, ${total}`), "one of good and bad is wanted"],
    [text(`bad: ${source("sum(bad)")}, ${total}`), "has no window; write counter: true"],
    [text(`counter: true, bad: ${source("sum(")}, ${total}`), "spec.indicator.spec.ratioMetric"],
    [text(`counter: true, bad: ${source("sum(bad)")}, ${total}`, "displayName: x"), "target is missing"],
    [
      text(`counter: true, bad: ${source("sum(bad)")}, ${total}`, "target: 99.9"),
      "spec.objectives[0]: 99.9 is no share between 0 and 1",
    ],
    [
      text(`counter: true, bad: ${source("sum(bad)")}, ${total}`, "targetPercent: 100"),
      'spec.objectives[0]: "100%" is no share between 0 and 1',
    ],
    [
      text(`counter: true, bad: ${source("sum(bad)")}, ${total}`).replace("4w", "1M"),
      'spec.timeWindow[0].duration: "1M" is no length of time that is always the same; write 30d or 4w',
    ],
    [policed("[{ alertPolicyRef: q }]"), 'spec.alertPolicies[0]: no AlertPolicy is called "q" in the text'],
    [
      policed("[{ alertPolicyRef: p }]", policy("op: lte, threshold: 2, lookbackWindow: 1h")),
      "too low is no reason to tell anyone; write gt",
    ],
    [
      policed("[{ alertPolicyRef: p }]", policy("threshold: 2, lookbackWindow: -1h")),
      "spec.alertPolicies[0].conditions[0].spec.condition: lookbackWindow",
    ],
    [text(total).replace("Occurrences", "Timeslices"), "spec.budgetingMethod"],
    [text(total).replace("indicatorRef: b", "indicatorRef: c"), 'no SLI is called "c" in the text'],
  ])("says where it cannot read it: %#", (given, message) => {
    expect(() => fromOpenSLO(given, { mesh })).toThrow(RuleFileError);
    expect(() => fromOpenSLO(given, { mesh })).toThrow(message);
  });
});
