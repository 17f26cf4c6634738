import {
  type DocumentContext,
  DocumentReader,
  isRecord,
  type JsonRecord,
  type Place,
  parseDocument,
  place,
  put,
} from "../document.ts";
import {
  Span,
  type SpanDetails,
  type SpanEvent,
  type SpanKind,
  type SpanLink,
  type Tags,
  type TagValue,
} from "../span.ts";
import { Trace } from "../trace.ts";
import { kindOf, saysError } from "./meaning.ts";
import { type Attribute, checkAttribute, isTextAttribute, tagValue, textOf } from "./otlp-value.ts";

/**
 * Traces as Jaeger's `/api/v3` writes them: OTLP's JSON, the spans of all traces in one list.
 *
 * What OTLP keeps outside a span's attributes is among the tags too, by the names that OpenTelemetry gives it for
 * other formats, and Jaeger's older API uses: `span.kind`, `error`, `otel.status_code`, …
 *
 * @see OpenTelemetry, "Mapping to non-OTLP Formats"
 */
export function decodeOtlpTraces(
  body: Uint8Array,
  context: DocumentContext,
): { readonly traces: readonly Trace[]; readonly failure: string | undefined } {
  const read = new DocumentReader(context);
  const document = read.record(parseDocument(body, context));
  if (isRecord(document.error) && typeof document.error.message === "string") {
    return { traces: [], failure: document.error.message };
  }
  const result = read.record(document.result, undefined, "result");
  const traces = new Traces(read);
  const list = read.list(result.resourceSpans, RESULT, "resourceSpans");
  for (let i = 0; i < list.length; i++) resourceSpans(read, traces, list[i], place(RESULT, "resourceSpans", i));
  return { traces: Array.from(traces.spansOf, ([id, spans]) => new Trace(id, spans)), failure: undefined };
}

const RESULT = place(undefined, "result");

/** The spans of every trace; neighbours mostly are of one, whose id is then the very same text. */
class Traces {
  readonly spansOf = new Map<string, Span[]>();
  readonly #read: DocumentReader;
  #digits: unknown;
  #id = "";
  #spans: Span[] = [];

  constructor(read: DocumentReader) {
    this.#read = read;
  }

  /** Turns to the trace that `digits` name, and gives its id. */
  turnTo(digits: unknown, at: Place): string {
    if (typeof digits === "string" && digits === this.#digits) return this.#id;
    this.#id = this.#read.traceId(digits, at, "traceId");
    this.#digits = digits;
    this.#spans = this.spansOf.get(this.#id) ?? [];
    this.spansOf.set(this.#id, this.#spans);
    return this.#id;
  }

  /** Adds to the trace last turned to. */
  add(span: Span): void {
    this.#spans.push(span);
  }
}

function resourceSpans(read: DocumentReader, traces: Traces, value: unknown, at: Place | undefined): void {
  const json = read.record(value, at);
  const resource = read.recordOrNone(json.resource, at, "resource");
  const process = new OtlpProcess(attributesOf(read, resource, place(at, "resource")));
  const scopes = read.list(json.scopeSpans, at, "scopeSpans");
  for (let i = 0; i < scopes.length; i++) {
    const here = place(at, "scopeSpans", i);
    const scoped = read.record(scopes[i], here);
    const scope = read.recordOrNone(scoped.scope, here, "scope");
    const name = read.textOrNone(scope.name, place(here, "scope"), "name");
    const version = read.textOrNone(scope.version, place(here, "scope"), "version");
    const source: Source = { process, name, version };
    const spans = read.list(scoped.spans, here, "spans");
    const within = place(here, "spans");
    for (let k = 0; k < spans.length; k++) {
      const json = read.record(spans[k], within, k);
      const span = { within, step: k };
      const id = traces.turnTo(json.traceId, span);
      traces.add(spanOf(read, json, id, source, span));
    }
  }
}

const isNone = (value: unknown): value is null | undefined => value === null || value === undefined;

/** What made the spans. */
interface Source {
  readonly process: OtlpProcess;
  /** The instrumentation's name and version, `""` where it has none. */
  readonly name: string;
  readonly version: string;
}

function attributesOf(read: DocumentReader, owner: JsonRecord, at: Place | undefined): readonly Attribute[] {
  const list = read.list(owner.attributes, at, "attributes");
  for (let i = 0; i < list.length; i++) {
    if (!isTextAttribute(list[i])) checkAttribute(read, list[i], place(at, "attributes", i));
  }
  return list as readonly Attribute[];
}

function spanOf(read: DocumentReader, json: JsonRecord, id: string, source: Source, at: Place): Span {
  const attributes = attributesOf(read, json, at);
  checkEvents(read, read.list(json.events, at, "events"), at);
  const status = read.recordOrNone(json.status, at, "status");
  read.textOrNone(status.message, at, "status.message");
  read.textOrNone(json.traceState, at, "traceState");
  const start = timeOf(read, json.startTimeUnixNano, at, "startTimeUnixNano");
  const end = isNone(json.endTimeUnixNano) ? 0 : timeOf(read, json.endTimeUnixNano, at, "endTimeUnixNano");
  const durationMs = end === 0 ? -1 : lengthMs(start, end);
  const marks = marksOf(attributes);
  return new Span(
    {
      traceId: id,
      id: read.spanId(json.spanId, at, "spanId"),
      parentId: read.spanIdOrNone(json.parentSpanId, at, "parentSpanId"),
      shared: false,
      kind: KINDS.get(json.kind) ?? marks.kind,
      service: source.process.service,
      operation: read.textOrNone(json.name, at, "name"),
      startMs: msOf(start),
      durationMs: Math.max(0, durationMs),
      error: hasFailed(status) || marks.error,
      links: linksOf(read, json.links, at),
      warnings: durationMs >= 0 ? marks.warnings : [...marks.warnings, end === 0 ? NO_END : ENDS_BEFORE_START],
    },
    new OtlpDetails(json, source),
  );
}

const hasFailed = ({ code }: { readonly code?: unknown }): boolean => code === 2 || code === "STATUS_CODE_ERROR";
const isFine = ({ code }: { readonly code?: unknown }): boolean => code === 1 || code === "STATUS_CODE_OK";

const NONE: readonly never[] = Object.freeze([]);
const NO_STATUS: NonNullable<OtlpSpan["status"]> = Object.freeze({});
const NO_END = "the span has no end; its duration is taken as zero";
const ENDS_BEFORE_START = "the span ends before it starts; its duration is taken as zero";

/** By number, and by the names that the JSON of protocol buffers may use. */
const KINDS: ReadonlyMap<unknown, SpanKind> = new Map<unknown, SpanKind>([
  [1, "internal"],
  [2, "server"],
  [3, "client"],
  [4, "producer"],
  [5, "consumer"],
  ["SPAN_KIND_INTERNAL", "internal"],
  ["SPAN_KIND_SERVER", "server"],
  ["SPAN_KIND_CLIENT", "client"],
  ["SPAN_KIND_PRODUCER", "producer"],
  ["SPAN_KIND_CONSUMER", "consumer"],
]);

/** Where Jaeger keeps a span's warnings in this format. */
const WARNINGS = "@jaeger@warnings";

/** What of a span's own fields stands among its attributes. */
function marksOf(attributes: readonly Attribute[]): {
  readonly kind: SpanKind | undefined;
  readonly error: boolean;
  readonly warnings: readonly string[];
} {
  let kind: SpanKind | undefined;
  let error = false;
  let warnings: readonly string[] = NONE;
  for (let i = 0; i < attributes.length; i++) {
    const { key, value } = attributes[i] as Attribute;
    switch (key) {
      case "span.kind":
        kind = kindOf(value?.stringValue);
        break;
      case "error":
        if (saysError(value?.boolValue ?? value?.stringValue)) error = true;
        break;
      case WARNINGS:
        warnings = [...warnings, ...(value?.arrayValue?.values ?? []).map(textOf)];
        break;
      case "jaeger.warning":
        warnings = [...warnings, textOf(value)];
        break;
      default:
    }
  }
  return { kind, error, warnings };
}

/** Nanoseconds since the epoch as their decimal digits: more of them than a double holds. */
type Nanoseconds = string | 0;

function timeOf(read: DocumentReader, value: unknown, at: Place, step: string): Nanoseconds {
  if (typeof value === "string" && value.length <= 20) {
    const digits = digitsOf(value);
    if (digits !== undefined) return digits;
  }
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 64) {
    return value === 0 ? 0 : String(BigInt(value));
  }
  return read.fail(place(at, step), "must be nanoseconds since the epoch, as digits");
}

/** The same digits, 0 where they are all zeros, `undefined` where they are none. */
function digitsOf(text: string): Nanoseconds | undefined {
  let zeros = true;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return undefined;
    if (code !== 0x30) zeros = false;
  }
  if (text === "") return undefined;
  return zeros ? 0 : text;
}

/** Whole seconds, and the nanoseconds beyond them. */
const secondsOf = (time: Nanoseconds): number => (time === 0 ? 0 : number(time, 0, time.length - 9));
const restOf = (time: Nanoseconds): number => (time === 0 ? 0 : number(time, time.length - 9, time.length));

/** The number that some of the digits are. */
function number(digits: string, from: number, to: number): number {
  let sum = 0;
  for (let i = Math.max(0, from); i < to; i++) sum = sum * 10 + (digits.charCodeAt(i) - 0x30);
  return sum;
}

/** Equal to the nearest double of the exact milliseconds for whole microseconds. */
const msOf = (time: Nanoseconds): number => secondsOf(time) * 1000 + restOf(time) / 1e6;

const lengthMs = (start: Nanoseconds, end: Nanoseconds): number =>
  ((secondsOf(end) - secondsOf(start)) * 1e9 + (restOf(end) - restOf(start))) / 1e6;

function linksOf(read: DocumentReader, value: unknown, at: Place): readonly SpanLink[] {
  const list = read.list(value, at, "links");
  if (list.length === 0) return NONE;
  const links: SpanLink[] = [];
  for (let i = 0; i < list.length; i++) {
    const here = place(at, "links", i);
    const json = read.record(list[i], here);
    const trace = read.traceIdOrNone(json.traceId, here, "traceId");
    const span = read.spanIdOrNone(json.spanId, here, "spanId");
    const child = attributesOf(read, json, here).some(
      ({ key, value }) => key === "opentracing.ref_type" && value?.stringValue === "child_of",
    );
    if (trace === undefined || span === undefined) continue;
    links.push({ traceId: trace, spanId: span, relation: child ? "child-of" : "follows-from" });
  }
  return links;
}

interface OtlpEvent extends JsonRecord {
  readonly timeUnixNano: string | number;
  readonly name?: string | null;
  readonly attributes?: readonly Attribute[] | null;
}

function checkEvents(read: DocumentReader, events: readonly unknown[], within: Place): void {
  for (let i = 0; i < events.length; i++) {
    const at = { within: { within, step: "events" }, step: i };
    const json = read.record(events[i], at);
    timeOf(read, json.timeUnixNano, at, "timeUnixNano");
    read.textOrNone(json.name, at, "name");
    attributesOf(read, json, at);
  }
}

const eventOf = ({ timeUnixNano, name, attributes }: OtlpEvent): SpanEvent =>
  Object.freeze({
    timeMs: msOf(String(timeUnixNano)),
    name: name ?? "",
    fields: Object.freeze(collect(attributes ?? NONE)),
  });

function collect(attributes: readonly Attribute[], without?: string): Record<string, TagValue> {
  const tags: Record<string, TagValue> = {};
  for (const { key = "", value } of attributes) if (key !== without) put(tags, key, tagValue(value));
  return tags;
}

class OtlpProcess {
  readonly service: string;
  readonly #attributes: readonly Attribute[];
  #tags: Tags | undefined;

  constructor(attributes: readonly Attribute[]) {
    const named = attributes.find(({ key }) => key === "service.name");
    this.service = named === undefined ? "" : textOf(named.value);
    this.#attributes = attributes;
  }

  tags(): Tags {
    this.#tags ??= Object.freeze(collect(this.#attributes, "service.name"));
    return this.#tags;
  }
}

/** What is read of a span when it is asked for. */
interface OtlpSpan extends JsonRecord {
  readonly attributes?: readonly Attribute[] | null;
  readonly events?: readonly OtlpEvent[] | null;
  readonly status?: { readonly code?: unknown; readonly message?: string | null } | null;
  readonly traceState?: string | null;
}

/** What OTLP keeps in fields of their own and other formats among the tags. */
const OWN_FIELDS = [
  "error",
  "otel.scope.name",
  "otel.scope.version",
  "otel.status_code",
  "otel.status_description",
  "span.kind",
  "w3c.tracestate",
] as const;

/** Attributes and events stay where they came, and were checked there. */
class OtlpDetails implements SpanDetails {
  readonly #json: OtlpSpan;
  readonly #source: Source;
  #tags: Tags | undefined;
  #events: readonly SpanEvent[] | undefined;

  constructor(json: JsonRecord, source: Source) {
    this.#json = json as OtlpSpan;
    this.#source = source;
  }

  tag(name: string): TagValue | undefined {
    const field = this.#field(name);
    if (field !== undefined) return field;
    if (name === WARNINGS) return undefined;
    const attributes = this.#json.attributes ?? NONE;
    for (let i = attributes.length - 1; i >= 0; i--) {
      const { key = "", value } = attributes[i] as Attribute;
      if (key === name) return tagValue(value);
    }
    return undefined;
  }

  tags(): Tags {
    if (this.#tags !== undefined) return this.#tags;
    const tags = collect(this.#json.attributes ?? NONE, WARNINGS);
    for (const name of OWN_FIELDS) {
      const field = this.#field(name);
      if (field !== undefined) tags[name] = field;
    }
    this.#tags = Object.freeze(tags);
    return this.#tags;
  }

  events(): readonly SpanEvent[] {
    this.#events ??= Object.freeze((this.#json.events ?? NONE).map(eventOf));
    return this.#events;
  }

  processTags(): Tags {
    return this.#source.process.tags();
  }

  #field(name: string): TagValue | undefined {
    const status = this.#json.status ?? NO_STATUS;
    switch (name as (typeof OWN_FIELDS)[number]) {
      case "error":
        return hasFailed(status) ? true : undefined;
      case "otel.scope.name":
        return this.#source.name || undefined;
      case "otel.scope.version":
        return this.#source.version || undefined;
      case "otel.status_code":
        return hasFailed(status) ? "ERROR" : isFine(status) ? "OK" : undefined;
      case "otel.status_description":
        return status.message || undefined;
      case "span.kind":
        return KINDS.get(this.#json.kind);
      case "w3c.tracestate":
        return this.#json.traceState || undefined;
      default:
        return undefined;
    }
  }
}
