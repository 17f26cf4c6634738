import {
  type DocumentContext,
  DocumentReader,
  isRecord,
  type JsonRecord,
  own,
  type Place,
  parseDocument,
  place,
  put,
} from "../document.ts";
import { Span, type SpanDetails, type SpanEvent, type SpanKind, type Tags, type TagValue } from "../span.ts";
import { Trace } from "../trace.ts";

/**
 * A list of traces as Zipkin writes them.
 *
 * @see openzipkin/zipkin-api, `zipkin2-api.yaml`
 */
export function decodeZipkinTraces(body: Uint8Array, context: DocumentContext): readonly Trace[] {
  const read = new DocumentReader(context);
  const document = parseDocument(body, context);
  const list: readonly unknown[] = Array.isArray(document)
    ? document
    : read.fail(undefined, "must be a list of traces");
  const traces: Trace[] = [];
  for (let i = 0; i < list.length; i++) {
    const trace = traceOf(read, list[i], place(undefined, i));
    if (trace !== undefined) traces.push(trace);
  }
  return traces;
}

/** One trace as Zipkin writes it, `undefined` where it has no spans. */
export function decodeZipkinTrace(body: Uint8Array, context: DocumentContext): Trace | undefined {
  return traceOf(new DocumentReader(context), parseDocument(body, context), undefined);
}

function traceOf(read: DocumentReader, value: unknown, at: Place | undefined): Trace | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : read.fail(at, "must be a list of spans");
  const ids = new TraceIds(read);
  const spans: Span[] = [];
  let complete = true;
  for (let i = 0; i < list.length; i++) {
    const json = read.record(list[i], at, i);
    const span = spanOf(read, ids, json, { within: at, step: i });
    if (span.startMs === 0) complete = false;
    spans.push(span);
  }
  const [first] = spans;
  if (first === undefined) return undefined;
  return new Trace(first.traceId, complete ? spans : started(spans, list as readonly ZipkinSpan[]));
}

/** The spans of a trace mostly name it by the very same text. */
class TraceIds {
  readonly #read: DocumentReader;
  #digits: unknown;
  #id = "";

  constructor(read: DocumentReader) {
    this.#read = read;
  }

  of(digits: unknown, at: Place): string {
    if (typeof digits === "string" && digits === this.#digits) return this.#id;
    this.#id = this.#read.traceId(digits, at, "traceId");
    this.#digits = digits;
    return this.#id;
  }
}

/** What is read of a span when it is asked for. */
interface ZipkinSpan extends JsonRecord {
  readonly tags?: Readonly<Record<string, string>> | null;
  readonly annotations?: readonly Annotation[] | null;
}

interface Annotation {
  readonly timestamp: number;
  readonly value: string;
}

/** The span, which starts at 0 where nobody said when, as Zipkin itself takes it. */
function spanOf(read: DocumentReader, ids: TraceIds, json: JsonRecord, at: Place): Span {
  const tags = read.recordOrNone(json.tags, at, "tags");
  for (const name in tags) if (typeof tags[name] !== "string") read.fail(place(at, "tags", name), "must be text");
  checkAnnotations(read, read.list(json.annotations, at, "annotations"), at);
  serviceOf(read, json.remoteEndpoint, at, "remoteEndpoint");
  const error = own(tags, "error");
  return new Span(
    {
      traceId: ids.of(json.traceId, at),
      id: read.spanId(json.id, at, "id"),
      parentId: read.spanIdOrNone(json.parentId, at, "parentId"),
      shared: json.shared === true,
      kind: KINDS.get(json.kind),
      service: serviceOf(read, json.localEndpoint, at, "localEndpoint"),
      operation: read.textOrNone(json.name, at, "name"),
      startMs: isNone(json.timestamp) ? 0 : read.amount(json.timestamp, at, "timestamp") / 1000,
      durationMs: isNone(json.duration) ? 0 : read.amount(json.duration, at, "duration") / 1000,
      error: error !== undefined && error !== "false",
      links: NONE,
      warnings: NONE,
    },
    new ZipkinDetails(json),
  );
}

const isNone = (value: unknown): value is null | undefined => value === null || value === undefined;
const NONE: readonly never[] = Object.freeze([]);
const NO_TAGS: Tags = Object.freeze({});

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map<unknown, SpanKind>([
  ["CLIENT", "client"],
  ["SERVER", "server"],
  ["PRODUCER", "producer"],
  ["CONSUMER", "consumer"],
]);

/** The name of the service at an endpoint, every part of which is checked. */
function serviceOf(read: DocumentReader, value: unknown, within: Place, step: string): string {
  if (isNone(value)) return "";
  const at = { within, step };
  const { serviceName, ipv4, ipv6, port } = read.record(value, at);
  read.textOrNone(ipv4, at, "ipv4");
  read.textOrNone(ipv6, at, "ipv6");
  if (!isNone(port)) read.amount(port, at, "port");
  return read.textOrNone(serviceName, at, "serviceName");
}

function checkAnnotations(read: DocumentReader, list: readonly unknown[], within: Place): void {
  for (let i = 0; i < list.length; i++) {
    const at = place(within, "annotations", i);
    const annotation = read.record(list[i], at);
    read.amount(annotation.timestamp, at, "timestamp");
    read.text(annotation.value, at, "value");
  }
}

/** The spans with a start for those that do not say theirs: Zipkin takes such, and shows them beside the others. */
function started(spans: readonly Span[], written: readonly ZipkinSpan[]): readonly Span[] {
  const known = spans.filter(({ startMs }) => startMs !== 0);
  const byId = new Map(known.map(({ id, startMs }) => [id, startMs]));
  const earliest = least(known.map(({ startMs }) => startMs));
  return spans.map((span, i) => {
    if (span.startMs !== 0) return span;
    const json = written[i] as ZipkinSpan;
    const annotated = least((json.annotations ?? NONE).map(({ timestamp }) => timestamp / 1000));
    const starts: readonly (readonly [number | undefined, string])[] = [
      [annotated, "its first annotation's"],
      [byId.get(span.id), "its other half's"],
      [span.parentId === undefined ? undefined : byId.get(span.parentId), "its parent's"],
      [earliest, "the trace's"],
    ];
    const [startMs = 0, whose] = starts.find(([start]) => start !== undefined) ?? [0, "the epoch"];
    return new Span({ ...span, startMs, warnings: [`${NO_START} ${whose}`] }, new ZipkinDetails(json));
  });
}

const NO_START = "the span does not say when it started; taken as";

const least = (numbers: readonly number[]): number | undefined =>
  numbers.length === 0 ? undefined : numbers.reduce((a, b) => Math.min(a, b));

/** The endpoint of the other side, under the names that OpenTracing gives its parts among the tags. */
const PEER = { serviceName: "peer.service", ipv4: "peer.ipv4", ipv6: "peer.ipv6", port: "peer.port" } as const;
const HOST = { ipv4: "ipv4", ipv6: "ipv6", port: "port" } as const;

/** Tags and annotations stay where they came, and were checked there. */
class ZipkinDetails implements SpanDetails {
  readonly #json: ZipkinSpan;
  #tags: Tags | undefined;

  constructor(json: JsonRecord) {
    this.#json = json as ZipkinSpan;
  }

  tag(name: string): TagValue | undefined {
    const { tags, remoteEndpoint } = this.#json;
    const value = own(tags ?? NO_TAGS, name);
    if (value !== undefined) return value as string;
    return name.startsWith("peer.") ? (own(partsOf(remoteEndpoint, PEER), name) as TagValue | undefined) : undefined;
  }

  tags(): Tags {
    if (this.#tags !== undefined) return this.#tags;
    const { tags, remoteEndpoint } = this.#json;
    const all = partsOf(remoteEndpoint, PEER);
    for (const [name, value] of Object.entries(tags ?? NO_TAGS)) put(all, name, value);
    this.#tags = Object.freeze(all);
    return this.#tags;
  }

  events(): readonly SpanEvent[] {
    return (this.#json.annotations ?? NONE).map(({ timestamp, value }) =>
      Object.freeze({ timeMs: timestamp / 1000, name: value, fields: NO_TAGS }),
    );
  }

  processTags(): Tags {
    return partsOf(this.#json.localEndpoint, HOST);
  }
}

function partsOf(endpoint: unknown, names: Readonly<Record<string, string>>): Record<string, TagValue> {
  const parts: Record<string, TagValue> = {};
  if (!isRecord(endpoint)) return parts;
  for (const [field, name] of Object.entries(names)) {
    const part = endpoint[field];
    if (typeof part === "string" || typeof part === "number") parts[name] = part;
  }
  return parts;
}
