import type { Readable } from "node:stream";
import { decodeBody, decodeFailure } from "./encoding.ts";
import { type Attempt, cleanCause, tooLarge } from "./failure.ts";
import type { BodyReader } from "./message.ts";

/** Another thread unpacks on while this one decodes; zlib's streams take what all streams do, though no type says so. */
const UNPACKING = { chunkSize: 128 * 1024, readableHighWaterMark: 1024 * 1024 };

/** A body that was read: by a reader, or into these bytes. */
export interface ReadBody {
  readonly body: Uint8Array;
  readonly reader: BodyReader | undefined;
}

/**
 * Reads a body while it comes, without its Content-Encoding: to the reader that its first bytes call for, or into bytes
 * where they call for none.
 *
 * @throws what {@link decodeBody} throws, what the reader throws, and what breaks the body's stream, as it is
 */
export async function readBody(
  body: Readable,
  encodings: string,
  attempt: Attempt,
  readerFor: (first: Uint8Array) => BodyReader | undefined,
): Promise<ReadBody> {
  const kept: Uint8Array[] = [];
  let reader: BodyReader | undefined;
  let length = 0;
  for await (const bytes of await unpacked(body, encodings, attempt)) {
    if (length === 0) reader = readerFor(bytes);
    length += bytes.length;
    if (length > attempt.maxResponseBytes) throw beyondLimit(attempt);
    if (reader === undefined) kept.push(bytes);
    else reader.push(bytes);
  }
  return { body: Buffer.concat(kept), reader };
}

async function unpacked(body: Readable, encodings: string, attempt: Attempt): Promise<AsyncIterable<Uint8Array>> {
  const encoding = encodings.trim().toLowerCase();
  if (encoding === "" || encoding === "identity") return body;
  if (encoding === "gzip" || encoding === "x-gzip") return gunzipped(body, encoding, attempt);
  // Seldom: these come as a whole.
  return whole(body, encodings, attempt);
}

async function* gunzipped(body: Readable, encoding: string, attempt: Attempt): AsyncGenerator<Uint8Array> {
  const [{ createGunzip }, { pipeline }] = await Promise.all([import("node:zlib"), import("node:stream")]);
  const gunzip = createGunzip(UNPACKING);
  // The iteration below hears of every error.
  pipeline(body, gunzip, () => {});
  try {
    for await (const bytes of gunzip) yield bytes;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!code.startsWith("Z_")) throw error;
    // Where nothing came, nothing ended too early.
    if (code !== "Z_BUF_ERROR" || gunzip.bytesWritten > 0) throw decodeFailure(error, encoding, attempt);
  }
}

async function* whole(body: Readable, encodings: string, attempt: Attempt): AsyncGenerator<Uint8Array> {
  const packed: Uint8Array[] = [];
  let length = 0;
  for await (const bytes of body as AsyncIterable<Uint8Array>) {
    length += bytes.length;
    if (length > attempt.maxResponseBytes) throw beyondLimit(attempt);
    packed.push(bytes);
  }
  if (length > 0) yield await decodeBody(Buffer.concat(packed), encodings, attempt);
}

const beyondLimit = (attempt: Attempt) =>
  tooLarge(attempt, cleanCause(new RangeError("the body goes on beyond the limit"), attempt.redactor));
