import { jsonRecord } from "./json-format.ts";
import { rfc3339Ns } from "./timestamp.ts";

/** A line without what the container's runtime put around it. */
export interface ContainerLine {
  readonly text: string;
  /** Epoch nanoseconds at which the runtime took it. */
  readonly writtenNs: bigint | undefined;
  readonly stream: string | undefined;
  /** Whether the rest of the line follows in the stream's next one. */
  readonly partial: boolean;
}

/**
 * Unwraps `2026-11-24T10:00:00.123456789Z stdout F …` (CRI) and `{"log":"…\n","stream":"stdout","time":"…"}` (Docker).
 *
 * `undefined` when the line is neither.
 */
export function unwrapContainer(line: string): ContainerLine | undefined {
  const first = line.charCodeAt(0);
  if (first >= 48 && first <= 57) return unwrapCri(line);
  return first === 123 && line.includes('"log"') ? unwrapDocker(line) : undefined;
}

function unwrapCri(line: string): ContainerLine | undefined {
  const space = line.indexOf(" ");
  const stream = line.startsWith("stdout ", space + 1) || line.startsWith("stderr ", space + 1);
  if (space === -1 || space > 40 || !stream) return undefined;
  // Tags are parted by colons; only the first is defined.
  const [tag = ""] = /^[FP](?::\S*)?(?= |$)/.exec(line.slice(space + 8, space + 40)) ?? [];
  const writtenNs = rfc3339Ns(line, 0, space);
  if (tag === "" || writtenNs === undefined) return undefined;
  const text = line.slice(space + 8 + tag.length + 1);
  return { text, writtenNs, stream: line.slice(space + 1, space + 7), partial: tag.startsWith("P") };
}

function unwrapDocker(line: string): ContainerLine | undefined {
  const record = jsonRecord(line);
  if (record === undefined || typeof record.log !== "string") return undefined;
  if (typeof record.stream !== "string" && typeof record.time !== "string") return undefined;
  const text = record.log;
  return {
    text: text.endsWith("\n") ? text.slice(0, -1) : text,
    writtenNs: typeof record.time === "string" ? rfc3339Ns(record.time) : undefined,
    stream: typeof record.stream === "string" ? record.stream : undefined,
    // Docker cuts lines at 16 KiB.
    partial: !text.endsWith("\n") && text.length >= 16_000,
  };
}
