import { MeshQueryError, QueryError } from "../errors.ts";
import { systemEnvironment } from "../http/environment.ts";
import { shown } from "../time.ts";
import type { FollowOptions, LogLine, LogPage, NsSpan } from "./backend.ts";
import { type Look, Seen } from "./seen.ts";

const EVERY_MS = 2_000;
const LATENESS_MS = 10_000;

/**
 * Lines as they arrive, by looking again and again at the time in which lines may still come late; each is given once.
 *
 * A look that fails in passing is a page without lines that says so, and the next one begins where it did.
 *
 * @param read the lines of a span of time, the earliest first
 * @throws {QueryError} `code: "range"` for a time that is no number of milliseconds
 */
export async function* followed(
  backend: string,
  read: (span: NsSpan) => AsyncIterable<LogPage>,
  { signal, everyMs = EVERY_MS, latenessMs = LATENESS_MS, fromNs: beginNs = nowNs() }: FollowOptions,
): AsyncGenerator<LogPage> {
  checkMs(everyMs, `${backend}: everyMs`);
  checkMs(latenessMs, `${backend}: latenessMs`);
  const seen = new Seen();
  let fromNs = beginNs;
  for (;;) {
    signal?.throwIfAborted();
    const toNs = nowNs();
    const look: Look = new Map();
    try {
      for await (const page of read({ fromNs, toNs })) {
        const entries = seen.fresh(page.entries.map(keyed), look).map(({ line }) => line);
        if (entries.length > 0 || !page.complete) yield { ...page, entries };
      }
      const againNs = toNs - nanoseconds(latenessMs);
      if (againNs > fromNs) fromNs = againNs;
      seen.since(fromNs);
    } catch (error) {
      if (!(error instanceof MeshQueryError && error.retryable)) throw error;
      yield { entries: [], missing: [], warnings: [error.message], complete: false };
    }
    await systemEnvironment.sleep(everyMs, signal ?? NEVER);
  }
}

const NEVER = new AbortController().signal;

function keyed(line: LogLine) {
  const { timestampNs, labels, metadata = {} } = line;
  const sorted = (record: Readonly<Record<string, string>>) =>
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  return { timestampNs, line, key: JSON.stringify([String(timestampNs), sorted(labels), sorted(metadata), line.line]) };
}

function checkMs(ms: number, what: string): void {
  if (ms > 0 && Number.isFinite(ms)) return;
  throw new QueryError("range", `${what} ${shown(ms)} is not a positive number of milliseconds`);
}

const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n;
const nowNs = (): bigint => nanoseconds(systemEnvironment.now());
