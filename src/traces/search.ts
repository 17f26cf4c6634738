import { QueryError, TimeoutError } from "../errors.ts";
import { DISPLAY, displayed, INSPECT, type MimeBundle } from "../results/mime.ts";
import { type OnProgress, type Progress, Teller } from "../results/progress.ts";
import { listOf, type ResultArray, type RowForm } from "../results/result-list.ts";
import { type AskOptions, formatDuration, formatInstant, resolveSpan, shown, type TimeSpan } from "../time.ts";
import type { SearchPage, TraceBackend, TraceQuery } from "./backend.ts";
import { HiddenLimit } from "./hidden-limit.ts";
import { TimeGrid } from "./time-grid.ts";
import type { Trace } from "./trace.ts";

/** What a search has come to so far. */
export interface SearchState {
  /** What is left to search ends here: everything later has been searched. Epoch milliseconds. */
  readonly searchedToMs: number;
  /** The part of the range that has been searched, from 0 to 1. */
  readonly ratio: number;
  /** Traces found so far that are what was looked for. */
  readonly found: number;
  /** Calls to the backend so far. */
  readonly requests: number;
  readonly complete: boolean;
  readonly warnings: readonly string[];
}

/** How far a search has come: how much of its range has been searched. */
export interface SearchProgress extends Progress, SearchState {
  readonly what: "traces";
  readonly unit: "ms";
}

/** What is said of a search beside its traces. */
export interface SearchMeta extends SearchState {
  readonly backend: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Conditions that the backend could not apply; they were applied here. */
  readonly unapplied: readonly string[];
  readonly tookMs: number;
}

/** The traces that were found, the latest first, with what is known of the search. */
export type TraceList<T = Trace> = ResultArray<T, SearchMeta>;

/** How a search is to be done, other than what it looks for. */
export interface SearchOptions extends AskOptions {
  /** How many traces to find, the latest first; all of the range when left out. */
  readonly limit?: number | undefined;
  /** How many traces one call to the backend asks for; 200 when left out, fewer where the backend takes fewer. */
  readonly perCall?: number | undefined;
  /** Called after each call to the backend. */
  readonly onProgress?: OnProgress<SearchProgress> | undefined;
}

/** What is looked for: the conditions that go to the backend, and what decides here. */
export interface Sought<T> {
  readonly span: TimeSpan;
  /** Each is asked for in every window; what any of them finds counts. */
  readonly queries: (options: AskOptions) => Promise<readonly Omit<TraceQuery, "fromMs" | "limit" | "toMs">[]>;
  /** What a found trace amounts to; `undefined` where it is not what was looked for. */
  readonly pick: (trace: Trace) => T | undefined;
  /** How what is found is told in a table. */
  readonly rows: RowForm<T>;
  /** What the reader must know of any answer to this. */
  readonly warnings?: readonly string[] | undefined;
}

/**
 * A search that has not been started. Awaited it is an array with `meta`; under `for await` it streams, the latest
 * traces first. Each await or loop searches anew.
 *
 * A backend cuts its answer at a limit without a word. This search therefore walks back through windows of time, each
 * so short that its answer is not cut, until it has what was asked for or the range is exhausted; windows share their
 * ends, so nothing is lost between them, and no trace comes twice.
 */
export class TraceSearch<T = Trace> implements PromiseLike<TraceList<T>>, AsyncIterable<T> {
  readonly #backend: TraceBackend;
  readonly #sought: Sought<T>;
  readonly #options: SearchOptions;
  readonly #now: () => number;

  constructor(backend: TraceBackend, sought: Sought<T>, options: SearchOptions, now: () => number) {
    checkCount(options.limit, "limit");
    checkCount(options.perCall, "perCall");
    resolveSpan(sought.span, now(), "traces");
    this.#backend = backend;
    this.#sought = sought;
    this.#options = Object.freeze({ ...options });
    this.#now = now;
    Object.freeze(this);
  }

  then<A = TraceList<T>, B = never>(
    onAnswer?: ((traces: TraceList<T>) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#collect().then(onAnswer, onError);
  }

  /** Searches anew, and gives each trace as soon as the window that holds it has been searched. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.#walk(this.#start());
  }

  /** How it looks in a notebook: as what it finds. */
  [DISPLAY](): Promise<MimeBundle> {
    return displayed(async () => (await this)[DISPLAY]());
  }

  /** What it looks for, and how to start it. */
  [INSPECT](): string {
    return `a search for ${this.#sought.rows.noun}s in ${this.#backend.name}, not started yet: await it, or read it with for await`;
  }

  #start(): Walk {
    return new Walk(this.#backend, this.#sought.span, this.#options, this.#now, this.#sought.warnings ?? []);
  }

  async #collect(): Promise<TraceList<T>> {
    const walk = this.#start();
    const found: T[] = [];
    for await (const one of this.#walk(walk)) found.push(one);
    return listOf(found, walk.meta(), this.#sought.rows);
  }

  async *#walk(walk: Walk): AsyncIterableIterator<T> {
    const { limit = Number.POSITIVE_INFINITY, onProgress } = this.#options;
    const queries = await this.#sought.queries(walk.patience());
    const teller = new Teller(onProgress);
    try {
      for await (const traces of walk.windows(queries)) {
        const picked = traces.flatMap((trace) => this.#sought.pick(trace) ?? []);
        const wanted = picked.slice(0, limit - walk.found);
        walk.found += wanted.length;
        const enough = walk.found >= limit;
        if (enough) walk.stop(picked.length - wanted.length);
        teller.tell(walk.progress(enough));
        yield* wanted;
        if (enough) return;
      }
    } finally {
      teller.end();
    }
  }
}

const DEFAULT_PER_CALL = 200;
/** The first window is this part of the range: small enough not to be cut, large enough to be few. */
const FIRST_PART = 1 / 8;

/** One search under way: where it stands, and what is known of it so far. */
class Walk {
  found = 0;
  readonly #backend: TraceBackend;
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #perCall: number;
  readonly #options: SearchOptions;
  readonly #now: () => number;
  readonly #startedMs: number;
  readonly #warnings: Set<string>;
  readonly #unapplied = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #grid: TimeGrid;
  readonly #hiddenLimit: HiddenLimit;
  #searchedToMs: number;
  #requests = 0;
  #complete = true;

  constructor(
    backend: TraceBackend,
    span: TimeSpan,
    options: SearchOptions,
    now: () => number,
    warnings: readonly string[],
  ) {
    this.#backend = backend;
    this.#grid = new TimeGrid(backend.finestWindowMs);
    this.#hiddenLimit = new HiddenLimit(this.#grid);
    this.#options = options;
    this.#now = now;
    this.#startedMs = now();
    const { fromMs, toMs } = resolveSpan(span, this.#startedMs, "traces");
    this.#fromMs = fromMs;
    this.#toMs = toMs;
    this.#searchedToMs = toMs;
    this.#perCall = Math.min(options.perCall ?? DEFAULT_PER_CALL, backend.mostPerCall);
    this.#warnings = new Set(warnings);
  }

  /** The traces of one window after the other, from the latest back, those of each window the latest first. */
  async *windows(queries: readonly Omit<TraceQuery, "fromMs" | "limit" | "toMs">[]): AsyncGenerator<readonly Trace[]> {
    const grid = this.#grid;
    const first = grid.before(this.#fromMs);
    let end = grid.after(this.#toMs);
    let length = (end - first) * FIRST_PART;
    for (;;) {
      const start = Math.max(first, end - Math.max(1, Math.floor(length)));
      const startMs = Math.max(this.#fromMs, grid.ms(start));
      const endMs = Math.min(this.#toMs, grid.ms(end));
      const isDivisible = end - start > 1;
      let found = await this.#ask(queries, { startMs, endMs, isDivisible }, this.#perCall);
      if (found.full && isDivisible) {
        length = (end - start) / 2;
        continue;
      }
      if (found.full) found = await this.#askForMore(queries, { startMs, endMs, isDivisible }, found);
      this.#searchedToMs = startMs;
      yield this.#unseen(found.traces);
      if (start <= first) return;
      if (found.traces.length * 4 < Math.min(this.#perCall, this.#hiddenLimit.most)) length *= 2;
      end = start;
    }
  }

  /** The shortest window that can be named holds more than one call brings: larger calls, as far as the backend goes. */
  async #askForMore(
    queries: readonly Omit<TraceQuery, "fromMs" | "limit" | "toMs">[],
    window: Window,
    first: Found,
  ): Promise<Found> {
    const { startMs, endMs } = window;
    let found = first;
    for (let limit = this.#perCall * 4; found.full && limit < this.#backend.mostPerCall * 4; limit *= 4) {
      found = await this.#ask(queries, window, Math.min(limit, this.#backend.mostPerCall));
    }
    if (found.full) {
      this.#complete = false;
      this.#warnings.add(
        `more than ${Math.min(this.#backend.mostPerCall, this.#hiddenLimit.most)} traces at ${formatInstant(startMs)} within ` +
          `${formatDuration(Math.max(1, Math.ceil(endMs - startMs)))}: the rest of them cannot be asked for; name more conditions`,
      );
    }
    return found;
  }

  async #ask(
    queries: readonly Omit<TraceQuery, "fromMs" | "limit" | "toMs">[],
    { startMs, endMs, isDivisible }: Window,
    limit: number,
  ): Promise<Found> {
    const pages: SearchPage[] = [];
    let full = false;
    for (const query of queries) {
      const part = async (from: number, to: number): Promise<SearchPage> => {
        const page = await this.#backend.search({ ...query, fromMs: from, toMs: to, limit }, this.patience());
        this.#requests++;
        return page;
      };
      const page = await part(startMs, endMs);
      pages.push(page);
      full ||= page.full || (await this.#hiddenLimit.cuts(page, { fromMs: startMs, toMs: endMs }, part));
      // A window that must be cut anyway need not be asked about further.
      if (full && isDivisible) break;
    }
    for (const page of pages) {
      for (const warning of page.warnings) this.#warnings.add(warning);
      for (const condition of page.unapplied) this.#unapplied.add(condition);
      if (!page.complete) this.#complete = false;
    }
    return { full, traces: pages.flatMap((page) => page.traces) };
  }

  #unseen(traces: readonly Trace[]): Trace[] {
    const fresh: Trace[] = [];
    for (const trace of traces) {
      if (this.#seen.has(trace.id)) continue;
      this.#seen.add(trace.id);
      fresh.push(trace);
    }
    return fresh.sort((a, b) => b.startMs - a.startMs);
  }

  /** The options of one call: the caller's signal, and what is left of the caller's deadline. */
  patience(): AskOptions {
    const { signal, timeoutMs } = this.#options;
    signal?.throwIfAborted();
    if (timeoutMs === undefined) return { signal };
    const leftMs = timeoutMs - (this.#now() - this.#startedMs);
    if (leftMs > 0) return { signal, timeoutMs: leftMs };
    throw new TimeoutError(
      `${this.#backend.name}: the search reached ${formatInstant(this.#searchedToMs)} within ${timeoutMs} ms; ` +
        "ask for less, raise timeoutMs, or take what comes with for await",
      { backend: this.#backend.name, timeoutMs },
    );
  }

  /** The search has what was asked for; that is not all there is where `left` were found beyond it or range is left. */
  stop(left: number): void {
    if (left === 0 && this.#searchedToMs <= this.#fromMs) return;
    this.#complete = false;
    this.#warnings.add(
      `stopped at the limit of ${this.found}: there may be more from ${formatInstant(this.#fromMs)} on`,
    );
  }

  progress(isEnough: boolean): SearchProgress {
    const total = this.#toMs - this.#fromMs;
    const done = this.#toMs - this.#searchedToMs;
    const state = this.#state();
    const ended = isEnough || state.ratio === 1;
    return Object.freeze({ what: "traces", unit: "ms", done, total, ended, ...state });
  }

  #state(): SearchState {
    const length = this.#toMs - this.#fromMs;
    return Object.freeze({
      searchedToMs: this.#searchedToMs,
      ratio: length === 0 ? 1 : (this.#toMs - this.#searchedToMs) / length,
      found: this.found,
      requests: this.#requests,
      complete: this.#complete,
      warnings: Object.freeze([...this.#warnings]),
    });
  }

  meta(): SearchMeta {
    return Object.freeze({
      ...this.#state(),
      backend: this.#backend.name,
      fromMs: this.#fromMs,
      toMs: this.#toMs,
      unapplied: Object.freeze([...this.#unapplied]),
      tookMs: this.#now() - this.#startedMs,
    });
  }
}

/** A part of the range; one that is not divisible is the shortest that can be named. */
interface Window {
  readonly startMs: number;
  readonly endMs: number;
  readonly isDivisible: boolean;
}

interface Found {
  readonly traces: readonly Trace[];
  readonly full: boolean;
}

function checkCount(count: unknown, name: string): void {
  if (count === undefined || (typeof count === "number" && Number.isInteger(count) && count > 0)) return;
  throw new QueryError("range", `traces: ${name} is a whole number above 0, not ${shown(count)}`);
}
