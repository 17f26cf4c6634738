import { promisify } from "node:util";
import type * as Zlib from "node:zlib";
import { DecodeError } from "../errors.ts";
import { type Attempt, cleanCause, tooLarge } from "./failure.ts";

/** What {@link decodeBody} undoes, as an Accept-Encoding header. */
export const ACCEPT_ENCODING = "gzip, deflate, br";

/**
 * The body without its Content-Encoding.
 *
 * Stricter than axios's own decompression, which takes a compressed body that ends too early for a whole one.
 *
 * @throws {DecodeError} `code: "syntax"` when it is not in that encoding, `"truncated"` when its end is missing
 * @throws {TransportError} `code: "too-large"` when it unfolds beyond `maxResponseBytes`
 */
export async function decodeBody(body: Uint8Array, encodings: string, attempt: Attempt): Promise<Uint8Array> {
  let decoded = body;
  const applied = encodings
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  for (const encoding of applied.reverse()) {
    if (encoding === "" || encoding === "identity" || decoded.length === 0) continue;
    decoded = await undo(encoding, decoded, attempt);
  }
  return decoded;
}

async function undo(encoding: string, body: Uint8Array, attempt: Attempt): Promise<Uint8Array> {
  zlib ??= await import("node:zlib");
  const { brotliDecompress, gunzip, inflate, inflateRaw } = zlib;
  const limits = { maxOutputLength: attempt.maxResponseBytes, chunkSize: 128 * 1024 };
  try {
    const small = encoding === "gzip" && isSmall(body, attempt) ? gunzipSmall(body, zlib, attempt) : undefined;
    if (small !== undefined) return small;
    switch (encoding) {
      case "gzip":
      case "x-gzip":
        return await promisify(gunzip)(body, limits);
      case "deflate":
        // The standard means zlib's format; some servers send it bare.
        return await promisify(hasZlibHeader(body) ? inflate : inflateRaw)(body, limits);
      case "br":
        return await promisify(brotliDecompress)(body, limits);
      default:
        break;
    }
  } catch (error) {
    throw decodeFailure(error, encoding, attempt);
  }
  throw new DecodeError(
    "content-type",
    `${attempt.what}: ${attempt.origin} answered in the encoding ${JSON.stringify(encoding)}, which was not asked for (${ACCEPT_ENCODING})`,
    { backend: attempt.backend },
  );
}

let zlib: typeof Zlib | undefined;

/** What is unpacked on the spot: handing it to another thread and back takes longer. */
const MOST_PACKED = 16 * 1024;
const MOST_UNPACKED = 64 * 1024;

/** Whether a gzip body is short and, by its own last word, stays so when it is unpacked (RFC 1952, 2.3.1). */
function isSmall(body: Uint8Array, { maxResponseBytes }: Attempt): boolean {
  return body.length <= MOST_PACKED && unpackedLength(body) <= Math.min(MOST_UNPACKED, maxResponseBytes);
}

const unpackedLength = ({ buffer, byteOffset, length }: Uint8Array): number =>
  length < 4 ? Number.POSITIVE_INFINITY : new DataView(buffer, byteOffset + length - 4).getUint32(0, true);

/** The unpacked body; `undefined` where it turns out longer than it said. */
function gunzipSmall(body: Uint8Array, { gunzipSync }: typeof Zlib, attempt: Attempt): Uint8Array | undefined {
  const maxOutputLength = Math.min(MOST_UNPACKED, attempt.maxResponseBytes);
  const chunkSize = Math.max(1024, unpackedLength(body) + 1);
  try {
    return gunzipSync(body, { maxOutputLength, chunkSize });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** RFC 1950, 2.2: method 8, and the first two bytes a multiple of 31. */
function hasZlibHeader(body: Uint8Array): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}

/** The error of a body that is not, or not to its end, in the encoding it claims. */
export function decodeFailure(error: unknown, encoding: string, attempt: Attempt): Error {
  const cause = cleanCause(error, attempt.redactor);
  if (cause.code === "ERR_BUFFER_TOO_LARGE") {
    return tooLarge(attempt, cause);
  }
  const truncated = cause.code === "Z_BUF_ERROR";
  return new DecodeError(
    truncated ? "truncated" : "syntax",
    `${attempt.what}: ${attempt.origin} sent ${encoding} that ${truncated ? "ends too early" : "cannot be unpacked"} (${cause.message}); is a proxy between here and there changing it?`,
    { backend: attempt.backend, cause },
  );
}
