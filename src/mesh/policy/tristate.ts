/**
 * Whether something holds: yes, no, or not to be told without some attributes, which are named.
 *
 * The logic is Kleene's: what does not depend on the unknown part is known.
 */
export type Tristate = Unknown | boolean;

/** What cannot be told, and what would have to be known. */
export interface Unknown {
  readonly missing: readonly string[];
}

/** Makes an {@link Unknown}. */
export const unknown = (...missing: readonly string[]): Unknown => Object.freeze({ missing });

/** True when all hold; false when any does not. */
export function and(parts: Iterable<Tristate>): Tristate {
  const missing: string[] = [];
  for (const part of parts) {
    if (part === false) return false;
    if (part !== true) missing.push(...part.missing);
  }
  return missing.length === 0 ? true : unknown(...new Set(missing));
}

/** True when any holds; false when none does. */
export function or(parts: Iterable<Tristate>): Tristate {
  const missing: string[] = [];
  for (const part of parts) {
    if (part === true) return true;
    if (part !== false) missing.push(...part.missing);
  }
  return missing.length === 0 ? false : unknown(...new Set(missing));
}

/** The contrary; what is unknown stays so. */
export const not = (part: Tristate): Tristate => (typeof part === "boolean" ? !part : part);

/** What is missing in those that cannot be told, each once. */
export const missingIn = (parts: Iterable<Tristate>): readonly string[] => [
  ...new Set(Array.from(parts, (part) => (typeof part === "boolean" ? [] : part.missing)).flat()),
];
