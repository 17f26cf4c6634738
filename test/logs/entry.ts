import type { AccessLogEntry, Unparsed } from "../../src/logs/entry.ts";

/** The entry that a parser gave; a failed test when it gave none. */
export function entryOf(parsed: AccessLogEntry | Unparsed): AccessLogEntry {
  if (parsed.kind === "unparsed") throw new Error(`${parsed.reason}: ${parsed.raw}`);
  return parsed;
}
