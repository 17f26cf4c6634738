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
    scrape: { scrape_native_histograms: true, metric_relabel_configs: RENAMED },
    rules: [{ name: "g", rules: [{ record: "a", expr: "vector(1)" }] }],
  });
  const client = prometheus(server.url);
  await until("some observations", 30_000, async () => {
    const { data } = await client.instant(parse(`histogram_count(increase(${DURATION}[30s])) > 1`), undefined);
    return data.kind === "vector" && data.labels.length > 0;
  });
}, 1_800_000);
afterAll(() => server?.stop());

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
