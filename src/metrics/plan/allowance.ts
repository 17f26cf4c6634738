import { QueryError, TimeoutError } from "../../errors.ts";
import { isTimeout, TIMEOUT_RULE } from "../../http/options.ts";
import { type AskOptions, shown } from "../../time.ts";

/** The time for a question that a backend is asked in several: `timeoutMs` is for all of them together. */
export class Allowance {
  readonly #options: AskOptions;
  readonly #backend: string;
  readonly #startedMs = performance.now();
  #isUsed = false;

  /** @throws {QueryError} `code: "timeout"` when `timeoutMs` is no deadline */
  constructor(options: AskOptions, backend: string) {
    const { timeoutMs } = options;
    if (timeoutMs !== undefined && !isTimeout(timeoutMs)) {
      throw new QueryError("timeout", `${backend}: timeoutMs ${shown(timeoutMs)} ${TIMEOUT_RULE}`);
    }
    this.#options = options;
    this.#backend = backend;
  }

  /**
   * The options of the next question: the first has all of the time, the others what is left of it.
   *
   * @throws {TimeoutError} when nothing is
   */
  readonly rest = (): AskOptions => {
    const { timeoutMs } = this.#options;
    if (timeoutMs === undefined || !this.#isUsed) {
      this.#isUsed = true;
      return this.#options;
    }
    const leftMs = Math.ceil(timeoutMs - (performance.now() - this.#startedMs));
    if (leftMs > 0) return { ...this.#options, timeoutMs: leftMs };
    throw new TimeoutError(
      `${this.#backend}: the question, of several requests, was not answered within ${timeoutMs} ms; ask for less, or raise timeoutMs`,
      { backend: this.#backend, timeoutMs },
    );
  };
}
