import { QueryError } from "../errors.ts";
import { shown } from "../time.ts";

/**
 * The one form of a trace's id: lower-case hex, 16 digits where that holds it, otherwise 32. Backends differ in the
 * zeros before it.
 */
export function traceId(id: string): string {
  const digits = id.toLowerCase().replace(/^0+/, "");
  return digits.padStart(digits.length <= 16 ? 16 : 32, "0");
}

/** The one form of a span's id: 16 digits of lower-case hex. */
export const spanId = (id: string): string =>
  id.length === 16 ? id.toLowerCase() : id.toLowerCase().replace(/^0+/, "").padStart(16, "0");

/** Whether it is the one form of a span's id, as it mostly comes: then nothing has to be made. */
export function isSpanId(value: unknown): value is string {
  if (typeof value !== "string" || value.length !== 16) return false;
  let zeros = true;
  for (let i = 0; i < 16; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x30 || code > 0x66 || (code > 0x39 && code < 0x61)) return false;
    if (code !== 0x30) zeros = false;
  }
  return !zeros;
}

/** Whether it is a trace's id in any of its forms: up to 32 hex digits, not all of them zeros. */
export const isTraceId = (id: unknown): id is string =>
  typeof id === "string" && /^[0-9a-f]{1,32}$/i.test(id) && !/^0+$/.test(id);

/**
 * A trace's id that a caller wrote.
 *
 * @throws {QueryError} `code: "id"` when it is not up to 32 hex digits, or all zeros
 */
export function checkedTraceId(id: unknown): string {
  if (!isTraceId(id)) {
    throw new QueryError("id", `${shown(id)} is no trace id; write its 16 or 32 hex digits`);
  }
  return traceId(id);
}
