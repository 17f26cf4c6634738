import { durationMs } from "../time.ts";
import type { TraceQuery } from "./backend.ts";
import type { Span } from "./span.ts";
import type { Trace } from "./trace.ts";

/** How a backend compares. */
export interface Comparison {
  /** Names as the backend keeps them. */
  readonly spelling: (name: string) => string;
  /** Whether the span has a tag of this value. */
  readonly hasTag: (span: Span, name: string, value: string) => boolean;
  /** Whether the backend's own search finds the trace by a time within the window, given the spans that match. */
  readonly within: (trace: Trace, matching: readonly Span[], query: TraceQuery) => boolean;
}

/** The shortest and longest duration that a query asks for, checked and in milliseconds. */
export function durationsOf(query: TraceQuery, backend: string): { readonly minMs?: number; readonly maxMs?: number } {
  const { minDuration, maxDuration } = query;
  return {
    ...(minDuration !== undefined && { minMs: durationMs(minDuration, `${backend}: minDuration`) }),
    ...(maxDuration !== undefined && { maxMs: durationMs(maxDuration, `${backend}: maxDuration`) }),
  };
}

/**
 * The traces that fulfil the query to the letter: every condition in one and the same span.
 *
 * Backends match tags by patterns, over several spans, or not at all, so what they found is looked through again.
 */
export function fulfilling(
  traces: readonly Trace[],
  query: TraceQuery,
  backend: string,
  comparison: Comparison,
): readonly Trace[] {
  const { minMs = 0, maxMs = Number.POSITIVE_INFINITY } = durationsOf(query, backend);
  const { spelling, hasTag, within } = comparison;
  const service = query.service === undefined ? undefined : spelling(query.service);
  const operation = query.operation === undefined ? undefined : spelling(query.operation);
  const tags = Object.entries(query.tags ?? {});
  const matches = (span: Span) =>
    (service === undefined || spelling(span.service) === service) &&
    (operation === undefined || spelling(span.operation) === operation) &&
    span.durationMs >= minMs &&
    span.durationMs <= maxMs &&
    tags.every(([name, value]) => hasTag(span, name, value));
  return traces.filter((trace) => {
    const matching = trace.spans.filter(matches);
    return matching.length > 0 && within(trace, matching, query);
  });
}

/** The names of the tags that some trace has in none of its spans: the backend did not ask for exactly that. */
export function unmetTags(traces: readonly Trace[], query: TraceQuery, { hasTag }: Comparison): string[] {
  return Object.entries(query.tags ?? {})
    .filter(([name, value]) => traces.some(({ spans }) => !spans.some((span) => hasTag(span, name, value))))
    .map(([name]) => name);
}
