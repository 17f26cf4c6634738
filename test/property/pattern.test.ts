import fc from "fast-check";
import { RE2JS } from "re2js";
import { expect, test } from "vitest";
import { QueryError } from "../../src/errors.ts";
import { re2Of } from "../../src/mesh/pattern.ts";

/**
 * Characters on which both agree. Left out is what is known to differ: white space beyond ASCII and the vertical tab
 * (`\s`), line ends (`.`), and what folds to ASCII under `i` (ſ and the Kelvin sign).
 */
const SYMBOLS = [..."abzAZ059_-., :/{}[]()^$|*+?\\\"#&~=!<>@'`é😀Ω"] as const;

const literals = fc.constantFrom(..."abzAZ059_-,:/#&~=!<>@é😀Ω ").map(String);
const escapes = fc.constantFrom(
  ..."\\. \\* \\+ \\? \\( \\) \\[ \\] \\{ \\} \\^ \\$ \\| \\\\ \\/ \\- \\_ \\d \\D \\w \\W \\s \\S \\b \\B \\x41 \\x4 \\u0041 \\u41".split(
    " ",
  ),
  ..."\\u{41} \\u{1f600} \\ud83d\\ude00 \\ud83d \\cA \\c \\0 \\01 \\1 \\8 \\k \\a \\e \\Q \\E \\A \\z \\U0041 \\X41 \\f \\v \\t \\n \\r".split(
    " ",
  ),
  ..."\\p{Lu} \\P{L} \\p{Script=Greek} \\p{Alphabetic} \\pL \\: \\é \\😀 \\&".split(" "),
);
const members = fc.oneof(
  literals,
  escapes,
  fc.constantFrom(
    "a-z",
    "0-9",
    "A-z",
    "a-\\d",
    "\\w-.",
    "--/",
    "-",
    "[",
    "[:alpha:]",
    "^",
    "&&",
    "(",
    "{2}",
    "😀-😂",
    ".",
  ),
);
const classes = fc
  .tuple(fc.constantFrom("", "^"), fc.array(members, { maxLength: 4 }))
  .map(([negation, parts]) => `[${negation}${parts.join("")}]`);
const quantifiers = fc.constantFrom(
  ..."* + ? *? +? ?? {2} {2,} {0,3} {1,3}? {,3} {x} { } {40} {1000} {1001} {0}".split(" "),
  "",
);
const groups = fc.constantFrom("(", "(", "(?:", "(?<name>", "(?<$é>", "(?=", "(?!", "(?<=", "(?<!", "(?i:", "(?-s:");

const sources = fc.letrec<{ source: string; atom: string }>((tie) => ({
  source: fc
    .array(
      fc.oneof({ weight: 6, arbitrary: tie("atom") }, { weight: 1, arbitrary: fc.constantFrom("|", "^", "$", ".") }),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    .map((atoms) => atoms.join("")),
  atom: fc
    .tuple(
      fc.oneof(
        { maxDepth: 4, depthSize: "medium" },
        literals,
        escapes,
        classes,
        fc.constantFrom(".", "]", "}", "{"),
        fc.tuple(groups, tie("source")).map(([open, inner]) => `${open}${inner})`),
      ),
      fc.oneof({ weight: 3, arbitrary: fc.constant("") }, { weight: 1, arbitrary: quantifiers }),
    )
    .map((parts) => parts.join("")),
})).source;

const patterns = fc.tuple(sources, fc.constantFrom("", "", "i", "s", "is", "u", "iu", "m")).map(([source, flags]) => {
  try {
    return new RegExp(source, flags);
  } catch {
    return undefined; // not every random text is a pattern to JavaScript
  }
});

/** Values near the pattern: its own pieces, and any others. */
const valuesFor = (pattern: RegExp) =>
  fc.array(
    fc.oneof(
      fc.string({ unit: fc.constantFrom(...SYMBOLS), maxLength: 5 }),
      fc.string({ unit: fc.constantFrom(...new Set([...pattern.source.replace(/[\n\r\v]/g, "")])), maxLength: 4 }),
      fc.constantFrom("a", "A", "aa", "ab", "5", "0", "Ω", "😀", "\t", "\u0001", "\b", "x4", "u41", "\\"),
    ),
    { minLength: 12, maxLength: 12 },
  );

/** Where a value has a character beyond U+FFFF, JavaScript counts two without the flag u, and RE2 one. */
const countsAlike = (pattern: RegExp, value: string): boolean =>
  pattern.unicode || !/[\u{10000}-\u{10ffff}]/u.test(value);

/** Under `iu` JavaScript's \W and \P take letters twice, which no other language does. */
const isRegular = (pattern: RegExp): boolean => !(pattern.ignoreCase && /\\[PWp]/.test(pattern.source));

test("any pattern either is refused or matches in RE2 exactly what it matches in JavaScript", {
  timeout: 120_000,
}, () => {
  const seen = { patterns: 0, refused: 0, compared: 0, matched: 0 };
  fc.assert(
    fc.property(
      patterns.chain((pattern) =>
        fc.tuple(fc.constant(pattern), pattern === undefined ? fc.constant([]) : valuesFor(pattern)),
      ),
      ([pattern, values]) => {
        if (pattern === undefined) return;
        seen.patterns++;
        let text: string;
        try {
          text = re2Of(pattern, "where: x");
        } catch (error) {
          expect(error).toBeInstanceOf(QueryError);
          expect(error).toMatchObject({ code: "pattern" });
          seen.refused++;
          return;
        }
        const re2 = RE2JS.compile(text);
        const whole = new RegExp(`^(?:${pattern.source})$`, pattern.flags);
        if (!isRegular(pattern)) return;
        for (const value of values.filter((one) => countsAlike(pattern, one))) {
          const expected = whole.test(value);
          seen.compared++;
          if (expected) seen.matched++;
          expect({ pattern, text, value, matches: re2.matches(value) }).toEqual({
            pattern,
            text,
            value,
            matches: expected,
          });
        }
      },
    ),
    { seed: 20_261_124, numRuns: 20_000 },
  );
  // The comparison is worth something only while enough of it is left.
  expect(seen.patterns).toBeGreaterThan(5000);
  expect(seen.patterns - seen.refused).toBeGreaterThan(5000);
  expect(seen.matched).toBeGreaterThan(5000);
});
