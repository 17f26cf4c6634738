import { BackendError } from "../errors.ts";
import type { Answer, Exemplar } from "../metrics/backend.ts";
import { listOf, type ResultArray } from "../results/result-list.ts";
import { type AskOptions, durationMs, type ResolvedSpan, resolveSpan, type TimeSpan } from "../time.ts";
import type { TraceBackend } from "../traces/backend.ts";
import type { Hop } from "../traces/hop.ts";
import { traceId } from "../traces/id.ts";
import type { SearchMeta, TraceList, TraceSearch } from "../traces/search.ts";
import type { Trace } from "../traces/trace.ts";
import { TRACE_ROWS } from "../traces/trace-rows.ts";
import type { TraceOptions } from "./trace-options.ts";

/** What is said of traces behind a metric: how they were come by, beside what is said of any search. */
export interface ExampleMeta extends SearchMeta {
  readonly origin: "exemplars" | "search";
}

/** Traces behind a metric, the latest first. */
export type ExampleList = ResultArray<Trace, ExampleMeta>;

/** Asks a metrics backend for the exemplars of a scope's durations. */
export type ExemplarSource = (span: ResolvedSpan, options: AskOptions) => Promise<Answer<readonly Exemplar[]>>;

/** Whom to ask. */
interface Sources {
  readonly backend: TraceBackend;
  readonly exemplars: ExemplarSource | undefined;
  readonly now: () => number;
}

const DEFAULT_LIMIT = 10;
/** An exemplar's trace may turn out not to be sought, or not to be there. */
const SPARE = 4;

/**
 * The traces that the metrics backend kept as exemplars of the durations, as far as they hold a hop that is sought;
 * where there are none, what `search` finds.
 */
export async function examplesOf(
  { backend, exemplars, now }: Sources,
  options: TraceOptions,
  isSought: (hop: Hop) => boolean,
  search: (limit: number) => TraceSearch,
): Promise<ExampleList> {
  const { limit = DEFAULT_LIMIT, signal, timeoutMs } = options;
  const startedMs = now();
  const span = resolveSpan(spanOf(options), startedMs, "examples");
  const notes: string[] = [];
  const kept = await keptIds(exemplars, options, span, notes);
  if (kept.length > 0) {
    const { traces, missing } = await backend.traces(kept.slice(0, limit * SPARE), { signal, timeoutMs });
    if (missing.length > 0) notes.push(`${missing.length} traces that exemplars name are not in ${backend.name}`);
    const found = traces.filter((trace) => trace.hops().some(isSought)).sort((a, b) => b.startMs - a.startMs);
    if (found.length > 0) {
      const more = found.length > limit || kept.length > limit * SPARE;
      if (more) notes.push(`stopped at the limit of ${limit}: exemplars name more traces`);
      const meta = { ...span, backend: backend.name, searchedToMs: span.fromMs, ratio: 1, requests: 2, unapplied: [] };
      const complete = missing.length === 0 && !more;
      const tookMs = now() - startedMs;
      const list = found.slice(0, limit);
      return withMeta(list, { ...meta, found: list.length, complete, tookMs, warnings: notes, origin: "exemplars" });
    }
  }
  const found: TraceList = await search(limit);
  return withMeta(found, { ...found.meta, warnings: [...notes, ...found.meta.warnings], origin: "search" });
}

/** The labels under which applications and proxies put the trace into an exemplar. */
const TRACE_LABELS = ["trace_id", "traceID", "traceId", "traceid"];

/** The ids of the traces that exemplars of the wanted durations name, the latest first. */
async function keptIds(
  source: ExemplarSource | undefined,
  { slowerThan, fasterThan, signal, timeoutMs }: TraceOptions,
  span: ResolvedSpan,
  notes: string[],
): Promise<readonly string[]> {
  if (source === undefined) return [];
  const least = slowerThan === undefined ? 0 : durationMs(slowerThan, "examples: slowerThan", "range");
  const most =
    fasterThan === undefined ? Number.POSITIVE_INFINITY : durationMs(fasterThan, "examples: fasterThan", "range");
  try {
    const { data, warnings } = await source(span, { signal, timeoutMs });
    notes.push(...warnings);
    const wanted = data.filter(({ value }) => value >= least && value <= most).sort((a, b) => b.timeMs - a.timeMs);
    const ids = wanted.flatMap(({ labels }) => TRACE_LABELS.flatMap((name) => labels[name] ?? []));
    return [...new Set(ids.filter(isTraceId).map(traceId))];
  } catch (error) {
    // A server without exemplars says no in many ways; the search still answers.
    if (!(error instanceof BackendError)) throw error;
    notes.push(`no exemplars: ${error.message}`);
    return [];
  }
}

const isTraceId = (id: string): boolean => /^[0-9a-f]{1,32}$/i.test(id) && !/^0+$/.test(id);

const withMeta = (traces: readonly Trace[], meta: ExampleMeta): ExampleList => listOf(traces, meta, TRACE_ROWS);

/** The span alone of what the options say. */
const spanOf = (options: TraceOptions): TimeSpan =>
  options.last !== undefined ? { last: options.last } : { from: options.from, to: options.to };
