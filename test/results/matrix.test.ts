import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { Matrix, Series } from "../../src/results/matrix.ts";
import { DISPLAY } from "../../src/results/mime.ts";
import { sparkline } from "../../src/results/text.ts";
import { AT, HOSTILE, metaOf, NEUTRALISED } from "./answers.ts";

const series = (labels: Record<string, string>, ...values: number[]) =>
  new Series({
    labels,
    unit: "req/s",
    timesMs: Float64Array.from(values, (_, i) => AT + i * 60_000),
    values: Float64Array.from(values),
  });
const matrix = (...members: readonly Series[]) =>
  new Matrix({ unit: "req/s", meta: metaOf(), series: members, startMs: AT, endMs: AT + 180_000, stepMs: 60_000 });

describe("a matrix", () => {
  const two = matrix(series({ response_code: "200" }, 1, 2, 3, 4), series({ response_code: "503" }, 0.5));

  test("is iterated as series, and each of them as points", () => {
    expect([...two].map((one) => one.labels)).toEqual([{ response_code: "200" }, { response_code: "503" }]);
    expect([...(two.series[1] ?? [])]).toEqual([{ timeMs: AT, value: 0.5 }]);
    expect(two).toHaveLength(2);
    expect(two.series[0]).toHaveLength(4);
    expect(Object.isFrozen(two) && two.series.every(Object.isFrozen)).toBe(true);
  });

  test("finds a series by its labels", () => {
    expect(two.get({ response_code: "503" })?.values).toEqual(Float64Array.of(0.5));
    expect(two.get({ response_code: "404" })).toBeUndefined();
  });

  test("prints a row with the course of each series", () => {
    expect(inspect(two)).toMatchInlineSnapshot(`
      "response_code  points  min        mean       max        last
      200            4       1 req/s    2.5 req/s  4 req/s    4 req/s    ▃▅▇█
      503            1       0.5 req/s  0.5 req/s  0.5 req/s  0.5 req/s  █
        at 2026-11-20T10:03:00Z from prometheus: sum(up)"
    `);
  });

  test("prints a course where it was, with a gap where nothing was measured", () => {
    const late = new Series({
      labels: { response_code: "503" },
      unit: "req/s",
      timesMs: Float64Array.of(AT + 60_000, AT + 180_000),
      values: Float64Array.of(2, 1),
    });
    expect(
      matrix(series({ response_code: "200" }, 1, 2, 3, 4), late)
        .summary()
        .column("")?.cells,
    ).toEqual([Float64Array.of(1, 2, 3, 4), Float64Array.of(Number.NaN, 2, Number.NaN, 1)]);
    expect(String(matrix(late)).split("\n")[1]).toBe(
      "503            2       1 req/s  1.5 req/s  2 req/s  1 req/s   █ ▅",
    );
  });

  test("tells the spread of those values that are numbers", () => {
    const { NaN: none, POSITIVE_INFINITY: infinite } = Number;
    const rows = (...values: number[]) => [...matrix(series({}, ...values)).summary()];
    expect(rows(1, none, 3)).toEqual([[3, 1, 2, 3, 3]]);
    expect(rows(1, infinite)).toEqual([[2, 1, infinite, infinite, infinite]]);
    expect(rows(none, none)).toEqual([[2, none, none, none, none]]);
  });

  test("prints that there is nothing, in all or in one series", () => {
    expect(String(matrix())).toBe("no data");
    expect(String(matrix(series({ a: "1" })))).toMatchInlineSnapshot(`
      "a  points  min      mean     max      last
      1  0       no data  no data  no data  no data"
    `);
  });

  test("lets no label value move the cursor", () => {
    expect(String(series({ a: HOSTILE }, 1))).toBe(`${NEUTRALISED} █`);
    expect(String(matrix(series({ a: HOSTILE }, 1))).split("\n")).toHaveLength(2);
  });
});

describe("a matrix becomes", () => {
  const two = matrix(
    series({ response_code: "200" }, 1, 2),
    series({ response_code: "503" }, Number.POSITIVE_INFINITY),
  );

  test("a row of CSV for each value", () => {
    expect(two.toCSV()).toBe(
      [
        "time,response_code,value (req/s)\r\n",
        "2026-11-20T10:00:00Z,200,1\r\n",
        "2026-11-20T10:01:00Z,200,2\r\n",
        "2026-11-20T10:00:00Z,503,+Inf\r\n",
      ].join(""),
    );
  });

  test("Markdown with a row for each series", () => {
    expect(two.toMarkdown()).toMatchInlineSnapshot(`
      "| response\\_code | points | min | mean | max | last |  |
      | --- | ---: | ---: | ---: | ---: | ---: | --- |
      | 200 | 2 | 1 req/s | 1.5 req/s | 2 req/s | 2 req/s | ▅█   |
      | 503 | 1 | Infinity req/s | Infinity req/s | Infinity req/s | Infinity req/s |      |

      - at 2026-11-20T10:03:00Z from prometheus: sum(up)"
    `);
  });

  test("plain data with its grid", () => {
    expect(JSON.parse(JSON.stringify(two))).toEqual({
      unit: "req/s",
      startMs: AT,
      endMs: AT + 180_000,
      stepMs: 60_000,
      series: [
        { labels: { response_code: "200" }, timesMs: [AT, AT + 60_000], values: [1, 2] },
        { labels: { response_code: "503" }, timesMs: [AT], values: ["+Inf"] },
      ],
      meta: metaOf(),
    });
  });

  test("a notebook's chart as long as it is not too large to be kept twice", () => {
    const many = series({}, ...Array.from({ length: 20_001 }, (_, i) => i));
    expect(Object.keys(two[DISPLAY]())).toContain("application/vnd.vegalite.v5+json");
    expect(Object.keys(matrix(many)[DISPLAY]())).not.toContain("application/vnd.vegalite.v5+json");
  });
});

describe("a sparkline", () => {
  test.each<[string, number[], string]>([
    ["nothing", [], ""],
    ["zeros", [0, 0, 0], "▁▁▁"],
    ["one value, which is the most there is", [5], "█"],
    ["a rise", [0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"],
    ["values far from zero, from zero on", [100, 101], "██"],
    ["negative values, from the least on", [-2, -1, 0], "▁▅█"],
    ["a gap where a value is no number", [1, Number.NaN, 1], "█ █"],
    ["a gap where a value is infinite", [1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0], "█  ▁"],
    ["the smallest numbers", [0, 5e-324], "▁█"],
    ["the greatest numbers", Array(120).fill(Number.MAX_VALUE), "█".repeat(60)],
  ])("shows %s", (_, values, text) => {
    expect(sparkline(Float64Array.from(values))).toBe(text);
  });

  test("is never longer than 60 characters, and takes means of what falls together", () => {
    expect(sparkline(new Float64Array(60).fill(1))).toHaveLength(60);
    expect(sparkline(Float64Array.from({ length: 1000 }, (_, i) => i))).toHaveLength(60);
    expect(sparkline(Float64Array.from({ length: 120 }, (_, i) => (i % 2 === 0 ? 1 : Number.NaN)))).toBe(
      "█".repeat(60),
    );
    expect(sparkline(Float64Array.from({ length: 120 }, (_, i) => i % 2))).toBe("█".repeat(60).replaceAll("█", "▅"));
  });
});
