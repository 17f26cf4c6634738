import { expect, test } from "vitest";
import { backoffMs, retryAfterMs } from "../../src/http/retry.ts";

const NOW = Date.parse("2026-11-20T10:00:00Z");

test.each([
  ["0", 0],
  ["7", 7_000],
  [" 120 ", 120_000],
  ["Fri, 20 Nov 2026 10:00:30 GMT", 30_000],
  ["Friday, 20-Nov-26 10:00:30 GMT", 30_000],
  ["Fri Nov 20 10:00:30 2026", 30_000],
  ["Fri, 20 Nov 2026 09:00:00 GMT", 0],
])("Retry-After %j means %d ms from now", (header, ms) => {
  expect(retryAfterMs({ "retry-after": header }, NOW)).toBe(ms);
});

test.each([undefined, "", "soon", "-1", "1.5", "1e3", "2026-11-20", "Fri, 99 Foo 2026"])(
  "Retry-After %j says nothing",
  (header) => {
    expect(retryAfterMs({ "retry-after": header }, NOW)).toBeUndefined();
  },
);

test.each([
  ["Fri, 20 Nov 2026 12:00:00 GMT", 30_000],
  ["Fri, 20 Nov 2026 12:01:00 GMT", 0],
  ["no date", 7_230_000],
])("a date is meant by the server's own clock, as in Date: %s", (date, ms) => {
  const header = "Fri, 20 Nov 2026 12:00:30 GMT";
  expect(retryAfterMs({ "retry-after": header, date }, NOW)).toBe(ms);
});

test("the backoff's ceiling doubles with every try up to ten seconds, and chance picks below it", () => {
  expect([1, 2, 3, 4, 5, 6, 7, 50].map((tries) => backoffMs(tries, 0.5))).toEqual([
    100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000,
  ]);
  expect(backoffMs(3, 0)).toBe(0);
});

test("the backoff is never shorter than what the server asked for", () => {
  expect(backoffMs(1, 0.9, 3_000)).toBe(3_000);
  expect(backoffMs(1, 0.9, 10)).toBe(180);
});
