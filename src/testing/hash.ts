/**
 * 32 bits that look random, of two numbers: the same for the same ones.
 *
 * @see MurmurHash3, its finalizer
 */
export function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b ^ (a >>> 15), 0xc2b2ae35);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** As {@link mix}, of a whole number of up to 53 bits. */
export const mixLong = (a: number, whole: number): number => mix(mix(a, whole >>> 0), Math.floor(whole / 2 ** 32));

/** A number between 0 and 1, neither included. */
export const unit = (bits: number): number => (bits + 0.5) / 2 ** 32;

/** Eight lower-case hexadecimal digits. */
export const hex32 = (bits: number): string => bits.toString(16).padStart(8, "0");
