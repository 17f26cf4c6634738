import { describe, expect, test } from "vitest";
import { boundMatcher } from "../../src/mesh/histograms.ts";
import { createMesh, type MeshOptions } from "../../src/mesh/mesh.ts";
import { seriesTest } from "../../src/promql/index.ts";
import { label } from "../../src/results/labels.ts";
import { AT, recordingBackend, vectorData } from "../metrics/recording-backend.ts";

const S = '{reporter="destination",destination_workload="backend"}[5m]';
const DURATION = "istio_request_duration_milliseconds";

function meshOf(histograms: MeshOptions["histograms"], names: readonly string[] = []) {
  const kept = names.map((name) => [{ __name__: name }, 1] as const);
  const backend = recordingBackend({
    instant: (promql) => (promql.startsWith("group by (__name__)") ? vectorData(...kept) : vectorData()),
  });
  let nowMs = AT;
  const mesh = createMesh({ metrics: backend, histograms, now: () => nowMs });
  const later = (ms: number) => {
    nowMs += ms;
  };
  return { scope: mesh.workload("backend"), backend, later };
}

const signals = (scope: ReturnType<typeof meshOf>["scope"]) => [
  scope.latency(0.9, "5m"),
  scope.meanLatency("5m"),
  scope.fasterThan("250ms", "5m"),
  scope.requestBytes("5m"),
  scope.responseBytes("5m"),
];

const CLASSIC = [
  `histogram_quantile(0.9, sum by (le) (rate(${DURATION}_bucket${S}))) >= 0`,
  `sum(rate(${DURATION}_sum${S})) / (sum(rate(${DURATION}_count${S})) > 0)`,
  `sum(rate(${DURATION}_bucket{reporter="destination",destination_workload="backend",le=~"250(\\\\.0)?"}[5m])) / (sum(rate(${DURATION}_count${S})) > 0)`,
  `sum(rate(istio_request_bytes_sum${S}))`,
  `sum(rate(istio_response_bytes_sum${S}))`,
];
const NATIVE = [
  `histogram_quantile(0.9, sum(rate(${DURATION}${S}))) >= 0`,
  `histogram_sum(sum(rate(${DURATION}${S}))) / (histogram_count(sum(rate(${DURATION}${S}))) > 0)`,
  `histogram_fraction(0, 250, sum(rate(${DURATION}${S}))) >= 0`,
  `histogram_sum(sum(rate(istio_request_bytes${S})))`,
  `histogram_sum(sum(rate(istio_response_bytes${S})))`,
];

test.each([
  [undefined, CLASSIC],
  ["classic", CLASSIC],
  ["native", NATIVE],
] as const)("signals read histograms that are %s", (histograms, texts) => {
  const { scope } = meshOf(histograms);
  expect(signals(scope).map(({ promql }) => promql)).toEqual(texts);
});

describe("a scope's whole histogram", () => {
  test("is asked for in one question, as it is kept", () => {
    const [classic, native] = [meshOf("classic"), meshOf("native")].map(({ scope }) => scope.latencyHistogram("5m"));
    expect(classic?.promql).toBe(`sum by (le) (rate(${DURATION}_bucket${S}))`);
    expect(native?.promql).toBe(`sum(rate(${DURATION}${S}))`);
    expect([classic?.unit, native?.unit]).toEqual(["ms", "ms"]);
    expect(classic?.by("response_code").promql).toBe(`sum by (le, response_code) (rate(${DURATION}_bucket${S}))`);
    expect(classic?.without(label("pod")).promql).toBe(`sum without (pod) (rate(${DURATION}_bucket${S}))`);
    expect(native?.by("response_code").offset("1d").promql).toBe(
      `sum by (response_code) (rate(${DURATION}${S} offset 1d))`,
    );
  });

  test("waits for what is to be found out", async () => {
    const { scope } = meshOf("auto", [DURATION]);
    const query = scope.reportedBy("auto").latencyHistogram("5m");
    expect(() => query.promql).toThrow(/no text yet/);
    expect((await query).meta.promql).toBe(`sum(rate(${DURATION}${S}))`);
    const range = await query.over({ from: AT - 600_000, to: AT, step: "1m" });
    expect(range.meta.promql).toBe(`sum(rate(${DURATION}${S}))`);
  });

  test("is one for each combination of labels", async () => {
    const buckets = [
      ["v1", "100.0", 3],
      ["v1", "+Inf", 4],
      ["v2", "100", 0],
      ["v2", "+Inf", 0],
    ] as const;
    const rows = buckets.map(([version, le, rate]) => [{ destination_version: version, le }, rate] as const);
    const mesh = createMesh({ metrics: recordingBackend({ instant: () => vectorData(...rows) }), now: () => AT });
    const answer = await mesh.service("backend").latencyHistogram("5m").by("destination_version");
    expect(answer.samples.map(({ labels, histogram }) => [labels, histogram.count])).toEqual([
      [{ destination_version: "v1" }, 4],
      [{ destination_version: "v2" }, 0],
    ]);
    expect(answer.get({ destination_version: "v1" })?.histogram.fraction(0, 100)).toBe(0.75);
    expect(answer.get({ destination_version: "v2" })?.histogram.quantile(0.5)).toBeUndefined();
  });

  test("refuses slips of labels and windows that are none", () => {
    const { scope } = meshOf("classic");
    expect(() => scope.latencyHistogram("5 minutes")).toThrow(/latencyHistogram/);
    expect(() => scope.latencyHistogram("5m").by("response_cod" as "response_code")).toThrow(/response_code/);
  });
});

test("native histograms are grouped without their bounds", () => {
  const query = meshOf("native").scope.latency(0.5, "5m").by("response_code");
  expect(query.promql).toBe(`histogram_quantile(0.5, sum by (response_code) (rate(${DURATION}${S}))) >= 0`);
});

describe("histograms that are to be found out", () => {
  test.each([
    [[`${DURATION}_bucket`], CLASSIC],
    [[DURATION], NATIVE],
    [[DURATION, `${DURATION}_bucket`], NATIVE],
    [[], CLASSIC],
  ] as const)("are read as the backend keeps %j", async (names, texts) => {
    const { scope } = meshOf("auto", names);
    const answers = await Promise.all(signals(scope));
    expect(answers.map(({ meta }) => meta.promql)).toEqual(texts);
  });

  test("are asked for once in five minutes, and only where histograms are read", async () => {
    const { scope, backend, later } = meshOf("auto", [DURATION]);
    const asked = () => backend.asked.filter(({ promql }) => promql.startsWith("group")).length;
    expect(scope.rate("5m").promql).toContain("istio_requests_total");
    expect(() => scope.latency(0.9, "5m").promql).toThrow(/no text yet: histograms are "auto"/);
    await scope.rate("5m");
    expect(asked()).toBe(0);
    for (let i = 0; i < 3; i++) await scope.latency(0.9, "5m");
    expect(asked()).toBe(1);
    later(300_001);
    await scope.meanLatency("5m");
    expect(asked()).toBe(2);
  });

  test("go with a reporter that is to be found out too", async () => {
    const { scope } = meshOf("auto", [DURATION]);
    const { meta } = await scope.reportedBy("auto").latency(0.9, "5m");
    expect(meta.promql).toBe(NATIVE[0]);
    expect(() => scope.reportedBy("auto").latency(2, "5m")).toThrow(/quantile/);
  });

  test("are named, or it is an error", () => {
    expect(() => createMesh({ histograms: "sparse" as "native" })).toThrow(
      'createMesh: histograms is "classic", "native" or "auto", not "sparse"',
    );
  });
});

test.each([
  [1_000, ["1000", "1000.0"]],
  [0.5, ["0.5"]],
  [250, ["250", "250.0"]],
  [1_000_000, ["1000000", "1e+06", "1000000.0"]],
  [3_600_000, ["3600000", "3.6e+06"]],
])("a bucket's bound of %d is found however it is written", (bound, written) => {
  const test = seriesTest([boundMatcher(bound)]);
  for (const le of written) expect(test({ le })).toBe(true);
  for (const le of [`1${bound}`, `${bound}1`, "+Inf", "5"]) expect(test({ le })).toBe(false);
});
