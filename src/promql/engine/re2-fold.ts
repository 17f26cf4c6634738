/** A character as JavaScript's patterns take it under the flag `u`, within classes and outside. */
export const literal = (code: number): string =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95
    ? String.fromCharCode(code)
    : `\\u{${code.toString(16)}}`;

/** Letters that fold to others than their own upper and lower case. */
const MORE_FOLDS: Readonly<Record<string, string>> = {
  k: "\u212a",
  s: "\u017f",
  å: "\u212b",
  ω: "\u2126",
  ß: "\u1e9e",
};

/** A class of all letters that differ from this one by case alone. */
export function foldsOf(code: number): string {
  const char = String.fromCodePoint(code);
  const lower = char.toLowerCase();
  const upper = char.toUpperCase();
  const candidates = new Set([char, lower, upper, upper.toLowerCase(), lower.toUpperCase(), MORE_FOLDS[lower] ?? char]);
  const same = new RegExp(`^${literal(code)}$`, "iu");
  const folds = [...candidates].filter((one) => Array.from(one).length === 1 && same.test(one));
  if (folds.length <= 1) return literal(code);
  return `[${folds.map((one) => literal(one.codePointAt(0) ?? 0)).join("")}]`;
}
