/** A function of ascending instants that stays as it is between steps: `values[i]` from the instant at place `at[i]` on. */
export interface Steps {
  /** Ascending, with 0 as the first. */
  readonly at: Int32Array;
  readonly values: Float64Array;
}

/** Notes steps one after the other, and those alone that change something. */
export class StepsWriter {
  #at: Int32Array;
  #values: Float64Array;
  #size = 0;

  /** @param room for how many steps there is room at first */
  constructor(room: number) {
    this.#at = new Int32Array(room);
    this.#values = new Float64Array(room);
  }

  add(at: number, value: number): void {
    const size = this.#size;
    if (size > 0 && this.#values[size - 1] === value) return;
    if (size === this.#at.length) this.#grow();
    this.#at[size] = at;
    this.#values[size] = value;
    this.#size++;
  }

  done(): Steps {
    return { at: this.#at.subarray(0, this.#size), values: this.#values.subarray(0, this.#size) };
  }

  #grow(): void {
    const room = 2 * this.#size + 16;
    const [at, values] = [new Int32Array(room), new Float64Array(room)];
    at.set(this.#at);
    values.set(this.#values);
    this.#at = at;
    this.#values = values;
  }
}

/** The place from `low` on of the first of the ascending `timesMs` that is not before `ms`. */
export function placeOf(timesMs: Float64Array, ms: number, low = 0): number {
  let from = low;
  let to = timesMs.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((timesMs[middle] ?? 0) < ms) from = middle + 1;
    else to = middle;
  }
  return from;
}
