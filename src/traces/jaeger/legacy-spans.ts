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
  const document = read.record(parseDocument(body, context), () => "the document");
  if (!Object.hasOwn(document, "data") && !Object.hasOwn(document, "errors")) read.fail(() => "data", "is missing");
  const failures = read
    .list(document.errors, () => "errors")
    .map((one, i): LegacyFailure => {
      const { msg, code, traceID } = read.record(one, () => `errors[${i}]`);
      return {
        message: read.textOrNone(msg, () => `errors[${i}].msg`),
        code: typeof code === "number" ? code : undefined,
        traceId: typeof traceID === "string" && /^[0-9a-f]{1,32}$/i.test(traceID) ? traceId(traceID) : undefined,
      };
    });
  return { data: read.list(document.data, () => "data"), failures };
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
  const traces = data.map((trace, i) => traceOf(read, trace, () => `data[${i}]`));
  return { traces: traces.filter(({ spans }) => spans.length > 0), failures };
}

function traceOf(read: DocumentReader, value: unknown, at: Place): Trace {
  const json = read.record(value, at);
  const digits = read.id(json.traceID, 32, () => `${at()}.traceID`);
  const id = traceId(digits);
  const processes = new Map<string, LegacyProcess>();
  const named = json.processes === null || json.processes === undefined ? {} : json.processes;
  const table = read.record(named, () => `${at()}.processes`);
  for (const name of Object.keys(table)) {
    processes.set(
      name,
      processOf(read, own(table, name), () => `${at()}.processes.${name}`),
    );
  }
  const isOwn = (other: string) => other === digits || traceId(other) === id;
  const spans = read
    .list(json.spans, () => `${at()}.spans`)
    .map((span, i) => spanOf(read, span, id, isOwn, processes, () => `${at()}.spans[${i}]`));
  return new Trace(
    id,
    spans,
    read.texts(json.warnings, () => `${at()}.warnings`),
  );
}

function processOf(read: DocumentReader, value: unknown, at: Place): LegacyProcess {
  const { serviceName, tags } = read.record(value, at);
  const list = read.list(tags, () => `${at()}.tags`);
  checkTags(read, list, () => `${at()}.tags`);
  return new LegacyProcess(
    read.textOrNone(serviceName, () => `${at()}.serviceName`),
    list as readonly LegacyTag[],
  );
}

function spanOf(
  read: DocumentReader,
  value: unknown,
  id: string,
  isOwn: (digits: string) => boolean,
  processes: ReadonlyMap<string, LegacyProcess>,
  at: Place,
): Span {
  const json = read.record(value, at);
  if (!isOwn(read.id(json.traceID, 32, () => `${at()}.traceID`)))
    read.fail(() => `${at()}.traceID`, "is another trace's");
  const process = processes.get(read.text(json.processID, () => `${at()}.processID`));
  if (process === undefined) return read.fail(() => `${at()}.processID`, "names none of the trace's processes");
  const tags = read.list(json.tags, () => `${at()}.tags`);
  const logs = read.list(json.logs, () => `${at()}.logs`);
  const marks = checkTags(read, tags, () => `${at()}.tags`);
  if (logs.length > 0) checkLogs(read, logs, () => `${at()}.logs`);
  const { parentId, links } = kinOf(read, json, isOwn, at);
  let durationMs = read.amount(json.duration, () => `${at()}.duration`) / 1000;
  let warnings =
    json.warnings === null || json.warnings === undefined ? NONE : read.texts(json.warnings, () => `${at()}.warnings`);
  if (marks.warning !== undefined) warnings = [...warnings, marks.warning];
  if (durationMs >= LONGEST_MS) {
    warnings = [...warnings, ENDS_BEFORE_START];
    durationMs = 0;
  }
  return new Span(
    {
      traceId: id,
      id: spanId(read.id(json.spanID, 16, () => `${at()}.spanID`)),
      parentId,
      shared: false,
      kind: marks.kind,
      service: process.service,
      operation: read.textOrNone(json.operationName, () => `${at()}.operationName`),
      startMs: read.amount(json.startTime, () => `${at()}.startTime`) / 1000,
      durationMs,
      error: marks.error,
      links,
      warnings,
    },
    new LegacyDetails(tags as readonly LegacyTag[], logs as readonly LegacyLog[], process),
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
function kinOf(read: DocumentReader, json: JsonRecord, isOwn: (digits: string) => boolean, at: Place): Kin {
  const references = read.list(json.references, () => `${at()}.references`);
  let parentId: string | undefined;
  let links: SpanLink[] | undefined;
  for (const [i, one] of references.entries()) {
    const place = () => `${at()}.references[${i}]`;
    const reference = read.record(one, place);
    const child = read.text(reference.refType, () => `${place()}.refType`) === "CHILD_OF";
    const other = read.idOrNone(reference.traceID, 32, () => `${place()}.traceID`);
    const id = read.idOrNone(reference.spanID, 16, () => `${place()}.spanID`);
    if (id === undefined || other === undefined) continue;
    if (child && parentId === undefined && isOwn(other)) {
      parentId = spanId(id);
      continue;
    }
    links ??= [];
    links.push({ traceId: traceId(other), spanId: spanId(id), relation: child ? "child-of" : "follows-from" });
  }
  if (parentId === undefined) {
    const deprecated = read.idOrNone(json.parentSpanID, 16, () => `${at()}.parentSpanID`);
    if (deprecated !== undefined) parentId = spanId(deprecated);
  }
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

/** What of a span's own fields stands among its tags. */
interface Marks {
  readonly kind: SpanKind | undefined;
  readonly error: boolean;
  readonly warning: string | undefined;
}

/** Every tag is checked now, so that reading one later cannot fail. */
function checkTags(read: DocumentReader, tags: readonly unknown[], at: Place): Marks {
  let kind: SpanKind | undefined;
  let error = false;
  let warning: string | undefined;
  for (let i = 0; i < tags.length; i++) {
    const tag = tags[i];
    if (!isRecord(tag) || typeof tag.key !== "string")
      return read.fail(() => `${at()}[${i}]`, "must be a tag with a key");
    const { value } = tag;
    if (!isValue(tag.type, value)) return read.fail(() => `${at()}[${i}].value`, `is no ${String(tag.type)}`);
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

function checkLogs(read: DocumentReader, logs: readonly unknown[], at: Place): void {
  for (const [i, one] of logs.entries()) {
    const place = () => `${at()}[${i}]`;
    const { timestamp, fields } = read.record(one, place);
    read.amount(timestamp, () => `${place()}.timestamp`);
    checkTags(
      read,
      read.list(fields, () => `${place()}.fields`),
      () => `${place()}.fields`,
    );
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

class LegacyDetails implements SpanDetails {
  readonly #list: readonly LegacyTag[];
  readonly #logs: readonly LegacyLog[];
  readonly #process: LegacyProcess;
  #tags: Tags | undefined;
  #events: readonly SpanEvent[] | undefined;

  constructor(list: readonly LegacyTag[], logs: readonly LegacyLog[], process: LegacyProcess) {
    this.#list = list;
    this.#logs = logs;
    this.#process = process;
  }

  tag(name: string): TagValue | undefined {
    for (let i = this.#list.length - 1; i >= 0; i--) {
      const tag = this.#list[i] as LegacyTag;
      if (tag.key === name) return tagValue(tag);
    }
    return undefined;
  }

  tags(): Tags {
    this.#tags ??= tagsOf(this.#list);
    return this.#tags;
  }

  events(): readonly SpanEvent[] {
    this.#events ??= Object.freeze(this.#logs.map(eventOf));
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
