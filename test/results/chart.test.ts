import { loader, parse, View } from "vega";
import { describe, expect, test } from "vitest";
import { QueryError } from "../../src/errors.ts";
import { Matrix, Series } from "../../src/results/matrix.ts";
import { peer } from "../../src/results/peer.ts";
import { tickTexts, timeTicks, valueTicks } from "../../src/results/ticks.ts";
import type { VegaLiteSpec } from "../../src/results/vega-lite.ts";
import { AT, metaOf } from "./answers.ts";
import { checkVegaLite } from "./vega-lite.ts";

const MINUTE = 60_000;

/** A matrix whose series are given as values a minute apart, `undefined` where there is none. */
function matrix(series: Record<string, readonly (number | undefined)[]>, unit = "req/s"): Matrix {
  const members = Object.entries(series).map(([response_code, values]) => {
    const there = values.flatMap((value, i) => (value === undefined ? [] : [{ timeMs: AT + i * MINUTE, value }]));
    return new Series({
      labels: { response_code },
      unit,
      timesMs: Float64Array.from(there, ({ timeMs }) => timeMs),
      values: Float64Array.from(there, ({ value }) => value),
    });
  });
  return new Matrix({ unit, meta: metaOf(), series: members, startMs: AT, endMs: AT + 5 * MINUTE, stepMs: MINUTE });
}

const gappy = matrix({ 200: [1, 2, undefined, 4, 5, 6], 503: [undefined, 0.5, undefined, undefined, Number.NaN, 1] });
const marks = {
  title: "Rates <b>",
  thresholds: [3, { value: 5.5, label: "limit <i>" }],
  incidents: [{ from: AT + MINUTE, to: new Date(AT + 2 * MINUTE), label: "incident <u>" }],
};

/** The paths that Vega draws of the lines, apart from what else is in the picture. */
async function lines(spec: VegaLiteSpec): Promise<string[]> {
  const view = new View(parse(checkVegaLite(spec)), { renderer: "none", loader: loader({ mode: "file" }) });
  const svg = await view.toSVG();
  view.finalize();
  return Array.from(svg.matchAll(/aria-roledescription="line mark"[^>]* d="([^"]*)"/g), ([, d = ""]) => d);
}

describe("the chart of a matrix for Vega-Lite", () => {
  test.each([
    ["with gaps", gappy, {}],
    ["with marks", gappy, marks],
    ["of one series without labels", matrix({ "": [0.99, 1] }, "ratio"), {}],
    ["of no unit", matrix({ "": [1] }, "1"), {}],
    ["of nothing", matrix({}), marks],
  ] as const)("%s is valid, and compiles without a warning", (_, one, options) => {
    const spec = one.toVegaLite(options);
    expect(spec.$schema).toBe("https://vega.github.io/schema/vega-lite/v5.json");
    checkVegaLite(spec);
  });

  test("has a row without a value in each gap, and marks what stands alone", () => {
    const layer = JSON.parse(JSON.stringify(gappy.toVegaLite())).layer as { data: { values: object[] } }[];
    expect(layer[0]?.data.values).toEqual([
      { time: AT, series: "200", value: 1 },
      { time: AT + MINUTE, series: "200", value: 2 },
      { time: AT + 2 * MINUTE, series: "200", value: null },
      { time: AT + 3 * MINUTE, series: "200", value: 4 },
      { time: AT + 4 * MINUTE, series: "200", value: 5 },
      { time: AT + 5 * MINUTE, series: "200", value: 6 },
      { time: AT + MINUTE, series: "503", value: 0.5, alone: true },
      { time: AT + 2 * MINUTE, series: "503", value: null },
      { time: AT + 5 * MINUTE, series: "503", value: 1, alone: true },
    ]);
  });

  test("is drawn with the line broken at the gap", async () => {
    const [first] = await lines(gappy.toVegaLite());
    expect(first?.match(/M/g)).toHaveLength(2);
  });

  test("names the unit at its axis, and shares as per cent that need not reach 0", () => {
    const text = JSON.stringify(matrix({ "": [0.991, 0.999] }, "ratio").toVegaLite());
    expect(text).toContain('"title":"ratio","scale":{"zero":false},"axis":{"format":".4~%"}');
    expect(JSON.stringify(gappy.toVegaLite())).toContain('"title":"req/s","scale":{"zero":true}');
  });

  test("spans the range that was asked for, and stands on zero where all is zero", () => {
    const scales = (one: Matrix, options = {}) => {
      const spec = one.toVegaLite(options);
      checkVegaLite(spec);
      const text = JSON.stringify(spec);
      return new Set(Array.from(text.matchAll(/"scale":(\{[^}]*\})/g), ([, scale = ""]) => scale));
    };
    const time = `{"type":"utc","domain":[${AT},${AT + 5 * MINUTE}]}`;
    expect(scales(matrix({ "": [undefined, 3] }), marks)).toEqual(new Set(['{"type":"utc"}', time, '{"zero":true}']));
    expect(scales(matrix({ "": [0, 0] }))).toEqual(new Set([time, '{"domain":[0,1]}']));
    expect(scales(matrix({ "": [0, 0] }), { thresholds: [3] })).toEqual(new Set([time, '{"zero":true}']));
    expect(scales(matrix({}))).toEqual(new Set([time, '{"domain":[0,1]}']));
  });

  test("has names in its key that are long enough to be told apart", async () => {
    const member = (source_workload: string, response_code: string) =>
      new Series({
        labels: { source_workload, response_code },
        unit: "1",
        timesMs: Float64Array.of(AT),
        values: Float64Array.of(1),
      });
    const series = [member("checkout-frontend", "200"), member("checkout-frontend-canary", "503")];
    const both = new Matrix({ unit: "1", meta: metaOf(), series, startMs: AT, endMs: AT, stepMs: MINUTE });
    expect(await both.toSVG()).toContain(">source_workload=checkout-frontend-canary response_code=503<");
  });

  test("becomes SVG, in which texts are text", async () => {
    const svg = await gappy.toSVG(marks);
    expect(svg).toMatch(/^<svg[^>]* xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    for (const name of ["Rates", "limit", "incident"]) expect(svg).toContain(`${name} &lt;`);
    expect(svg).toContain("req/s");
    expect(svg).not.toMatch(/<[biu]>/);
  });

  test("asks for the packages that draw it where they are not there", async () => {
    const broken = { View, parse: () => undefined as never };
    const compileNothing = { compile: () => ({ spec: {} }) };
    await expect(gappy.toSVG({ vega: broken, vegaLite: compileNothing })).rejects.toThrow(TypeError);
    const error = await peer("meshquery-no-such-package", "toSVG", "vega vega-lite").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(QueryError);
    expect(error).toMatchObject({
      code: "peer",
      message:
        "toSVG: the package meshquery-no-such-package cannot be loaded; npm install vega vega-lite, or pass what you imported yourself",
    });
  });
});

describe("a chart refuses", () => {
  test.each([
    [{ thresholds: [Number.NaN] }, "unit", "chart: the threshold NaN is no number; write thresholds: [0.99]"],
    [{ width: 3 }, "config", "chart: width is from 50 to 10000 pixels, not 3"],
    [{ incidents: [{ from: AT, to: "yesterday" }] }, "time", 'incidents: to: "yesterday" is not an instant'],
    [{ incidents: [{ from: AT, to: AT - 1 }] }, "range", "ends before it begins; swap from and to"],
  ] as const)("%j", (options, code, message) => {
    for (const draw of [() => gappy.toVegaLite(options), () => gappy.toHTML(options)]) {
      expect(draw).toThrow(QueryError);
      expect(draw).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
    }
  });
});

describe("the chart of a matrix on a page", () => {
  const html = gappy.toHTML(marks);

  test("breaks its lines at gaps, and draws what stands alone as a dot", () => {
    const paths = Array.from(html.matchAll(/<path class="line ([^"]*)" d="([^"]*)"/g), ([, kind, d]) => [kind, d]);
    expect(paths).toEqual([
      ["c0", expect.stringMatching(/^M[^M]*M[^M]*$/)],
      ["dot c1", expect.stringMatching(/^M[^M]*h0M[^M]*h0$/)],
    ]);
  });

  test.each([
    [
      "is as wide as the texts beside its axis need",
      [1e-9, 5e-10],
      "req/s",
      ["0 req/s", "2.500e-10 req/s", "1.000e-9 req/s"],
    ],
    ["is as wide as great numbers need", [1e12, 2e12], "B/s", ["0 B/s", "500000000000 B/s", "2000000000000 B/s"]],
    ["is narrow where its texts are short", [1, 4], "B/s", ["0 B/s", "4 B/s"]],
  ] as const)("%s", (_, values, unit, texts) => {
    const page = matrix({ "": values }, unit).toHTML();
    const marks = Array.from(page.matchAll(/<text x="([\d.]+)"[^>]* text-anchor="end">([^<]*)</g), ([, x, text]) => ({
      text,
      x: Number(x),
    })).filter(({ text }) => text?.endsWith(` ${unit}`));
    expect(marks.map(({ text }) => text)).toEqual(expect.arrayContaining([...texts]));
    // About six pixels for each character.
    for (const { text = "", x } of marks) expect(x).toBeGreaterThan(5.5 * text.length);
    expect(Math.max(...marks.map(({ x }) => x))).toBeLessThan(
      Math.max(64, 8 * Math.max(...texts.map((one) => one.length))),
    );
  });

  test("marks of an incident what lies within the range, and has its name where there is room", () => {
    const incidents = [
      { from: AT - 3 * MINUTE, to: AT - 2 * MINUTE, label: "before" },
      { from: AT - 3 * MINUTE, to: AT + MINUTE, label: "into" },
      { from: AT + 4 * MINUTE, to: AT + 9 * MINUTE, label: "out of" },
      { from: AT + 6 * MINUTE, to: AT + 7 * MINUTE, label: "after" },
    ];
    const page = gappy.toHTML({ incidents, width: 640 });
    const boxes = Array.from(
      page.matchAll(/<rect class="incident" x="([\d.]+)" y="\d+" width="([\d.]+)"/g),
      ([, x, width]) => [Number(x), Number(x) + Number(width)],
    );
    expect(boxes).toEqual([
      [64, expect.closeTo(64 + (640 - 12 - 64) / 5)],
      [expect.closeTo(64 + (4 * (640 - 12 - 64)) / 5), 628],
    ]);
    expect(
      Array.from(page.matchAll(/<text class="incident" [^>]*text-anchor="(\w+)">([^<]*)</g), ([, at, name]) => [
        name,
        at,
      ]),
    ).toEqual([
      ["into", "start"],
      ["out of", "end"],
    ]);
    const [layer] = gappy.toVegaLite({ incidents }).layer as readonly { readonly data: unknown }[];
    expect(layer?.data).toEqual({
      values: [
        { from: AT, to: AT + MINUTE, label: "into" },
        { from: AT + 4 * MINUTE, to: AT + 5 * MINUTE, label: "out of" },
      ],
    });
  });

  test("has room for the name of a threshold at its upper edge, above that of an incident", () => {
    const page = gappy.toHTML({ thresholds: [6], incidents: [{ from: AT, to: AT + MINUTE, label: "rollout" }] });
    const [, threshold] = /<text class="threshold" x="\d+" y="([\d.-]+)"/.exec(page) ?? [];
    const [, incident] = /<text class="incident" x="[\d.]+" y="([\d.-]+)"/.exec(page) ?? [];
    expect(Number(threshold)).toBeGreaterThan(11);
    expect(Number(incident) - Number(threshold)).toBeGreaterThan(11);
  });

  test("has a line at each threshold and a box over each incident, their texts escaped", () => {
    expect(html.match(/<path class="threshold"/g)).toHaveLength(2);
    expect(html).toContain(">3 req/s</text>");
    expect(html).toContain(">limit &lt;i&gt; 5.5 req/s</text>");
    expect(html).toContain(">incident &lt;u&gt;</text>");
    expect(html).not.toMatch(/<[iu]>/);
  });

  test("draws of many values no more than can be seen", () => {
    const n = 50_000;
    const many = new Series({
      labels: {},
      unit: "ms",
      timesMs: Float64Array.from({ length: n }, (_, i) => AT + i * 1000),
      values: Float64Array.from({ length: n }, (_, i) => (i === 31_415 ? 1000 : i % 7)),
    });
    const page = new Matrix({
      unit: "ms",
      meta: metaOf(),
      series: [many],
      startMs: AT,
      endMs: AT + n * 1000,
      stepMs: 1000,
    }).toHTML();
    const [, d = ""] = /<path class="line c0" d="([^"]*)"/.exec(page) ?? [];
    expect(d.length).toBeLessThan(60_000);
    // The one value that stands out is drawn, at the top.
    expect(d).toContain(",18.0");
  });

  test("is not drawn where there is nothing", () => {
    expect(matrix({}).toHTML()).not.toContain('<div class="mq-chart"');
    expect(matrix({}).toHTML()).toContain("no data");
  });
});

describe("an axis", () => {
  test.each<[number, number, readonly number[]]>([
    [0, 93, [0, 25, 50, 75, 100]],
    [0, 0, [0, 0.25, 0.5, 0.75, 1]],
    [0.984, 0.9944, [0.98, 0.985, 0.99, 0.995]],
    [-3, 4, [-4, -2, 0, 2, 4]],
    [5, 5, [4, 6, 8, 10]],
    [1e-9, 3e-9, [1e-9, 1.5e-9, 2e-9, 2.5e-9, 3e-9]],
    [1_795_168_800_000, 1_795_168_800_001, [0, 0.25, 0.5, 0.75, 1].map((more) => 1_795_168_800_000 + more)],
  ])("from %d to %d has round numbers", (low, high, ticks) => {
    const found = valueTicks(low, high);
    expect(found[0]).toBeLessThanOrEqual(low);
    expect(found.at(-1)).toBeGreaterThanOrEqual(high);
    expect(found).toEqual(ticks);
  });

  test.each<[number, number, string, readonly string[]]>([
    [0, 93, "req/s", ["0 req/s", "25 req/s", "50 req/s", "75 req/s", "100 req/s"]],
    [0.5, 1, "ratio", ["40 %", "60 %", "80 %", "100 %"]],
    [0.99989, 0.99995, "ratio", ["99.988 %", "99.99 %", "99.992 %", "99.994 %", "99.996 %"]],
    [1_000_000, 1_000_001, "B", ["1000000 B", "1000000.25 B", "1000000.5 B", "1000000.75 B", "1000001 B"]],
    [4000.2, 4001, "1", ["4000", "4000.25", "4000.5", "4000.75", "4001"]],
  ])("from %d to %d %s says at each mark something else", (low, high, unit, texts) => {
    expect(tickTexts(valueTicks(low, high), unit)).toEqual(texts);
  });

  test("of time has round instants", () => {
    expect(timeTicks(AT, AT + 30_000).map(({ text }) => text)).toEqual([
      "10:00:00",
      "10:00:05",
      "10:00:10",
      "10:00:15",
      "10:00:20",
      "10:00:25",
      "10:00:30",
    ]);
    expect(timeTicks(AT, AT + 24 * 60 * MINUTE).map(({ text }) => text)).toEqual([
      "12:00",
      "15:00",
      "18:00",
      "21:00",
      "2026-11-21",
      "03:00",
      "06:00",
      "09:00",
    ]);
    expect(timeTicks(AT, AT + 365 * 24 * 60 * MINUTE).length).toBeLessThanOrEqual(9);
  });
});
