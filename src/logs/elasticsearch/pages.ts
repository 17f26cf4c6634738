import type { HttpResponse } from "../../http/client.ts";
import { formatInstant } from "../../time.ts";
import type { LogLine, LogPage, LogQuery, NsSpan } from "../backend.ts";
import type { LineTest } from "../line-filter.ts";
import {
  type Found,
  failure,
  type Hit,
  isExpired,
  isIdRefused,
  isShardDocRefused,
  readFound,
  refused,
  windowLimitIn,
} from "./answer.ts";
import type { Clause } from "./conditions.ts";
import { lineOf } from "./document.ts";
import type { Places } from "./mapping.ts";

/** What a server has shown of itself. It is asked for no more again. */
export interface ServerLimits {
  /** Hits of one call. */
  hits: number;
  /** Whether it sorts by a document's id. */
  sortsById: boolean;
  /** Whether it sorts by a document's place in its shard. */
  sortsByShardDoc: boolean;
}

/** A point in time that a server keeps for a search, so that nothing moves below it. */
export interface PointInTime {
  id: string;
  /** By what documents of one instant are told apart within it. */
  readonly tieBreaker: "_id" | "_shard_doc";
  /** What of the indices it leaves out, in words. */
  readonly warnings: readonly string[];
}

/** The server, as far as pages need it. */
export interface Searcher {
  readonly limits: ServerLimits;
  /** `undefined` where the server has no such thing, or does not grant it. */
  open(): Promise<PointInTime | undefined>;
  close(point: PointInTime): Promise<void>;
  search(body: Clause, point: PointInTime | undefined): Promise<HttpResponse>;
  /** Does `task`, which asks for one page however often that takes, as one question. */
  ask(task: () => Promise<Found>): Promise<Found>;
}

/** What is paged through. */
export interface PagedQuery extends Pick<LogQuery, "fromNs" | "limit" | "order" | "toNs"> {
  readonly clauses: readonly Clause[];
  readonly places: Places;
  /** Decides what the server cannot. */
  readonly isWanted: LineTest;
}

const KEEP_ALIVE = "2m";
/** How far a server counts what it has to give: as far as it does unasked. */
const MOST_COUNTED = 10_000;

/**
 * The lines of a span, page by page, each once.
 *
 * The server sorts by milliseconds and, where it can, by something that no two documents share; then it goes on after the
 * last one. Where it cannot, each call begins at the last millisecond seen, and what was seen of it is left out. The lines
 * of the last millisecond of a page wait for the next page, so that nanoseconds are in order too.
 */
export async function* pagesOf(query: PagedQuery, perCall: number, server: Searcher): AsyncGenerator<LogPage> {
  const walk = new Walk(query, perCall, server);
  try {
    yield* walk.pages();
  } finally {
    await walk.close();
  }
}

class Walk {
  readonly #query: PagedQuery;
  readonly #perCall: number;
  readonly #server: Searcher;
  readonly #forward: boolean;
  #point: PointInTime | undefined;
  /** The part of the span that is left, in milliseconds with both ends included. */
  #left: { fromMs: number; toMs: number };
  #after: readonly unknown[] | undefined;
  /** Documents of the last millisecond that were given, or wait. */
  #seen = new Set<string>();
  /** Whether the point in time has brought anything yet. */
  #fruitful = true;
  #edgeMs: number | undefined;
  /** What the server has to give by its own count, and what came of it. */
  #total: Found["total"];
  #came = 0;
  #skipped = false;
  /** What is to be said with the next page. */
  #unsaid: readonly string[] = [];

  constructor(query: PagedQuery, perCall: number, server: Searcher) {
    this.#query = query;
    this.#perCall = perCall;
    this.#server = server;
    this.#forward = query.order === "forward";
    this.#left = { fromMs: Number(query.fromNs / 1_000_000n), toMs: Number((query.toNs - 1n) / 1_000_000n) };
  }

  async *pages(): AsyncGenerator<LogPage> {
    const { limit = Number.POSITIVE_INFINITY } = this.#query;
    if (this.#query.toNs <= this.#query.fromNs) return;
    await this.#open();
    let given = 0;
    let size = this.#perCall;
    let waiting: LogLine[] = [];
    for (;;) {
      const most = Math.min(size, this.#server.limits.hits);
      const found = await this.#server.ask(() => this.#ask(most));
      // What was asked for in the end, within the server's limit.
      size = Math.min(size, this.#server.limits.hits);
      const fresh = found.hits.filter(({ key }) => !this.#seen.has(key));
      const last = found.hits.at(-1);
      const lastMs = last === undefined ? undefined : this.#timeOf(last);
      const wholeMs = lastMs !== undefined && found.hits.every((hit) => this.#timeOf(hit) === lastMs);
      if (fresh.length > 0) this.#fruitful = true;
      this.#came += fresh.length;
      this.#total ??= found.total;
      const lines = [...waiting, ...this.#lines(fresh)];
      const ended = found.hits.length < size;
      waiting = ended ? [] : lines.filter((line) => msOf(line) === lastMs);
      const ready = ended ? lines : lines.filter((line) => msOf(line) !== lastMs);
      let missing: NsSpan[] = [];
      if (!ended && last !== undefined && lastMs !== undefined) {
        const stuck = !this.#advance(found.hits, last, lastMs) && wholeMs;
        if (stuck && size < this.#server.limits.hits) size = Math.min(size * 4, MOST_HITS);
        else if (stuck) missing = [this.#skip(lastMs)];
        else size = this.#perCall;
      }
      if (missing.length > 0) {
        ready.push(...waiting);
        waiting = [];
      }
      const entries = sorted(ready, this.#forward).slice(0, limit - given);
      given += entries.length;
      const warnings = [
        ...this.#unsaid,
        ...found.warnings,
        ...missing.map((span) => lost(span, size)),
        ...(ended ? this.#uncounted() : []),
      ];
      this.#unsaid = [];
      const complete = warnings.length === 0;
      if (entries.length > 0 || !complete) yield { entries, missing, warnings, complete };
      if (ended || given >= limit || this.#left.fromMs > this.#left.toMs) return;
    }
  }

  async close(): Promise<void> {
    if (this.#point !== undefined) await this.#server.close(this.#point);
  }

  async #open(): Promise<void> {
    this.#point = await this.#server.open();
    this.#unsaid = this.#point?.warnings ?? [];
  }

  /** One call, and again where the server says what it does not do. */
  async #ask(size: number): Promise<Found> {
    const tie = this.#tieBreaker();
    const response = await this.#server.search(this.#body(size, tie), this.#point);
    if (response.status >= 200 && response.status < 300) {
      const found = readFound(response);
      if (this.#point !== undefined && found.pit !== undefined) this.#point.id = found.pit;
      return found;
    }
    const most = windowLimitIn(response);
    if (most !== undefined && most < size) {
      this.#server.limits.hits = most;
      return this.#ask(most);
    }
    if (tie === "_id" && this.#server.limits.sortsById && isIdRefused(response)) {
      this.#server.limits.sortsById = false;
      return this.#ask(size);
    }
    if (tie === "_shard_doc" && this.#server.limits.sortsByShardDoc && isShardDocRefused(response)) {
      this.#server.limits.sortsByShardDoc = false;
      return this.#ask(size);
    }
    if (this.#point !== undefined && this.#fruitful && isExpired(response)) {
      this.#fruitful = false;
      // Positions mean nothing in another point in time: on from the last millisecond.
      await this.#open();
      this.#after = undefined;
      this.#begin();
      return this.#ask(size);
    }
    throw refused(response);
  }

  /** By what documents of one millisecond are told apart; `undefined` where the server has nothing to do it by. */
  #tieBreaker(): "_id" | "_shard_doc" | undefined {
    if (this.#point?.tieBreaker === "_shard_doc" && this.#server.limits.sortsByShardDoc) return "_shard_doc";
    return this.#server.limits.sortsById ? "_id" : undefined;
  }

  #body(size: number, tie: "_id" | "_shard_doc" | undefined): Clause {
    const { clauses, places } = this.#query;
    const { fromMs, toMs } = this.#left;
    const order = this.#forward ? "asc" : "desc";
    const range = { range: { [places.time]: { gte: fromMs, lte: toMs, format: "epoch_millis" } } };
    return {
      size,
      track_total_hits: this.#total === undefined ? MOST_COUNTED : false,
      query: { bool: { filter: [range, ...clauses] } },
      // An index without the field has no lines, which is no failure.
      sort: [
        { [places.time]: { order, numeric_type: "date", unmapped_type: "date" } },
        ...(tie === undefined ? [] : [{ [tie]: { order } }]),
      ],
      ...(this.#point === undefined ? {} : { pit: { id: this.#point.id, keep_alive: KEEP_ALIVE } }),
      ...(this.#after === undefined ? {} : { search_after: this.#after }),
    };
  }

  /** What the server counted at first and did not give, though it gives no more. */
  #uncounted(): readonly string[] {
    const { count, atLeast } = this.#total ?? { count: 0, atLeast: false };
    if (this.#came >= count || this.#skipped) return [];
    return [`the server counted ${atLeast ? "at least " : ""}${count} lines and gave ${this.#came}`];
  }

  /** On after the last hit, or from its millisecond on; whether that is another place than before. */
  #advance(hits: readonly Hit[], last: Hit, lastMs: number): boolean {
    const moved = this.#edgeMs !== lastMs;
    const whole = hits.every((hit) => this.#timeOf(hit) === lastMs);
    if (this.#goesBack(last, lastMs, moved || whole)) {
      throw failure("shape", "hits.hits must go on where those of the call before ended");
    }
    if (moved) this.#seen = new Set();
    this.#edgeMs = lastMs;
    for (const hit of hits) if (this.#timeOf(hit) === lastMs) this.#seen.add(hit.key);
    if (this.#tieBreaker() !== undefined) {
      this.#after = last.sort;
      return true;
    }
    this.#after = undefined;
    this.#begin();
    return moved && !whole;
  }

  /** Whether a server takes no notice of where it was to go on. */
  #goesBack(last: Hit, lastMs: number, isElsewhere: boolean): boolean {
    if (this.#edgeMs === undefined) return false;
    if (this.#forward ? lastMs < this.#edgeMs : lastMs > this.#edgeMs) return true;
    return this.#after === undefined ? !isElsewhere : JSON.stringify(last.sort) === JSON.stringify(this.#after);
  }

  /** What is left begins with the last millisecond seen. */
  #begin(): void {
    if (this.#edgeMs === undefined) return;
    if (this.#forward) this.#left.fromMs = this.#edgeMs;
    else this.#left.toMs = this.#edgeMs;
  }

  /** Leaves out the rest of a millisecond that cannot be had whole. */
  #skip(ms: number): NsSpan {
    if (this.#forward) this.#left.fromMs = ms + 1;
    else this.#left.toMs = ms - 1;
    this.#seen = new Set();
    this.#edgeMs = undefined;
    this.#skipped = true;
    return { fromNs: BigInt(ms) * 1_000_000n, toNs: BigInt(ms + 1) * 1_000_000n };
  }

  #lines(hits: readonly Hit[]): LogLine[] {
    const { fromNs, toNs, places, isWanted } = this.#query;
    const lines = hits.map((hit) => lineOf(hit, places)).filter((line) => line !== undefined);
    const without = hits.length - lines.length;
    if (without > 0) this.#unsaid = [...this.#unsaid, noLine(without, places)];
    return lines.filter((line) => line.timestampNs >= fromNs && line.timestampNs < toNs && isWanted(line));
  }

  #timeOf({ sort }: Hit): number {
    return Number(sort[0]);
  }
}

/** No server is asked for more hits at once. */
export const MOST_HITS = 100_000;

const msOf = ({ timestampNs }: LogLine): number => Number(timestampNs / 1_000_000n);

const sorted = (lines: readonly LogLine[], forward: boolean): readonly LogLine[] =>
  lines.toSorted((a, b) => (a.timestampNs === b.timestampNs ? 0 : a.timestampNs < b.timestampNs === forward ? -1 : 1));

const noLine = (documents: number, { line, merged }: Places): string =>
  `${documents} of the documents have no line under ${JSON.stringify(line ?? merged)}; ` +
  "narrow the index or the filter, or name the place: { fields: { line } }";

const lost = ({ fromNs }: NsSpan, size: number): string =>
  `${formatInstant(Number(fromNs / 1_000_000n))} has more lines than the ${size} that one call gives, and the rest cannot be asked for; narrow the filter`;
