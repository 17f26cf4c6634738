/** Text that tries to be more than text, in one language or another. */
export const HOSTILE = [
  'say "hello"',
  'back\\slash \\" \\n',
  "back`tick`",
  "line\nbreak\r\n and\ttab",
  "\u0001 control \u007f",
  "{curly} |= `x` | json | line_format",
  "a|b(c)*[d]+?.^$",
  "*wild? *",
  'x" OR "1"="1',
  '"}, {"match_all": {}}',
  "😀 grüße 漢字 \u2028 \ufeff",
  "' ; DROP TABLE",
  // Its interpolation is JavaScript's alone.
  "$" + "{jndi:ldap://x}",
  "<script>alert(1)</script>",
  "%27%22",
  "x".repeat(10_000),
];
