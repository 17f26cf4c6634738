import {
  type DocumentContext,
  DocumentReader,
  type JsonRecord,
  own,
  type Place,
  parseDocument,
  place,
  put,
} from "../document.ts";
import { traceId } from "../id.ts";
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

/** What Jaeger's older API says went wrong, beside or in place of its data. */
export interface LegacyFailure {
  readonly message: string;
  readonly code: number | undefined;
  readonly traceId: string | undefined;
}

/** The envelope of every answer of Jaeger's older API. */
export interface LegacyEnvelope {
  readonly data: readonly unknown[];
  readonly failures: readonly LegacyFailure[];
}

/** The data of an answer, and what it says went wrong. */
export function decodeLegacyEnvelope(body: Uint8Array, context: DocumentContext): LegacyEnvelope {
  const read = new DocumentReader(context);
  const document = read.record(parseDocument(body, context));
  if (!Object.hasOwn(document, "data") && !Object.hasOwn(document, "errors"))
    read.fail(place(undefined, "data"), "is missing");
  const failures = read.list(document.errors, undefined, "errors").map((one, i): LegacyFailure => {
    const at = place(undefined, "errors", i);
    const { msg, code, traceID } = read.record(one, at);
    return {
      message: read.textOrNone(msg, at, "msg"),
      code: typeof code === "number" ? code : undefined,
      traceId: typeof traceID === "string" && /^[0-9a-f]{1,32}$/i.test(traceID) ? traceId(traceID) : undefined,
    };
  });
  return { data: read.list(document.data, undefined, "data"), failures };
}

/**
 * Traces as Jaeger's older API writes them.
 *
 * @see jaegertracing/jaeger, `internal/uimodel/model.go`
 */
export function decodeLegacyTraces(
  body: Uint8Array,
  context: DocumentContext,
): { readonly traces: readonly Trace[]; readonly failures: readonly LegacyFailure[] } {
  const { data, failures } = decodeLegacyEnvelope(body, context);
  const read = new DocumentReader(context);
  const traces: Trace[] = [];
  for (let i = 0; i < data.length; i++) {
    const trace = traceOf(read, data[i], place(undefined, "data", i));
    if (trace !== undefined) traces.push(trace);
  }
  return { traces, failures };
}

/** The trace, `undefined` where it has no spans. */
function traceOf(read: DocumentReader, value: unknown, at: Place | undefined): Trace | undefined {
  const json = read.record(value, at);
  const home: Home = {
    digits: json.traceID,
    id: read.traceId(json.traceID, at, "traceID"),
    processes: new Map(),
  };
  const table = read.recordOrNone(json.processes, at, "processes");
  for (const name of Object.keys(table)) {
    home.processes.set(name, processOf(read, own(table, name), place(at, "processes", name)));
  }
  const list = read.list(json.spans, at, "spans");
  const spans: Span[] = [];
  const within = place(at, "spans");
  for (let i = 0; i < list.length; i++) spans.push(spanOf(read, list[i], home, { within, step: i }));
  const warnings = read.texts(json.warnings, at, "warnings");
  return spans.length === 0 ? undefined : new Trace(home.id, spans, warnings);
}

/** The trace that spans are read of. */
interface Home {
  /** Its id as it came: its spans mostly name it by the very same text. */
  readonly digits: unknown;
  readonly id: string;
  readonly processes: Map<string, LegacyProcess>;
}

function processOf(read: DocumentReader, value: unknown, at: Place | undefined): LegacyProcess {
  const { serviceName, tags } = read.record(value, at);
  const list = read.list(tags, at, "tags");
  checkTags(read, list, at, "tags");
  return new LegacyProcess(read.textOrNone(serviceName, at, "serviceName"), list as readonly LegacyTag[]);
}

function spanOf(read: DocumentReader, value: unknown, home: Home, at: Place): Span {
  const json = read.record(value, at);
  if (json.traceID !== home.digits && read.traceId(json.traceID, at, "traceID") !== home.id)
    read.fail(place(at, "traceID"), "is another trace's");
  const process = home.processes.get(read.text(json.processID, at, "processID"));
  if (process === undefined) return read.fail(place(at, "processID"), "names none of the trace's processes");
  const marks = checkTags(read, read.list(json.tags, at, "tags"), at, "tags");
  checkLogs(read, read.list(json.logs, at, "logs"), at);
  const { parentId, links } = kinOf(read, json, home, at);
  let durationMs = read.amount(json.duration, at, "duration") / 1000;
  let warnings = read.texts(json.warnings, at, "warnings");
  if (marks.warning !== undefined) warnings = [...warnings, marks.warning];
  if (durationMs >= LONGEST_MS) {
    warnings = [...warnings, ENDS_BEFORE_START];
    durationMs = 0;
  }
  return new Span(
    {
      traceId: home.id,
      id: read.spanId(json.spanID, at, "spanID"),
      parentId,
      shared: false,
      kind: marks.kind,
      service: process.service,
      operation: read.textOrNone(json.operationName, at, "operationName"),
      startMs: read.amount(json.startTime, at, "startTime") / 1000,
      durationMs,
      error: marks.error,
      links,
      warnings,
    },
    new LegacyDetails(json, process),
  );
}

const NONE: readonly never[] = Object.freeze([]);
/** Jaeger writes a duration as unsigned: one below zero comes as nearly 2^64 microseconds. */
const LONGEST_MS = 2 ** 63 / 1000;
const ENDS_BEFORE_START = "the span ends before it starts; its duration is taken as zero";

interface Kin {
  readonly parentId: string | undefined;
  readonly links: readonly SpanLink[];
}

/** The first span of the same trace that this one is a child of is its parent; every other reference is a link. */
function kinOf(read: DocumentReader, json: JsonRecord, home: Home, at: Place): Kin {
  const references = read.list(json.references, at, "references");
  let parentId: string | undefined;
  let links: SpanLink[] | undefined;
  const within = references.length === 0 ? at : { within: at, step: "references" };
  for (let i = 0; i < references.length; i++) {
    const here = { within, step: i };
    const reference = read.record(references[i], here);
    const child = read.text(reference.refType, here, "refType") === "CHILD_OF";
    const isOwn = reference.traceID === home.digits;
    const other = isOwn ? home.id : read.traceIdOrNone(reference.traceID, here, "traceID");
    const id = read.spanIdOrNone(reference.spanID, here, "spanID");
    if (id === undefined || other === undefined) continue;
    if (child && parentId === undefined && other === home.id) parentId = id;
    else {
      links ??= [];
      links.push({ traceId: other, spanId: id, relation: child ? "child-of" : "follows-from" });
    }
  }
  parentId ??= read.spanIdOrNone(json.parentSpanID, at, "parentSpanID");
  return { parentId, links: links ?? NONE };
}

interface LegacyTag {
  readonly key: string;
  readonly type?: unknown;
  readonly value: string | number | boolean;
}

interface LegacyLog {
  readonly timestamp: number;
  readonly fields: readonly LegacyTag[] | null | undefined;
}

/** What is read of a span when it is asked for. */
interface LegacySpan extends JsonRecord {
  readonly tags: readonly LegacyTag[] | null | undefined;
  readonly logs: readonly LegacyLog[] | null | undefined;
}

/** What of a span's own fields stands among its tags. */
interface Marks {
  readonly kind: SpanKind | undefined;
  readonly error: boolean;
  readonly warning: string | undefined;
}

/** Every tag is checked now, so that reading one later cannot fail. */
function checkTags(read: DocumentReader, tags: readonly unknown[], at: Place | undefined, step: string): Marks {
  let kind: SpanKind | undefined;
  let error = false;
  let warning: string | undefined;
  for (let i = 0; i < tags.length; i++) {
    const tag = tags[i] as LegacyTag | null | undefined;
    if (typeof tag !== "object" || tag === null || typeof tag.key !== "string")
      return read.fail(place(at, step, i), "must be a tag with a key");
    const { type, value } = tag;
    if (!(type === "string" && typeof value === "string") && !isValue(type, value))
      return read.fail(place(at, step, i, "value"), `is no ${String(type)}`);
    switch (tag.key) {
      case "span.kind":
        kind = kindOf(value);
        break;
      case "error":
        if (saysError(value)) error = true;
        break;
      case "otel.status_code":
        if (value === "ERROR") error = true;
        break;
      case "jaeger.warning":
        if (typeof value === "string") warning = value;
        break;
      default:
    }
  }
  return { kind, error, warning };
}

/** Elasticsearch gives values back as text whatever their type says. */
function isValue(type: unknown, value: unknown): boolean {
  switch (type) {
    case "bool":
      return typeof value === "boolean" || value === "true" || value === "false";
    case "int64":
      return Number.isFinite(value) || (typeof value === "string" && /^-?\d{1,19}$/.test(value));
    case "float64":
      return (
        Number.isFinite(value) ||
        (typeof value === "string" && value !== "" && (value === "NaN" || !Number.isNaN(Number(value))))
      );
    case "binary":
      return typeof value === "string" && /^[\w+/-]*={0,2}$/.test(value);
    case "string":
      return typeof value === "string";
    default:
      return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
  }
}

function tagValue({ type, value }: LegacyTag): TagValue {
  if (typeof value !== "string") return value;
  switch (type) {
    case "bool":
      return value === "true";
    case "int64": {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : BigInt(value);
    }
    case "float64":
      return Number(value);
    case "binary":
      return new Uint8Array(Buffer.from(value, "base64"));
    default:
      return value;
  }
}

function checkLogs(read: DocumentReader, logs: readonly unknown[], within: Place): void {
  for (let i = 0; i < logs.length; i++) {
    const at = place(within, "logs", i);
    const { timestamp, fields } = read.record(logs[i], at);
    read.amount(timestamp, at, "timestamp");
    checkTags(read, read.list(fields, at, "fields"), at, "fields");
  }
}

function tagsOf(list: readonly LegacyTag[], without?: string): Tags {
  const tags: Record<string, TagValue> = {};
  for (const tag of list) if (tag.key !== without) put(tags, tag.key, tagValue(tag));
  return Object.freeze(tags);
}

class LegacyProcess {
  readonly service: string;
  readonly #list: readonly LegacyTag[];
  #tags: Tags | undefined;

  constructor(service: string, list: readonly LegacyTag[]) {
    this.service = service;
    this.#list = list;
  }

  tags(): Tags {
    this.#tags ??= tagsOf(this.#list);
    return this.#tags;
  }
}

/** Tags and logs stay where they came, and were checked there. */
class LegacyDetails implements SpanDetails {
  readonly #json: LegacySpan;
  readonly #process: LegacyProcess;
  #tags: Tags | undefined;
  #events: readonly SpanEvent[] | undefined;

  constructor(json: JsonRecord, process: LegacyProcess) {
    this.#json = json as LegacySpan;
    this.#process = process;
  }

  tag(name: string): TagValue | undefined {
    const tags = this.#json.tags ?? NONE;
    for (let i = tags.length - 1; i >= 0; i--) {
      const tag = tags[i] as LegacyTag;
      if (tag.key === name) return tagValue(tag);
    }
    return undefined;
  }

  tags(): Tags {
    this.#tags ??= tagsOf(this.#json.tags ?? NONE);
    return this.#tags;
  }

  events(): readonly SpanEvent[] {
    this.#events ??= Object.freeze((this.#json.logs ?? NONE).map(eventOf));
    return this.#events;
  }

  processTags(): Tags {
    return this.#process.tags();
  }
}

/** A log's name is its field `event`, as OpenTracing has it. */
function eventOf({ timestamp, fields }: LegacyLog): SpanEvent {
  const list = fields ?? NONE;
  const named = list.findLast(({ key, value }) => key === "event" && typeof value === "string");
  return Object.freeze({
    timeMs: timestamp / 1000,
    name: named === undefined ? "" : String(named.value),
    fields: tagsOf(list, named === undefined ? undefined : "event"),
  });
}
