import { describe, expect, test } from "vitest";
import { QueryError } from "../../src/errors.ts";
import { re2Of } from "../../src/mesh/pattern.ts";

describe("a pattern is sent as the RE2 text that means the same", () => {
  test.each([
    ["5..", "", "5.."],
    ["0|5..", "", "0|5.."],
    ["^5..$", "", "^5..$"],
    ["(?:)", "", ""],
    ["v1|v2", "i", "(?i)v1|v2"],
    ["a.b", "s", "(?s)a.b"],
    ["a.b", "is", "(?is)a.b"],
    ["a", "dg", "a"],
    ["/api/.*", "", "/api/.*"],
    [String.raw`10\.0\.0\.\d+`, "", String.raw`10\.0\.0\.\d+`],
    ["a{2}b{2,}c{2,3}d{2,3}?", "", "a{2}b{2,}c{2,3}d{2,3}?"],
    ["a{,3}{", "", String.raw`a\{,3}\{`],
    ["(?<name>a)(?:b)(c)", "", "(a)(?:b)(c)"],
    [String.raw`\u0041\x41\cA\0\n\t`, "", String.raw`AA\x{1}\x{0}\x{a}\x{9}`],
    [String.raw`\ud83d\ude00`, "", "😀"],
    [String.raw`\u{1f600}+`, "u", "😀+"],
    [String.raw`\p{Lu}\P{Script=Greek}`, "u", String.raw`\p{Lu}\P{Greek}`],
    [String.raw`\p{gc=Nd}\p{General_Category=L}`, "u", String.raw`\p{Nd}\p{L}`],
    [String.raw`\x4\u41\U0041\a\Q`, "", "x4u41U0041aQ"],
    [String.raw`[a-z\d]`, "", String.raw`[a-z\d]`],
    ["[^a-z]", "", "[^a-z]"],
    ["[[:alpha:]]", "", String.raw`[\[:alpha:]]`],
    [String.raw`[\w-.]`, "", String.raw`[\w\-.]`],
    [String.raw`[a-\d]`, "", String.raw`[a\-\d]`],
    ["[-a]", "", String.raw`[\-a]`],
    ["[a-]", "", String.raw`[a\-]`],
    ["[--a]", "", String.raw`[\--a]`],
    [String.raw`[\b\B]`, "", String.raw`[\x{8}B]`],
    [String.raw`[\]\\^]`, "", String.raw`[\]\\\^]`],
    ["[(?:{2}]", "", "[(?:{2}]"],
    [String.raw`\$100|a\$`, "", String.raw`\$100|a\$`],
    ["(?:a{30}){33}", "", "(?:a{30}){33}"],
  ])("/%s/%s → %s", (source, flags, text) => {
    expect(re2Of(new RegExp(source, flags), "where: x")).toBe(text);
  });
});

describe("a pattern that RE2 lacks is refused, with what to write instead", () => {
  test.each([
    ["^5..", "", "so ^ alone says nothing; write /5...*/ to leave one end open"],
    ["5..$", "", "so $ alone says nothing; write /.*5../ to leave one end open"],
    ["^a|b", "", "so ^ alone says nothing"],
    [String.raw`a\\$`, "", "so $ alone says nothing"],
    ["a", "m", "the flag m has no meaning in RE2; leave it out"],
    ["a", "y", "the flag y has no meaning in RE2; leave it out"],
    ["a", "v", "the flag v has no meaning in RE2; leave it out"],
    ["a(?=b).*", "", "no look-ahead and no look-behind; describe the whole value, or use { not: … }"],
    ["(?!b).*", "", "no look-ahead"],
    [".*(?<=b)", "", "no look-behind"],
    [".*(?<!b)", "", "no look-behind"],
    [String.raw`(a)\1`, "", String.raw`no back-references and no octal escapes such as \1`],
    [String.raw`(?<x>a)\k<x>`, "", "no back-references"],
    [String.raw`\01`, "", String.raw`no octal escapes such as \01`],
    [String.raw`[\1]`, "", String.raw`no octal escapes such as \1`],
    ["a[]", "", "no empty class; write . with the flag s for any character"],
    ["a[^]", "", "no empty class"],
    ["a{1001}", "", "repeats at most 1000 times"],
    ["a{0,1001}", "", "repeats at most 1000 times"],
    ["(?:a{40}){40}", "", "repeats at most 1000 times"],
    ["(?:x|(?:a{2,20}b)+){100}", "", "repeats at most 1000 times"],
    [String.raw`\p{L}`, "", String.raw`\p{L} means a set of characters only with the flag u; add it`],
    [String.raw`\u{41}`, "", String.raw`\u{41} means a character only with the flag u; add it`],
    ["[😀]", "", "characters beyond U+FFFF count as two without the flag u; add it"],
    ["😀+", "", "count as two without the flag u"],
    [String.raw`[\ud83d\ude00]`, "", "count as two without the flag u"],
    [String.raw`\ud83d`, "", String.raw`\ud83d is half a surrogate pair`],
    [String.raw`\p{Alphabetic}`, "u", String.raw`RE2 does not know \p{Alphabetic}; it knows categories such as \p{Lu}`],
    [String.raw`\p{sc=Grek}`, "u", String.raw`RE2 does not know \p{sc=Grek}`],
    [String.raw`\p{Cn}`, "u", String.raw`RE2 does not know \p{Cn}`],
    [String.raw`\c1`, "", String.raw`\c needs a letter after it`],
  ])("/%s/%s: %s", (source, flags, why) => {
    const pattern = new RegExp(source, flags);
    const attempt = () => re2Of(pattern, "where: response_code");
    expect(attempt).toThrow(QueryError);
    expect(attempt).toThrow(expect.objectContaining({ code: "pattern", message: expect.stringContaining(why) }));
    expect(attempt).toThrow(`where: response_code: ${pattern} cannot be sent: `);
  });
});
