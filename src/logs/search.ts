import { QueryError } from "../errors.ts";
import { DISPLAY, displayed, INSPECT, type MimeBundle } from "../results/mime.ts";
import { listOf, type ResultArray, type RowForm } from "../results/result-list.ts";
import { formatInstant, resolveSpan, shown, type TimeSpan } from "../time.ts";
import type { LogBackend } from "./backend.ts";
import { type LogState, Reading, type ReadingOptions } from "./reading.ts";
import type { LineParser } from "./text-format.ts";

/** What is said of a search beside what it found. */
export interface LogMeta extends LogState {
  readonly backend: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly tookMs: number;
}

/** What was found, in the search's order, with what is known of the search. */
export type LogList<T> = ResultArray<T, LogMeta>;

/** How a search is to be done, other than what it looks for. */
export interface LogSearchOptions extends ReadingOptions {
  /** How much to find; all of the range when left out. */
  readonly limit?: number | undefined;
}

/** Where lines come from and how they are read. */
export interface LogReader {
  readonly backend: LogBackend;
  readonly parse: LineParser;
  readonly now: () => number;
}

/** What is looked for: all of it that one pass gives, chunk by chunk, in order. */
export interface SoughtLines<T> {
  readonly span: TimeSpan;
  /** How what is found is told in a table. */
  readonly rows: RowForm<T>;
  readonly read: (reading: Reading) => AsyncIterable<readonly T[]>;
}

/**
 * A search that has not been started. Awaited it is an array with `meta`; under `for await` it streams, and holds no
 * more lines than it needs to join both sides. Each await or loop searches anew.
 */
export class LogSearch<T> implements PromiseLike<LogList<T>>, AsyncIterable<T> {
  readonly #reader: LogReader;
  readonly #sought: SoughtLines<T>;
  readonly #options: LogSearchOptions;

  constructor(reader: LogReader, sought: SoughtLines<T>, options: LogSearchOptions) {
    checkCount(options.limit, "limit");
    checkCount(options.perCall, "perCall");
    const { order } = options;
    if (order !== undefined && order !== "backward" && order !== "forward") {
      throw new QueryError("range", `logs: order is "backward" (the latest first) or "forward", not ${shown(order)}`);
    }
    resolveSpan(sought.span, reader.now(), "logs");
    this.#reader = reader;
    this.#sought = sought;
    this.#options = Object.freeze({ ...options });
    Object.freeze(this);
  }

  then<A = LogList<T>, B = never>(
    onAnswer?: ((found: LogList<T>) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#collect().then(onAnswer, onError);
  }

  /** Searches anew, and gives each find as soon as it is known. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.#walk(this.#start());
  }

  /** Searches anew, and gives each find to `take` in its turn; holds none of them. */
  async each(take: (one: T) => void): Promise<LogMeta> {
    const reading = this.#start();
    for await (const one of this.#walk(reading)) take(one);
    return metaOf(this.#reader.backend.name, reading);
  }

  /** How it looks in a notebook: as what it finds. */
  [DISPLAY](): Promise<MimeBundle> {
    return displayed(async () => (await this)[DISPLAY]());
  }

  /** What it looks for, and how to start it. */
  [INSPECT](): string {
    return `a search for ${this.#sought.rows.noun}s in ${this.#reader.backend.name}, not started yet: await it, or read it with for await`;
  }

  #start(): Reading {
    const { backend, parse, now } = this.#reader;
    const startedMs = now();
    const span = resolveSpan(this.#sought.span, startedMs, "logs");
    return new Reading(backend, parse, span, this.#options, now, startedMs);
  }

  async #collect(): Promise<LogList<T>> {
    const found: T[] = [];
    const meta = await this.each((one) => found.push(one));
    return listOf(found, meta, this.#sought.rows);
  }

  async *#walk(reading: Reading): AsyncIterableIterator<T> {
    const { limit = Number.POSITIVE_INFINITY } = this.#options;
    try {
      for await (const chunk of this.#sought.read(reading)) {
        const wanted = chunk.slice(0, limit - reading.found);
        reading.found += wanted.length;
        const enough = reading.found >= limit;
        if (enough) {
          const at = formatInstant(reading.state().readToMs);
          reading.warn(`stopped at the limit of ${limit}, at ${at}: there may be more`, false);
        }
        reading.tell();
        yield* wanted;
        if (enough) return;
      }
      reading.reached(reading.order === "backward" ? reading.span.fromMs : reading.span.toMs);
    } finally {
      reading.end();
    }
  }
}

const metaOf = (backend: string, reading: Reading): LogMeta =>
  Object.freeze({ ...reading.state(), ...reading.span, backend, tookMs: reading.tookMs });

function checkCount(count: unknown, name: string): void {
  if (count === undefined || (typeof count === "number" && Number.isInteger(count) && count > 0)) return;
  throw new QueryError("range", `logs: ${name} is a whole number above 0, not ${shown(count)}`);
}
