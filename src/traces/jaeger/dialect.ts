import type { AskOptions } from "../../time.ts";
import type { Operation, TraceQuery } from "../backend.ts";
import type { Trace } from "../trace.ts";

/** One of the two APIs that Jaeger answers to. */
export interface Dialect {
  services(options: AskOptions): Promise<readonly string[]>;
  operations(service: string, options: AskOptions): Promise<readonly Operation[]>;
  /** Every one of the traces, in no order, that the backend has. The ids are distinct and canonical. */
  traces(ids: readonly string[], options: AskOptions): Promise<readonly Trace[]>;
  search(search: JaegerSearch, options: AskOptions): Promise<Found>;
}

/** A search in Jaeger's units. */
export interface JaegerSearch {
  readonly query: TraceQuery;
  /** Those of the query's tags that every storage matches by nothing but their value. */
  readonly tags: Readonly<Record<string, string>>;
  /** The window, rounded outward to whole microseconds since the epoch. */
  readonly fromUs: number;
  readonly toUs: number;
  /** Durations as Go writes them. */
  readonly minDuration: string | undefined;
  readonly maxDuration: string | undefined;
}

/** What a search gave, before it is looked through. */
export interface Found {
  readonly traces: readonly Trace[];
  /** What the backend said went wrong beside its answer. */
  readonly warnings: readonly string[];
}
