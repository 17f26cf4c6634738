import type { FunctionName } from "../functions.ts";
import { greater, lesser, log2, log10 } from "./arithmetic.ts";
import { CALENDAR } from "./calendar.ts";

type Element = (x: number) => number;

/** The functions that change each value by itself. */
export const ELEMENT_FUNCTIONS: Partial<Record<FunctionName, Element>> = {
  abs: Math.abs,
  acos: Math.acos,
  acosh: Math.acosh,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atanh: Math.atanh,
  ceil: Math.ceil,
  cos: Math.cos,
  cosh: Math.cosh,
  deg: (x) => x * (180 / Math.PI),
  exp: Math.exp,
  floor: Math.floor,
  ln: Math.log,
  log10,
  log2,
  rad: (x) => x * (Math.PI / 180),
  sgn: (x) => (x < 0 ? -1 : x > 0 ? 1 : x),
  sin: Math.sin,
  sinh: Math.sinh,
  sqrt: Math.sqrt,
  tan: Math.tan,
  tanh: Math.tanh,
  ...CALENDAR,
};

/** The nearest multiple of `to`, the greater one where two are as near. */
export function rounded(x: number, to: number): number {
  const inverse = 1 / to;
  return Math.floor(x * inverse + 0.5) / inverse;
}

/** A value within bounds. */
export const clamped = (x: number, least: number, most: number): number => greater(least, lesser(most, x));
