import { DecodeError, QueryError, unreachable } from "../../errors.ts";
import { shown } from "../../time.ts";
import type { LogGroup, LogLine, LogMeasure, LogMeasurement, LogSeries } from "../backend.ts";
import { fieldNumber, fieldText, recordOf } from "../line-filter.ts";
import { isRecord, type JsonRecord, NAME } from "./answer.ts";
import type { Clause } from "./conditions.ts";
import { isNumber, keywordOf, LONGEST_NAME, type Mapping, type Places } from "./mapping.ts";

/** Nobody looks at more instants; Loki refuses them too. */
const MOST_INSTANTS = 11_000;

/**
 * The instants of a question.
 *
 * @throws {QueryError} `code: "step"` where they are too many
 */
export function instantsOf({ fromMs, toMs, stepMs }: LogMeasure): readonly number[] {
  if (fromMs !== toMs && (toMs - fromMs) / stepMs > MOST_INSTANTS) {
    throw new QueryError(
      "step",
      `${NAME}: a step of ${shown(stepMs)} ms makes more than ${MOST_INSTANTS} instants; write a longer one`,
    );
  }
  const instants: number[] = [];
  for (let ms = fromMs; ms <= toMs; ms += stepMs) {
    instants.push(ms);
    if (fromMs === toMs) break;
  }
  return instants;
}

/** Where the server can reckon it: the paths of the number and of the groups. */
export interface Aggregated {
  readonly number: string | undefined;
  readonly groups: readonly string[];
  /** What documents have that the server did not index by its value, and so cannot group by: then the lines decide. */
  readonly unindexed: readonly Clause[];
}

/** The paths by which the server can reckon a measurement itself, exactly by group; `undefined` where it cannot. */
export function aggregatedBy(
  { measurement, by }: LogMeasure,
  mapping: Mapping,
  places: Places,
): Aggregated | undefined {
  // Fields of lines that are kept whole are the server's to keep, not to reckon with.
  const field = (name: string) => (places.merged === "" ? name : `${places.merged}.${name}`);
  const apart = places.merged !== undefined && places.line === undefined;
  const number = "field" in measurement ? field(measurement.field) : undefined;
  if (number !== undefined && !(apart && isNumber(mapping, number))) return undefined;
  const groups: string[] = [];
  const unindexed: Clause[] = [];
  for (const group of by) {
    const path = "origin" in group ? places.origin[group.origin] : apart ? field(group.field) : undefined;
    const keyword = path === undefined ? undefined : keywordOf(mapping, path);
    if (path === undefined || keyword === undefined) return undefined;
    groups.push(keyword.path);
    if (keyword.longest >= ("origin" in group ? LONGEST_NAME : Number.POSITIVE_INFINITY)) continue;
    // Only the text beside a keyword tells of values that were too long for it.
    if (keyword.path === path) return undefined;
    const exists = (one: string): Clause => ({ exists: { field: one } });
    unindexed.push({ bool: { filter: [exists(path)], must_not: [exists(keyword.path)] } });
  }
  return { number, groups, unindexed };
}

/** How many groups one call asks for, and how many windows. */
const MOST_GROUPS = 1_000;
export const MOST_WINDOWS = 500;

/** The aggregations that measure each window, `(instant - window, instant]`, by group. */
export function aggregationsOf(
  { measurement, windowMs }: LogMeasure,
  { number, groups, unindexed }: Aggregated,
  instants: readonly number[],
  time: string,
): Clause {
  let inner: Clause = number === undefined ? {} : { value: metricOf(measurement, number) };
  for (const path of [...groups].reverse()) {
    const terms = { field: path, size: MOST_GROUPS, missing: MISSING };
    inner = { group: { terms, ...(isEmpty(inner) ? {} : { aggs: inner }) } };
  }
  const filters = Object.fromEntries(
    instants.map((ms) => [
      String(ms),
      { range: { [time]: { gt: Math.floor(ms - windowMs), lte: Math.floor(ms), format: "epoch_millis" } } },
    ]),
  );
  return {
    window: { filters: { filters }, ...(isEmpty(inner) ? {} : { aggs: inner }) },
    ...(unindexed.length === 0 ? {} : { unindexed: { filter: { bool: { should: unindexed } } } }),
  };
}

/** What documents without a value are grouped under. */
const MISSING = "";

/** Whether documents have values to group by that the server does not group them by. */
export function lacksGroups(aggregations: JsonRecord | undefined): boolean {
  const unindexed = aggregations?.unindexed;
  return isRecord(unindexed) && Number(unindexed.doc_count) > 0;
}

const isEmpty = (clause: Clause): boolean => Object.keys(clause).length === 0;

function metricOf(measurement: LogMeasurement, field: string): Clause {
  switch (measurement.kind) {
    case "avg":
    case "max":
    case "min":
    case "sum":
      return { [measurement.kind]: { field } };
    case "quantile":
      return { percentiles: { field, percents: [measurement.q * 100], keyed: false } };
    case "count":
    case "rate":
      return {};
    default:
      return unreachable(measurement);
  }
}

/** A value of a group at an instant. */
export type Reckoned = (labels: Readonly<Record<string, string>>, ms: number, value: number) => void;

/** Reads the answer to {@link aggregationsOf}; returns what the server says of groups that it left out. */
export function readAggregations(
  aggregations: JsonRecord | undefined,
  { measurement, by, windowMs }: LogMeasure,
  take: Reckoned,
): readonly string[] {
  const window = aggregations?.window;
  const buckets = isRecord(window) ? window.buckets : undefined;
  if (!isRecord(buckets))
    throw new DecodeError("shape", "elasticsearch: aggregations.window.buckets must be an object", { backend: NAME });
  const warnings = new Set<string>();
  const read = (bucket: unknown, ms: number, depth: number, labels: Readonly<Record<string, string>>): void => {
    if (!isRecord(bucket)) return;
    const group = by[depth];
    if (group === undefined) {
      const value = valueIn(bucket, measurement, windowMs);
      if (value !== undefined) take(labels, ms, value);
      return;
    }
    const { buckets: below, sum_other_doc_count: others } = isRecord(bucket.group) ? bucket.group : ({} as JsonRecord);
    if (typeof others === "number" && others > 0) {
      warnings.add(`${others} lines are of more groups than ${MOST_GROUPS}; narrow the filter`);
    }
    for (const one of Array.isArray(below) ? below.filter(isRecord) : []) {
      const key = String(one.key);
      read(one, ms, depth + 1, key === MISSING ? labels : { ...labels, [nameOf(group)]: key });
    }
  };
  for (const [ms, bucket] of Object.entries(buckets)) read(bucket, Number(ms), 0, {});
  return [...warnings];
}

function valueIn(bucket: JsonRecord, measurement: LogMeasurement, windowMs: number): number | undefined {
  const count = Number(bucket.doc_count);
  if (!(count > 0)) return undefined;
  switch (measurement.kind) {
    case "count":
      return count;
    case "rate":
      return count / (windowMs / 1000);
    case "quantile": {
      const values = isRecord(bucket.value) ? bucket.value.values : undefined;
      const [first] = Array.isArray(values) ? values : [];
      return numberIn(isRecord(first) ? first.value : undefined);
    }
    case "avg":
    case "max":
    case "min":
    case "sum":
      return numberIn(isRecord(bucket.value) ? bucket.value.value : undefined);
    default:
      return unreachable(measurement);
  }
}

const numberIn = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;

const nameOf = (group: LogGroup): string => ("origin" in group ? group.origin : group.field);

/** Reckons from the lines themselves what a server cannot. */
export class LineMeasure {
  readonly #question: LogMeasure;
  readonly #instants: readonly number[];
  /** By group: a value for each window that a line is in. */
  readonly #groups = new Map<
    string,
    { readonly labels: Record<string, string>; readonly windows: Map<number, number[]> }
  >();

  constructor(question: LogMeasure) {
    this.#question = question;
    this.#instants = instantsOf(question);
  }

  add(line: LogLine): void {
    const { measurement, by, windowMs } = this.#question;
    const needsFields = "field" in measurement || by.some((group) => "field" in group);
    const record = needsFields ? recordOf(line.line) : undefined;
    if (needsFields && record === undefined) return;
    const value = "field" in measurement ? fieldNumber(record ?? {}, measurement.field) : 1;
    if (value === undefined) return;
    const labels: Record<string, string> = {};
    for (const group of by) {
      const label = "origin" in group ? (line.origin[group.origin] ?? "") : fieldText(record ?? {}, group.field);
      if (label !== "") labels[nameOf(group)] = label;
    }
    const key = JSON.stringify(labels);
    const group = this.#groups.get(key) ?? { labels, windows: new Map<number, number[]>() };
    this.#groups.set(key, group);
    const ms = Number(line.timestampNs) / 1e6;
    const { fromMs, stepMs } = this.#question;
    const first = ms <= fromMs ? 0 : Math.ceil((ms - fromMs) / stepMs);
    for (let i = first; i < this.#instants.length; i++) {
      const instant = this.#instants[i] ?? Number.NaN;
      if (ms <= instant - windowMs) break;
      if (ms > instant) continue;
      const values = group.windows.get(instant);
      if (values === undefined) group.windows.set(instant, [value]);
      else values.push(value);
    }
  }

  take(into: Reckoned): void {
    const { measurement, windowMs } = this.#question;
    for (const { labels, windows } of this.#groups.values()) {
      for (const [instant, values] of windows) into(labels, instant, reckoned(values, measurement, windowMs));
    }
  }
}

function reckoned(values: readonly number[], measurement: LogMeasurement, windowMs: number): number {
  const sum = (): number => values.reduce((a, b) => a + b, 0);
  switch (measurement.kind) {
    case "count":
      return values.length;
    case "rate":
      return values.length / (windowMs / 1000);
    case "sum":
      return sum();
    case "avg":
      return sum() / values.length;
    case "max":
      return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    case "min":
      return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    case "quantile":
      return quantileOf(values, measurement.q);
    default:
      return unreachable(measurement);
  }
}

/** Between the two values nearest to the rank, as Loki has it. */
function quantileOf(values: readonly number[], q: number): number {
  const ordered = Float64Array.from(values).sort();
  const rank = q * (ordered.length - 1);
  const below = ordered[Math.floor(rank)] ?? Number.NaN;
  const above = ordered[Math.ceil(rank)] ?? below;
  return below + (above - below) * (rank - Math.floor(rank));
}

/** Collects values into one series for each group, in order of time. */
export class SeriesOf {
  readonly #groups = new Map<
    string,
    { readonly labels: Readonly<Record<string, string>>; readonly values: Map<number, number> }
  >();

  readonly take: Reckoned = (labels, ms, value) => {
    const key = JSON.stringify(Object.entries(labels).sort());
    const group = this.#groups.get(key) ?? { labels, values: new Map<number, number>() };
    this.#groups.set(key, group);
    group.values.set(ms, value);
  };

  series(): LogSeries["series"] {
    return [...this.#groups.values()].map(({ labels, values }) => {
      const times = [...values.keys()].sort((a, b) => a - b);
      return {
        labels: Object.freeze(labels),
        timesMs: Float64Array.from(times),
        values: Float64Array.from(times.map((ms) => values.get(ms) ?? Number.NaN)),
      };
    });
  }
}
