import { AccessLogEntry, type Unparsed, unparsed } from "./entry.ts";
import { FIELD, type Field, type LineFields } from "./fields.ts";
import { JsonFields, type JsonRecord, jsonKeys } from "./json-format.ts";
import { type LineParser, withoutLineEnd } from "./text-format.ts";

const BOTH_WAYS = {
  time: FIELD.startTime,
  "src.addr": FIELD.downstreamRemote,
  "src.workload": FIELD.sourceWorkload,
  "src.namespace": FIELD.sourceNamespace,
  "src.service": FIELD.sourceService,
  "src.identity": FIELD.sourcePrincipal,
  "src.cluster": FIELD.sourceCluster,
  "dst.addr": FIELD.downstreamLocal,
  "dst.hbone_addr": FIELD.upstreamHost,
  "dst.workload": FIELD.destinationWorkload,
  "dst.namespace": FIELD.destinationNamespace,
  "dst.service": FIELD.destinationService,
  "dst.identity": FIELD.destinationPrincipal,
  "dst.cluster": FIELD.destinationCluster,
  direction: FIELD.direction,
  duration: FIELD.duration,
  error: FIELD.error,
  method: FIELD.method,
  path: FIELD.path,
  protocol: FIELD.protocol,
  response_code: FIELD.code,
} satisfies Record<string, Field>;

const INBOUND = jsonKeys({ ...BOTH_WAYS, bytes_recv: FIELD.bytesReceived, bytes_sent: FIELD.bytesSent });
// Toward the server ztunnel counts what it sends; an entry counts from the caller's end, as Envoy does on both sides.
const OUTBOUND = jsonKeys({ ...BOTH_WAYS, bytes_recv: FIELD.bytesSent, bytes_sent: FIELD.bytesReceived });

/** The messages around the fields. */
const MESSAGE = /(?:^|\s)(?:http )?access:?\s+(?:connection|request) (?:complete|opened|failed|denied)\s+/;
const LONGEST_HEAD = 200;

/**
 * Reads the access log of ambient's ztunnel: `… access connection complete src.addr=… dst.workload="…" duration="2ms"`.
 *
 * Its time is that of the connection's end. Bytes count as Envoy counts them: received from the caller, sent to it.
 */
export const parseZtunnel: LineParser = (line) => {
  const text = withoutLineEnd(line);
  const message = MESSAGE.exec(text.slice(0, LONGEST_HEAD));
  if (message === null) return unparsed(text, "it is no access line of ztunnel");
  const pairs = logfmt(text, message.index + message[0].length);
  if (pairs === undefined) return unparsed(text, "its fields are not of the form key=value");
  const time = /\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(text.slice(0, message.index))?.[0];
  if (time !== undefined) pairs.time = time;
  return ztunnelRecord(pairs, text);
};

/** Whether an object is an access line of a ztunnel that writes JSON. */
export const isZtunnelRecord = (record: JsonRecord): boolean =>
  record["src.addr"] !== undefined && record["dst.addr"] !== undefined;

/** The entry of a ztunnel's fields. */
export function ztunnelRecord(record: JsonRecord, raw: string): AccessLogEntry | Unparsed {
  if (record["src.addr"] === undefined && record["dst.addr"] === undefined) return unparsed(raw, "it has no address");
  const { level: _, scope: __, message: ___, ...fields } = record;
  const duration = durationMs(record.duration);
  const read: LineFields = new JsonFields(
    { ...fields, duration },
    record.direction === "outbound" ? OUTBOUND : INBOUND,
  );
  return new AccessLogEntry(read, { raw });
}

/** The milliseconds of `2ms`, `1.5s`, `120µs`. */
function durationMs(text: unknown): number | undefined {
  const [, number, unit] =
    typeof text === "string" ? (/^(\d{1,15}(?:\.\d{1,9})?)(ms|s|µs|us|ns)$/.exec(text) ?? []) : [];
  if (number === undefined) return undefined;
  const factor = unit === "s" ? 1_000 : unit === "ms" ? 1 : unit === "ns" ? 1e-6 : 1e-3;
  return Number(number) * factor;
}

/** `key=value` and `key="quoted \"value\""` pairs; `undefined` when the text is anything else. */
function logfmt(text: string, start: number): Record<string, unknown> | undefined {
  const pairs: Record<string, unknown> = Object.create(null);
  let at = start;
  while (at < text.length) {
    const equals = text.indexOf("=", at);
    const key = equals === -1 ? "" : text.slice(at, equals);
    if (!/^[\w.]+$/.test(key)) return undefined;
    let end: number;
    if (text.charAt(equals + 1) === '"') {
      end = closingQuote(text, equals + 2);
      if (end === -1) return undefined;
      pairs[key] = unescaped(text.slice(equals + 2, end));
      end++;
      if (end < text.length && !/\s/.test(text.charAt(end))) return undefined;
    } else {
      end = text.indexOf(" ", equals);
      if (end === -1) end = text.length;
      pairs[key] = text.slice(equals + 1, end);
    }
    at = end;
    while (/\s/.test(text.charAt(at))) at++;
  }
  return pairs;
}

function closingQuote(text: string, start: number): number {
  for (let i = start; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === "\\") i++;
    else if (char === '"') return i;
  }
  return -1;
}

const unescaped = (text: string): string =>
  text.includes("\\")
    ? text.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char === "t" ? "\t" : char))
    : text;
