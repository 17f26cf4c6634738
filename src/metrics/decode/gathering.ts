/** What a time of seconds with or without milliseconds takes, with the bracket before it and the comma after it. */
const SHORTEST_TEXT = 12;
const LONGEST_TEXT = 16;
/** Words that are kept of such a text; the last two overlap where it is shorter than all four. */
const WORDS = 4;

/**
 * The samples of one series while they are read, in columns that serve the next series again.
 *
 * Beside each time is kept how it was written, since the series of an answer are mostly of the same instants: bytes that
 * are the same again need not be read.
 */
export class Gathering {
  timesMs = new Float64Array(1024);
  values = new Float64Array(1024);
  length = 0;
  /** How long the text of each time is; 0 where none is kept. */
  textLengths = new Uint8Array(1024);
  words = new Int32Array(WORDS * 1024);

  get full(): boolean {
    return this.length === this.values.length;
  }

  /** The time of the sample before. */
  get before(): number {
    return this.length === 0 ? Number.NEGATIVE_INFINITY : (this.timesMs[this.length - 1] as number);
  }

  /** Adds a sample whose time may be written in any way. */
  add(timeMs: number, value: number): void {
    if (this.full) this.#grow();
    this.timesMs[this.length] = timeMs;
    this.values[this.length] = value;
    this.textLengths[this.length] = 0;
    this.length++;
  }

  /** Keeps how the time at `index` is written: from its bracket at `start` to the comma before `end`. */
  keepText(index: number, view: DataView, start: number, end: number): void {
    const length = end - start;
    const fits = length >= SHORTEST_TEXT && length <= LONGEST_TEXT;
    this.textLengths[index] = fits ? length : 0;
    if (!fits) return;
    const { words } = this;
    const slot = WORDS * index;
    words[slot] = view.getInt32(start, true);
    words[slot + 1] = view.getInt32(start + 4, true);
    words[slot + 2] = view.getInt32(start + 8, true);
    words[slot + 3] = view.getInt32(end - 4, true);
  }

  #grow(): void {
    const [timesMs, values, textLengths, words] = [this.timesMs, this.values, this.textLengths, this.words];
    this.timesMs = new Float64Array(2 * timesMs.length);
    this.timesMs.set(timesMs);
    this.values = new Float64Array(2 * values.length);
    this.values.set(values);
    this.textLengths = new Uint8Array(2 * textLengths.length);
    this.textLengths.set(textLengths);
    this.words = new Int32Array(2 * words.length);
    this.words.set(words);
  }
}
