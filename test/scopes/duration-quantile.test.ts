import fc from "fast-check";
import { expect, it } from "vitest";
import { durationQuantile } from "../../src/mesh/duration-quantile.ts";

it("is the least that the share does not exceed, exactly", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 0, max: 1_000 }), (length, thousandths) => {
      const durations = Array.from({ length }, (_, i) => length - i);
      const rank = (BigInt(thousandths) * BigInt(length) + 999n) / 1_000n;
      expect(durationQuantile(thousandths / 1_000, durations)).toBe(Math.max(1, Number(rank)));
    }),
    { seed: 11, numRuns: 3_000, examples: [[100, 70]] },
  );
});

it("is nothing of no durations", () => {
  expect(durationQuantile(0.5, [])).toBeUndefined();
});
