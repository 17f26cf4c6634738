/** A tag's value, with the type the backend gave it. Zipkin's are always text. */
export type TagValue = Uint8Array | bigint | boolean | number | string;

/** The tags of a span or process by name; where a backend sends one twice, the last counts. */
export type Tags = Readonly<Record<string, TagValue>>;

/** Which end of a call or message a span is; `internal` is neither. */
export type SpanKind = "client" | "consumer" | "internal" | "producer" | "server";

/** Another span that this one follows or belongs to, maybe of another trace. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly relation: "child-of" | "follows-from";
}

/** Something that happened within a span: a log of Jaeger's, an annotation of Zipkin's. */
export interface SpanEvent {
  readonly timeMs: number;
  readonly name: string;
  readonly fields: Tags;
}

/** What a driver knows of a span's tags and events without having read them all. */
export interface SpanDetails {
  /** One tag, read where it lies. */
  tag(name: string): TagValue | undefined;
  /** All tags. */
  tags(): Tags;
  /** What happened within the span, as the backend orders it. */
  events(): readonly SpanEvent[];
  /** The tags of the process that made the span. */
  processTags(): Tags;
}

/** One operation of one service within a trace. */
export class Span {
  readonly traceId: string;
  /** 16 hex digits. Zipkin's shared spans have the id of their client: see {@link Span.key}. */
  readonly id: string;
  /** What tells it from every other span of its trace: the id, with a mark where it is the server's half of a shared one. */
  readonly key: string;
  /** The id of the span that it belongs to, `undefined` for a root. That span may be missing from the trace. */
  readonly parentId: string | undefined;
  /** Whether it is the server's half of a span that client and server report under one id. */
  readonly shared: boolean;
  readonly kind: SpanKind | undefined;
  readonly service: string;
  readonly operation: string;
  /** Epoch milliseconds with microseconds as the fraction, as far as a double holds them. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly error: boolean;
  readonly links: readonly SpanLink[];
  /** What the backend says is wrong with the span, such as an adjusted clock. */
  readonly warnings: readonly string[];
  readonly #details: SpanDetails;

  constructor(fields: SpanFields, details: SpanDetails) {
    this.traceId = fields.traceId;
    this.id = fields.id;
    this.key = fields.shared ? `${fields.id}/server` : fields.id;
    this.parentId = fields.parentId;
    this.shared = fields.shared;
    this.kind = fields.kind;
    this.service = fields.service;
    this.operation = fields.operation;
    this.startMs = fields.startMs;
    this.durationMs = fields.durationMs;
    this.error = fields.error;
    this.links = fields.links;
    this.warnings = fields.warnings;
    this.#details = details;
    Object.freeze(this);
  }

  /** When it ended, in epoch milliseconds. */
  get endMs(): number {
    return this.startMs + this.durationMs;
  }

  /** One tag, read where it lies: cheaper than {@link Span.tags}. */
  tag(name: string): TagValue | undefined {
    return this.#details.tag(name);
  }

  /** One tag as text, whatever its type. */
  text(name: string): string | undefined {
    const value = this.#details.tag(name);
    return value === undefined || value instanceof Uint8Array ? undefined : String(value);
  }

  /** All tags by name. */
  get tags(): Tags {
    return this.#details.tags();
  }

  /** What happened within it, as the backend orders that. */
  get events(): readonly SpanEvent[] {
    return this.#details.events();
  }

  /** The tags of the process that made the span. */
  get processTags(): Tags {
    return this.#details.processTags();
  }
}

/** What {@link Span} is made of, apart from its details. */
export interface SpanFields {
  readonly traceId: string;
  readonly id: string;
  readonly parentId: string | undefined;
  readonly shared: boolean;
  readonly kind: SpanKind | undefined;
  readonly service: string;
  readonly operation: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly error: boolean;
  readonly links: readonly SpanLink[];
  readonly warnings: readonly string[];
}
