/** Work under way, with something known of it while it lasts. */
export interface Underway<T, S> {
  readonly state: S;
  readonly outcome: Promise<T>;
}

/** One who waits for work that others may wait for too. */
export interface Share<T, S> extends Underway<T, S> {
  /** Waits no longer; the last who leaves ends the work. */
  leave(): void;
}

/** Work under way, and who waits for it. */
interface Open<T, S> {
  readonly work: Underway<T, S>;
  readonly ending: AbortController;
  shares: number;
  /** Whether there is an outcome, so that nothing is left to end. */
  ended: boolean;
}

/** Does once what several want at the same time, for as long as any of them waits. */
export class Sharing<T, S> {
  readonly #open = new Map<string, Open<T, S>>();

  /**
   * Takes part in the work of that key, which starts unless it is under way.
   *
   * @param key `undefined` for work that is not shared
   * @param start begins the work, which `signal` ends
   */
  join(key: string | undefined, start: (signal: AbortSignal) => Underway<T, S>): Share<T, S> {
    const open = (key === undefined ? undefined : this.#open.get(key)) ?? this.#begin(key, start);
    open.shares++;
    let waiting = true;
    const leave = () => {
      if (!waiting) return;
      waiting = false;
      if (--open.shares > 0) return;
      this.#close(key, open);
      if (!open.ended) open.ending.abort();
    };
    return { ...open.work, leave };
  }

  #begin(key: string | undefined, start: (signal: AbortSignal) => Underway<T, S>) {
    const ending = new AbortController();
    const open: Open<T, S> = { work: start(ending.signal), ending, shares: 0, ended: false };
    if (key !== undefined) this.#open.set(key, open);
    // Whoever comes after the end wants it done anew. Whoever left does not hear of a failure.
    const close = () => {
      open.ended = true;
      this.#close(key, open);
    };
    open.work.outcome.then(close, close);
    return open;
  }

  #close(key: string | undefined, open: object): void {
    if (key !== undefined && this.#open.get(key) === open) this.#open.delete(key);
  }
}
