import {
  type Attributes,
  type Context,
  context,
  propagation,
  type Span,
  type SpanOptions,
  type SpanStatus,
  trace,
} from "@opentelemetry/api";

/** A span as an exporter would see it. */
export interface RecordedSpan {
  readonly name: string;
  readonly kind: number | undefined;
  readonly attributes: Attributes;
  status: SpanStatus | undefined;
  ended: number;
}

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

/** What the spans carry on, as the W3C propagator writes it. */
export const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;

/** Registers a provider that keeps its spans and a propagator; `stop` takes both back. */
export function recordSpans(): { readonly spans: RecordedSpan[]; stop(): void } {
  const spans: RecordedSpan[] = [];
  const startSpan = (name: string, options: SpanOptions = {}): Span => {
    const recorded: RecordedSpan = {
      name,
      kind: options.kind,
      attributes: { ...options.attributes },
      status: undefined,
      ended: 0,
    };
    spans.push(recorded);
    const span: Partial<Span> = {
      spanContext: () => ({ traceId: TRACE_ID, spanId: "b7ad6b7169203331", traceFlags: 1 }),
      setAttribute: (key, value) => {
        recorded.attributes[key] = value;
        return span as Span;
      },
      setStatus: (status) => {
        recorded.status = status;
        return span as Span;
      },
      end: () => {
        recorded.ended++;
      },
    };
    return span as Span;
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan: () => undefined as never }) });
  propagation.setGlobalPropagator({
    fields: () => ["traceparent"],
    extract: (from) => from,
    inject: (from: Context, carrier, setter) => {
      const span = trace.getSpanContext(from);
      if (span !== undefined) setter.set(carrier, "traceparent", `00-${span.traceId}-${span.spanId}-01`);
    },
  });
  return {
    spans,
    stop: () => {
      trace.disable();
      propagation.disable();
      context.disable();
    },
  };
}
