import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instant, length, number, text, trend } from "../../src/results/column.ts";
import { Table } from "../../src/results/result.ts";
import { AT, HOSTILE, NEUTRALISED } from "./answers.ts";
import { readCsv } from "./csv.ts";

const mixed = Table.of(
  [
    text("caller"),
    instant("since"),
    number("rate", "req/s"),
    number("success", "ratio"),
    length("longest"),
    trend("course"),
    text("unit", "programs"),
  ],
  [
    ["frontend", AT, 41.7, 0.9991, 5_400_000, Float64Array.of(1, 2, Number.NaN, 4), "req/s"],
    ["cron", undefined, undefined, "–", undefined, Float64Array.of(), "req/s"],
  ],
);

describe("a table", () => {
  test("is text in columns", () => {
    expect(inspect(mixed)).toMatchInlineSnapshot(`
      "caller    since                 rate        success  longest  course
      frontend  2026-11-20T10:00:00Z  41.7 req/s  99.91 %  1h 30m   ▃▅ █
      cron                            no data     –"
    `);
  });

  test("is Markdown with numbers at the right", () => {
    expect(mixed.toMarkdown()).toMatchInlineSnapshot(`
      "| caller | since | rate | success | longest | course |
      | --- | --- | ---: | ---: | ---: | --- |
      | frontend | 2026-11-20T10:00:00Z | 41.7 req/s | 99.91 % | 1h 30m | ▃▅ █ |
      | cron |  | no data | – |  |  |"
    `);
  });

  test("is CSV with bare numbers below their units", () => {
    expect(readCsv(mixed.toCSV())).toEqual([
      ["caller", "since", "rate (req/s)", "success (ratio)", "longest (ms)", "unit"],
      ["frontend", "2026-11-20T10:00:00Z", "41.7", "0.9991", "5400000", "req/s"],
      ["cron", "", "", "–", "", "req/s"],
    ]);
  });

  test("is plain data with null where there is nothing", () => {
    expect(JSON.parse(JSON.stringify(mixed))).toEqual({
      columns: [
        { name: "caller", kind: "text" },
        { name: "since", kind: "instant" },
        { name: "rate", kind: "number", unit: "req/s" },
        { name: "success", kind: "number", unit: "ratio" },
        { name: "longest", kind: "length" },
        { name: "unit", kind: "text" },
      ],
      rows: [
        ["frontend", AT, 41.7, 0.9991, 5_400_000, "req/s"],
        ["cron", null, null, "–", null, "req/s"],
      ],
    });
  });

  test("is HTML whose numbers stand at the right and whose trends are drawn", () => {
    const html = mixed.toHTML({ fragment: true });
    expect(html).toContain('<td>frontend</td><td>2026-11-20T10:00:00Z</td><td class="n">41.7 req/s</td>');
    expect(html).toContain('<td class="n quiet">no data</td><td class="n">–</td>');
    expect(html.match(/<svg class="trend"/g)).toHaveLength(2);
    expect(html).not.toContain("programs");
  });

  test("keeps numbers that JSON has not", () => {
    const odd = Table.of([number("value")], [[Number.NaN], [Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY]]);
    expect(odd.toJSON().rows).toEqual([["NaN"], ["+Inf"], ["-Inf"]]);
    expect(readCsv(odd.toCSV()).slice(1)).toEqual([["NaN"], ["+Inf"], ["-Inf"]]);
  });

  test("says that it is empty", () => {
    const empty = Table.of([text("a")], []);
    expect([String(empty), empty.toMarkdown(), empty.toCSV()]).toEqual(["no data", "no data", "a\r\n"]);
    expect(empty.toHTML()).toContain('<p class="quiet">no data</p>');
    expect([...empty]).toEqual([]);
  });

  test("is read by rows and by columns", () => {
    expect([...mixed].map(([caller]) => caller)).toEqual(["frontend", "cron"]);
    expect(mixed.column("rate")?.unit).toBe("req/s");
    expect(mixed.column("none")).toBeUndefined();
    expect(mixed.toTable()).toBe(mixed);
  });
});

const MARKUP = `<script>alert("1")</script>|'\`*_[x](javascript:1)&amp;\\`;
const hostile = Table.of([text(MARKUP), text(HOSTILE)], [[MARKUP, HOSTILE]]);

describe("a text from elsewhere", () => {
  test("neither moves the cursor nor breaks a row of text", () => {
    expect(String(hostile).split("\n")).toHaveLength(2);
    expect(String(hostile)).toContain(NEUTRALISED);
    expect(String(hostile)).not.toContain("\u001b");
  });

  test("is no markup of HTML", () => {
    const html = hostile.toHTML();
    expect(html).not.toContain("<script");
    expect(html).not.toContain("\u001b");
    expect(html).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;|&#39;");
  });

  test("is no markup of Markdown, and ends no cell", () => {
    const [head, rule, row, ...more] = hostile.toMarkdown().split("\n");
    expect(more).toEqual([]);
    expect(rule).toBe("| --- | --- |");
    for (const line of [head, row]) {
      expect(line).toContain("\\<script\\>");
      expect(line).toContain("\\[x\\]");
      expect(line?.match(/(?<!\\)\|/g)).toHaveLength(3);
    }
  });

  test("is itself in JSON and, if it is no formula, in CSV", () => {
    expect(JSON.parse(JSON.stringify(hostile)).rows).toEqual([[MARKUP, HOSTILE]]);
    expect(readCsv(hostile.toCSV())[1]).toEqual([MARKUP, HOSTILE]);
  });

  test.each([
    ["=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"],
    ["+1+cmd", "'+1+cmd"],
    ["-2+3", "'-2+3"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["\t=1", "'\t=1"],
    ["\r=1", "'\r=1"],
    ["\n=1", "'\n=1"],
    [" =1", "' =1"],
    ["＝1", "'＝1"],
    ["a;=cmd()", "a;'=cmd()"],
    ["bot; +http://x", "bot;' +http://x"],
    ["a\t=1", "a\t'=1"],
    ["a\n@SUM(A1)", "a\n'@SUM(A1)"],
    ["=;=1", "'=;'=1"],
    ["a; b=c", "a; b=c"],
    ["-", "-"],
    ["-1.5", "-1.5"],
    ["+41", "+41"],
    ["a=b", "a=b"],
    ["", ""],
  ])("%j is %j in CSV, which no spreadsheet takes for a formula", (given, written) => {
    const table = Table.of([text("a")], [[given]]);
    expect(readCsv(table.toCSV())[1]).toEqual([written]);
    expect(readCsv(table.toCSV({ formulas: "keep" }))[1]).toEqual([given]);
  });

  test("of any kind is read back from CSV as it was", () => {
    const any = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(fc.array(fc.tuple(any, any), { minLength: 1 }), (rows) => {
        const csv = Table.of([text("a"), text("b")], rows).toCSV({ formulas: "keep" });
        expect(readCsv(csv).slice(1)).toEqual(rows);
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});

test("CSV is made in one of two ways", () => {
  expect(() => mixed.toCSV({ formulas: "no" as never })).toThrow('toCSV: formulas is "disarm" or "keep", not "no"');
});
