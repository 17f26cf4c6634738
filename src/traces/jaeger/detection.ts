import { startDeadline } from "../../http/deadline.ts";

/**
 * Finds something out by asking once: whoever comes meanwhile waits for the same answer, and whoever comes later has
 * it. After a failure the next one asks again. When all who wait have left, the question ends.
 */
export class Detection<T> {
  readonly #detect: (signal: AbortSignal) => Promise<T>;
  #found: { readonly value: T } | undefined;
  #asked: { readonly answer: Promise<T>; readonly controller: AbortController; waiting: number } | undefined;

  constructor(detect: (signal: AbortSignal) => Promise<T>) {
    this.#detect = detect;
  }

  /** What was found, if it was. */
  get known(): T | undefined {
    return this.#found?.value;
  }

  /**
   * @param late the error for who has no more time to wait
   * @throws the reason of `signal` when that aborts, whatever becomes of the question
   */
  async wait(signal: AbortSignal | undefined, timeoutMs: number, late: () => Error): Promise<T> {
    signal?.throwIfAborted();
    if (this.#found !== undefined) return this.#found.value;
    const asked = this.#asked ?? this.#ask();
    asked.waiting++;
    const deadline = startDeadline(timeoutMs, signal);
    try {
      return await deadline.until(asked.answer);
    } catch (error) {
      throw deadline.expired ? late() : error;
    } finally {
      deadline.close();
      if (--asked.waiting === 0) this.#leave(asked);
    }
  }

  #ask() {
    const controller = new AbortController();
    const answer = this.#detect(controller.signal).then((value) => {
      this.#found = { value };
      return value;
    });
    const asked = { answer, controller, waiting: 0 };
    this.#asked = asked;
    const done = () => {
      if (this.#asked === asked) this.#asked = undefined;
    };
    answer.then(done, done);
    return asked;
  }

  #leave(asked: { readonly controller: AbortController }): void {
    if (this.#asked !== asked) return;
    this.#asked = undefined;
    asked.controller.abort();
  }
}
