import { expect, test } from "vitest";
import { SeriesWriter } from "../../src/alerts/recording/record.ts";
import { evaluate, memoryStorage } from "../../src/promql/index.ts";

test("a recorded series holds numbers and native histograms, and ends where it is not found", () => {
  const given = memoryStorage();
  given.load("a {{count:1 sum:2 buckets:[1]}} 5 {{count:3 sum:4 buckets:[3]}} stale", { step: "1m" });
  const { series } = evaluate("a", { from: 0, to: 180_000, step: "1m" }, given);
  const recorded = memoryStorage();
  new SeriesWriter(recorded, 60_000, () => ({ __name__: "b" }), 0).write(series, 0, 180_000);
  const counts = (at: number) => {
    const found = evaluate("b", { at }, recorded);
    return found.kind === "vector" && Array.from(found.values, (value, i) => found.histograms?.[i]?.count ?? value);
  };
  expect([0, 60_000, 120_000, 180_000].map(counts)).toEqual([[1], [5], [3], []]);
});
