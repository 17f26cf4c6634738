import { context, metrics, propagation, type SpanKind, type SpanStatus, trace } from "@opentelemetry/api";
import { type DataPoint, type Histogram, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";

/** A span as it was exported. */
export interface RecordedSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: ReadableSpan["attributes"];
  readonly status: SpanStatus;
  readonly id: string;
  readonly traceId: string;
  readonly parentId: string | undefined;
}

/** What was measured, by the instrument's name. */
export type RecordedDurations = Readonly<Record<string, readonly DataPoint<Histogram>[]>>;

export interface Recording {
  /** The spans that have ended, in the order of their ends. */
  spans(): readonly RecordedSpan[];
  durations(): Promise<RecordedDurations>;
  forget(): void;
  stop(): void;
}

class PulledReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** Registers OpenTelemetry's own SDK, which keeps what it is told; `stop` takes it back. */
export function record(): Recording {
  const exporter = new InMemorySpanExporter();
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
  const reader = new PulledReader();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  return {
    spans: () => exporter.getFinishedSpans().map(recorded),
    durations: async () => {
      const { resourceMetrics } = await reader.collect();
      const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      return Object.fromEntries(
        all.map((one) => [one.descriptor.name, one.dataPoints as readonly DataPoint<Histogram>[]]),
      );
    },
    forget: () => exporter.reset(),
    stop: () => {
      for (const api of [trace, metrics, propagation, context]) api.disable();
    },
  };
}

function recorded(span: ReadableSpan): RecordedSpan {
  const { name, kind, attributes, status } = span;
  const { spanId: id, traceId } = span.spanContext();
  return { name, kind, attributes, status, id, traceId, parentId: span.parentSpanContext?.spanId };
}
