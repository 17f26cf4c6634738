import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MatrixData, SeriesData } from "../../../src/metrics/backend.ts";
import { joinMatrices } from "../../../src/metrics/plan/join.ts";
import { byLabels } from "../../../src/metrics/plan/label-order.ts";

const matrixOf = (series: readonly SeriesData[]): MatrixData => ({ kind: "matrix", series });
const histogram = { count: 1, sum: 2, buckets: [] };

/** What of a series lies from `fromMs` on and before `toMs`; nothing where it has no sample there. */
function cut(one: SeriesData, fromMs: number, toMs: number): SeriesData[] {
  const kept = Array.from(one.timesMs.keys()).filter((i) => inside(one.timesMs[i] ?? 0));
  const histograms = one.histograms?.filter(({ timeMs }) => inside(timeMs));
  if (kept.length === 0 && (histograms ?? []).length === 0) return [];
  return [
    {
      labels: one.labels,
      timesMs: Float64Array.from(kept, (i) => one.timesMs[i] ?? 0),
      values: Float64Array.from(kept, (i) => one.values[i] ?? 0),
      ...((histograms ?? []).length > 0 && { histograms }),
    },
  ];

  function inside(timeMs: number): boolean {
    return timeMs >= fromMs && timeMs < toMs;
  }
}

describe("the pieces of a matrix", () => {
  const text = fc.constantFrom("a", "b", "ab", "é", "", "😀", "__proto__");
  const labels = fc.dictionary(fc.constantFrom("a", "le", "z", "\ufffd", "😀"), text, { maxKeys: 3 });
  const times = fc
    .uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 40 })
    .map((all) => all.sort((a, b) => a - b));
  const series = fc.record({ labels, floats: times, others: fc.option(times, { nil: [] }) });
  const whole = fc
    .uniqueArray(series, { maxLength: 12, selector: (one) => JSON.stringify(Object.entries(one.labels).sort()) })
    .map((all) =>
      all
        .filter(({ floats, others }) => floats.length + others.length > 0)
        .map(({ labels, floats, others }): SeriesData => {
          const histograms = others.filter((time) => !floats.includes(time)).map((timeMs) => ({ timeMs, histogram }));
          const timesMs = Float64Array.from(floats);
          const values = timesMs.map((time) => time / 3);
          return { labels, timesMs, values, ...(histograms.length > 0 && { histograms }) };
        })
        .filter((one) => one.timesMs.length > 0 || one.histograms !== undefined)
        .sort((a, b) => byLabels(a.labels, b.labels)),
    );

  test("join to the matrix they were cut from, wherever series come and go", () => {
    fc.assert(
      fc.property(whole, fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 4 }), (series, borders) => {
        const edges = [0, ...borders.sort((a, b) => a - b), 41];
        const pieces = edges
          .slice(1)
          .map((toMs, i) => matrixOf(series.flatMap((one) => cut(one, edges[i] ?? 0, toMs))));
        expect(joinMatrices(pieces)).toEqual(matrixOf(series));
      }),
      { seed: 20_261_125, numRuns: 1000 },
    );
  });

  test("share joined times where they shared theirs", () => {
    const piece = (...timesMs: number[]): MatrixData => {
      const times = Float64Array.from(timesMs);
      return matrixOf(["a", "b"].map((a) => ({ labels: { a }, timesMs: times, values: times })));
    };
    const { series } = joinMatrices([piece(1, 2), piece(3)]);
    expect(series[0]?.timesMs).toEqual(Float64Array.of(1, 2, 3));
    expect(series[1]?.timesMs).toBe(series[0]?.timesMs);
  });

  test("keep the order of a backend that has one of its own, new series last", () => {
    const one = (a: string, timeMs: number): SeriesData => ({
      labels: { a },
      timesMs: Float64Array.of(timeMs),
      values: Float64Array.of(1),
    });
    const joined = joinMatrices([matrixOf([one("b", 1), one("a", 1)]), matrixOf([one("c", 2), one("b", 2)])]);
    expect(joined.series.map(({ labels }) => labels.a)).toEqual(["b", "a", "c"]);
  });

  test("of nothing are nothing", () => {
    expect(joinMatrices([])).toEqual(matrixOf([]));
    expect(joinMatrices([matrixOf([]), matrixOf([])])).toEqual(matrixOf([]));
  });
});

test("series stand in the order of their labels' bytes, the shorter set first", () => {
  const sets = [{}, { a: "1" }, { a: "1", b: "" }, { a: "1", b: "x" }, { a: "\uffff" }, { a: "😀" }, { b: "0" }];
  expect([...sets].reverse().sort(byLabels)).toEqual(sets);
});
