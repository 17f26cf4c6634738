import { DecodeError } from "../../errors.ts";
import { parseAnswer } from "../json-answer.ts";

/** Whose answer is read: what an error names. */
export interface AnswerContext {
  readonly query: string;
}

/** A line as Loki gives it. */
export interface RawEntry {
  readonly timestampNs: bigint;
  readonly line: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** Equal for two entries that are the same to Loki: of one stream and instant, with one text. */
  readonly key: string;
}

/** Lines, as many streams as they are of, and what Loki warns of. */
export interface RawEntries {
  readonly entries: readonly RawEntry[];
  readonly warnings: readonly string[];
}

/** Series of a metric query, and what Loki warns of. */
export interface RawSeries {
  readonly series: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly timesMs: Float64Array;
    readonly values: Float64Array;
  }[];
  readonly warnings: readonly string[];
}

export const HINT = "is the URL that of Loki, with the path before /loki/api/v1 if it has one, as in http://loki:3100?";

/**
 * The lines of a log query's answer, in no order across streams.
 *
 * @throws {DecodeError} and nothing else
 */
export function decodeEntries(body: Uint8Array, context: AnswerContext): RawEntries {
  const read = new Reader(context);
  const { kind, result, warnings } = read.envelope(body);
  if (kind !== "streams") read.fail("data.resultType", `must be "streams", not ${JSON.stringify(kind)}`);
  const entries = result.flatMap((item, i) => {
    const at = `data.result[${i}]`;
    const { stream, values } = read.record(item, at);
    const labels = read.labels(stream, `${at}.stream`);
    const streamKey = keyOf(labels);
    return read.list(values, `${at}.values`).map((value, j) => {
      const [timestamp, line, beside] = read.list(value, `${at}.values[${j}]`);
      const timestampNs = read.nanoseconds(timestamp, `${at}.values[${j}][0]`);
      const metadata = beside === undefined ? undefined : read.metadata(beside, `${at}.values[${j}][2]`);
      if (typeof line !== "string") return read.fail(`${at}.values[${j}][1]`, "must be text");
      const besides = metadata === undefined ? "" : keyOf(metadata);
      return { timestampNs, line, labels, metadata, key: `${timestampNs}\n${streamKey}\n${besides}\n${line}` };
    });
  });
  return { entries, warnings };
}

/**
 * The series of a metric query's answer.
 *
 * @throws {DecodeError} and nothing else
 */
export function decodeSeries(body: Uint8Array, context: AnswerContext): RawSeries {
  const read = new Reader(context);
  const { kind, result, warnings } = read.envelope(body);
  if (kind !== "matrix" && kind !== "vector") {
    read.fail("data.resultType", `must be "matrix" or "vector", not ${JSON.stringify(kind)}`);
  }
  const series = result.map((item, i) => {
    const at = `data.result[${i}]`;
    const { metric, values, value } = read.record(item, at);
    const samples = kind === "vector" ? [value] : read.list(values, `${at}.values`);
    const timesMs = new Float64Array(samples.length);
    const numbers = new Float64Array(samples.length);
    for (const [j, sample] of samples.entries()) {
      const place = kind === "vector" ? `${at}.value` : `${at}.values[${j}]`;
      const [time, text] = read.list(sample, place);
      if (typeof time !== "number") read.fail(`${place}[0]`, "must be a number of seconds");
      timesMs[j] = Math.round(Number(time) * 1000);
      numbers[j] = read.number(text, `${place}[1]`);
    }
    return { labels: read.labels(metric, `${at}.metric`), timesMs, values: numbers };
  });
  return { series, warnings };
}

type JsonRecord = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const keyOf = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

const SPECIAL_VALUES: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["+Inf", Number.POSITIVE_INFINITY],
  ["Inf", Number.POSITIVE_INFINITY],
  ["-Inf", Number.NEGATIVE_INFINITY],
]);

class Reader {
  readonly #context: AnswerContext;

  constructor(context: AnswerContext) {
    this.#context = context;
  }

  envelope(body: Uint8Array): { kind: unknown; result: readonly unknown[]; warnings: readonly string[] } {
    const { status, data, warnings } = this.record(this.#parse(body), "the document");
    if (status !== "success") this.fail("status", 'must be "success"');
    const { resultType, result } = this.record(data, "data");
    return {
      kind: resultType,
      result: this.#listOrNone(result, "data.result"),
      warnings: this.#listOrNone(warnings, "warnings").map((one, i) =>
        typeof one === "string" ? one : this.fail(`warnings[${i}]`, "must be text"),
      ),
    };
  }

  fail(at: string, problem: string): never {
    throw this.#error("shape", `${at} ${problem}; ${HINT}`);
  }

  record(value: unknown, at: string): JsonRecord {
    return isRecord(value) ? value : this.fail(at, "must be an object");
  }

  list(value: unknown, at: string): readonly unknown[] {
    return Array.isArray(value) ? value : this.fail(at, "must be a list");
  }

  labels(value: unknown, at: string): Readonly<Record<string, string>> {
    const record = this.record(value, at);
    for (const name of Object.keys(record)) {
      if (typeof record[name] !== "string") this.fail(`${at}.${name}`, "must be text");
    }
    return Object.freeze(record) as Readonly<Record<string, string>>;
  }

  /** What is kept beside a line: in its own field once the answer sorts labels by their kind. */
  metadata(value: unknown, at: string): Readonly<Record<string, string>> | undefined {
    const record = this.record(value, at);
    const { structuredMetadata, parsed } = record;
    const sorted = isRecord(structuredMetadata) || isRecord(parsed);
    if (sorted && structuredMetadata === undefined) return undefined;
    const metadata = this.labels(sorted ? structuredMetadata : record, sorted ? `${at}.structuredMetadata` : at);
    return Object.keys(metadata).length === 0 ? undefined : metadata;
  }

  nanoseconds(value: unknown, at: string): bigint {
    return typeof value === "string" && /^-?\d{1,19}$/.test(value)
      ? BigInt(value)
      : this.fail(at, "must be the digits of nanoseconds");
  }

  number(value: unknown, at: string): number {
    if (typeof value !== "string") return this.fail(at, "must be a number as text");
    const special = SPECIAL_VALUES.get(value);
    if (special !== undefined) return special;
    return /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value) ? Number(value) : this.fail(at, "must be a number as text");
  }

  #listOrNone(value: unknown, at: string): readonly unknown[] {
    return value === undefined || value === null ? [] : this.list(value, at);
  }

  #parse(body: Uint8Array): unknown {
    return parseAnswer(body, (code, problem) =>
      this.#error(code, code === "truncated" ? problem : `${problem}; ${HINT}`),
    );
  }

  #error(code: "shape" | "syntax" | "truncated", problem: string): DecodeError {
    return new DecodeError(code, `decoding loki's answer: ${problem}`, { backend: "loki", query: this.#context.query });
  }
}
