import {
  type DocumentContext,
  DocumentReader,
  isRecord,
  type JsonRecord,
  own,
  type Place,
  parseDocument,
  put,
} from "../document.ts";
import { spanId, traceId } from "../id.ts";
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
    : read.fail(() => "the document", "must be a list of traces");
  return list.flatMap((spans, i) => traceOf(read, spans, () => `[${i}]`) ?? []);
}

/** One trace as Zipkin writes it, `undefined` where it has no spans. */
export function decodeZipkinTrace(body: Uint8Array, context: DocumentContext): Trace | undefined {
  return traceOf(new DocumentReader(context), parseDocument(body, context), () => "");
}

function traceOf(read: DocumentReader, value: unknown, at: Place): Trace | undefined {
  const list: readonly unknown[] = Array.isArray(value)
    ? value
    : read.fail(() => at() || "the document", "must be a list of spans");
  const ids = new TraceIds(read);
  const given = list.map((span, i) => recordOf(read, ids, span, () => `${at()}[${i}]`));
  const [first] = given;
  if (first === undefined) return undefined;
  const starts = new Starts(given);
  return new Trace(
    first.traceId,
    given.map((record) => spanOf(record, starts)),
  );
}

/** The spans of a trace mostly name it by the very same text. */
class TraceIds {
  readonly #read: DocumentReader;
  #digits: string | undefined;
  #id = "";

  constructor(read: DocumentReader) {
    this.#read = read;
  }

  of(digits: unknown, at: Place): string {
    if (typeof digits !== "string" || digits !== this.#digits) {
      this.#digits = this.#read.id(digits, 32, at);
      this.#id = traceId(this.#digits);
    }
    return this.#id;
  }
}

/** A span as it was written, with what could be wrong in it checked. */
interface Written {
  readonly json: JsonRecord;
  readonly traceId: string;
  readonly id: string;
  readonly parentId: string | undefined;
  readonly shared: boolean;
  /** Microseconds; zero where nobody said, as Zipkin itself takes it. */
  readonly timestamp: number;
  readonly duration: number;
  readonly service: string;
  readonly operation: string;
  readonly tags: JsonRecord;
  readonly annotations: readonly Annotation[];
}

interface Annotation {
  readonly timestamp: number;
  readonly value: string;
}

function recordOf(read: DocumentReader, ids: TraceIds, value: unknown, at: Place): Written {
  const json = read.record(value, at);
  const tags = isNone(json.tags) ? NO_TAGS : read.record(json.tags, () => `${at()}.tags`);
  for (const name in tags) if (typeof tags[name] !== "string") read.fail(() => `${at()}.tags.${name}`, "must be text");
  const parent = read.idOrNone(json.parentId, 16, () => `${at()}.parentId`);
  endpointOf(read, json.remoteEndpoint, () => `${at()}.remoteEndpoint`);
  return {
    json,
    traceId: ids.of(json.traceId, () => `${at()}.traceId`),
    id: spanId(read.id(json.id, 16, () => `${at()}.id`)),
    parentId: parent === undefined ? undefined : spanId(parent),
    shared: json.shared === true,
    timestamp: isNone(json.timestamp) ? 0 : read.amount(json.timestamp, () => `${at()}.timestamp`),
    duration: isNone(json.duration) ? 0 : read.amount(json.duration, () => `${at()}.duration`),
    service: endpointOf(read, json.localEndpoint, () => `${at()}.localEndpoint`),
    operation: read.textOrNone(json.name, () => `${at()}.name`),
    tags,
    annotations: annotationsOf(read, json.annotations, () => `${at()}.annotations`),
  };
}

const isNone = (value: unknown): value is null | undefined => value === null || value === undefined;
const NONE: readonly never[] = Object.freeze([]);
const NO_TAGS: JsonRecord = Object.freeze({});

/** The name of the service at an endpoint, every part of which is checked. */
function endpointOf(read: DocumentReader, value: unknown, at: Place): string {
  if (isNone(value)) return "";
  const { serviceName, ipv4, ipv6, port } = read.record(value, at);
  read.textOrNone(ipv4, () => `${at()}.ipv4`);
  read.textOrNone(ipv6, () => `${at()}.ipv6`);
  if (!isNone(port)) read.amount(port, () => `${at()}.port`);
  return read.textOrNone(serviceName, () => `${at()}.serviceName`);
}

function annotationsOf(read: DocumentReader, value: unknown, at: Place): readonly Annotation[] {
  const list = read.list(value, at);
  if (list.length === 0) return NONE;
  for (const [i, one] of list.entries()) {
    const annotation = read.record(one, () => `${at()}[${i}]`);
    read.amount(annotation.timestamp, () => `${at()}[${i}].timestamp`);
    read.text(annotation.value, () => `${at()}[${i}].value`);
  }
  return list as readonly Annotation[];
}

/** When spans started, those too that do not say: Zipkin takes incomplete spans, and shows them beside the others. */
class Starts {
  readonly #earliest: number;
  readonly #byId: Map<string, number> | undefined;

  constructor(spans: readonly Written[]) {
    let earliest = Number.POSITIVE_INFINITY;
    let incomplete = false;
    for (const { timestamp } of spans) {
      if (timestamp === 0) incomplete = true;
      else if (timestamp < earliest) earliest = timestamp;
    }
    this.#earliest = earliest;
    if (incomplete)
      this.#byId = new Map(spans.flatMap(({ id, timestamp }) => (timestamp === 0 ? [] : [[id, timestamp]])));
  }

  /** Microseconds, and what is to be said where they are another's. */
  of({ id, parentId, timestamp, annotations }: Written): { readonly us: number; readonly warning?: string } {
    if (timestamp !== 0) return { us: timestamp };
    const annotated = Math.min(...annotations.map((one) => one.timestamp));
    if (Number.isFinite(annotated)) return { us: annotated, warning: `${NO_START} its first annotation's` };
    const half = this.#byId?.get(id);
    if (half !== undefined) return { us: half, warning: `${NO_START} its other half's` };
    const parent = parentId === undefined ? undefined : this.#byId?.get(parentId);
    if (parent !== undefined) return { us: parent, warning: `${NO_START} its parent's` };
    if (Number.isFinite(this.#earliest)) return { us: this.#earliest, warning: `${NO_START} the trace's` };
    return { us: 0, warning: `${NO_START} the epoch` };
  }
}

const NO_START = "the span does not say when it started; taken as";

const KINDS: ReadonlyMap<unknown, SpanKind> = new Map<unknown, SpanKind>([
  ["CLIENT", "client"],
  ["SERVER", "server"],
  ["PRODUCER", "producer"],
  ["CONSUMER", "consumer"],
]);

function spanOf(written: Written, starts: Starts): Span {
  const { json, traceId, id, parentId, shared, service, operation, tags, duration } = written;
  const { us, warning } = starts.of(written);
  const error = own(tags, "error");
  return new Span(
    {
      traceId,
      id,
      parentId,
      shared,
      kind: KINDS.get(json.kind),
      service,
      operation,
      startMs: us / 1000,
      durationMs: duration / 1000,
      error: error !== undefined && error !== "false",
      links: NONE,
      warnings: warning === undefined ? NONE : [warning],
    },
    new ZipkinDetails(written),
  );
}

/** The endpoint of the other side, under the names that OpenTracing gives its parts among the tags. */
const PEER = { serviceName: "peer.service", ipv4: "peer.ipv4", ipv6: "peer.ipv6", port: "peer.port" } as const;
const HOST = { ipv4: "ipv4", ipv6: "ipv6", port: "port" } as const;

class ZipkinDetails implements SpanDetails {
  readonly #written: Written;
  #tags: Tags | undefined;

  constructor(written: Written) {
    this.#written = written;
  }

  tag(name: string): TagValue | undefined {
    const value = own(this.#written.tags, name);
    if (value !== undefined) return value as string;
    const { remoteEndpoint } = this.#written.json;
    return name.startsWith("peer.") ? (own(partsOf(remoteEndpoint, PEER), name) as TagValue | undefined) : undefined;
  }

  tags(): Tags {
    if (this.#tags !== undefined) return this.#tags;
    const { json, tags } = this.#written;
    const all = partsOf(json.remoteEndpoint, PEER);
    for (const name of Object.keys(tags)) put(all, name, tags[name] as string);
    this.#tags = Object.freeze(all);
    return this.#tags;
  }

  events(): readonly SpanEvent[] {
    return this.#written.annotations.map(({ timestamp, value }) =>
      Object.freeze({ timeMs: timestamp / 1000, name: value, fields: NO_FIELDS }),
    );
  }

  processTags(): Tags {
    return partsOf(this.#written.json.localEndpoint, HOST);
  }
}

const NO_FIELDS: Tags = Object.freeze({});

function partsOf(endpoint: unknown, names: Readonly<Record<string, string>>): Record<string, TagValue> {
  const parts: Record<string, TagValue> = {};
  if (!isRecord(endpoint)) return parts;
  for (const [field, name] of Object.entries(names)) {
    const part = endpoint[field];
    if (typeof part === "string" || typeof part === "number") parts[name] = part;
  }
  return parts;
}
