import { describe, expect, test } from "vitest";
import { QueryError } from "../../src/errors.ts";
import { by, escapePattern, matcher, quote, selector, string } from "../../src/promql/index.ts";
import { unquote } from "./go-string.ts";

describe("a text in quotes", () => {
  test.each([
    ["nothing", "", '""'],
    ["plain words", "a b", '"a b"'],
    ["a double quote", 'a"b', '"a\\"b"'],
    ["single quotes and backticks", "'`", '"\'`"'],
    ["a backslash", "a\\b", '"a\\\\b"'],
    ["a backslash at the end", "a\\", '"a\\\\"'],
    ["what looks like an escape", "\\n\\x41\\u0041", '"\\\\n\\\\x41\\\\u0041"'],
    ["a line break", "a\nb", '"a\\nb"'],
    ["CRLF and a tab", "\r\n\t", '"\\r\\n\\t"'],
    ["NUL", "a\0b", '"a\\x00b"'],
    ["NUL before a digit", "\u00001", '"\\x001"'],
    ["other controls", "\u0001\u001b\u001f", '"\\x01\\x1b\\x1f"'],
    ["DEL", "\u007f", '"\\x7f"'],
    ["the replacement character", "a\ufffdb", '"a\\ufffdb"'],
    ["letters beyond ASCII", "größe", '"größe"'],
    ["an emoji", "😀", '"😀"'],
    ["a family of emoji", "👨‍👩‍👧", '"👨‍👩‍👧"'],
    ["the line separators of Unicode", "\u2028\u2029", '"\u2028\u2029"'],
    ["a byte order mark", "\ufeff", '"\ufeff"'],
    ["the last code point", "\u{10ffff}", '"\u{10ffff}"'],
    ["an injection", '"} or vector(1) or {a="', '"\\"} or vector(1) or {a=\\""'],
    ["a comment", "a # b", '"a # b"'],
    ["a template", "{{ $value }}", '"{{ $value }}"'],
  ])("denotes %s", (_, text, literal) => {
    expect(quote(text)).toBe(literal);
    expect(unquote(literal)).toBe(text);
  });

  test.each(["\ud83d", "\ude00", "a\ud83d", "\ude00\ud83d", "\ud83d😀"])(
    "is refused with half a surrogate pair: %j",
    (text) => {
      const refusal = { code: "string", message: expect.stringContaining("half a surrogate pair") };
      for (const attempt of [
        () => string(text),
        () => matcher("a", "=", text),
        () => matcher(text, "=", "a"),
        () => selector(text),
      ]) {
        expect(attempt).toThrow(QueryError);
        expect(attempt).toThrow(expect.objectContaining(refusal));
      }
    },
  );
});

test("a text escaped as a pattern is itself in every character that patterns use", () => {
  expect(escapePattern("\\.+*?()|[]{}^$")).toBe("\\\\\\.\\+\\*\\?\\(\\)\\|\\[\\]\\{\\}\\^\\$");
  expect(escapePattern("GET /a-b_c#1 é😀")).toBe("GET /a-b_c#1 é😀");
});

test("groupings hold their names as they were given", () => {
  const names = ["a", "b"];
  const grouping = by(...names);
  names.push("c");
  expect(grouping.labels).toEqual(["a", "b"]);
  expect(Object.isFrozen(grouping.labels)).toBe(true);
});
