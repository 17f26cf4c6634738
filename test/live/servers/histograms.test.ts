import { afterAll, beforeAll, expect, it } from "vitest";
import { createMesh, type Mesh, prometheus } from "../../../src/index.ts";
import { parse } from "../../../src/promql/index.ts";
import { latestPrometheus } from "../../mesh/latest-prometheus.ts";
import { until } from "../../mesh/processes.ts";
import { type SinglePrometheus, singlePrometheus } from "../single-prometheus.ts";

let server: SinglePrometheus;
const DURATION = "istio_request_duration_milliseconds";
/** A native histogram of Prometheus's own, under Istio's name and labels. */
const RENAMED = [
  ["prometheus_rule_evaluation_duration_histogram_seconds", "__name__", DURATION],
  [DURATION, "reporter", "destination"],
  [DURATION, "destination_workload", "backend"],
].map(([regex, target_label, replacement]) => ({ source_labels: ["__name__"], regex, target_label, replacement }));

beforeAll(async () => {
  server = await singlePrometheus({
    programs: await latestPrometheus({ onSlow: console.log }),
    target: "self",
    scrape: {
      scrape_native_histograms: true,
      always_scrape_classic_histograms: true,
      metric_relabel_configs: RENAMED,
    },
    rules: [{ name: "g", rules: [{ record: "a", expr: "vector(1)" }] }],
  });
  const client = prometheus(server.url);
  await until("some observations", 30_000, async () => {
    const enough = `histogram_count(increase(${DURATION}[30s])) > 1 and count_over_time(${DURATION}[30s]) > 4`;
    const { data } = await client.instant(parse(enough), undefined);
    return data.kind === "vector" && data.labels.length > 0;
  });
}, 1_800_000);
afterAll(() => server?.stop());

/** What a server answers, by `JSON.parse` alone. */
async function parsed(path: string, fields: Readonly<Record<string, string>>): Promise<readonly ParsedSeries[]> {
  const response = await fetch(`${server.url}/api/v1/${path}?${new URLSearchParams(fields)}`);
  const { data } = (await response.json()) as { readonly data: { readonly result: readonly ParsedSeries[] } };
  return data.result;
}

type ParsedHistogram = readonly [
  time: number,
  {
    readonly count: string;
    readonly sum: string;
    readonly buckets?: readonly (readonly [rule: number, lower: string, upper: string, count: string])[];
  },
];
interface ParsedSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly histogram?: ParsedHistogram;
  readonly histograms?: readonly ParsedHistogram[];
}

const BOUNDS = ["right", "left", "none", "both"];
const plainly = ([, { count, sum, buckets = [] }]: ParsedHistogram) => ({
  count: Number(count),
  sum: Number(sum),
  buckets: buckets.map(([rule, lower, upper, amount]) => ({
    lower: Number(lower),
    upper: Number(upper),
    count: Number(amount),
    bounds: BOUNDS[rule],
  })),
});

const scopeOf = (mesh: Mesh) => mesh.workload("backend");

it("reads native histograms, where it is told so or finds out", async () => {
  for (const histograms of ["native", "auto"] as const) {
    const scope = scopeOf(createMesh({ metrics: prometheus(server.url), histograms }));
    const [median, mean, fast, slow] = await Promise.all([
      scope.latency(0.5, "30s"),
      scope.meanLatency("30s"),
      scope.fasterThan("10m", "30s"),
      scope.latency(1, "30s"),
    ]);
    expect(median.value).toBeGreaterThan(0);
    expect(mean.value).toBeGreaterThan(0);
    expect(slow.value).toBeGreaterThanOrEqual(median.value ?? Number.NaN);
    expect(fast.value).toBe(1);
    expect(median.meta).toMatchObject({ complete: true, promql: expect.not.stringContaining("_bucket") });
    expect((await scope.latency(0.5, "30s").by("reporter")).labels).toEqual([{ reporter: "destination" }]);
  }
});

it("gives a scope's durations as one histogram, with its mean and the quantiles that the server finds", async () => {
  const at = Date.now() - 1_000;
  for (const histograms of ["native", "auto"] as const) {
    const scope = scopeOf(createMesh({ metrics: prometheus(server.url), histograms }));
    const [all] = await scope.latencyHistogram("30s").at(at);
    const [median, mean, slow] = await Promise.all([
      scope.latency(0.5, "30s").at(at),
      scope.meanLatency("30s").at(at),
      scope.latency(0.99, "30s").at(at),
    ]);
    expect(all?.histogram.scale).toBe("exponential");
    expect(all?.histogram.quantile(0.5)).toBeCloseTo(median.value ?? Number.NaN, 9);
    expect(all?.histogram.quantile(0.99)).toBeCloseTo(slow.value ?? Number.NaN, 9);
    expect(all?.histogram.mean).toBeCloseTo(mean.value ?? Number.NaN, 9);
    const grouped = await scope.latencyHistogram("30s").by("reporter").at(at);
    expect(grouped.samples.map(({ labels }) => labels)).toEqual([{ reporter: "destination" }]);
  }
});

it("has no value where it reads classic ones that are not kept", async () => {
  const scope = scopeOf(createMesh({ metrics: prometheus(server.url) }));
  expect((await scope.latency(0.5, "30s")).value).toBeUndefined();
});

it("has histograms beside floats of one answer, each for what it is", async () => {
  const client = prometheus(server.url);
  const { data } = await client.instant(parse(`{__name__=~"up|${DURATION}"}`), undefined);
  if (data.kind !== "vector") throw new Error(`a ${data.kind} came`);
  const at = data.labels.findIndex(({ __name__ }) => __name__ === DURATION);
  const histogram = data.histograms?.get(at);
  expect(data.labels).toHaveLength(2);
  expect(data.values[1 - at]).toBe(1);
  expect(histogram?.count).toBeGreaterThan(1);
  expect(histogram?.buckets.reduce((sum, { count }) => sum + count, 0)).toBe(histogram?.count);
  const mesh = createMesh({ metrics: client });
  await expect(mesh.promql(DURATION).now()).rejects.toMatchObject({ name: "DecodeError", code: "shape" });
});

/** Both forms of one histogram: Prometheus scrapes itself, and keeps the classic one of this beside. */
const CLASSIC = "prometheus_http_request_duration_seconds";
const QUANTILES = [0, 0.1, 0.5, 0.9, 0.99, 1];

it("are histograms of a query, with the quantiles that the server finds", async () => {
  const mesh = createMesh({ metrics: prometheus(server.url) });
  const at = Date.now() - 1_000;
  const source = `sum by (reporter) (rate(${DURATION}[30s]))`;
  const answer = await mesh.promql(source, { type: "histogram", unit: "s" }).at(at);
  const [raw] = await parsed("query", { query: source, time: String(at / 1000) });
  if (raw?.histogram === undefined) throw new Error("the server has a histogram");
  expect(answer.samples).toHaveLength(1);
  const [sample] = answer.samples;
  expect(sample).toMatchObject({ labels: { reporter: "destination" }, at });
  expect({ ...sample?.histogram, scale: undefined }).toEqual({ ...plainly(raw.histogram), scale: undefined });
  expect(sample?.histogram.scale).toBe("exponential");
  for (const q of QUANTILES) {
    const { values } = await mesh.promql(`histogram_quantile(${q}, ${source})`).at(at);
    expect(sample?.histogram.quantile(q)).toBeCloseTo(values[0] ?? Number.NaN, 9);
  }
  const bound = sample?.histogram.quantile(0.5) ?? Number.NaN;
  const { values } = await mesh.promql(`histogram_fraction(0, ${bound}, ${source})`).at(at);
  expect(sample?.histogram.fraction(0, bound)).toBeCloseTo(values[0] ?? Number.NaN, 9);
});

it("of series of buckets are the same type, with the quantiles that the server finds", async () => {
  const mesh = createMesh({ metrics: prometheus(server.url) });
  const at = Date.now() - 1_000;
  const source = `sum by (handler, le) (${CLASSIC}_bucket)`;
  const answer = await mesh.promql(source, { type: "histogram", unit: "s" }).at(at);
  expect(answer.length).toBeGreaterThan(1);
  // Of a first bucket that is empty the server's least value is NaN.
  for (const q of QUANTILES.slice(1)) {
    const theirs = await mesh.promql(`histogram_quantile(${q}, ${source})`).at(at);
    for (const { labels, histogram } of answer) {
      expect(histogram.quantile(q)).toBeCloseTo(theirs.get(labels)?.value ?? Number.NaN, 9);
    }
  }
  const whole = await mesh.promql(`{__name__=~"${CLASSIC}_(bucket|sum|count)"}`, { type: "histogram" }).at(at);
  const means = await mesh.promql(`${CLASSIC}_sum / ${CLASSIC}_count`).at(at);
  expect(whole.length).toBe(means.length);
  for (const { labels, histogram } of whole) {
    expect(labels.__name__).toBe(CLASSIC);
    const { __name__, ...rest } = labels;
    expect(histogram.mean).toBe(means.get(rest)?.value);
  }
});

it("over a range have the very numbers of each instant", async () => {
  const mesh = createMesh({ metrics: prometheus(server.url) });
  const to = Math.floor(Date.now() / 1000 - 1) * 1000;
  const range = { from: to - 5_000, to, step: "1s" };
  const answer = await mesh.promql(DURATION, { type: "histogram" }).over(range);
  const [raw] = await parsed("query_range", {
    query: DURATION,
    start: String((to - 5_000) / 1000),
    end: String(to / 1000),
    step: "1",
  });
  const [series] = answer.series;
  const theirs = raw?.histograms ?? [];
  expect(theirs.length).toBeGreaterThan(1);
  expect([...(series?.timesMs ?? [])]).toEqual(theirs.map(([time]) => time * 1000));
  expect(series?.histograms.map((one) => ({ ...one, scale: undefined }))).toEqual(
    theirs.map((one) => ({ ...plainly(one), scale: undefined })),
  );
  const medians = await mesh.promql(`histogram_quantile(0.5, ${DURATION})`).over(range);
  const [ours] = answer.quantile(0.5).series;
  for (const [i, value] of [...(medians.series[0]?.values ?? [])].entries()) {
    expect(ours?.values[i]).toBeCloseTo(value, 9);
  }
});
