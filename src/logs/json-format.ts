import { AccessLogEntry, type Unparsed, unparsed } from "./entry.ts";
import { decimal, FIELD, FIELD_COUNT, type Field, type LineFields, present } from "./fields.ts";
import { type LineParser, withoutLineEnd } from "./text-format.ts";
import { rfc3339Ms, rfc3339Ns, type TimeFormat } from "./timestamp.ts";

/** A JSON object, as `JSON.parse` gives it. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** Whether a value is a JSON object. */
export const isJsonRecord = (value: unknown): value is JsonRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The JSON object that a text is; `undefined` when it is none. */
export function jsonRecord(text: string): JsonRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Where the fields of an entry stand in an object. */
export interface JsonKeys {
  /** By field: its key, or "" for none. */
  readonly keyOf: readonly string[];
  readonly known: ReadonlySet<string>;
  readonly time: TimeFormat | undefined;
}

/** The keys of an object by field. */
export function jsonKeys(keys: Readonly<Record<string, Field>>, time?: TimeFormat): JsonKeys {
  const keyOf = new Array<string>(FIELD_COUNT).fill("");
  for (const [key, field] of Object.entries(keys)) if (keyOf[field] === "") keyOf[field] = key;
  return { keyOf, known: new Set(Object.keys(keys)), time };
}

/** The fields of a JSON object; numbers may be written as text and the other way round. */
export class JsonFields implements LineFields {
  readonly #record: JsonRecord;
  readonly #keys: JsonKeys;

  constructor(record: JsonRecord, keys: JsonKeys) {
    this.#record = record;
    this.#keys = keys;
  }

  text(field: Field): string | undefined {
    const key = this.#keys.keyOf[field] as string;
    const value = key === "" ? undefined : this.#record[key];
    if (typeof value === "string") return present(value);
    return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
  }

  number(field: Field): number | undefined {
    const key = this.#keys.keyOf[field] as string;
    const value = key === "" ? undefined : this.#record[key];
    if (typeof value === "number") return value;
    return typeof value === "string" ? decimal(value, 0, value.length) : undefined;
  }

  startMs(): number | undefined {
    if (this.#keys.time !== undefined) {
      const ns = this.startNs();
      return ns === undefined ? undefined : Number(ns / 1_000_000n);
    }
    const text = this.text(FIELD.startTime);
    const ms = text === undefined ? Number.NaN : rfc3339Ms(text);
    return Number.isNaN(ms) ? undefined : ms;
  }

  startNs(): bigint | undefined {
    const text = this.text(FIELD.startTime);
    if (text === undefined) return undefined;
    return this.#keys.time === undefined ? rfc3339Ns(text) : this.#keys.time.read(text);
  }

  extra(): JsonRecord {
    const { known } = this.#keys;
    const others = Object.entries(this.#record).filter(
      ([key, value]) => !known.has(key) && value !== null && value !== "-" && value !== "",
    );
    return Object.freeze(Object.fromEntries(others));
  }
}

const ISTIO_FIELDS = {
  start_time: FIELD.startTime,
  route_name: FIELD.routeName,
  method: FIELD.method,
  path: FIELD.path,
  protocol: FIELD.protocol,
  response_code: FIELD.code,
  response_flags: FIELD.flags,
  response_code_details: FIELD.codeDetails,
  connection_termination_details: FIELD.terminationDetails,
  bytes_received: FIELD.bytesReceived,
  bytes_sent: FIELD.bytesSent,
  duration: FIELD.duration,
  upstream_service_time: FIELD.serviceTime,
  x_forwarded_for: FIELD.forwardedFor,
  user_agent: FIELD.userAgent,
  request_id: FIELD.requestId,
  authority: FIELD.authority,
  upstream_host: FIELD.upstreamHost,
  upstream_cluster: FIELD.cluster,
  upstream_local_address: FIELD.upstreamLocal,
  downstream_local_address: FIELD.downstreamLocal,
  downstream_remote_address: FIELD.downstreamRemote,
  requested_server_name: FIELD.serverName,
  upstream_transport_failure_reason: FIELD.transportFailure,
} as const;
// Not Istio's own, but what those name them who add them.
const ADDED_FIELDS = { trace_id: FIELD.traceId } as const;
const ISTIO_KEYS = jsonKeys({ ...ISTIO_FIELDS, ...ADDED_FIELDS, grpc_status: FIELD.grpcStatus });
const NUMBERED_KEYS = jsonKeys({ ...ISTIO_FIELDS, ...ADDED_FIELDS, grpc_status_number: FIELD.grpcStatus });

/**
 * Reads Istio's JSON format, old (every value text, `"-"` for nothing) and new (numbers and nulls), keys in any order.
 *
 * Keys may be left out, but for one of those that no application's own log has: the flags, the cluster, the bytes.
 */
export const parseIstioJson: LineParser = (line) => {
  const text = withoutLineEnd(line);
  const record = jsonRecord(text);
  return record === undefined ? unparsed(text, "it is no JSON object") : istioRecord(record, text);
};

/** The entry of an object with Istio's keys. */
export function istioRecord(record: JsonRecord, raw: string): AccessLogEntry | Unparsed {
  const ours =
    record.response_flags !== undefined ||
    record.upstream_cluster !== undefined ||
    record.bytes_received !== undefined ||
    record.response_code_details !== undefined ||
    (record.start_time !== undefined && record.response_code !== undefined);
  if (!ours) return unparsed(raw, "it has none of the keys of an access log");
  const numbered = record.grpc_status === undefined && record.grpc_status_number !== undefined;
  return new AccessLogEntry(new JsonFields(record, numbered ? NUMBERED_KEYS : ISTIO_KEYS), { raw });
}
