import { Gathering } from "./gathering.ts";
import { CLOSE_ARRAY, COMMA, type JsonScanner, OPEN_ARRAY } from "./json-scanner.ts";
import { readPlainSamples } from "./plain-samples.ts";
import { readTimeMs, readValue } from "./samples.ts";

/** Instants and what was measured at them, side by side. */
export interface Columns {
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
}

/** Reads the `[[time, value], …]` of one series after another, gathering them in columns it keeps for all. */
export class SampleReader {
  readonly #scan: JsonScanner;
  readonly #gathering = new Gathering();
  /** The times of the series before. */
  #sharedTimesMs = new Float64Array(0);

  constructor(scan: JsonScanner) {
    this.#scan = scan;
  }

  /** Series on the same instants share one column of times. */
  read(): Columns {
    if (this.open()) this.readOn();
    return this.columns();
  }

  /** Begins an array, and says whether there is anything in it. */
  open(): boolean {
    this.#scan.demand(OPEN_ARRAY, "an array of samples");
    this.#gathering.length = 0;
    return !this.#scan.take(CLOSE_ARRAY);
  }

  /** Reads samples up to the end of the array, or of what has come of it: whether the array has ended. */
  readOn(): boolean {
    const scan = this.#scan;
    const gathering = this.#gathering;
    for (;;) {
      readPlainSamples(scan, gathering);
      const start = scan.at;
      scan.mark = start;
      if (start >= scan.safeEnd) return false;
      scan.demand(OPEN_ARRAY, "a pair of time and value");
      const timeMs = readTimeMs(scan);
      scan.demand(COMMA, "another element");
      const value = readValue(scan);
      scan.demand(CLOSE_ARRAY, "the end of the array");
      if (timeMs < gathering.before) scan.fail("shape", "a series' samples must be in order of time", start);
      const more = scan.more(CLOSE_ARRAY);
      gathering.add(timeMs, value);
      if (!more) return true;
    }
  }

  /** The samples of the array that was read. */
  columns(): Columns {
    const { length, values } = this.#gathering;
    return { timesMs: this.#timesOf(length), values: values.slice(0, length) };
  }

  #timesOf(length: number): Float64Array {
    const { timesMs } = this.#gathering;
    const shared = this.#sharedTimesMs;
    if (shared.length === length && bytesOf(timesMs, length).equals(bytesOf(shared, length))) return shared;
    this.#sharedTimesMs = timesMs.slice(0, length);
    return this.#sharedTimesMs;
  }
}

/** As bytes, which are compared as a whole: a loop over the numbers is entered too seldom to be compiled. */
const bytesOf = ({ buffer, byteOffset }: Float64Array, length: number): Buffer =>
  Buffer.from(buffer, byteOffset, Float64Array.BYTES_PER_ELEMENT * length);
