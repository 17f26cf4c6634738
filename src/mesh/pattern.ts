import { QueryError } from "../errors.ts";
import { escapePattern } from "../promql/index.ts";

/**
 * The RE2 text of a JavaScript pattern that means the same in both, for backends that match the whole value.
 *
 * RE2 has no look-around and no back-references; the flags `i` and `s` are carried over, `u` is how RE2 reads anyway,
 * and those that change what a pattern means in other ways are refused. What differs all the same: `\s` knows ASCII
 * only, `.` may match a line break, and `i` folds a few letters beyond ASCII (`ſ`, the Kelvin sign) that JavaScript does not.
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
  const starts = source.startsWith("^");
  const ends = endsAnchored(source);
  if (starts !== ends) {
    const open = starts ? `/${source.slice(1)}.*/` : `/.*${source.slice(0, -1)}/`;
    refuse(
      `a backend matches the whole value, so ${starts ? "^" : "$"} alone says nothing; write ${open} to leave one end open`,
    );
  }
  const text = new Translation(source, pattern.unicode, refuse).text();
  const flags = [...pattern.flags].filter((flag) => flag === "i" || flag === "s").join("");
  return flags === "" ? text : `(?${flags})${text}`;
}

/** Whether the last character is `$` itself, not an escaped dollar. */
const endsAnchored = (source: string): boolean => /(?:^|[^\\])(?:\\\\)*\$$/.test(source);

/** RE2 refuses a repetition of more than a thousand, those within it counted. */
const MOST_REPEATS = 1000;

const TOKEN =
  /\\u\{[\da-fA-F]+\}|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\x[\da-fA-F]{2}|\\c[a-zA-Z]|\\[pP]\{[^}]*\}|\\\d+|\\.|\(\?<[=!]|\(\?<[^>]*>|\(\?[=!]|\(\?[a-z-]*:|\{\d+(?:,\d*)?\}|./suy;

/** One pass over the source of a pattern that JavaScript has accepted. */
class Translation {
  readonly #source: string;
  readonly #unicode: boolean;
  readonly #refuse: (why: string) => never;
  #at = 0;

  constructor(source: string, unicode: boolean, refuse: (why: string) => never) {
    this.#source = source;
    this.#unicode = unicode;
    this.#refuse = refuse;
  }

  text(): string {
    let text = "";
    /** How often the last thing is repeated by what stands within it, and the most of that in each open group. */
    let repeats = 1;
    const open: number[] = [1];
    while (this.#at < this.#source.length) {
      const token = this.#next();
      if (/^\{\d/.test(token)) {
        const [least, most] = token.slice(1, -1).split(",");
        repeats *= Math.max(1, Number(most || least));
        if (repeats > MOST_REPEATS) this.#refuse(`RE2 repeats at most ${MOST_REPEATS} times`);
        text += token;
      } else if (token === ")") {
        repeats = open.pop() ?? 1;
        text += token;
      } else if (token.startsWith("(")) {
        open.push(1);
        text += this.#group(token);
      } else {
        if (!/^[*+?]$/.test(token)) repeats = 1;
        text += token === "[" ? this.#charClass() : this.#single(token);
      }
      open.push(Math.max(open.pop() ?? 1, repeats));
    }
    return text;
  }

  #next(): string {
    TOKEN.lastIndex = this.#at;
    const [token] = TOKEN.exec(this.#source) ?? [this.#source.charAt(this.#at)];
    this.#at += token.length;
    return token;
  }

  #group(token: string): string {
    if (/^\(\?<?[=!]/.test(token)) {
      this.#refuse("RE2 has no look-ahead and no look-behind; describe the whole value, or use { not: … }");
    }
    // A group's name says nothing about what matches, and not every one is a name to RE2.
    if (token.startsWith("(?<")) return "(";
    if (token.startsWith("(?") && !/^\(\?[is]*(?:-[is]+)?:$/.test(token)) {
      this.#refuse(`RE2 does not take ${token} in this form; write (?: and )`);
    }
    return token;
  }

  /** Anything but a group or a class, outside of classes. */
  #single(token: string): string {
    if (!token.startsWith("\\")) {
      this.#checkAstral(token, this.#isRepeated());
      return token === "{" ? "\\{" : token;
    }
    const meant = this.#escape(token, false);
    return typeof meant === "string" ? meant : printed(meant, escapePattern);
  }

  #isRepeated(): boolean {
    return /^[*+?{]/.test(this.#source.slice(this.#at));
  }

  /** The rest of a class whose bracket has been read. */
  #charClass(): string {
    let text = "[";
    if (this.#source.startsWith("^", this.#at)) text += this.#next();
    if (this.#source.startsWith("]", this.#at)) {
      this.#refuse("RE2 has no empty class; write . with the flag s for any character");
    }
    while (!this.#source.startsWith("]", this.#at)) {
      const low = this.#member();
      const isRange = /^-[^\]]/u.test(this.#source.slice(this.#at));
      if (!isRange) {
        text += inClass(low);
        continue;
      }
      this.#next();
      const high = this.#member();
      // Before or after something like \d the dash is only a dash.
      const dash = typeof low === "number" && typeof high === "number" ? "-" : "\\-";
      text += `${inClass(low)}${dash}${inClass(high)}`;
    }
    return text + this.#next();
  }

  /** One member of a class: a code point, or RE2's text of a set. */
  #member(): number | string {
    const token = this.#memberToken();
    if (token.startsWith("\\")) return this.#escape(token, true);
    this.#checkAstral(token, true);
    return token.codePointAt(0) ?? 0;
  }

  #memberToken(): string {
    const token = this.#next();
    if (token.startsWith("\\")) return token;
    // In a class (?: and {2} are single characters.
    const [first = token] = token;
    this.#at -= token.length - first.length;
    return first;
  }

  /** What an escape stands for: a code point, or RE2's text of a set or an assertion. */
  #escape(token: string, inClass: boolean): number | string {
    if (token.startsWith("\\u{") && !this.#unicode) {
      this.#refuse(`${token} means a character only with the flag u; add it`);
    }
    const [high, low] = token.match(/(?<=\\u)[\da-fA-F]{4}/g) ?? [];
    if (high !== undefined && low !== undefined) {
      const pair = String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16));
      this.#checkAstral(pair, inClass || this.#isRepeated());
      return pair.codePointAt(0) ?? 0;
    }
    const [hex] = /^\\[ux]\{?([\da-fA-F]+)\}?$/.exec(token)?.slice(1) ?? [];
    if (hex !== undefined) return this.#character(Number.parseInt(hex, 16), token);
    if (/^\\c[a-zA-Z]$/.test(token)) return token.charCodeAt(2) % 32;
    if (token === "\\0") return 0;
    if (/^\\(?:\d|k)/.test(token)) this.#refuse(`RE2 has no back-references and no octal escapes such as ${token}`);
    if (/^\\[pP]\{/.test(token)) return this.#property(token);
    if (/^\\[dDwWsS]$/.test(token) || (!inClass && /^\\[bB]$/.test(token))) return token;
    if (token === "\\c") this.#refuse("\\c needs a letter after it; write \\\\ for a backslash");
    const control = CONTROLS[token.charAt(1)];
    if (control !== undefined) return control;
    this.#checkAstral(token.slice(1), inClass || this.#isRepeated());
    return token.codePointAt(1) ?? 0;
  }

  #character(code: number, token: string): number {
    if (code >= 0xd800 && code <= 0xdfff) this.#refuse(`${token} is half a surrogate pair, which no value can hold`);
    return code;
  }

  #property(token: string): string {
    if (!this.#unicode) this.#refuse(`${token} means a set of characters only with the flag u; add it`);
    const [, category, script] =
      /\{(?:(?:General_Category=|gc=)?(L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?|Cc|Cf|Co)|(?:Script=|sc=)([A-Z][A-Za-z_]{4,}|Lao|Yi|Vai|Nko))\}/.exec(
        token,
      ) ?? [];
    const name = category ?? script;
    if (name === undefined) {
      this.#refuse(
        `RE2 does not know ${token}; it knows categories such as \\p{Lu} and scripts such as \\p{Script=Greek}`,
      );
    }
    return `${token.slice(0, 2)}{${name}}`;
  }

  /** Without the flag u such a character counts as two to JavaScript, wherever that makes a difference. */
  #checkAstral(text: string, matters: boolean): void {
    if (matters && !this.#unicode && (text.codePointAt(0) ?? 0) > 0xffff) {
      this.#refuse("characters beyond U+FFFF count as two without the flag u; add it");
    }
  }
}

const CONTROLS: Readonly<Record<string, number>> = { b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

const inClass = (member: number | string): string =>
  typeof member === "string" ? member : printed(member, (text) => text.replace(/[\\\]^[-]/, "\\$&"));

/** RE2's text of one character. */
function printed(code: number, quoted: (text: string) => string): string {
  return code < 0x20 || code === 0x7f ? `\\x{${code.toString(16)}}` : quoted(String.fromCodePoint(code));
}
