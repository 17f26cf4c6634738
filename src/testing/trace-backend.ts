import type { ServerDescription } from "../results/server-description.ts";
import type { AskOptions } from "../time.ts";
import type { Dependency, FoundTraces, Operation, SearchPage, TraceBackend, TraceQuery } from "../traces/backend.ts";
import { type Comparison, fulfilling } from "../traces/conditions.ts";
import { checkedTraceId, traceId } from "../traces/id.ts";
import { Span, type SpanDetails, type SpanEvent, type Tags, type TagValue } from "../traces/span.ts";
import { Trace } from "../traces/trace.ts";
import { inProcess, SIMULATED } from "./description.ts";
import type { EmittedSpan, EmittedTrace, Telemetry } from "./telemetry.ts";

/** Traces from a simulation, found as Jaeger finds them: every condition in one span, tags by their exact value. */
export const telemetryTraces = (telemetry: Telemetry, now: () => number): TraceBackend =>
  new TelemetryTraces(telemetry, now);

/** Names of services and operations are those of the traces of this long before now. */
const NAMES_MS = 600_000;

class TelemetryTraces implements TraceBackend {
  readonly name = "simulation";
  readonly finestWindowMs = 0.001;
  readonly mostPerCall = 10_000;
  readonly #telemetry: Telemetry;
  readonly #now: () => number;

  constructor(telemetry: Telemetry, now: () => number) {
    this.#telemetry = telemetry;
    this.#now = now;
  }

  async services({ signal }: AskOptions = {}): Promise<readonly string[]> {
    const names = new Set<string>();
    for (const span of this.#recent(signal)) names.add(span.service);
    return [...names].sort();
  }

  async operations(service: string, { signal }: AskOptions = {}): Promise<readonly Operation[]> {
    const found = new Map<string, Operation>();
    for (const span of this.#recent(signal)) {
      if (span.service !== service) continue;
      found.set(`${span.kind} ${span.operation}`, { name: span.operation, kind: span.kind });
    }
    return [...found.values()];
  }

  async trace(id: string, { signal }: AskOptions = {}): Promise<Trace | undefined> {
    signal?.throwIfAborted();
    const emitted = this.#telemetry.trace(whole(checkedTraceId(id)));
    return emitted && traceOf(emitted);
  }

  async traces(ids: readonly string[], { signal }: AskOptions = {}): Promise<FoundTraces> {
    signal?.throwIfAborted();
    const traces: Trace[] = [];
    const missing: string[] = [];
    for (const id of new Set(ids.map(checkedTraceId))) {
      const emitted = this.#telemetry.trace(whole(id));
      if (emitted === undefined) missing.push(id);
      else traces.push(traceOf(emitted));
    }
    return { traces, missing };
  }

  async search(query: TraceQuery, { signal }: AskOptions = {}): Promise<SearchPage> {
    const found: Trace[] = [];
    for (const emitted of this.#telemetry.traces(query.fromMs, query.toMs)) {
      signal?.throwIfAborted();
      found.push(...fulfilling([traceOf(emitted)], query, this.name, COMPARISON));
      // Whoever gets as many as were asked for asks again for a shorter time.
      if (found.length >= query.limit) break;
    }
    const full = found.length >= query.limit;
    return { traces: found, full, unapplied: [], warnings: [], complete: true };
  }

  async dependencies(
    { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
    { signal }: AskOptions = {},
  ): Promise<readonly Dependency[]> {
    const calls = new Map<string, { parent: string; child: string; calls: number; errors: number }>();
    for (const { spans } of this.#telemetry.traces(fromMs, toMs)) {
      signal?.throwIfAborted();
      const byId = new Map(spans.map((span) => [span.id, span]));
      for (const span of spans) {
        const parent = byId.get(span.parentId ?? "")?.service;
        if (parent === undefined || parent === span.service) continue;
        const key = JSON.stringify([parent, span.service]);
        const call = calls.get(key) ?? { parent, child: span.service, calls: 0, errors: 0 };
        calls.set(key, call);
        call.calls++;
        if (isError(span)) call.errors++;
      }
    }
    return [...calls.values()];
  }

  describe(options?: AskOptions): Promise<ServerDescription> {
    return inProcess(SIMULATED, options);
  }

  *#recent(signal: AbortSignal | undefined): Iterable<EmittedSpan> {
    const toMs = this.#now();
    for (const { spans } of this.#telemetry.traces(toMs - NAMES_MS, toMs)) {
      signal?.throwIfAborted();
      yield* spans;
    }
  }
}

const COMPARISON: Comparison = {
  spelling: (name) => name,
  hasTag: (span, name, value) => span.text(name) === value,
  within: (trace, _, { fromMs, toMs }) => trace.startMs >= fromMs && trace.startMs <= toMs,
};

/** An id with all its zeros. */
const whole = (id: string): string => id.padStart(32, "0");

function traceOf({ id, spans }: EmittedTrace): Trace {
  const known = traceId(id);
  return new Trace(
    known,
    spans.map((span) => spanOf(known, span)),
  );
}

function spanOf(trace: string, span: EmittedSpan): Span {
  return new Span(
    {
      traceId: trace,
      id: span.id,
      parentId: span.parentId,
      shared: false,
      kind: span.kind,
      service: span.service,
      operation: span.operation,
      startMs: span.startUs / 1000,
      durationMs: span.durationUs / 1000,
      error: isError(span),
      links: NONE,
      warnings: NONE,
    },
    new EmittedDetails(span),
  );
}

const NONE: readonly never[] = Object.freeze([]);

const isError = ({ tags }: EmittedSpan): boolean => tags.error !== undefined && tags.error !== "false";

class EmittedDetails implements SpanDetails {
  readonly #span: EmittedSpan;

  constructor(span: EmittedSpan) {
    this.#span = span;
  }

  tag(name: string): TagValue | undefined {
    const { tags } = this.#span;
    return Object.hasOwn(tags, name) ? tags[name] : undefined;
  }

  tags(): Tags {
    return this.#span.tags;
  }

  events(): readonly SpanEvent[] {
    return NONE;
  }

  processTags(): Tags {
    return Object.freeze({ ipv4: this.#span.address });
  }
}
