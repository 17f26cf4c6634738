import { TimeoutError } from "../errors.ts";
import { onAbort } from "../http/abort.ts";
import { startDeadline } from "../http/deadline.ts";
import { type OnProgress, type Progress, Teller } from "../results/progress.ts";
import { type AskOptions, formatInstant, type ResolvedSpan } from "../time.ts";
import type { LogBackend, LogFilter, LogLine, LogPage } from "./backend.ts";
import type { AccessLogEntry, Unparsed } from "./entry.ts";
import type { LineParser } from "./text-format.ts";

/** Lines that are read together, told from others by where they were written and what they hold. */
export interface LineSource {
  readonly filter: LogFilter;
  /** What a line of this source amounts to; `undefined` where it is not meant after all. */
  readonly take: (entry: AccessLogEntry) => AccessLogEntry | undefined;
}

/** An entry of a source, and when its line was taken. */
export interface Taken<S extends LineSource> {
  readonly entry: AccessLogEntry;
  readonly source: S;
  /** Epoch milliseconds by the log backend. */
  readonly writtenMs: number;
}

/** Lines that were read in vain. */
export interface UnparsedLines {
  readonly count: number;
  /** The first few of them. */
  readonly examples: readonly Unparsed[];
}

/** What a search has come to so far. */
export interface LogState {
  /** Lines that the backend gave, of all sources. */
  readonly lines: number;
  /** Entries or calls found so far that are what was looked for. */
  readonly found: number;
  /** Lines of the wanted proxies that no known format reads, such as what Envoy says of itself. */
  readonly unparsed: UnparsedLines;
  /** Entries read that should not be believed: see {@link AccessLogEntry.suspicious}. */
  readonly suspicious: number;
  /** Lines were read up to here; epoch milliseconds. */
  readonly readToMs: number;
  /** The part of the range that was read, from 0 to 1. */
  readonly ratio: number;
  readonly complete: boolean;
  readonly warnings: readonly string[];
}

/** How far a search has come: how much of its range was read. */
export interface LogProgress extends LogState, Progress {
  readonly what: "logs";
  readonly unit: "ms";
}

/** How lines are to be read. */
export interface ReadingOptions extends AskOptions {
  /** `"backward"` gives the latest first, `"forward"` the earliest; by when the lines were taken. */
  readonly order?: "backward" | "forward" | undefined;
  /** How many lines one call to the backend asks for; fewer where the backend gives fewer. */
  readonly perCall?: number | undefined;
  /** Called after each chunk of lines, and of what was found in them. */
  readonly onProgress?: OnProgress<LogProgress> | undefined;
  /** Given each line that no known format reads. */
  readonly onUnparsed?: ((line: Unparsed) => void) | undefined;
}

const EXAMPLES = 5;

/** One pass over a log: what it reads from, how patient it is, and what it has seen. */
export class Reading {
  found = 0;
  readonly span: ResolvedSpan;
  readonly order: "backward" | "forward";
  readonly #backend: LogBackend;
  readonly #parse: LineParser;
  readonly #options: ReadingOptions;
  readonly #now: () => number;
  readonly #startedMs: number;
  readonly #warnings = new Set<string>();
  readonly #examples: Unparsed[] = [];
  readonly #teller: Teller<LogProgress>;
  #lines = 0;
  #unparsed = 0;
  #suspicious = 0;
  #readToMs: number;
  #complete = true;

  constructor(
    backend: LogBackend,
    parse: LineParser,
    span: ResolvedSpan,
    options: ReadingOptions,
    now: () => number,
    startedMs: number,
  ) {
    this.#backend = backend;
    this.#parse = parse;
    this.#options = options;
    this.#now = now;
    this.#startedMs = startedMs;
    this.#teller = new Teller(options.onProgress);
    this.span = span;
    this.order = options.order ?? "backward";
    this.#readToMs = this.order === "backward" ? span.toMs : span.fromMs;
  }

  /**
   * The entries of all sources within the span, in order of when their lines were taken; chunk by chunk, so that a chunk
   * holds what came without waiting.
   */
  async *entries<S extends LineSource>(
    sources: readonly S[],
    span: ResolvedSpan = this.span,
  ): AsyncGenerator<readonly Taken<S>[]> {
    const { signal, timeoutMs } = this.#options;
    signal?.throwIfAborted();
    const leftMs = timeoutMs === undefined ? undefined : timeoutMs - this.tookMs;
    if (leftMs !== undefined && leftMs <= 0) throw this.#late();
    const deadline = leftMs === undefined ? undefined : startDeadline(leftMs, signal);
    const caller = deadline?.signal ?? signal;
    const ending = new AbortController();
    const forget = caller === undefined ? undefined : onAbort(caller, () => ending.abort(caller.reason));
    const ask = { signal: ending.signal, timeoutMs: leftMs };
    const heads = sources.map((source) => new Head(source, this.#pages(source, span, ask)));
    try {
      await Promise.all(heads.map((head) => head.fill()));
      for (;;) {
        const chunk: Taken<S>[] = [];
        let head = this.#next(heads);
        while (head !== undefined) {
          const line = head.shift();
          const taken = line && this.#take(line, head.source);
          if (taken !== undefined) chunk.push(taken);
          if (head.isEmpty) break;
          head = this.#next(heads);
        }
        if (chunk.length > 0) yield chunk;
        if (head === undefined) return;
        await head.fill();
      }
    } catch (error) {
      throw deadline?.expired === true ? this.#late() : error;
    } finally {
      deadline?.close();
      forget?.();
      // Where one source failed, nobody waits for the others' answers.
      ending.abort();
      await Promise.allSettled(heads.map((head) => head.close()));
    }
  }

  /** What the answer must say beside what was found. */
  warn(warning: string, complete: boolean): void {
    this.#warnings.add(warning);
    if (!complete) this.#complete = false;
  }

  /** The lines up to here are dealt with. */
  reached(writtenMs: number): void {
    const { fromMs, toMs } = this.span;
    const within = Math.min(Math.max(writtenMs, fromMs), toMs);
    this.#readToMs = this.order === "backward" ? Math.min(this.#readToMs, within) : Math.max(this.#readToMs, within);
    this.tell();
  }

  /** Tells who asked for it how far the search has come. */
  tell(): void {
    const { fromMs, toMs } = this.span;
    const total = toMs - fromMs;
    this.#teller.tell({ what: "logs", unit: "ms", done: this.#readMs, total, ended: false, ...this.state() });
  }

  /** Nothing more is to come, whether all was read or not. */
  end(): void {
    this.#teller.end();
  }

  get #readMs(): number {
    return this.order === "backward" ? this.span.toMs - this.#readToMs : this.#readToMs - this.span.fromMs;
  }

  state(): LogState {
    const { fromMs, toMs } = this.span;
    return Object.freeze({
      lines: this.#lines,
      found: this.found,
      unparsed: Object.freeze({ count: this.#unparsed, examples: Object.freeze([...this.#examples]) }),
      suspicious: this.#suspicious,
      readToMs: this.#readToMs,
      ratio: toMs === fromMs ? 1 : this.#readMs / (toMs - fromMs),
      complete: this.#complete,
      warnings: Object.freeze([...this.#warnings]),
    });
  }

  get tookMs(): number {
    return this.#now() - this.#startedMs;
  }

  #next<S extends LineSource>(heads: readonly Head<S>[]): Head<S> | undefined {
    let next: Head<S> | undefined;
    for (const head of heads) {
      const ns = head.timestampNs;
      if (ns === undefined) continue;
      const best = next?.timestampNs;
      if (best === undefined || (this.order === "forward" ? ns < best : ns > best)) next = head;
    }
    return next;
  }

  async *#pages({ filter }: LineSource, { fromMs, toMs }: ResolvedSpan, ask: AskOptions): AsyncGenerator<LogPage> {
    const query = { ...filter, fromNs: nanoseconds(fromMs), toNs: nanoseconds(toMs), order: this.order };
    const pages = this.#backend.entries(query, { ...ask, perCall: this.#options.perCall });
    for await (const page of pages) {
      for (const warning of page.warnings) this.#warnings.add(warning);
      if (!page.complete) this.#complete = false;
      this.#lines += page.entries.length;
      this.tell();
      yield page;
      ask.signal?.throwIfAborted();
    }
  }

  #take<S extends LineSource>(line: LogLine, source: S): Taken<S> | undefined {
    const parsed = this.#parse(line.line);
    if (parsed.kind === "unparsed") {
      this.#unparsed++;
      if (this.#examples.length < EXAMPLES) this.#examples.push(parsed);
      this.#options.onUnparsed?.(parsed);
      return undefined;
    }
    const { origin, timestampNs } = line;
    const entry = source.take(parsed.knowing({ origin, writtenNs: timestampNs }));
    if (entry === undefined) return undefined;
    if (entry.suspicious !== undefined) this.#suspicious++;
    return { entry, source, writtenMs: Number(timestampNs / 1_000_000n) };
  }

  #late(): TimeoutError {
    const { timeoutMs = 0 } = this.#options;
    return new TimeoutError(
      `${this.#backend.name}: the search reached ${formatInstant(this.#readToMs)} within ${timeoutMs} ms; ` +
        "ask for less, raise timeoutMs, or take what comes with for await",
      { backend: this.#backend.name, timeoutMs },
    );
  }
}

const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n;

/** Where one source stands. */
class Head<S extends LineSource> {
  readonly source: S;
  readonly #pages: AsyncGenerator<LogPage>;
  #page: readonly LogLine[] = [];
  #at = 0;

  constructor(source: S, pages: AsyncGenerator<LogPage>) {
    this.source = source;
    this.#pages = pages;
  }

  get isEmpty(): boolean {
    return this.#at >= this.#page.length;
  }

  /** Of its next line; `undefined` where there is none at hand. */
  get timestampNs(): bigint | undefined {
    return this.#page[this.#at]?.timestampNs;
  }

  shift(): LogLine | undefined {
    return this.#page[this.#at++];
  }

  /** Takes the next page that has lines; stays empty at the end. */
  async fill(): Promise<void> {
    while (this.isEmpty) {
      const { done, value } = await this.#pages.next();
      if (done === true) return;
      this.#page = value.entries;
      this.#at = 0;
    }
  }

  async close(): Promise<void> {
    await this.#pages.return(undefined);
  }
}
