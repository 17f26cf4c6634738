/** The document is JSON, but not an answer. */
export class ShapeError extends Error {}

type Fields = Readonly<Record<string, unknown>>;

/** A trace as the decoders must give it, all of it at once. */
export interface PlainTrace {
  readonly id: string;
  readonly spans: readonly Fields[];
}

function must(holds: boolean): asserts holds {
  if (!holds) throw new ShapeError();
}

const object = (value: unknown): Fields => {
  must(typeof value === "object" && value !== null && !Array.isArray(value));
  return value as Fields;
};
const none = (value: unknown): value is null | undefined => value === null || value === undefined;
const list = (value: unknown): readonly unknown[] => {
  if (none(value)) return [];
  must(Array.isArray(value));
  return value;
};
const text = (value: unknown): string => {
  must(typeof value === "string");
  return value;
};
const textOrNone = (value: unknown): string => (none(value) ? "" : text(value));
const amount = (value: unknown): number => {
  must(typeof value === "number" && value >= 0 && Number.isFinite(value));
  return value;
};

function id(value: unknown, most: number): string {
  const digits = text(value);
  must(new RegExp(`^[0-9a-f]{1,${most}}$`, "i").test(digits) && BigInt(`0x${digits}`) > 0n);
  const shortest = BigInt(`0x${digits}`).toString(16);
  return shortest.padStart(shortest.length > 16 ? 32 : 16, "0");
}
function idOrNone(value: unknown, most: number): string | undefined {
  if (none(value) || value === "" || (typeof value === "string" && value.length <= most && /^0+$/.test(value))) {
    return undefined;
  }
  return id(value, most);
}

const record = (pairs: readonly (readonly [string, unknown])[]): Fields => Object.fromEntries(pairs);
const isError = (value: unknown) => value === true || (typeof value === "string" && !["", "false"].includes(value));
const KINDS = ["client", "consumer", "internal", "producer", "server"];

// Jaeger's older API

export function plainLegacy(document: unknown): readonly PlainTrace[] {
  const { data, errors, ...rest } = object(document);
  must(Object.hasOwn(document as object, "data") || Object.hasOwn(document as object, "errors") || rest === undefined);
  for (const error of list(errors)) textOrNone(object(error).msg);
  return list(data)
    .map((one) => {
      const trace = object(one);
      const traceId = id(trace.traceID, 32);
      const processes = new Map(
        Object.entries(none(trace.processes) ? {} : object(trace.processes)).map(([name, process]) => {
          const { serviceName, tags } = object(process);
          return [name, { service: textOrNone(serviceName), tags: record(legacyTags(tags)) }] as const;
        }),
      );
      list(trace.warnings).map(text);
      return { id: traceId, spans: list(trace.spans).map((span) => legacySpan(object(span), traceId, processes)) };
    })
    .filter(({ spans }) => spans.length > 0);
}

function legacySpan(
  span: Fields,
  traceId: string,
  processes: ReadonlyMap<string, { readonly service: string; readonly tags: Fields }>,
): Fields {
  must(id(span.traceID, 32) === traceId);
  const process = processes.get(text(span.processID));
  must(process !== undefined);
  const tags = legacyTags(span.tags);
  const all = (name: string) => tags.filter(([key]) => key === name).map(([, value]) => value);
  const references = list(span.references).map((one) => {
    const { refType, traceID, spanID } = object(one);
    const relation = text(refType) === "CHILD_OF" ? "child-of" : "follows-from";
    return { relation, traceId: idOrNone(traceID, 32), spanId: idOrNone(spanID, 16) };
  });
  const whole = references.filter((one) => one.traceId !== undefined && one.spanId !== undefined);
  const parent = whole.find((one) => one.relation === "child-of" && one.traceId === traceId);
  const deprecated = parent === undefined ? idOrNone(span.parentSpanID, 16) : undefined;
  const duration = amount(span.duration);
  const kind = all("span.kind").at(-1);
  const warning = (list(span.tags) as readonly Fields[])
    .filter(({ key, value }) => key === "jaeger.warning" && typeof value === "string")
    .at(-1);
  return {
    traceId,
    id: id(span.spanID, 16),
    parentId: parent?.spanId ?? deprecated,
    shared: false,
    kind: KINDS.includes(kind as string) ? kind : undefined,
    service: process.service,
    operation: textOrNone(span.operationName),
    startMs: amount(span.startTime) / 1000,
    durationMs: duration / 1000 >= 2 ** 63 / 1000 ? 0 : duration / 1000,
    error: all("error").some(isError) || all("otel.status_code").includes("ERROR"),
    links: whole.filter((one) => one !== parent),
    warnings: list(span.warnings).map(text).length + (warning ? 1 : 0) + (duration >= 2 ** 63 ? 1 : 0),
    tags: record(tags),
    processTags: process.tags,
    events: list(span.logs).map((one) => {
      const { timestamp, fields } = object(one);
      const pairs = legacyTags(fields);
      const raw = list(fields) as readonly Fields[];
      const named = raw.filter(({ key, value }) => key === "event" && typeof value === "string").at(-1);
      const kept = named === undefined ? pairs : pairs.filter(([key]) => key !== "event");
      return { timeMs: amount(timestamp) / 1000, name: named?.value ?? "", fields: record(kept) };
    }),
  };
}

function legacyTags(value: unknown): readonly (readonly [string, unknown])[] {
  return list(value).map((one) => {
    const { key, type, value } = object(one);
    return [text(key), legacyValue(type, value)] as const;
  });
}

function legacyValue(type: unknown, value: unknown): unknown {
  const finite = typeof value === "number" && Number.isFinite(value);
  switch (type) {
    case "string":
      return text(value);
    case "bool":
      must(typeof value === "boolean" || value === "true" || value === "false");
      return String(value) === "true";
    case "int64": {
      if (finite) return value;
      must(/^-?\d{1,19}$/.test(text(value)));
      const exact = BigInt(value as string);
      return exact >= -(2n ** 53n) + 1n && exact < 2n ** 53n ? Number(value) : exact;
    }
    case "float64":
      if (finite) return value;
      must(text(value) !== "" && (value === "NaN" || !Number.isNaN(Number(value))));
      return Number(value);
    case "binary":
      return bytes(value);
    default:
      must(finite || typeof value === "string" || typeof value === "boolean");
      return value;
  }
}

function bytes(value: unknown): Uint8Array {
  must(/^[A-Za-z0-9+/_-]*={0,2}$/.test(text(value)));
  return Uint8Array.from(Buffer.from(value as string, "base64"));
}

// OTLP

export function plainOtlp(document: unknown): readonly PlainTrace[] {
  const { result, error } = object(document);
  if (typeof error === "object" && error !== null && typeof (error as Fields).message === "string") {
    if (!Array.isArray(error)) return [];
  }
  const traces = new Map<string, Fields[]>();
  for (const one of list(object(result).resourceSpans)) {
    const { resource, scopeSpans } = object(one);
    const process = otlpTags(none(resource) ? {} : object(resource));
    const named = process.find(({ key }) => key === "service.name");
    const service = named === undefined ? "" : asText(named.raw);
    const processTags = record(
      process.filter(({ key }) => key !== "service.name").map(({ key, value }) => [key, value]),
    );
    for (const scoped of list(scopeSpans)) {
      const { scope, spans } = object(scoped);
      const { name, version } = none(scope) ? {} : object(scope);
      const own = [
        ["otel.scope.name", textOrNone(name)],
        ["otel.scope.version", textOrNone(version)],
      ] as const;
      for (const span of list(spans)) {
        const plain = otlpSpan(object(span), own, service, processTags);
        const traceId = String(plain.traceId);
        traces.set(traceId, [...(traces.get(traceId) ?? []), plain]);
      }
    }
  }
  return Array.from(traces, ([id, spans]) => ({ id, spans }));
}

const OTLP_KINDS = ["", "internal", "server", "client", "producer", "consumer"];

function otlpSpan(
  span: Fields,
  scope: readonly (readonly [string, string])[],
  service: string,
  processTags: Fields,
): Fields {
  const attributes = otlpTags(span);
  const status = none(span.status) ? {} : object(span.status);
  const failed = status.code === 2 || status.code === "STATUS_CODE_ERROR";
  const start = nanoseconds(span.startTimeUnixNano);
  const end = none(span.endTimeUnixNano) ? 0n : nanoseconds(span.endTimeUnixNano);
  const kindName = typeof span.kind === "string" ? span.kind.replace("SPAN_KIND_", "").toLowerCase() : "";
  const kind =
    typeof span.kind === "number"
      ? OTLP_KINDS[span.kind] || undefined
      : `SPAN_KIND_${kindName.toUpperCase()}` === span.kind && KINDS.includes(kindName)
        ? kindName
        : undefined;
  const tagged = attributes.filter(({ key }) => key === "span.kind").at(-1)?.raw?.stringValue;
  const raws = (name: string) => attributes.filter(({ key }) => key === name).map(({ raw }) => raw);
  const cautions = raws("@jaeger@warnings").flatMap((raw) => list(object(raw?.arrayValue ?? {}).values));
  const code = failed ? "ERROR" : status.code === 1 || status.code === "STATUS_CODE_OK" ? "OK" : "";
  const own: readonly (readonly [string, unknown])[] = [
    ["error", failed || ""],
    ...scope,
    ["otel.status_code", code],
    ["otel.status_description", textOrNone(status.message)],
    ["span.kind", kind ?? ""],
    ["w3c.tracestate", textOrNone(span.traceState)],
  ];
  return {
    traceId: id(span.traceId, 32),
    id: id(span.spanId, 16),
    parentId: idOrNone(span.parentSpanId, 16),
    shared: false,
    kind: kind ?? (KINDS.includes(tagged as string) ? tagged : undefined),
    service,
    operation: textOrNone(span.name),
    startMs: Number(start) / 1e6,
    durationMs: end === 0n || end < start ? 0 : Number(end - start) / 1e6,
    error: failed || raws("error").some((raw) => isError(raw?.boolValue ?? raw?.stringValue)),
    links: list(span.links).flatMap((one) => {
      const link = object(one);
      const child = otlpTags(link).some(
        ({ key, raw }) => key === "opentracing.ref_type" && raw?.stringValue === "child_of",
      );
      const [traceId, spanId] = [idOrNone(link.traceId, 32), idOrNone(link.spanId, 16)];
      if (traceId === undefined || spanId === undefined) return [];
      return [{ traceId, spanId, relation: child ? "child-of" : "follows-from" }];
    }),
    warnings: cautions.length + raws("jaeger.warning").length + (end === 0n || end < start ? 1 : 0),
    tags: record([
      ...attributes.filter(({ key }) => key !== "@jaeger@warnings").map(({ key, value }) => [key, value] as const),
      ...own.filter(([, value]) => value !== ""),
    ]),
    processTags,
    events: list(span.events).map((one) => {
      const event = object(one);
      const fields = record(otlpTags(event).map(({ key, value }) => [key, value]));
      return { timeMs: Number(nanoseconds(event.timeUnixNano)) / 1e6, name: textOrNone(event.name), fields };
    }),
  };
}

function nanoseconds(value: unknown): bigint {
  if (typeof value === "number") {
    must(Number.isInteger(value) && value >= 0 && value < 2 ** 64);
    return BigInt(value);
  }
  must(/^\d{1,20}$/.test(text(value)));
  return BigInt(value as string);
}

function otlpTags({ attributes }: Fields) {
  return list(attributes).map((one) => {
    const { key, value } = object(one);
    must(key === undefined || typeof key === "string");
    const raw = none(value) ? undefined : object(value);
    return { key: key ?? "", raw, value: otlpValue(raw) };
  });
}

function otlpValue(raw: Fields | undefined, depth = 0): unknown {
  if (raw === undefined) return "";
  checkOtlp(raw, depth);
  if (raw.stringValue !== undefined) return raw.stringValue;
  if (raw.intValue !== undefined) return whole(raw.intValue);
  if (raw.boolValue !== undefined) return raw.boolValue;
  if (raw.doubleValue !== undefined) return Number(raw.doubleValue);
  if (raw.bytesValue !== undefined) return bytes(raw.bytesValue);
  return raw.arrayValue === undefined && raw.kvlistValue === undefined ? "" : json(raw);
}

function checkOtlp(raw: Fields, depth: number): void {
  const { stringValue, boolValue, intValue, doubleValue, bytesValue, arrayValue, kvlistValue } = raw;
  must(stringValue === undefined || typeof stringValue === "string");
  must(boolValue === undefined || typeof boolValue === "boolean");
  must(intValue === undefined || Number.isInteger(intValue) || /^-?\d{1,20}$/.test(text(intValue)));
  const decimal = /^(NaN|-?Infinity|[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)$/i;
  must(doubleValue === undefined || typeof doubleValue === "number" || decimal.test(text(doubleValue)));
  if (bytesValue !== undefined) bytes(bytesValue);
  for (const many of [arrayValue, kvlistValue]) must(many === undefined || depth < 64);
  if (arrayValue !== undefined) {
    for (const one of list(object(arrayValue).values)) if (!none(one)) checkOtlp(object(one), depth + 1);
  }
  if (kvlistValue === undefined) return;
  for (const one of list(object(kvlistValue).values)) {
    const { key, value } = object(one);
    must(key === undefined || typeof key === "string");
    if (!none(value)) checkOtlp(object(value), depth + 1);
  }
}

function whole(value: unknown): unknown {
  if (typeof value === "number") return value;
  const exact = BigInt(value as string);
  return exact > -(2n ** 53n) && exact < 2n ** 53n ? Number(value) : exact;
}

function json(raw: Fields | null | undefined): string {
  if (none(raw)) return "null";
  if (raw.arrayValue !== undefined) return `[${(list(object(raw.arrayValue).values) as Fields[]).map(json).join(",")}]`;
  if (raw.kvlistValue !== undefined) {
    const fields = list(object(raw.kvlistValue).values) as readonly {
      readonly key?: string;
      readonly value?: Fields;
    }[];
    return `{${fields.map(({ key, value }) => `${JSON.stringify(key ?? "")}:${json(value)}`).join(",")}}`;
  }
  if (raw.intValue !== undefined) return String(whole(raw.intValue));
  if (raw.boolValue !== undefined) return JSON.stringify(raw.boolValue);
  if (raw.doubleValue !== undefined) return JSON.stringify(Number(raw.doubleValue));
  return JSON.stringify(raw.stringValue ?? raw.bytesValue ?? null);
}

function asText(raw: Fields | undefined): string {
  const value = otlpValue(raw);
  return value instanceof Uint8Array ? String(raw?.bytesValue) : String(value);
}

// Zipkin

export function plainZipkin(document: unknown): readonly PlainTrace[] {
  must(Array.isArray(document));
  return document.flatMap((spans: unknown) => {
    must(Array.isArray(spans));
    const written = spans.map((span: unknown) => zipkinSpan(object(span)));
    const [first] = written;
    return first === undefined ? [] : [{ id: String(first.traceId), spans: begun(written) }];
  });
}

function zipkinSpan(span: Fields): Fields & { readonly us: number } {
  const tags = none(span.tags) ? {} : object(span.tags);
  for (const value of Object.values(tags)) text(value);
  const local = endpoint(span.localEndpoint);
  const remote = endpoint(span.remoteEndpoint);
  const peer = Object.entries({ ...remote }).map(
    ([name, value]) => [name === "serviceName" ? "peer.service" : `peer.${name}`, value] as const,
  );
  const error = Object.hasOwn(tags, "error") ? tags.error : undefined;
  const { serviceName = "", ...processTags } = local;
  return {
    traceId: id(span.traceId, 32),
    id: id(span.id, 16),
    parentId: idOrNone(span.parentId, 16),
    shared: span.shared === true,
    kind: ["CLIENT", "SERVER", "PRODUCER", "CONSUMER"].includes(span.kind as string)
      ? String(span.kind).toLowerCase()
      : undefined,
    service: serviceName,
    operation: textOrNone(span.name),
    us: none(span.timestamp) ? 0 : amount(span.timestamp),
    durationMs: none(span.duration) ? 0 : amount(span.duration) / 1000,
    error: error !== undefined && error !== "false",
    links: [],
    tags: record([...peer, ...Object.entries(tags)]),
    processTags,
    events: list(span.annotations).map((one) => {
      const { timestamp, value } = object(one);
      return { timeMs: amount(timestamp) / 1000, name: text(value), fields: {} };
    }),
  };
}

function endpoint(value: unknown): Fields {
  if (none(value)) return {};
  const { serviceName, ipv4, ipv6, port } = object(value);
  const known = { serviceName, ipv4, ipv6, port };
  for (const part of [serviceName, ipv4, ipv6]) textOrNone(part);
  if (!none(port)) amount(port);
  return record(Object.entries(known).filter(([, part]) => !none(part)));
}

/** Spans with a start, taken from others where they do not say. */
function begun(spans: readonly (Fields & { readonly us: number })[]): readonly Fields[] {
  const last = (wanted: unknown) => spans.filter((one) => one.id === wanted && one.us !== 0).at(-1)?.us;
  const first = Math.min(...spans.filter(({ us }) => us !== 0).map(({ us }) => us));
  return spans.map(({ us, ...span }) => {
    const events = span.events as readonly { readonly timeMs: number }[];
    const annotated = events.length === 0 ? undefined : Math.min(...events.map(({ timeMs }) => timeMs)) * 1000;
    const others = last(span.id) ?? last(span.parentId) ?? (Number.isFinite(first) ? first : 0);
    return { ...span, startMs: (us !== 0 ? us : (annotated ?? others)) / 1000, warnings: us !== 0 ? 0 : 1 };
  });
}
