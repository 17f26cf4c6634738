import { DecodeError } from "../../errors.ts";
import { CLOSE_OBJECT, COLON, type JsonScanner, OPEN_OBJECT } from "./json-scanner.ts";

/** What reads the value of each key that is understood. */
export type FieldReaders = Readonly<Record<string, () => unknown>>;

/** What was read: `undefined` where the key is missing, `null` where its value is. */
export type Fields<R extends FieldReaders> = { [K in keyof R]?: ReturnType<R[K]> | null };

/**
 * Reads an object whose keys come in any order; keys without a reader are skipped.
 *
 * As in `JSON.parse` the last of equal keys wins, so a value of the wrong shape is an error only if no other replaces
 * it.
 */
export function readFields<R extends FieldReaders>(scan: JsonScanner, readers: R, what: string): Fields<R> {
  const fields: Fields<R> = {};
  scan.demand(OPEN_OBJECT, what);
  if (scan.take(CLOSE_OBJECT)) return fields;
  let misfits: Map<string, DecodeError> | undefined;
  do {
    const key = scan.key();
    scan.expect(COLON);
    if (!Object.hasOwn(readers, key)) {
      scan.skip();
      continue;
    }
    const value = scan.literal("null") ? null : attempt(scan, readers[key] as () => unknown);
    if (value instanceof DecodeError) {
      misfits ??= new Map();
      misfits.set(key, value);
    } else {
      misfits?.delete(key);
      fields[key as keyof R] = value as ReturnType<R[keyof R]>;
    }
  } while (scan.more(CLOSE_OBJECT));
  for (const misfit of misfits?.values() ?? []) throw misfit;
  return fields;
}

/**
 * Reads the next value, whose shape may not matter: what `read` gave is had by calling the result, and so is its error
 * where the value is JSON of another shape. The value is read to its end either way, so `shape` is never said of bytes
 * that are not JSON at all.
 */
export function later<T>(scan: JsonScanner, read: () => T): () => T {
  const value = attempt(scan, read);
  return () => {
    if (value instanceof DecodeError) throw value;
    return value;
  };
}

function attempt<T>(scan: JsonScanner, read: () => T): T | DecodeError {
  const start = scan.at;
  try {
    return read();
  } catch (error) {
    if (!(error instanceof DecodeError) || error.code !== "shape") throw error;
    scan.at = start;
    scan.skip();
    return error;
  }
}
