import type { ServerDescription } from "../results/server-description.ts";
import type { AskOptions } from "../time.ts";
import type { LogOrigin } from "./entry.ts";

/**
 * Where log lines come from, free of any wire format and query language.
 *
 * An implementation throws only {@link MeshQueryError}s, or the reason of the caller's signal.
 */
export interface LogBackend {
  /** What errors and results call this backend, such as `"loki"`. */
  readonly name: string;
  /**
   * The lines of a span of time, page by page in the query's order, each once. Nothing is sent before the first page is
   * asked for, and no more once the caller stops.
   */
  entries(query: LogQuery, options?: EntriesOptions): AsyncIterable<LogPage>;
  /** Numbers made of lines where they are kept: how many there are, or what a number in them comes to. */
  measure(question: LogMeasure, options?: AskOptions): Promise<LogSeries>;
  /** Lines as they arrive, from now on or from `fromNs`, until the caller stops. */
  follow(filter: LogFilter, options?: FollowOptions): AsyncIterable<LogPage>;
  /** What the server is, where it can be known. */
  describe?(options?: AskOptions): Promise<ServerDescription>;
}

/** One part of where a line was written. */
export type OriginPart = keyof LogOrigin;

/** A condition on a text: exactly this value, or an RE2 pattern that matches the whole of it. */
export type TextMatch = string | { readonly pattern: string };

/** Which lines are meant. All conditions must hold. */
export interface LogFilter {
  readonly origin: Readonly<Partial<Record<OriginPart, TextMatch>>>;
  /** Conditions on the line as it was written. */
  readonly lines?: readonly LineCondition[] | undefined;
  /** Conditions on the fields of lines that are JSON objects; any other line fulfils none. */
  readonly fields?: readonly FieldCondition[] | undefined;
}

/** A text that a line holds, or one of several (at least one), or an RE2 pattern that matches somewhere in it; with `not`, neither. */
export type LineCondition =
  | { readonly text: string; readonly not?: boolean | undefined }
  | { readonly texts: readonly string[]; readonly not?: boolean | undefined }
  | { readonly pattern: string; readonly not?: boolean | undefined };

/** A condition on a field of a line. A field that is missing reads as the empty text, and is no number. */
export type FieldCondition =
  | { readonly field: string; readonly op: "!=" | "="; readonly value: string }
  | { readonly field: string; readonly op: "!~" | "=~"; readonly pattern: string }
  | { readonly field: string; readonly op: "<" | "<=" | "==" | ">" | ">="; readonly number: number };

/** The lines of a span of time. */
export interface LogQuery extends LogFilter {
  /** Epoch nanoseconds, included. */
  readonly fromNs: bigint;
  /** Epoch nanoseconds, excluded. */
  readonly toNs: bigint;
  /** `"forward"` gives the earliest first, `"backward"` the latest. Lines of one instant have no order. */
  readonly order: "backward" | "forward";
  /** How many lines to give at most; all of them when left out. */
  readonly limit?: number | undefined;
}

/** How lines are to be read. */
export interface EntriesOptions extends AskOptions {
  /** How many lines one call asks for; fewer where the backend gives fewer. */
  readonly perCall?: number | undefined;
}

/** How lines are to be followed. */
export interface FollowOptions extends EntriesOptions {
  /** Where to begin, in epoch nanoseconds; now when left out. */
  readonly fromNs?: bigint | undefined;
  /** Milliseconds between two looks; 2,000. */
  readonly everyMs?: number | undefined;
  /** How late a line may arrive, in milliseconds, and still be seen; 10,000. */
  readonly latenessMs?: number | undefined;
}

/** A line as it was written, and what is known of it beside. */
export interface LogLine {
  readonly timestampNs: bigint;
  readonly line: string;
  readonly origin: LogOrigin;
  /** The labels of its stream. */
  readonly labels: Readonly<Record<string, string>>;
  /** What is known of this line alone, where the backend keeps such. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** A span of time in epoch nanoseconds, from one instant up to but not including another. */
export interface NsSpan {
  readonly fromNs: bigint;
  readonly toNs: bigint;
}

/** What one call brought. */
export interface LogPage {
  readonly entries: readonly LogLine[];
  /** Where lines are known to be missing. */
  readonly missing: readonly NsSpan[];
  /** What is known to be missing or wrong, in words. */
  readonly warnings: readonly string[];
  /** False when lines are known to be missing, other than by the query's `limit`. */
  readonly complete: boolean;
}

/** What is measured: how many lines, how many each second, or what a number in them comes to. */
export type LogMeasurement =
  | { readonly kind: "count" | "rate" }
  | { readonly kind: "avg" | "max" | "min" | "sum"; readonly field: string }
  | { readonly kind: "quantile"; readonly field: string; readonly q: number };

/** What tells the series of a measurement apart. */
export type LogGroup = { readonly origin: OriginPart } | { readonly field: string };

/** A measurement at one instant or at several, each over the window before it. */
export interface LogMeasure {
  readonly filter: LogFilter;
  readonly measurement: LogMeasurement;
  readonly by: readonly LogGroup[];
  readonly windowMs: number;
  readonly fromMs: number;
  /** The last instant; equal to `fromMs` for one instant only. */
  readonly toMs: number;
  readonly stepMs: number;
}

/** One series for each group that has lines; none where there are no lines. */
export interface LogSeries {
  readonly series: readonly {
    /** By the names of origins and fields in `by`; one that the lines lack is missing. */
    readonly labels: Readonly<Record<string, string>>;
    readonly timesMs: Float64Array;
    readonly values: Float64Array;
  }[];
  readonly warnings: readonly string[];
  readonly complete: boolean;
}
