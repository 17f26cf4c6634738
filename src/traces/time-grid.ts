/**
 * Time in steps of the shortest window that a backend can name. Steps are whole numbers, so that windows meet exactly
 * and each part of one is shorter than it.
 */
export class TimeGrid {
  readonly #finestMs: number;
  /** Steps to the millisecond where they are shorter than that: 1000 is exact, 0.001 is not. */
  readonly #perMs: number | undefined;

  constructor(finestMs: number) {
    this.#finestMs = finestMs;
    this.#perMs = finestMs < 1 ? Math.round(1 / finestMs) : undefined;
  }

  /** The last step that is not after an instant. */
  before(ms: number): number {
    return Math.floor(this.#perMs === undefined ? ms / this.#finestMs : ms * this.#perMs);
  }

  /** The first step that is not before an instant. */
  after(ms: number): number {
    return Math.ceil(this.#perMs === undefined ? ms / this.#finestMs : ms * this.#perMs);
  }

  /** The instant of a step, in epoch milliseconds. */
  ms(step: number): number {
    return this.#perMs === undefined ? step * this.#finestMs : step / this.#perMs;
  }
}
