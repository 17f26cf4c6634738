/** A place in a run of bytes. */
export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

const ZERO = 0x30;
const POINT = 0x2e ^ ZERO;
const PLUS = 0x2b;
const MINUS = 0x2d;
/** Sets the bit in which `E` and `e` differ. */
const LOWER_CASE = 0x20;
const E = 0x65;

/** The powers of ten that a double holds exactly. */
export const EXACT_POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
const GREATEST_EXACT_POWER = 22;
const INTEGERS_EXACT_BELOW = 2 ** 53;
/** Farther exponents make 0 or Infinity of any text that fits in memory after the digits are counted in. */
const EXPONENT_CAP = 1e10;

/**
 * The double nearest to the decimal number at the cursor, bit for bit what `Number(text)` gives; the cursor moves past
 * the number, and stays where it is when none begins there (the result then means nothing).
 *
 * The form is what `Number` takes: a sign, digits with or without a point, an exponent. Leading zeros, `.5` and `5.`
 * pass, so JSON's stricter form is the caller's to check.
 */
export function readDecimal(cursor: Cursor): number {
  const { bytes, at: start } = cursor;
  const negative = bytes[start] === MINUS;
  let at = negative || bytes[start] === PLUS ? start + 1 : start;
  const digitsAt = at;

  // The first nine significant digits gather in `head`, the next nine in `tail`: both stay small integers.
  let head = 0;
  let tail = 0;
  let significant = 0;
  let pointAt = -1;
  for (; ; at++) {
    // Off the end this is `undefined ^ ZERO`, which is no digit.
    const digit = (bytes[at] as number) ^ ZERO;
    if (digit < 10) {
      if (significant < 9) head = head * 10 + digit;
      else if (significant < 18) tail = tail * 10 + digit;
      if (head !== 0) significant++;
    } else if (digit === POINT && pointAt < 0) pointAt = at;
    else break;
  }
  const digits = at - digitsAt - (pointAt < 0 ? 0 : 1);
  if (digits === 0) return Number.NaN;
  let exponent = pointAt < 0 ? 0 : pointAt + 1 - at;

  if (((bytes[at] as number) | LOWER_CASE) === E) {
    at++;
    const down = bytes[at] === MINUS;
    if (down || bytes[at] === PLUS) at++;
    const exponentAt = at;
    let written = 0;
    for (; ; at++) {
      const digit = (bytes[at] as number) ^ ZERO;
      if (digit >= 10) break;
      if (written < EXPONENT_CAP) written = written * 10 + digit;
    }
    if (at === exponentAt) return Number.NaN;
    exponent += down ? -written : written;
  }
  cursor.at = at;

  if (significant === 0) return negative ? -0 : 0;
  if (significant <= 18) {
    // nine digits times at most 10^9 fill 51 bits, so `scaled` is exact, and `whole + rest` is the integer exactly
    const scaled = significant <= 9 ? head : head * (EXACT_POWERS[significant - 9] as number);
    const whole = scaled + tail;
    const rest = tail - (whole - scaled);
    const magnitude = scale(whole, rest, exponent);
    if (magnitude > 0) return negative ? -magnitude : magnitude;
  }
  return Number(Buffer.from(bytes.buffer, bytes.byteOffset + start, at - start).toString("latin1"));
}

/**
 * `(whole + rest) · 10^exponent`, of which the sum is an integer, rounded once, or -1 where that cannot be proved here.
 *
 * `rest` is at most half a unit in the last place of `whole`.
 */
export function scale(whole: number, rest: number, exponent: number): number {
  // Both operands are exact, so the one operation rounds correctly (Clinger, "How to read floating point numbers
  // accurately", 1990).
  if (whole < INTEGERS_EXACT_BELOW) {
    if (exponent === 0) return whole;
    if (exponent < 0 && exponent >= -GREATEST_EXACT_POWER) return whole / (EXACT_POWERS[-exponent] as number);
    if (exponent > 0 && exponent <= GREATEST_EXACT_POWER) return whole * (EXACT_POWERS[exponent] as number);
  }
  return exponent >= -GREATEST_PAIR && exponent <= GREATEST_PAIR ? scaleInPairs(whole, rest, exponent) : -1;
}

/** Pairs reach far enough for any measured quantity, and nowhere near overflow or subnormal numbers. */
const GREATEST_PAIR = 60;
/** Splits a double into two halves of 26 bits (Veltkamp). */
const SPLITTER = 2 ** 27 + 1;
/**
 * A bound on the relative error of the product below. The power's low part is off by 3·2^-106 of the product, the
 * neglected `rest · low` by 2^-106, the roundings of the cross terms and their sums by 2^-106, 2^-106, 2^-105 and
 * 2^-104: together below 2^-102. The remaining factor covers the rounding of `left ± margin`.
 */
const ERROR_BOUND = 2 ** -98;

/**
 * The same as a product of two double-doubles (Dekker, 1971): `value` is the answer when the exact product, which lies
 * within the error bound of `value + left`, must round to it.
 */
function scaleInPairs(whole: number, rest: number, exponent: number): number {
  powerPairs ??= pairsOfPowers();
  const slot = 2 * (exponent + GREATEST_PAIR);
  const high = powerPairs[slot] as number;
  const low = powerPairs[slot + 1] as number;

  const product = whole * high;
  const wholeTop = SPLITTER * whole - (SPLITTER * whole - whole);
  const wholeEnd = whole - wholeTop;
  const highTop = SPLITTER * high - (SPLITTER * high - high);
  const highEnd = high - highTop;
  const lost = wholeTop * highTop - product + wholeTop * highEnd + wholeEnd * highTop + wholeEnd * highEnd;

  const correction = lost + (whole * low + rest * high);
  const value = product + correction;
  const left = correction - (value - product);
  const margin = value * ERROR_BOUND;
  return value + (left + margin) === value && value + (left - margin) === value ? value : -1;
}

let powerPairs: Float64Array | undefined;

/** 10^-60 … 10^60, each as the nearest double and the double nearest to what that leaves over. */
function pairsOfPowers(): Float64Array {
  const pairs = new Float64Array(2 * (2 * GREATEST_PAIR + 1));
  for (let exponent = -GREATEST_PAIR; exponent <= GREATEST_PAIR; exponent++) {
    const high = Number(`1e${exponent}`);
    const power = 10n ** BigInt(Math.abs(exponent));
    const slot = 2 * (exponent + GREATEST_PAIR);
    pairs[slot] = high;
    if (exponent >= 0) {
      pairs[slot + 1] = Number(power - BigInt(high));
    } else {
      // 10^-60 > 2^-200, so 2^253 times its 53 bits is an integer
      const left = 2n ** 253n - BigInt(high * 2 ** 253) * power;
      pairs[slot + 1] = Number(left) / Number(power) / 2 ** 253;
    }
  }
  return pairs;
}
