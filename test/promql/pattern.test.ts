import { describe, expect, test } from "vitest";
import { compileRe2 } from "../../src/promql/engine/re2.ts";
import { matchesEmpty, patternFault } from "../../src/promql/pattern.ts";

describe("a pattern of RE2", () => {
  test.each([
    "",
    "a|b",
    "5..",
    ".*",
    ".+?",
    "a\\.b",
    "(?i)x",
    "[[:^alpha:]]",
    "\\Q*\\E",
    "a(?i)*",
    "a*(?U)?",
    "\\p{Greek}",
  ])("%j has no fault", (pattern) => {
    expect(patternFault(pattern)).toBeUndefined();
  });

  test.each(["(?i)\\P{Lu}", "\\pL(?i)[[:^digit:]]"])(
    "%j has none either, though JavaScript cannot run it",
    (pattern) => {
      expect(patternFault(pattern)).toBeUndefined();
      expect(() => compileRe2(pattern)).toThrow();
    },
  );

  test.each([
    [".**", "invalid nested repetition operator"],
    ["(?i)*", "missing argument to repetition operator"],
    ["\\E", "invalid escape sequence: \\E"],
    ["(?i)\\P{Lu}(", "missing closing )"],
    ["a)", "unexpected )"],
  ])("%j is none: %s", (pattern, fault) => {
    expect(patternFault(pattern)).toBe(fault);
  });
});

test("flags between a text and its repetition part them not", () => {
  const { regexp } = compileRe2("a(?i)*b");
  expect(["b", "aab", "aaB", "AB"].map((text) => regexp.test(text))).toEqual([true, true, true, false]);
});

test.each([
  ["a|", true],
  ["a*", true],
  ["(?s).*", true],
  ["a", false],
  [".+", false],
  ["(?i)\\P{Lu}", undefined],
])("%j matches the empty text: %s", (pattern, expected) => {
  expect(matchesEmpty(pattern)).toBe(expected);
});
