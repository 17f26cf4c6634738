import { onAbort } from "./abort.ts";

/** Lets at most so many tasks run at once; the others wait in the order in which they came. */
export class FairLimit {
  #free: number;
  /** In order of arrival; a Set, so that one who gives up leaves at no cost. */
  readonly #waiting = new Set<() => void>();

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Runs `task` as soon as there is room; rejects with the signal's reason if that aborts in the queue. */
  async run<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    await this.#enter(signal);
    try {
      signal.throwIfAborted();
      return await task();
    } finally {
      this.#leave();
    }
  }

  #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        stay();
        resolve();
      };
      const stay = onAbort(signal, () => {
        this.#waiting.delete(enter);
        reject(signal.reason);
      });
      this.#waiting.add(enter);
    });
  }

  /** Hands the room to the next in line without freeing it, so that nobody can step in between. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
