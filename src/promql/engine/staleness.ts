/**
 * Prometheus marks the end of a series by a NaN of its own, which no computation yields. Code moves such a value only
 * within typed arrays, because a NaN that passes through JavaScript's numbers may come out as another one.
 *
 * @see Prometheus, `model/value`
 */
const HIGH = 0x7ff00000;
const LOW = 0x00000002;
/** Which half of a double comes first. */
const HIGH_AT = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/** The bits of a column of doubles, two words each. */
export const wordsOf = (values: Float64Array): Uint32Array =>
  new Uint32Array(values.buffer, values.byteOffset, values.length * 2);

/** Whether the sample at `index` says that its series ends there. */
export const isStaleAt = (words: Uint32Array, index: number): boolean =>
  words[2 * index + HIGH_AT] === HIGH && words[2 * index + 1 - HIGH_AT] === LOW;

/** Writes the marker of a series' end. */
export function markStale(words: Uint32Array, index: number): void {
  words[2 * index + HIGH_AT] = HIGH;
  words[2 * index + 1 - HIGH_AT] = LOW;
}
