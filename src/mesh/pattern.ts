import { QueryError } from "../errors.ts";

/**
 * The RE2 text of a JavaScript pattern that means the same in both, for backends that match the whole value.
 *
 * RE2 has no look-around and no back-references; the flags `i` and `s` are carried over, and those that change what a
 * pattern means in other ways are refused.
 *
 * @throws {QueryError} `code: "pattern"` saying which part RE2 lacks and what to write instead
 * @see RE2, "Syntax"
 */
export function re2Of(pattern: RegExp, what: string): string {
  const refuse = (why: string): never => {
    throw new QueryError("pattern", `${what}: ${pattern} cannot be sent: ${why}`);
  };
  for (const flag of pattern.flags) {
    if (!"dgisu".includes(flag)) refuse(`the flag ${flag} has no meaning in RE2; leave it out`);
  }
  const { source } = pattern;
  if (source === "(?:)") return "";
  const starts = startsAnchored(source);
  const ends = endsAnchored(source);
  if (starts !== ends) {
    const open = starts ? `/${source.slice(1)}.*/` : `/.*${source.slice(0, -1)}/`;
    refuse(
      `a backend matches the whole value, so ${starts ? "^" : "$"} alone says nothing; write ${open} to leave one end open`,
    );
  }
  const text = translate(source, refuse);
  const flags = [...pattern.flags].filter((flag) => flag === "i" || flag === "s").join("");
  return flags === "" ? text : `(?${flags})${text}`;
}

const startsAnchored = (source: string): boolean => source.startsWith("^");
/** Whether the last character is `$` itself, not an escaped dollar. */
const endsAnchored = (source: string): boolean => /(?:^|[^\\])(?:\\\\)*\$$/.test(source);

/** RE2 refuses a repetition of more than a thousand. */
const MOST_REPEATS = 1000;

function translate(source: string, refuse: (why: string) => never): string {
  let text = "";
  let inClass = false;
  let i = 0;
  while (i < source.length) {
    const rest = source.slice(i);
    const [token] = TOKEN.exec(rest) ?? [rest.charAt(0)];
    i += token.length;
    if (token.startsWith("\\")) text += translateEscape(token, inClass, refuse);
    else if (inClass) {
      if (token === "]") inClass = false;
      // RE2 reads "[:" in a class as the start of a named class such as [:alpha:].
      text += token === "[" ? "\\[" : token;
    } else if (token.startsWith("[")) {
      if (rest.startsWith("[]") || rest.startsWith("[^]"))
        refuse("RE2 has no empty class; write . with the flag s for any character");
      inClass = true;
      text += token;
    } else if (/^\(\?(?:<?[=!])/.test(token)) {
      refuse("RE2 has no look-ahead and no look-behind; describe the whole value, or use { not: … }");
    } else if (token.startsWith("(?<")) text += token.replace("(?<", "(?P<");
    else if (token === "{") text += "\\{";
    else if (token.startsWith("{")) {
      if (token.match(/\d+/g)?.some((n) => Number(n) > MOST_REPEATS))
        refuse(`RE2 repeats at most ${MOST_REPEATS} times`);
      text += token;
    } else if (token.startsWith("(?") && !/^\(\?[is]*(?:-[is]+)?:$/.test(token)) {
      refuse(`RE2 does not take ${token} in this form`);
    } else text += token;
  }
  return text;
}

const TOKEN =
  /^(?:\\u\{[^}]*\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\c[A-Za-z]|\\k(?:<[^>]*>)?|\\[pP]\{[^}]*\}|\\0|\\[1-9]\d*|\\[\s\S]|\(\?<[=!]|\(\?[=!:]|\(\?<[^>]*>|\(\?[^:)]*:?|\[\^?|\{\d+(?:,\d*)?\}|[\s\S])/u;

function translateEscape(token: string, inClass: boolean, refuse: (why: string) => never): string {
  const [unicode] = /^\\u\{?([0-9a-fA-F]+)\}?$/.exec(token)?.slice(1) ?? [];
  if (unicode !== undefined) return `\\x{${unicode}}`;
  if (/^\\(?:[1-9]|k)/.test(token)) refuse(`RE2 has no back-references such as ${token}`);
  if (/^\\c[A-Za-z]$/.test(token)) return `\\x{${(token.charCodeAt(2) % 32).toString(16)}}`;
  if (token === "\\0") return "\\x{0}";
  // In a class \b is a backspace to JavaScript; RE2 refuses it there, and \B as well.
  if (inClass && token === "\\b") return "\\x{8}";
  // \s and \w mean more characters to JavaScript than to RE2, which knows ASCII only.
  if (/^\\[pP]/.test(token)) return token.replace(/\{(?:Script|sc|General_Category|gc)=/, "{");
  if (/^\\[dDwWsSbBfnrtv]$/.test(token) || /^\\x/.test(token)) return token;
  const escaped = token.slice(1);
  return /^[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]$/.test(escaped) ? token : escaped;
}
