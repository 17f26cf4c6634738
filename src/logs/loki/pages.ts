import { formatInstant } from "../../time.ts";
import type { NsSpan } from "../backend.ts";
import { Seen } from "../seen.ts";
import type { RawEntries, RawEntry } from "./decode.ts";

/** One call: at most `limit` lines from `fromNs`, included, to `toNs`, excluded. */
export interface PageQuestion extends NsSpan {
  readonly order: "backward" | "forward";
  readonly limit: number;
}

/** What a server has said it gives at most. It is asked for no more again. */
export interface ServerLimits {
  /** Lines of one call. */
  entries: number;
  /** Nanoseconds of one call. */
  spanNs: bigint;
}

/** What one call came to. */
export interface PageAnswer extends RawEntries {
  /** The question that was answered in the end, within the server's limits. */
  readonly asked: PageQuestion;
  /** Whether as many lines came as were asked for, so that there may be more. */
  readonly full: boolean;
}

/** Lines in order, each once. */
export interface RawPage extends RawEntries {
  readonly missing: readonly NsSpan[];
}

/** No server is asked for more lines at once. */
const MOST_PER_CALL = 1_000_000;

/**
 * The lines of a span, page by page, each once.
 *
 * Pages can only be told apart by time, and lines may share their nanosecond, in one stream or across many. So each call
 * begins at the last instant seen, and what was seen of it already is left out. Where a call brings lines of a single
 * instant only, it is made again for more; where the server gives no more, the rest of that instant is declared missing.
 *
 * @see grafana/loki, `pkg/logcli/query/query.go`
 */
export async function* pagesOf(
  { fromNs, toNs, order, limit }: PageQuestion,
  perCall: number,
  limits: ServerLimits,
  ask: (question: PageQuestion) => Promise<PageAnswer>,
): AsyncGenerator<RawPage> {
  const forward = order === "forward";
  const compare = forward ? earlier : later;
  const seen = new Seen();
  let [from, to, left, size] = [fromNs, toNs, limit, perCall];
  while (from < to && left > 0) {
    const span = clamped({ fromNs: from, toNs: to }, forward, limits.spanNs);
    const question = { ...span, order, limit: Math.min(size, left + seen.size, limits.entries) };
    const { entries, warnings, asked, full } = await ask(question);
    const sorted = entries.toSorted(compare);
    const fresh = seen.fresh(sorted).slice(0, left);
    left -= fresh.length;
    const edge = sorted.at(-1)?.timestampNs;
    const missing: NsSpan[] = [];
    if (edge === undefined || !full) {
      // All there is within this call's span.
      if (forward) from = asked.toNs;
      else to = asked.fromNs;
      seen.clear();
      size = perCall;
    } else if (sorted[0]?.timestampNs !== edge) {
      if (forward) from = edge;
      else to = edge + 1n;
      seen.only(edge);
      size = perCall;
    } else if (asked.limit < Math.min(limits.entries, MOST_PER_CALL)) {
      size = asked.limit * 4;
    } else if (left > 0) {
      missing.push({ fromNs: edge, toNs: edge + 1n });
      if (forward) from = edge + 1n;
      else to = edge;
      seen.clear();
      size = perCall;
    }
    const lost = missing.map(
      ({ fromNs }) =>
        `${fromNs} ns (${formatInstant(Number(fromNs / 1_000_000n))}) has more lines than the ${asked.limit} that one call gives, and the rest cannot be asked for; narrow the filter`,
    );
    yield { entries: fresh, warnings: [...warnings, ...lost], missing };
  }
}

const earlier = (a: RawEntry, b: RawEntry): number =>
  a.timestampNs < b.timestampNs ? -1 : a.timestampNs > b.timestampNs ? 1 : 0;
const later = (a: RawEntry, b: RawEntry): number => earlier(b, a);

/** The part of the span that comes first and is no longer than `mostNs`. */
function clamped({ fromNs, toNs }: NsSpan, forward: boolean, mostNs: bigint): NsSpan {
  if (toNs - fromNs <= mostNs) return { fromNs, toNs };
  return forward ? { fromNs, toNs: fromNs + mostNs } : { fromNs: toNs - mostNs, toNs };
}
