import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { page } from "../../src/results/page.ts";
import { Sample } from "../../src/results/sample.ts";
import { AT, HOSTILE, metaOf, NEUTRALISED } from "./answers.ts";

const sample = (value: number | undefined, unit = "req/s", meta = metaOf()) =>
  new Sample({ value, unit, at: AT, labels: {}, meta });

describe("a sample as text", () => {
  test.each<[number | undefined, string, string]>([
    [41.7, "req/s", "41.7 req/s"],
    [0, "req/s", "0 req/s"],
    [-0, "req/s", "0 req/s"],
    [undefined, "req/s", "no data"],
    [undefined, "ratio", "no data"],
    [1, "ratio", "100 %"],
    [0.123456, "ratio", "12.35 %"],
    [0, "ratio", "0 %"],
    [0.9991, "ratio", "99.91 %"],
    [0.99995, "ratio", "99.995 %"],
    [0.999954, "ratio", "99.9954 %"],
    [0.99999, "ratio", "99.999 %"],
    [0.9999999, "ratio", "99.99999 %"],
    [1 - Number.EPSILON, "ratio", "100 %"],
    [1.5, "ratio", "150 %"],
    [1 / 3, "ms", "0.3333 ms"],
    [1234.5678, "ms", "1235 ms"],
    [123_456_789, "B/s", "123456789 B/s"],
    [1e15, "B/s", "1.000e+15 B/s"],
    [0.00001234, "req/s", "1.234e-5 req/s"],
    [-2.5, "req/s", "-2.5 req/s"],
    [Number.NaN, "req/s", "NaN req/s"],
    [Number.POSITIVE_INFINITY, "req/s", "Infinity req/s"],
  ])("of %s in %s is %s", (value, unit, text) => {
    expect(String(sample(value, unit))).toBe(text);
  });
});

describe("a sample at the console", () => {
  test("says when, from where and from what query", () => {
    expect(inspect(sample(41.7))).toMatchInlineSnapshot(`
      "41.7 req/s
        at 2026-11-20T10:00:00Z from prometheus: sum(up)"
    `);
  });

  test("says what is missing, and what the server remarked", () => {
    const meta = metaOf({ complete: false, warnings: ["store x is down"], infos: ["metric might not be a counter"] });
    expect(inspect(sample(undefined, "ratio", meta))).toMatchInlineSnapshot(`
      "no data
        at 2026-11-20T10:00:00Z from prometheus: sum(up)
        incomplete: part of the data is missing
        warning: store x is down
        info: metric might not be a counter"
    `);
  });

  test("lets nothing that came from the network move the cursor", () => {
    const meta = metaOf({ warnings: [HOSTILE], infos: [HOSTILE], promql: HOSTILE });
    const text = inspect(sample(1, "req", meta));
    expect(text).toContain(`warning: ${NEUTRALISED}`);
    expect(text).toContain(`info: ${NEUTRALISED}`);
    expect(text.split("\n")).toHaveLength(4);
    expect(text).not.toContain("\u001b");
  });

  test.each([Number.NaN, 1e300])("is printed even with the time %d, which no date holds", (at) => {
    expect(inspect(new Sample({ value: 1, unit: "req", at, labels: {}, meta: metaOf() }))).toContain(`at ${at} ms`);
  });
});

test("a sample cannot be changed", () => {
  expect(Object.isFrozen(sample(1))).toBe(true);
});

test("a sample is JSON with its unit, its labels and its origin", () => {
  expect(JSON.parse(JSON.stringify(sample(1)))).toEqual({
    value: 1,
    unit: "req/s",
    at: AT,
    labels: {},
    meta: metaOf(),
  });
});

describe("a sample becomes", () => {
  const labelled = new Sample({ value: undefined, unit: "req/s", at: AT, labels: { a: "=1" }, meta: metaOf() });

  test("a row of CSV, without a value where nothing was measured", () => {
    expect(labelled.toCSV()).toBe("time,a,value (req/s)\r\n2026-11-20T10:00:00Z,'=1,\r\n");
  });

  test("Markdown", () => {
    expect(sample(41.7).toMarkdown()).toBe("**41.7 req/s**\n\n- at 2026-11-20T10:00:00Z from prometheus: sum(up)");
  });

  test("a page that is light or dark as its reader has it, and loads nothing", () => {
    const html = sample(41.7, "req/s", metaOf({ complete: false, warnings: ["<b>"] })).toHTML();
    expect(html).toMatch(/^<!doctype html>[\s\S]*<\/html>$/);
    expect(html).toContain('<p class="strong">41.7 req/s</p>');
    expect(html).toContain('<p class="warn">warning: &lt;b&gt;</p>');
    expect(html).toContain("color-scheme: light dark");
    expect(html).toContain('[data-jp-theme-light="false"]');
    expect(html).not.toMatch(/<script|<link|src=|@import|url\(/);
  });

  test("part of a page of several results", () => {
    const html = page("Nightly <report>", [sample(41.7), labelled]);
    expect(html).toContain("<title>Nightly &lt;report&gt;</title>");
    expect(html.match(/<section>/g)).toHaveLength(2);
    expect(html.match(/<style>/g)).toHaveLength(1);
    expect(page("x", [], { fragment: true })).toMatch(/^<div class="mq">/);
  });
});
