const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
};

/**
 * The text of a double-quoted string literal by Go's rules, which are PromQL's: `\x` and octal escapes are bytes,
 * `\u` and `\U` code points, and neither a raw line break nor broken UTF-8 may stand in it.
 *
 * @throws {Error} where Go would refuse the literal
 * @see The Go Programming Language Specification, "String literals"
 */
export function unquote(literal: string): string {
  if (!/^".*"$/s.test(literal) || literal.length < 2) throw new Error(`no literal: ${literal}`);
  const bytes: number[] = [];
  let rest = literal.slice(1, -1);
  while (rest !== "") {
    const [token] =
      /^(?:\\x[0-9a-fA-F]{2}|\\[0-7]{3}|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\[abfnrtv\\"]|[^\\"\n])/u.exec(rest) ?? [];
    if (token === undefined) throw new Error(`not Go: ${literal} at ${rest}`);
    rest = rest.slice(token.length);
    if (/^\\x/.test(token)) bytes.push(Number.parseInt(token.slice(2), 16));
    else if (/^\\[0-7]/.test(token)) bytes.push(Number.parseInt(token.slice(1), 8));
    else if (/^\\[uU]/.test(token))
      bytes.push(...new TextEncoder().encode(String.fromCodePoint(Number.parseInt(token.slice(2), 16))));
    else bytes.push(...new TextEncoder().encode(token.startsWith("\\") ? ESCAPES[token.slice(1)] : token));
  }
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
}
