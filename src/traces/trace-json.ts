import type { Span, Tags, TagValue } from "./span.ts";
import type { SpanTree } from "./span-tree.ts";

/** A span as plain data; what is not known is left out. Times are epoch milliseconds. */
export interface SpanJson {
  readonly id: string;
  readonly parentId?: string | undefined;
  readonly kind?: string | undefined;
  readonly service: string;
  readonly operation: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly error: boolean;
  /** Whole numbers beyond what JSON holds are text; bytes are base64. */
  readonly tags: Readonly<Record<string, boolean | number | string>>;
  readonly events: readonly {
    readonly timeMs: number;
    readonly name: string;
    readonly fields: Readonly<Record<string, boolean | number | string>>;
  }[];
}

/** A trace as plain data, its spans in order of start. */
export interface TraceJson {
  readonly id: string;
  readonly startMs: number | null;
  readonly durationMs: number | null;
  readonly warnings: readonly string[];
  readonly spans: readonly SpanJson[];
}

/** A trace as plain data. */
export function traceJson(tree: SpanTree, warnings: readonly string[]): TraceJson {
  const { id, spans } = tree;
  const startMs = spans[0]?.startMs ?? null;
  const endMs = spans.reduce((end, span) => Math.max(end, span.endMs), startMs ?? 0);
  return { id, startMs, durationMs: startMs === null ? null : endMs - startMs, warnings, spans: spans.map(spanJson) };
}

const spanJson = (span: Span): SpanJson => {
  const { id, parentId, kind, service, operation, startMs, durationMs, error, events } = span;
  return {
    id,
    ...(parentId === undefined ? {} : { parentId }),
    ...(kind === undefined ? {} : { kind }),
    service,
    operation,
    startMs,
    durationMs,
    error,
    tags: plainTags(span.tags),
    events: events.map(({ timeMs, name, fields }) => ({ timeMs, name, fields: plainTags(fields) })),
  };
};

const plainTags = (tags: Tags): Readonly<Record<string, boolean | number | string>> =>
  Object.fromEntries(Object.entries(tags).map(([name, value]) => [name, plainTag(value)]));

function plainTag(value: TagValue): boolean | number | string {
  if (typeof value === "bigint") return value.toString();
  return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
}
