import * as z from "zod/mini";
import { QueryError } from "../../errors.ts";
import { type CustomLabel, labelName } from "../../results/labels.ts";
import { type AskOptions, shown, type TimeSpan } from "../../time.ts";
import type { Answer, Exemplar } from "../backend.ts";
import type { DialectKind } from "./dialect.ts";
import type { Selected } from "./fields.ts";
import { goNumber, limited, Texts } from "./fields.ts";

/** Which part of what is stored is asked about. */
export interface CatalogOptions extends AskOptions {
  /** When the series had samples; what is left out is the server's choice, mostly all that it keeps. */
  readonly over?: TimeSpan | undefined;
  /** The most that is given: where there is more, `complete` is false. */
  readonly limit?: number | undefined;
}

/** Whose labels are asked for. */
export interface LabelOptions extends CatalogOptions {
  /** Of the series that any of these selects; of all when left out. */
  readonly match?: Selected | readonly Selected[] | undefined;
}

/** Which metrics are described. */
export interface MetadataOptions extends AskOptions {
  /** One metric alone, by its name. */
  readonly metric?: string | undefined;
  /** The most metrics that are described: where there are more, `complete` is false. */
  readonly limit?: number | undefined;
}

/** What kind of measurement a metric is, as its targets say. */
export type MetricType =
  | "counter"
  | "gauge"
  | "gaugehistogram"
  | "histogram"
  | "info"
  | "stateset"
  | "summary"
  | "unknown"
  | (string & {});

/** What targets say of a metric. Several may say different things. */
export interface MetricMetadata {
  readonly type: MetricType;
  readonly help: string;
  readonly unit: string;
}

/** The series of `/api/v1/series`. */
export const SeriesData = z.array(Texts);
/** The names or values of `/api/v1/labels` and `/api/v1/label/…/values`. */
export const NameData = z.array(z.string());
/** What `/api/v1/metadata` says of each metric. */
export const MetadataData = z.record(
  z.string(),
  z.array(z.object({ type: z.string(), help: z.string(), unit: z._default(z.string(), "") })),
);
/** The exemplars of `/api/v1/query_exemplars`. */
export const ExemplarData = z.nullish(
  z.array(
    z.object({
      seriesLabels: Texts,
      exemplars: z.array(z.object({ labels: Texts, value: z.union([z.string(), z.number()]), timestamp: z.number() })),
    }),
  ),
);

/** Metadata by the metric's name, at most `limit` metrics. */
export function metadataOf(
  answer: Answer<Readonly<Record<string, readonly MetricMetadata[]>>>,
  limit: number | undefined,
): Answer<ReadonlyMap<string, readonly MetricMetadata[]>> {
  const all = Object.entries(answer.data);
  const { data, ...rest } = limited({ ...answer, data: all }, limit, "metrics");
  return { ...rest, data: new Map(data) };
}

/** Exemplars one by one, at most `limit`. */
export function exemplarsOf(
  answer: Answer<z.infer<typeof ExemplarData>>,
  limit: number | undefined,
): Answer<readonly Exemplar[]> {
  const all = (answer.data ?? []).flatMap(({ seriesLabels, exemplars }) =>
    exemplars.map(({ labels, value, timestamp }) => ({
      series: seriesLabels,
      labels,
      value: typeof value === "number" ? value : goNumber(value),
      timeMs: Math.round(timestamp * 1000),
    })),
  );
  return limited({ ...answer, data: all }, limit, "exemplars");
}

/** A label's name in a path; `undefined` for one beyond the classic letters, which dialects write differently. */
export function labelInPath(label: CustomLabel | string): string | undefined {
  const name = labelName(label);
  if (typeof name !== "string" || name === "") {
    throw new QueryError("label", `labelValues: ${shown(name)} is no label name; write labelValues("job")`);
  }
  return /^[a-zA-Z_]\w*$/.test(name) && !name.startsWith("U__") ? name : undefined;
}

/**
 * Any label's name in a path: escaped as Prometheus 3 has it, or as it is where a dialect knows no such escaping.
 *
 * @see Prometheus, "UTF-8 in Prometheus": the escaping scheme `values`
 */
export function foreignInPath(label: CustomLabel | string, dialect: DialectKind): string {
  const name = labelName(label);
  if (dialect === "victoria-metrics") return encodeURIComponent(name);
  const written = Array.from(name, (character, i) => {
    if (character === "_") return "__";
    if (/[a-zA-Z]/.test(character) || (i > 0 && /\d/.test(character))) return character;
    const code = character.codePointAt(0) ?? 0;
    return code >= 0xd800 && code <= 0xdfff ? "_FFFD_" : `_${code.toString(16)}_`;
  });
  return `U__${written.join("")}`;
}
