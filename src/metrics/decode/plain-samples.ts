import { EXACT_POWERS, scale } from "./decimal.ts";
import type { Gathering } from "./gathering.ts";
import { COMMA, type JsonScanner, OPEN_ARRAY, QUOTE } from "./json-scanner.ts";
import { readTimeMs } from "./samples.ts";

const MINUS = 0x2d;
const ZERO = 0x30;
const POINT = 0x2e ^ ZERO;
/** `NaN"`, as the four bytes are read at once. */
const NAN = 0x224e614e;
/** `"],`, in the lower three bytes of four. */
const NEXT = 0x2c5d22;

/** How far a time and its comma may reach, and what is looked at of one sample altogether. */
const TIME_REACH = 24;
const REACH = 80;
const MOST_WHOLE_DIGITS = 9;
const MOST_LEADING_ZEROS = 8;
/** No shortest text of a double has more, leading zeros left out. */
const MOST_PLACES = 17;
/** An integer times ten to this many places is exact where it is less. */
const EXACT_BELOW = Float64Array.from({ length: 18 }, (_, places) => 2 ** (53 + places));

/**
 * Reads samples as long as they are written plainly, `[1700000000.5,"-12.25"],` without white space or exponent, and
 * leaves the first that is not, the last of a series included, for others to read.
 *
 * All in one loop, because this is where the time of a large answer goes: four bytes are read at once, what is known by
 * its place is compared and not parsed, and nothing is called but to scale.
 */
export function readPlainSamples(scan: JsonScanner, gathering: Gathering): void {
  const { bytes, view } = scan;
  const { timesMs, values, textLengths, words } = gathering;
  const end = Math.min(scan.safeEnd, bytes.length - REACH);
  const room = values.length;
  let { at } = scan;
  let { length, before } = gathering;
  for (; at < end && length < room; length++) {
    const textLength = textLengths[length] as number;
    const slot = 4 * length;
    let place = at + textLength;
    let timeMs = timesMs[length] as number;
    const known =
      textLength > 0 &&
      view.getInt32(at, true) === words[slot] &&
      view.getInt32(at + 4, true) === words[slot + 1] &&
      view.getInt32(at + 8, true) === words[slot + 2] &&
      view.getInt32(place - 4, true) === words[slot + 3];
    if (!known) {
      if (bytes[at] !== OPEN_ARRAY) break;
      // where an error or the bytes' end is met, this is the sample
      gathering.length = length;
      scan.mark = at;
      scan.at = at + 1;
      timeMs = readTimeMs(scan);
      place = scan.at + 1;
      if (bytes[scan.at] !== COMMA || place > at + TIME_REACH) break;
    }
    const timeEnd = place;
    if (timeMs < before || bytes[place++] !== QUOTE) break;

    let value: number;
    if (view.getInt32(place, true) === NAN) {
      value = Number.NaN;
      place += 3;
    } else {
      const negative = bytes[place] === MINUS;
      if (negative) place++;
      const wholeAt = place;
      let head = 0;
      let digit = (bytes[place] as number) ^ ZERO;
      while (digit < 10 && place < wholeAt + MOST_WHOLE_DIGITS) {
        head = head * 10 + digit;
        digit = (bytes[++place] as number) ^ ZERO;
      }
      if (place === wholeAt) break;
      let magnitude = head;
      if (digit === POINT) {
        const fractionAt = ++place;
        if (head === 0) while (bytes[place] === ZERO && place < fractionAt + MOST_LEADING_ZEROS) place++;
        const digitsAt = place;
        // up to eight digits gather in `high`, what follows them in `low`
        let high = 0;
        let lowAt = place;
        let low = 0;
        let word = view.getInt32(place, true);
        if (isDigits(word)) {
          high = numberOf(word);
          lowAt = place += 4;
          word = view.getInt32(place, true);
          if (isDigits(word)) {
            high = high * 10_000 + numberOf(word);
            lowAt = place += 4;
            word = view.getInt32(place, true);
            if (isDigits(word)) {
              low = numberOf(word);
              place += 4;
              word = view.getInt32(place, true);
              if (isDigits(word)) {
                low = low * 10_000 + numberOf(word);
                place += 4;
              }
            }
          }
        }
        for (digit = (bytes[place] as number) ^ ZERO; digit < 10 && place < digitsAt + MOST_PLACES; ) {
          low = low * 10 + digit;
          digit = (bytes[++place] as number) ^ ZERO;
        }
        const lowPlaces = place - lowAt;
        const scaled = (head * (EXACT_POWERS[lowAt - digitsAt] as number) + high) * (EXACT_POWERS[lowPlaces] as number);
        if (scaled >= (EXACT_BELOW[lowPlaces] as number)) break;
        const integer = scaled + low;
        magnitude = scale(integer, low - (integer - scaled), fractionAt - place);
        if (magnitude < 0) break;
      }
      value = negative ? -magnitude : magnitude;
    }
    if ((view.getInt32(place, true) & 0xffffff) !== NEXT) break;

    values[length] = value;
    if (!known) {
      timesMs[length] = timeMs;
      gathering.keepText(length, view, at, timeEnd);
    }
    before = timeMs;
    at = place + 3;
  }
  gathering.length = length;
  scan.mark = at;
  scan.at = at;
}

/** Whether four bytes, the first of them the lowest, are digits: 3 is each one's upper half, and still is with 6 added. */
const isDigits = (word: number): boolean =>
  (((word & 0xf0f0f0f0) ^ 0x30303030) | (((word + 0x06060606) & 0xf0f0f0f0) ^ 0x30303030)) === 0;

/** What four digits mean: neighbours are joined to pairs, and then both pairs. */
function numberOf(word: number): number {
  const digits = word & 0x0f0f0f0f;
  const pairs = (Math.imul(digits, 10) + (digits >>> 8)) & 0x00ff00ff;
  return (Math.imul(pairs, 100) + (pairs >>> 16)) & 0xffff;
}
