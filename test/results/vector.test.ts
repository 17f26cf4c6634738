import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { LabelSet } from "../../src/results/labels.ts";
import { cells, hasLabels, labelNames, Vector } from "../../src/results/vector.ts";
import { AT, HOSTILE, metaOf, NEUTRALISED } from "./answers.ts";

const vector = (...members: readonly (readonly [LabelSet, number])[]) =>
  new Vector({
    unit: "req/s",
    at: AT,
    meta: metaOf(),
    labels: members.map(([labels]) => labels),
    values: Float64Array.from(members, ([, value]) => value),
    timesMs: Float64Array.from(members, () => AT),
  });

const codes = vector(
  [{ response_code: "200", reporter: "source" }, 41.7],
  [{ response_code: "503", reporter: "source" }, 0.25],
);

describe("a vector", () => {
  test("is iterated as samples, in the server's order", () => {
    expect([...codes]).toEqual([
      { labels: { response_code: "200", reporter: "source" }, value: 41.7, at: AT },
      { labels: { response_code: "503", reporter: "source" }, value: 0.25, at: AT },
    ]);
    expect(codes).toHaveLength(2);
    expect(Object.isFrozen(codes)).toBe(true);
  });

  test("finds the first sample that has all the labels asked for", () => {
    expect(codes.get({ response_code: "503" })?.value).toBe(0.25);
    expect(codes.get({ response_code: "503", reporter: "destination" })).toBeUndefined();
    expect(codes.get({ response_code: undefined })?.value).toBe(41.7);
    expect(codes.get({})?.value).toBe(41.7);
    expect(vector().get({})).toBeUndefined();
  });

  test("prints a table", () => {
    expect(String(codes)).toMatchInlineSnapshot(`
      "response_code  reporter  value
      200            source    41.7 req/s
      503            source    0.25 req/s"
    `);
  });

  test("prints that there is nothing", () => {
    expect(inspect(vector())).toMatchInlineSnapshot(`
      "no data
        at 2026-11-20T10:00:00Z from prometheus: sum(up)"
    `);
  });

  test("prints series of different labels in one table, with a gap where one is missing", () => {
    expect(String(vector([{ a: "1" }, 1], [{ b: "2" }, 2], [{}, 3]))).toMatchInlineSnapshot(`
      "a  b  value
      1     1 req/s
         2  2 req/s
            3 req/s"
    `);
  });

  test("lets no label name or value move the cursor or break a row", () => {
    const text = String(vector([{ [HOSTILE]: HOSTILE, plain: "x" }, 1]));
    expect(text.split("\n")).toHaveLength(2);
    expect(text.split("\n").every((line) => line.startsWith(NEUTRALISED))).toBe(true);
  });
});

describe("a vector becomes", () => {
  test("CSV with its instants", () => {
    expect(codes.toCSV()).toBe(
      [
        "time,response_code,reporter,value (req/s)\r\n",
        "2026-11-20T10:00:00Z,200,source,41.7\r\n",
        "2026-11-20T10:00:00Z,503,source,0.25\r\n",
      ].join(""),
    );
  });

  test("Markdown with what it was asked", () => {
    expect(codes.toMarkdown()).toMatchInlineSnapshot(`
      "| response\\_code | reporter | value |
      | --- | --- | ---: |
      | 200 | source | 41.7 req/s |
      | 503 | source | 0.25 req/s |

      - at 2026-11-20T10:00:00Z from prometheus: sum(up)"
    `);
  });

  test("plain data", () => {
    const odd = vector([{ a: "1" }, Number.NaN]);
    expect(JSON.parse(JSON.stringify(odd))).toEqual({
      unit: "req/s",
      at: AT,
      samples: [{ labels: { a: "1" }, value: "NaN", at: AT }],
      meta: metaOf(),
    });
  });

  test("a table in which a label keeps its column from being taken for another", () => {
    const names = vector([{ time: "1", value: "2" }, 3])
      .toTable()
      .columns.map(({ name }) => name);
    expect(names).toEqual(["time", "label time", "label value", "value"]);
  });
});

describe("a label", () => {
  const odd: LabelSet = Object.fromEntries([
    ["__proto__", "x"],
    ["a", "1"],
  ]);

  test.each<[LabelSet, Record<string, string>, boolean]>([
    [{ a: "1" }, { a: "1" }, true],
    [{ a: "1" }, { a: "2" }, false],
    [{ a: "1" }, {}, true],
    [{ a: "1" }, { b: "" }, true],
    [{ a: "1" }, { b: "1" }, false],
    [{ a: "" }, { a: "" }, true],
    [{ a: "1" }, { constructor: "" }, true],
    [{ a: "1" }, { toString: "x" } as unknown as Record<string, string>, false],
  ])("of %j meets %j: %s", (labels, wanted, has) => {
    expect(hasLabels(labels, wanted)).toBe(has);
  });

  test("named like something that every object has is a label like any other", () => {
    expect(hasLabels(odd, Object.fromEntries([["__proto__", "x"]]))).toBe(true);
    expect(hasLabels(odd, Object.fromEntries([["__proto__", ""]]))).toBe(false);
    expect(hasLabels({}, Object.fromEntries([["__proto__", ""]]))).toBe(true);
    expect(labelNames([odd])).toEqual(["__proto__", "a"]);
    expect(cells(odd, ["__proto__", "constructor", "a"])).toEqual(["x", "", "1"]);
    expect(cells({}, ["__proto__", "toString"])).toEqual(["", ""]);
  });
});
