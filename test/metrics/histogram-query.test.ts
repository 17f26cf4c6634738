import { describe, expect, it } from "vitest";
import { createMesh, DecodeError, QueryError } from "../../src/index.ts";
import type { InstantData, MatrixData, NativeHistogram } from "../../src/metrics/backend.ts";
import type { LabelSet } from "../../src/results/labels.ts";
import { AT, recordingBackend, vectorData } from "./recording-backend.ts";

const NATIVE: NativeHistogram = {
  count: 6,
  sum: 12,
  buckets: [
    { lower: 1, upper: 2, count: 4, bounds: "right" },
    { lower: 2, upper: 4, count: 2, bounds: "right" },
  ],
};
const bucketsOf = (labels: LabelSet, ...counts: readonly (readonly [string, number])[]) =>
  counts.map(([le, count]): readonly [LabelSet, number] => [{ ...labels, le }, count]);

const asked = (data: InstantData) =>
  createMesh({ metrics: recordingBackend({ instant: () => data }), now: () => AT }).promql("x", {
    type: "histogram",
    unit: "ms",
  });

describe("an answer of histograms", () => {
  it("of native ones keeps them as they are", async () => {
    const data = { ...vectorData([{ job: "a" }, Number.NaN]), histograms: new Map([[0, NATIVE]]) };
    const answer = await asked(data);
    expect(answer.length).toBe(1);
    expect(answer.samples[0]).toMatchObject({ labels: { job: "a" }, at: AT, histogram: NATIVE });
    expect(answer.quantile(0.5)).toMatchObject({ labels: [{ job: "a" }], unit: "ms" });
    expect(answer.quantile(0.5).values[0]).toBeCloseTo(2 ** 0.75, 12);
    expect(answer.meta.promql).toBe("x");
  });

  it("of series of buckets puts together those that differ in their bound alone", async () => {
    const answer = await asked(
      vectorData(
        // As Prometheus 3 and 2 write bounds, in no order.
        ...bucketsOf({ job: "a" }, ["+Inf", 10], ["1000.0", 9], ["250", 4]),
        ...bucketsOf({ job: "b" }, ["1e+06", 1], ["+Inf", 1]),
      ),
    );
    expect(answer.samples.map(({ labels }) => labels)).toEqual([{ job: "a" }, { job: "b" }]);
    expect(answer.get({ job: "a" })?.histogram).toMatchObject({
      count: 10,
      sum: undefined,
      buckets: [
        { lower: 0, upper: 250, count: 4, bounds: "right" },
        { lower: 250, upper: 1000, count: 5, bounds: "right" },
        { lower: 1000, upper: Number.POSITIVE_INFINITY, count: 1, bounds: "right" },
      ],
    });
    expect(answer.quantile(0.2).values).toEqual(new Float64Array([125, 200_000]));
    expect(String(answer)).toContain("job");
  });

  it("of raw series joins the sum and the count to their buckets, beside native ones of the same name", async () => {
    const raw = vectorData(
      ...bucketsOf({ __name__: "s_bucket" }, ["1", 1], ["+Inf", 2]),
      [{ __name__: "s_sum" }, 7],
      [{ __name__: "s_count" }, 2],
      [{ __name__: "s" }, Number.NaN],
    );
    const answer = await asked({ ...raw, histograms: new Map([[4, NATIVE]]) });
    expect(answer.samples.map(({ labels, histogram }) => [labels, histogram.sum])).toEqual([
      [{ __name__: "s" }, 12],
      [{ __name__: "s" }, 7],
    ]);
  });

  it("takes counts that fall by their last bit for equal", async () => {
    const answer = await asked(vectorData(...bucketsOf({}, ["1", 0.30000000000000004], ["2", 0.3], ["+Inf", 0.3])));
    expect(answer.samples[0]?.histogram.buckets.map(({ count }) => count)).toEqual([0.30000000000000004, 0, 0]);
  });

  it.each<[string, InstantData, string]>([
    ["of a number", vectorData([{ __name__: "up" }, 1]), "a number of up without a bucket's bound"],
    ["of a bound that is none", vectorData([{ le: "many" }, 1]), "a number without a bucket's bound"],
    ["without its last bucket", vectorData([{ le: "5" }, 1]), 'a histogram without its bucket le="+Inf"'],
    ["of a scalar", { kind: "scalar", timeMs: AT, value: 1 }, "a scalar"],
  ])("%s is none", async (_, data, what) => {
    const failed = asked(data).now();
    await expect(failed).rejects.toThrow(DecodeError);
    await expect(failed).rejects.toThrow(`recording: ${what} came where histograms were asked for`);
  });
});

it("over a range has them at each instant, and the course of a quantile", async () => {
  const times = Float64Array.of(AT, AT + 60_000);
  const series = (le: string, ...values: readonly number[]) => ({
    labels: { le },
    timesMs: times.subarray(0, values.length),
    values: Float64Array.from(values),
  });
  const matrix: MatrixData = {
    kind: "matrix",
    series: [
      series("10", 2, 6),
      series("+Inf", 4, 6),
      {
        labels: { job: "native" },
        timesMs: new Float64Array(),
        values: new Float64Array(),
        histograms: [{ timeMs: AT, histogram: NATIVE }],
      },
    ],
  };
  const mesh = createMesh({ metrics: recordingBackend({ range: () => matrix }), now: () => AT });
  const answer = await mesh
    .promql("x", { type: "histogram", unit: "ms" })
    .over({ from: AT, to: AT + 60_000, step: "1m" });
  expect(answer.series.map(({ labels, timesMs, histograms }) => [labels, [...timesMs], histograms.length])).toEqual([
    [{ job: "native" }, [AT], 1],
    [{}, [AT, AT + 60_000], 2],
  ]);
  const medians = answer.quantile(0.5);
  expect(medians.unit).toBe("ms");
  expect(medians.series.map(({ values }) => [...values])).toEqual([[expect.closeTo(2 ** 0.75, 12)], [10, 5]]);
  expect(answer.toTable().length).toBe(3);
});

it("over a range tells its progress, and what is wrong with its windows", async () => {
  const told: number[] = [];
  const metrics = recordingBackend();
  const mesh = createMesh({ metrics, now: () => AT, onProgress: ({ done }) => void told.push(done) });
  const buckets = mesh.promql("sum by (le) (rate(x_bucket[20s]))", { type: "histogram" });
  const warnings = [expect.stringContaining("rate(…[20s]) needs two samples")];
  const course = await buckets.over({ last: "10m", step: "1m" }, { pointsPerRequest: 4 });
  expect(course.meta).toMatchObject({ complete: true, warnings });
  expect((await buckets).meta).toMatchObject({ complete: true, warnings });
  expect(told).toEqual([1, 2, 3]);
});

it.each([0, -1, 0.5, Number.NaN])("over a range is refused in pieces of %s", async (pointsPerRequest) => {
  const mesh = createMesh({ metrics: recordingBackend(), now: () => AT });
  const asking = mesh.promql("x", { type: "histogram" }).over({ last: "1h" }, { pointsPerRequest });
  await expect(asking).rejects.toMatchObject({ name: "QueryError", code: "step" });
});

it("is checked before anything is sent", () => {
  const mesh = createMesh();
  expect(() => mesh.promql("x[5m]", { type: "histogram" })).toThrow(QueryError);
  expect(mesh.promql("sum by (le) (rate(x_bucket[5m]))", { type: "histogram" }).promql).toBe(
    "sum by (le) (rate(x_bucket[5m]))",
  );
});

it("a query of numbers that gets a native histogram says how to ask", async () => {
  const data = { ...vectorData([{}, Number.NaN]), histograms: new Map([[0, NATIVE]]) };
  const mesh = createMesh({ metrics: recordingBackend({ instant: () => data }) });
  await expect(mesh.promql("x").now()).rejects.toThrow('write mesh.promql(…, { type: "histogram" })');
});
