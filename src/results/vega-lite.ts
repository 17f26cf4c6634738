import { type Chart, incidentsWithin } from "./chart-options.ts";
import { type Courses, extentOf, reachesZero, runsOf } from "./course.ts";

/** A chart as Vega-Lite 5 describes it, with its data in it. */
export interface VegaLiteSpec {
  readonly $schema: "https://vega.github.io/schema/vega-lite/v5.json";
  readonly [property: string]: unknown;
}

export const VEGA_LITE_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json";

const RED = "#c5221f";
/** Hours from 0 to 24, which the default has not. */
const CLOCK = { year: "%Y", month: "%Y-%m", week: "%b %d", date: "%b %d", hours: "%H:%M", minutes: "%H:%M" };
const TIME = { type: "temporal", scale: { type: "utc" }, title: "time (UTC)", axis: { format: CLOCK } } as const;
/** A name in the key may be as long as a few labels are, in pixels: cut short, it would be as good as none. */
const KEY = { labelLimit: 640 };

/** Courses as lines over time; what has no value is a row with `null`, so that a gap is a gap. */
export function vegaLiteLines(given: Courses, chart: Chart): VegaLiteSpec {
  const { title, thresholds, width, height } = chart;
  const { unit, startMs, endMs, courses } = given;
  const levels = [...(extentOf(courses) ?? []), ...thresholds.map(({ value }) => value)];
  // An axis of nothing but zeros would have them in its middle.
  const isFlat = levels.every((level) => level === 0);
  const scale = isFlat ? { domain: [0, 1] } : { zero: reachesZero(unit, Math.min(...levels)) };
  const values = { type: "quantitative", title: unit === "1" ? "value" : unit, scale } as const;
  const y = unit === "ratio" ? { ...values, axis: { format: ".4~%" } } : values;
  const isNamed = courses.length > 1 || (courses[0]?.name ?? "") !== "";
  const color = isNamed ? { color: { field: "series", type: "nominal", title: null, sort: null, legend: KEY } } : {};
  const tooltip = [
    { field: "time", type: "temporal", timeUnit: "utcyearmonthdatehoursminutesseconds", title: "time (UTC)" },
    ...(isNamed ? [{ field: "series", type: "nominal", title: "series" }] : []),
    { field: "value", type: "quantitative", title: unit === "1" ? "value" : `value (${unit})` },
  ];
  // The range that was asked for, whether or not its ends have values.
  const time = { ...TIME, scale: { ...TIME.scale, ...(startMs < endMs && { domain: [startMs, endMs] }) } };
  const encoding = { x: { field: "time", ...time }, y: { field: "value", ...y }, ...color };
  return {
    $schema: VEGA_LITE_SCHEMA,
    ...(title === undefined ? {} : { title }),
    width,
    height,
    layer: [
      ...incidentLayers(incidentsWithin(chart, startMs, endMs)),
      {
        data: { values: rowsOf(given) },
        layer: [
          { mark: { type: "line", strokeJoin: "round" }, encoding: { ...encoding, tooltip } },
          {
            transform: [{ filter: "datum.alone" }],
            mark: { type: "point", filled: true, size: 20 },
            encoding: { ...encoding, tooltip },
          },
        ],
      },
      ...thresholdLayers(thresholds, y),
    ],
  };
}

function incidentLayers(incidents: Chart["incidents"]): readonly unknown[] {
  if (incidents.length === 0) return [];
  const values = incidents.map(({ fromMs, toMs, label = "" }) => ({ from: fromMs, to: toMs, label }));
  const x = { field: "from", ...TIME };
  return [
    {
      data: { values },
      layer: [
        {
          mark: { type: "rect", color: RED, opacity: 0.13 },
          encoding: { x, x2: { field: "to" }, tooltip: [{ field: "label", type: "nominal", title: "incident" }] },
        },
        {
          mark: { type: "text", color: RED, align: "left", baseline: "top", dx: 4, dy: 4 },
          encoding: { x, y: { value: 0 }, text: { field: "label", type: "nominal" } },
        },
      ],
    },
  ];
}

function thresholdLayers(thresholds: Chart["thresholds"], y: object): readonly unknown[] {
  if (thresholds.length === 0) return [];
  const values = thresholds.map(({ value, label }) => ({ level: value, label: label ?? String(value) }));
  return [
    {
      data: { values },
      layer: [
        {
          mark: { type: "rule", color: RED, strokeDash: [5, 4] },
          encoding: { y: { field: "level", ...y } },
        },
        {
          mark: { type: "text", color: RED, align: "right", baseline: "bottom", dy: -2 },
          encoding: { y: { field: "level", ...y }, x: { value: "width" }, text: { field: "label", type: "nominal" } },
        },
      ],
    },
  ];
}

interface Row {
  readonly time: number;
  readonly series: string;
  readonly value: number | null;
  readonly alone?: true;
}

/** A row for each value, one without a value for each gap. */
function rowsOf({ courses, stepMs }: Courses): readonly Row[] {
  const rows: Row[] = [];
  for (const course of courses) {
    const { name: series, timesMs, values } = course;
    let before: number | undefined;
    for (const [from, to] of runsOf(course, stepMs)) {
      if (before !== undefined) rows.push({ time: before + stepMs, series, value: null });
      const alone = to - from === 1 ? ({ alone: true } as const) : {};
      for (let i = from; i < to; i++)
        rows.push({ time: timesMs[i] as number, series, value: values[i] as number, ...alone });
      before = timesMs[to - 1];
    }
  }
  return rows;
}
