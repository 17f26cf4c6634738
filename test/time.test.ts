import dayjs from "dayjs";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  durationMs,
  formatDuration,
  formatInstant,
  type Instant,
  instantMs,
  LONGEST_MS,
  parseDuration,
  resolveSpan,
  shown,
  type TimeSpan,
} from "../src/time.ts";

const SEED = { seed: 20_261_124 } as const;
const DAY = 86_400_000;

describe("a duration", () => {
  test.each([
    ["0s", 0],
    ["1ms", 1],
    ["90s", 90_000],
    ["5m", 300_000],
    ["1h30m", 5_400_000],
    ["8d", 8 * DAY],
    ["1w", 7 * DAY],
    ["1y", 365 * DAY],
    ["1y2w3d4h5m6s7ms", 382 * DAY + 14_706_007],
    ["007s", 7000],
    ["292y", 292 * 365 * DAY],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    "",
    "5",
    "300",
    "m",
    "5 m",
    " 5m",
    "5m ",
    "5m\n",
    "-5m",
    "+5m",
    "1.5h",
    "5M",
    "5min",
    "30m1h",
    "1s1m",
    "5m5m",
    "1h1h",
    "1ms1s",
    "1e3s",
    "٥m",
    "∞",
    "293y",
    "9223372036855ms",
    `${"9".repeat(400)}s`,
  ])("%j is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test.each([
    [0, "0s"],
    [1000, "1s"],
    [90_000, "1m30s"],
    [7 * DAY, "1w"],
    [8 * DAY, "8d"],
    [14 * DAY, "2w"],
    [30 * DAY, "30d"],
    [365 * DAY, "1y"],
    [366 * DAY, "366d"],
    [DAY + 1, "1d1ms"],
  ])("of %d ms is written %s, as Prometheus does", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  test("that is written is read back", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.integer({ min: 0, max: LONGEST_MS }),
          fc.integer({ min: 0, max: 5000 }).map((n) => n * 3_600_000),
        ),
        (ms) => {
          expect(parseDuration(formatDuration(ms))).toBe(ms);
        },
      ),
      { ...SEED, numRuns: 5000 },
    );
  });

  test("of an argument is positive", () => {
    expect(durationMs("5m", "rate")).toBe(300_000);
    for (const value of [
      "0s",
      "5",
      300,
      undefined,
      null,
      {},
      [],
      Number.NaN,
      () => "5m",
      Object.create(null),
      Symbol("5m"),
    ]) {
      expect(() => durationMs(value, "rate")).toThrow(
        expect.objectContaining({
          code: "window",
          message: expect.stringMatching(/^rate: .+ is not a positive PromQL duration; write "5m" or "1h30m"$/),
        }),
      );
    }
    expect(() => durationMs("x", "over: step", "step")).toThrow(expect.objectContaining({ code: "step" }));
  });
});

describe("an instant", () => {
  const zone = process.env.TZ;
  afterEach(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  const TEN = Date.UTC(2026, 10, 20, 10);
  const cases: readonly (readonly [string, Instant, number])[] = [
    ["a Date", new Date(TEN), TEN],
    ["a dayjs object", dayjs(TEN), TEN],
    ["epoch milliseconds", TEN, TEN],
    ["zero", 0, 0],
    ["a time before 1970", -1, -1],
    ["ISO text in UTC", "2026-11-20T10:00:00Z", TEN],
    ["ISO text with a lower-case t and z", "2026-11-20t10:00:00z", TEN],
    ["ISO text with a zone", "2026-11-20T12:00:00+02:00", TEN],
    ["a zone without a colon", "2026-11-20T04:30:00-0530", TEN],
    ["text without a zone", "2026-11-20T10:00:00", TEN],
    ["text without seconds", "2026-11-20T10:00", TEN],
    ["a blank in place of the T", "2026-11-20 10:00:00", TEN],
    ["a blank before the zone", "2026-11-20 12:00:00 +02:00", TEN],
    ["milliseconds", "2026-11-20T10:00:00.250Z", TEN + 250],
    ["a comma before them", "2026-11-20T10:00:00,250", TEN + 250],
    ["nanoseconds, cut", "2026-11-20T10:00:00.123456789Z", TEN + 123],
    ["a date alone", "2026-11-20", Date.UTC(2026, 10, 20)],
    ["a leap day", "2024-02-29", Date.UTC(2024, 1, 29)],
    ["midnight at the day's end", "2026-11-20T24:00:00Z", Date.UTC(2026, 10, 21)],
    ["a far year", "+012026-01-01T00:00:00Z", Date.UTC(12_026, 0, 1)],
  ];

  test.each(["UTC", "America/New_York", "Pacific/Kiritimati"])("is read the same on a machine in %s", (machineZone) => {
    process.env.TZ = machineZone;
    for (const [what, instant, ms] of cases) expect({ what, ms: instantMs(instant, "at") }).toEqual({ what, ms });
  });

  test.each<[string, unknown]>([
    ["", ""],
    ["now", "now"],
    ["a bare number in text", "1700000000"],
    ["a day without zeros", "2026-1-2"],
    ["a month that is none", "2026-13-01"],
    ["a day that the month lacks", "2026-02-30"],
    ["a leap day in a common year", "2026-02-29T10:00:00Z"],
    ["day zero", "2026-01-00"],
    ["an hour that is none", "2026-11-20T25:00:00Z"],
    ["a minute that is none", "2026-11-20T10:60:00Z"],
    ["a zone that is none", "2026-11-20T10:00:00+99:00"],
    ["a zone's name", "2026-11-20T10:00:00 CET"],
    ["an American date", "11/20/2026"],
    ["text after it", "2026-11-20T10:00:00Z or so"],
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["a number beyond any date", 8.64e15 + 1],
    ["an invalid Date", new Date(Number.NaN)],
    ["an invalid dayjs object", dayjs("nonsense")],
    ["undefined", undefined],
    ["null", null],
    ["an object", { ms: 1 }],
    ["a bigint", 1n],
  ])("is not %s", (_, value) => {
    expect(() => instantMs(value as Instant, "at")).toThrow(
      expect.objectContaining({
        code: "time",
        message: expect.stringMatching(
          /^at: .+ is not an instant; write a Date, epoch milliseconds or ISO text such as "2026/,
        ),
      }),
    );
  });

  test("is written in UTC, with milliseconds only where there are any", () => {
    expect(formatInstant(TEN)).toBe("2026-11-20T10:00:00Z");
    expect(formatInstant(TEN + 5)).toBe("2026-11-20T10:00:00.005Z");
    expect(formatInstant(Number.NaN)).toBe("NaN ms");
    expect(formatInstant(1e300)).toBe("1e+300 ms");
  });

  test("that is written is read back", () => {
    fc.assert(
      fc.property(fc.date({ noInvalidDate: true }), (date) => {
        expect(instantMs(formatInstant(date.getTime()), "at")).toBe(date.getTime());
      }),
      { ...SEED, numRuns: 2000 },
    );
  });
});

describe("a span", () => {
  const NOW = Date.UTC(2026, 10, 20, 10);

  test.each<[string, TimeSpan, number, number]>([
    ["the last so much", { last: "6h" }, NOW - 6 * 3_600_000, NOW],
    ["from one instant to another", { from: 1000, to: 2000 }, 1000, 2000],
    ["from an instant until now", { from: NOW - 1 }, NOW - 1, NOW],
    ["until now where the end is undefined", { from: 5, to: undefined }, 5, NOW],
    ["of no length", { from: 5, to: 5 }, 5, 5],
    ["of different forms", { from: new Date(0), to: "1970-01-02" }, 0, DAY],
  ])("is %s", (_, span, fromMs, toMs) => {
    expect(resolveSpan(span, NOW, "over")).toEqual({ fromMs, toMs });
  });

  test.each<[unknown, string, string]>([
    [
      { from: 2000, to: 1000 },
      "range",
      "over: the range ends (1970-01-01T00:00:01Z) before it begins (1970-01-01T00:00:02Z)",
    ],
    [{ from: NOW + 1 }, "range", "before it begins"],
    [
      { last: "6h", from: 1 },
      "range",
      'over: "last" and "from" exclude each other; write { last: "6h" } or { from, to }',
    ],
    [{ last: "6h", to: 1 }, "range", "exclude each other"],
    [{}, "range", 'over: the range has no beginning; write { last: "6h" } or { from, to }'],
    [{ to: 1 }, "range", "has no beginning"],
    [{ last: "6 hours" }, "range", 'over: last: "6 hours" is not a positive PromQL duration'],
    [{ last: "0s" }, "range", "is not a positive PromQL duration"],
    [{ last: null }, "range", "over: last: null is not a positive PromQL duration"],
    [{ from: "yesterday" }, "time", 'over: from: "yesterday" is not an instant'],
    [{ from: 1, to: "tomorrow" }, "time", 'over: to: "tomorrow" is not an instant'],
    ["6h", "range", 'over: "6h" is not a range; write { last: "6h" } or { from, to }'],
    [undefined, "range", "over: undefined is not a range"],
    [null, "range", "over: null is not a range"],
  ])("is not %j", (span, code, message) => {
    expect(() => resolveSpan(span as TimeSpan, NOW, "over")).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});

test.each<[unknown, string]>([
  ["a", '"a"'],
  ['a"\n', '"a\\"\\n"'],
  ["x".repeat(100), `"${"x".repeat(76)}…`],
  [1, "1"],
  [-0, "0"],
  [1n, "1"],
  [undefined, "undefined"],
  [null, "null"],
  [true, "true"],
  [/a/i, "/a/i"],
  [Symbol("x"), "Symbol(x)"],
  [{}, "an object"],
  [Object.create(null), "an object"],
  [["a"], "an array"],
  [() => 1, "a function"],
  [new Date(Number.NaN), "an invalid Date"],
  [new Date(0), "1970-01-01T00:00:00Z"],
  [dayjs(0), "1970-01-01T00:00:00Z"],
])("%s is shown in a message without an error", (value, text) => {
  expect(shown(value)).toBe(text);
});
