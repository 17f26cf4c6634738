import {
  type DocumentContext,
  DocumentReader,
  isRecord,
  type JsonRecord,
  type Place,
  parseDocument,
  put,
} from "../document.ts";
import { spanId, traceId } from "../id.ts";
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
  const document = read.record(parseDocument(body, context), () => "the document");
  if (isRecord(document.error) && typeof document.error.message === "string") {
    return { traces: [], failure: document.error.message };
  }
  const result = read.record(document.result, () => "result");
  const spansOf = new Map<string, Span[]>();
  const traces = new IdReader(read, spansOf);
  for (const [i, one] of read.list(result.resourceSpans, () => "result.resourceSpans").entries()) {
    resourceSpans(read, traces, one, () => `result.resourceSpans[${i}]`);
  }
  return { traces: Array.from(spansOf, ([id, spans]) => new Trace(id, spans)), failure: undefined };
}

/** Neighbouring spans mostly are of one trace, whose id is then the very same text. */
class IdReader {
  readonly #read: DocumentReader;
  readonly #spansOf: Map<string, Span[]>;
  #digits: string | undefined;
  #id = "";
  #spans: Span[] = [];

  constructor(read: DocumentReader, spansOf: Map<string, Span[]>) {
    this.#read = read;
    this.#spansOf = spansOf;
  }

  /** The spans so far of the trace that `digits` names. */
  of(digits: unknown, at: Place): { readonly id: string; readonly spans: Span[] } {
    if (typeof digits !== "string" || digits !== this.#digits) {
      this.#digits = this.#read.id(digits, 32, at);
      this.#id = traceId(this.#digits);
      const known = this.#spansOf.get(this.#id);
      this.#spans = known ?? [];
      if (known === undefined) this.#spansOf.set(this.#id, this.#spans);
    }
    return { id: this.#id, spans: this.#spans };
  }
}

function resourceSpans(read: DocumentReader, traces: IdReader, value: unknown, at: Place): void {
  const json = read.record(value, at);
  const resource = isNone(json.resource) ? {} : read.record(json.resource, () => `${at()}.resource`);
  const attributes = attributesOf(read, resource, () => `${at()}.resource`);
  const process = new OtlpProcess(attributes);
  for (const [i, one] of read.list(json.scopeSpans, () => `${at()}.scopeSpans`).entries()) {
    const place = () => `${at()}.scopeSpans[${i}]`;
    const scoped = read.record(one, place);
    const scope = isNone(scoped.scope) ? {} : read.record(scoped.scope, () => `${place()}.scope`);
    const name = read.textOrNone(scope.name, () => `${place()}.scope.name`);
    const version = read.textOrNone(scope.version, () => `${place()}.scope.version`);
    const source: Source = { process, name, version };
    const spans = read.list(scoped.spans, () => `${place()}.spans`);
    for (let k = 0; k < spans.length; k++) spanOf(read, traces, spans[k], source, () => `${place()}.spans[${k}]`);
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

function attributesOf(read: DocumentReader, owner: JsonRecord, at: Place): readonly Attribute[] {
  const list = read.list(owner.attributes, () => `${at()}.attributes`);
  for (let i = 0; i < list.length; i++) {
    if (!isTextAttribute(list[i])) checkAttribute(read, list[i], () => `${at()}.attributes[${i}]`);
  }
  return list as readonly Attribute[];
}

function spanOf(read: DocumentReader, traces: IdReader, value: unknown, source: Source, at: Place): void {
  const json = read.record(value, at);
  const trace = traces.of(json.traceId, () => `${at()}.traceId`);
  const attributes = attributesOf(read, json, at);
  const events = read.list(json.events, () => `${at()}.events`);
  if (events.length > 0) checkEvents(read, events, () => `${at()}.events`);
  const status = isNone(json.status) ? NO_STATUS : read.record(json.status, () => `${at()}.status`);
  const failed = status.code === 2 || status.code === "STATUS_CODE_ERROR";
  const start = timeOf(read, json.startTimeUnixNano, () => `${at()}.startTimeUnixNano`);
  const end = isNone(json.endTimeUnixNano) ? 0 : timeOf(read, json.endTimeUnixNano, () => `${at()}.endTimeUnixNano`);
  const durationMs = end === 0 ? -1 : lengthMs(start, end);
  const parent = read.idOrNone(json.parentSpanId, 16, () => `${at()}.parentSpanId`);
  const marks = marksOf(attributes);
  const kind = KINDS.get(json.kind);
  const message = read.textOrNone(status.message, () => `${at()}.status.message`);
  const traceState = read.textOrNone(json.traceState, () => `${at()}.traceState`);
  trace.spans.push(
    new Span(
      {
        traceId: trace.id,
        id: spanId(read.id(json.spanId, 16, () => `${at()}.spanId`)),
        parentId: parent === undefined ? undefined : spanId(parent),
        shared: false,
        kind: kind ?? marks.kind,
        service: source.process.service,
        operation: read.textOrNone(json.name, () => `${at()}.name`),
        startMs: msOf(start),
        durationMs: Math.max(0, durationMs),
        error: failed || marks.error,
        links: linksOf(read, json.links, () => `${at()}.links`),
        warnings: durationMs >= 0 ? marks.warnings : [...marks.warnings, end === 0 ? NO_END : ENDS_BEFORE_START],
      },
      new OtlpDetails(attributes, events as readonly OtlpEvent[], source, {
        kind,
        failed,
        fine: status.code === 1 || status.code === "STATUS_CODE_OK",
        message,
        traceState,
      }),
    ),
  );
}

const NONE: readonly never[] = Object.freeze([]);
const NO_STATUS: JsonRecord = Object.freeze({});
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

function timeOf(read: DocumentReader, value: unknown, at: Place): Nanoseconds {
  if (typeof value === "string" && /^\d{1,20}$/.test(value)) return /^0+$/.test(value) ? 0 : value;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 64) {
    return value === 0 ? 0 : String(BigInt(value));
  }
  return read.fail(at, "must be nanoseconds since the epoch, as digits");
}

/** Whole seconds, and the nanoseconds beyond them. */
const secondsOf = (time: Nanoseconds): number => (time === 0 ? 0 : Number(time.slice(0, -9)));
const restOf = (time: Nanoseconds): number => (time === 0 ? 0 : Number(time.slice(-9)));

/** Equal to the nearest double of the exact milliseconds for whole microseconds. */
const msOf = (time: Nanoseconds): number => secondsOf(time) * 1000 + restOf(time) / 1e6;

const lengthMs = (start: Nanoseconds, end: Nanoseconds): number =>
  ((secondsOf(end) - secondsOf(start)) * 1e9 + (restOf(end) - restOf(start))) / 1e6;

function linksOf(read: DocumentReader, value: unknown, at: Place): readonly SpanLink[] {
  const list = read.list(value, at);
  if (list.length === 0) return NONE;
  const links: SpanLink[] = [];
  for (const [i, one] of list.entries()) {
    const place = () => `${at()}[${i}]`;
    const json = read.record(one, place);
    const trace = read.idOrNone(json.traceId, 32, () => `${place()}.traceId`);
    const span = read.idOrNone(json.spanId, 16, () => `${place()}.spanId`);
    const child = attributesOf(read, json, place).some(
      ({ key, value }) => key === "opentracing.ref_type" && value?.stringValue === "child_of",
    );
    if (trace === undefined || span === undefined) continue;
    links.push({ traceId: traceId(trace), spanId: spanId(span), relation: child ? "child-of" : "follows-from" });
  }
  return links;
}

interface OtlpEvent extends JsonRecord {
  readonly timeUnixNano: string | number;
  readonly name?: string | null;
  readonly attributes?: readonly Attribute[] | null;
}

function checkEvents(read: DocumentReader, events: readonly unknown[], at: Place): void {
  for (const [i, one] of events.entries()) {
    const place = () => `${at()}[${i}]`;
    const json = read.record(one, place);
    timeOf(read, json.timeUnixNano, () => `${place()}.timeUnixNano`);
    read.textOrNone(json.name, () => `${place()}.name`);
    attributesOf(read, json, place);
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

/** What OTLP keeps in fields of their own and other formats among the tags. */
interface OwnFields {
  readonly kind: SpanKind | undefined;
  readonly failed: boolean;
  readonly fine: boolean;
  readonly message: string;
  readonly traceState: string;
}

const OWN_FIELDS = [
  "error",
  "otel.scope.name",
  "otel.scope.version",
  "otel.status_code",
  "otel.status_description",
  "span.kind",
  "w3c.tracestate",
] as const;

class OtlpDetails implements SpanDetails {
  readonly #attributes: readonly Attribute[];
  readonly #events: readonly OtlpEvent[];
  readonly #source: Source;
  readonly #own: OwnFields;
  #tags: Tags | undefined;
  #happened: readonly SpanEvent[] | undefined;

  constructor(attributes: readonly Attribute[], events: readonly OtlpEvent[], source: Source, own: OwnFields) {
    this.#attributes = attributes;
    this.#events = events;
    this.#source = source;
    this.#own = own;
  }

  tag(name: string): TagValue | undefined {
    const field = this.#field(name);
    if (field !== undefined) return field;
    if (name === WARNINGS) return undefined;
    for (let i = this.#attributes.length - 1; i >= 0; i--) {
      const { key = "", value } = this.#attributes[i] as Attribute;
      if (key === name) return tagValue(value);
    }
    return undefined;
  }

  tags(): Tags {
    if (this.#tags !== undefined) return this.#tags;
    const tags = collect(this.#attributes, WARNINGS);
    for (const name of OWN_FIELDS) {
      const field = this.#field(name);
      if (field !== undefined) tags[name] = field;
    }
    this.#tags = Object.freeze(tags);
    return this.#tags;
  }

  events(): readonly SpanEvent[] {
    this.#happened ??= Object.freeze(this.#events.map(eventOf));
    return this.#happened;
  }

  processTags(): Tags {
    return this.#source.process.tags();
  }

  #field(name: string): TagValue | undefined {
    const { kind, failed, fine, message, traceState } = this.#own;
    switch (name as (typeof OWN_FIELDS)[number]) {
      case "error":
        return failed ? true : undefined;
      case "otel.scope.name":
        return this.#source.name || undefined;
      case "otel.scope.version":
        return this.#source.version || undefined;
      case "otel.status_code":
        return failed ? "ERROR" : fine ? "OK" : undefined;
      case "otel.status_description":
        return message || undefined;
      case "span.kind":
        return kind;
      case "w3c.tracestate":
        return traceState || undefined;
      default:
        return undefined;
    }
  }
}
