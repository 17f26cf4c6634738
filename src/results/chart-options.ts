import { QueryError } from "../errors.ts";
import { formatInstant, type Instant, instantMs, shown } from "../time.ts";

/** A level drawn across a chart, in the unit of its values. */
export interface ChartThreshold {
  readonly value: number;
  readonly label?: string | undefined;
}

/** A span of time that a chart marks. */
export interface ChartIncident {
  readonly from: Instant;
  readonly to: Instant;
  readonly label?: string | undefined;
}

/** What a chart shows beside the values, and how large it is. */
export interface ChartOptions {
  readonly title?: string | undefined;
  /** Levels drawn across, as numbers of the values' unit, with a label where they need one. */
  readonly thresholds?: readonly (ChartThreshold | number)[] | undefined;
  /** Spans of time that are marked. */
  readonly incidents?: readonly ChartIncident[] | undefined;
  /** In pixels; 640 by 240 when left out. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** {@link ChartOptions} with nothing left out. */
export interface Chart {
  readonly title: string | undefined;
  readonly thresholds: readonly { readonly value: number; readonly label: string | undefined }[];
  readonly incidents: readonly {
    readonly fromMs: number;
    readonly toMs: number;
    readonly label: string | undefined;
  }[];
  readonly width: number;
  readonly height: number;
}

/**
 * What is asked of a chart, checked.
 *
 * @throws {QueryError} `code: "unit"` for a threshold that is no number, `"time"` and `"range"` for an incident that is no
 * span of time, `"config"` for a size that is none
 */
export function chartOf({ title, thresholds = [], incidents = [], width = 640, height = 240 }: ChartOptions): Chart {
  for (const [name, pixels] of [
    ["width", width],
    ["height", height],
  ] as const) {
    if (!(typeof pixels === "number" && pixels >= 50 && pixels <= 10_000)) {
      throw new QueryError("config", `chart: ${name} is from 50 to 10000 pixels, not ${shown(pixels)}`);
    }
  }
  return {
    title,
    width,
    height,
    thresholds: thresholds.map((given) => {
      const { value, label } = typeof given === "number" ? { value: given, label: undefined } : given;
      if (typeof value === "number" && Number.isFinite(value)) return { value, label };
      throw new QueryError("unit", `chart: the threshold ${shown(value)} is no number; write thresholds: [0.99]`);
    }),
    incidents: incidents.map(({ from, to, label }) => {
      const [fromMs, toMs] = [instantMs(from, "incidents: from"), instantMs(to, "incidents: to")];
      if (fromMs <= toMs) return { fromMs, toMs, label };
      throw new QueryError(
        "range",
        `chart: the incident from ${formatInstant(fromMs)} ends before it begins; swap from and to`,
      );
    }),
  };
}

/** Of a chart's incidents those that lie within a range, as far as they do. */
export function incidentsWithin({ incidents }: Chart, startMs: number, endMs: number): Chart["incidents"] {
  return incidents
    .filter(({ fromMs, toMs }) => toMs >= startMs && fromMs <= endMs)
    .map(({ fromMs, toMs, label }) => ({
      fromMs: Math.max(fromMs, startMs),
      toMs: Math.min(toMs, endMs),
      label,
    }));
}
