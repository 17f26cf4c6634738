/*
 * Where Go's mathematics and JavaScript's differ. Exponentials, logarithms and trigonometry may differ in a last bit
 * all the same; what IEEE 754 defines exactly does not.
 */

/** The greater one, by Go's rules: infinity outdoes even NaN. */
export const greater = (a: number, b: number): number =>
  a === Number.POSITIVE_INFINITY || b === Number.POSITIVE_INFINITY ? Number.POSITIVE_INFINITY : Math.max(a, b);

/** The lesser one, by Go's rules: minus infinity outdoes even NaN. */
export const lesser = (a: number, b: number): number =>
  a === Number.NEGATIVE_INFINITY || b === Number.NEGATIVE_INFINITY ? Number.NEGATIVE_INFINITY : Math.min(a, b);

/** A number as its mantissa from 0.5 up to 1 and a power of two. */
export function parts(x: number): { readonly mantissa: number; readonly exponent: number } {
  if (x === 0 || !Number.isFinite(x)) return { mantissa: x, exponent: 0 };
  let mantissa = Math.abs(x);
  let exponent = 0;
  if (mantissa < 2 ** -1022) {
    mantissa *= 2 ** 54;
    exponent = -54;
  }
  let power = Math.floor(Math.log2(mantissa)) + 1;
  mantissa = scaled(mantissa, -power);
  // The logarithm is rounded, so it may be off by one beside a power of two.
  if (mantissa >= 1) {
    mantissa /= 2;
    power++;
  } else if (mantissa < 0.5) {
    mantissa *= 2;
    power--;
  }
  return { mantissa: x < 0 ? -mantissa : mantissa, exponent: exponent + power };
}

/** x × 2^power, in steps that neither overflow nor lose bits on the way. */
function scaled(x: number, power: number): number {
  let result = x;
  let rest = power;
  for (; rest > 1000; rest -= 1000) result *= 2 ** 1000;
  for (; rest < -1000; rest += 1000) result *= 2 ** -1000;
  return result * 2 ** rest;
}

/** Exact for powers of two. */
export function log2(x: number): number {
  const { mantissa, exponent } = parts(x);
  if (mantissa === 0.5) return exponent - 1;
  return Math.log(mantissa) * Math.LOG2E + exponent;
}

/** The logarithm of 2 to the base 10, which a quotient of JavaScript's constants misses by a bit. */
const LOG10_OF_2 = 0.3010299956639812;

export const log10 = (x: number): number => log2(x) * LOG10_OF_2;

/**
 * x to the power of y; exact products for whole powers, and Go's rules for what has no one answer.
 *
 * @see Go, `math.Pow`
 */
export function power(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (y === 1) return x;
  // JavaScript says NaN for -1 to the power of infinity, IEEE 754 says 1.
  if (x === -1 && !Number.isFinite(y) && !Number.isNaN(y)) return 1;
  if (y === 0.5) return x === 0 || x === Number.NEGATIVE_INFINITY ? x ** y : Math.sqrt(x);
  if (y === -0.5) return x === 0 || x === Number.NEGATIVE_INFINITY ? x ** y : 1 / Math.sqrt(x);
  if (x === 0 || !Number.isFinite(x) || !Number.isFinite(y)) return x ** y;
  const whole = Math.trunc(Math.abs(y));
  let rest = Math.abs(y) - whole;
  if (rest !== 0 && x < 0) return Number.NaN;
  if (whole >= 2 ** 63) return x ** y;
  let steps = whole;
  let result = 1;
  let exponent = 0;
  if (rest !== 0) {
    if (rest > 0.5) {
      rest--;
      steps++;
    }
    result = Math.exp(rest * Math.log(x));
  }
  let { mantissa, exponent: doubled } = parts(x);
  for (let n = BigInt(steps); n !== 0n; n >>= 1n) {
    if (doubled < -(1 << 12) || doubled > 1 << 12) {
      exponent += doubled;
      break;
    }
    if ((n & 1n) === 1n) {
      result *= mantissa;
      exponent += doubled;
    }
    mantissa *= mantissa;
    doubled *= 2;
    if (mantissa < 0.5) {
      mantissa += mantissa;
      doubled--;
    }
  }
  if (y < 0) {
    result = 1 / result;
    exponent = -exponent;
  }
  return scaledOnce(result, exponent);
}

/** x × 2^power, rounded once at the end even where that is below the smallest normal number. */
function scaledOnce(x: number, power: number): number {
  const { mantissa, exponent } = parts(x);
  const total = exponent + power;
  if (total > 1024) return x < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (total < -1074) return x < 0 ? -0 : 0;
  return total < -1021 ? mantissa * 2 ** (total + 53) * 2 ** -53 : scaled(mantissa, total);
}
