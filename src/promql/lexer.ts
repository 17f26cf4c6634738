import type { BinaryOp } from "./ast.ts";
import { unescaped } from "./literals.ts";
import { scanNumberOrDuration } from "./number-scan.ts";
import { PRECEDENCE } from "./operators.ts";
import { KEYWORDS } from "./quote.ts";
import { refusal } from "./refusal.ts";

/**
 * What a token is. A `name` may be a metric's or a function's, a `metric` has a colon in it, a `keyword` is a word that
 * means something where it may stand; operators and brackets are themselves.
 */
export type TokenKind =
  | BinaryOp
  | "!~"
  | "("
  | ")"
  | ","
  | ":"
  | "="
  | "=~"
  | "@"
  | "["
  | "]"
  | "duration"
  | "end"
  | "keyword"
  | "metric"
  | "name"
  | "number"
  | "string"
  | "{"
  | "}";

/** Words that stand for what is reckoned with inside of brackets. */
const DURATION_WORDS: ReadonlySet<string> = new Set(["max_of", "min_of", "range", "step"]);

/**
 * Cuts a PromQL text into tokens, one at a time: after {@link Lexer.advance} the fields describe the token at hand.
 *
 * What a character means depends on the bracket it stands in, as in Prometheus: names within braces are never keywords,
 * and within brackets a colon is a sign of its own.
 *
 * @see Prometheus, `promql/parser/lex.go`
 */
export class Lexer {
  readonly text: string;
  kind: TokenKind = "end";
  start = 0;
  end = 0;
  /** Where the token before this one ended. */
  lastEnd = 0;
  /** What a string denotes, a keyword in lower case, any other word as it stands. */
  value = "";
  /** How tightly the token binds as an operator, 0 for what is none. */
  precedence = 0;
  #inBraces = false;
  /** Within brackets: first the duration's own mode, which knows no comments, then, behind its first number, the other. */
  #inBrackets: "duration" | "no" | "rest" = "no";

  constructor(text: string) {
    this.text = text;
  }

  /** Reads the next token. */
  advance(): void {
    const { text } = this;
    this.lastEnd = this.end;
    let at = this.end;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === SPACE || (code <= 13 && code >= 9 && code !== 11 && code !== 12)) at++;
      else if (code === HASH && this.#inBrackets !== "duration") at = endOfLine(text, at);
      else break;
    }
    this.start = at;
    this.precedence = 0;
    if (at >= text.length) {
      this.kind = "end";
      this.end = at;
      if (this.#inBraces) this.#fail("the braces are not closed", "add }");
      return;
    }
    const code = text.charCodeAt(at);
    if (this.#inBraces) this.#inside(code);
    else if (isNameStart(code)) this.#word();
    else this.#outside(code);
  }

  /** Whether the text goes on with `(` behind the token at hand. */
  followedByParenthesis(): boolean {
    let at = this.end;
    while (/[ \t\r\n]/.test(this.text.charAt(at))) at++;
    return this.text.charAt(at) === "(";
  }

  #outside(code: number): void {
    const next = this.text.charCodeAt(this.start + 1);
    switch (code) {
      case 0x28:
        this.#take("(", 1);
        break;
      case 0x29:
        this.#take(")", 1);
        break;
      case 0x2c:
        this.#take(",", 1);
        break;
      case 0x5b:
        this.#take("[", 1);
        if (this.#inBrackets !== "no") this.#fail("a bracket opens within brackets");
        this.#inBrackets = "duration";
        break;
      case 0x5d:
        this.#inBrackets = "no";
        this.#take("]", 1);
        break;
      case 0x7b:
        this.#inBraces = true;
        this.#take("{", 1);
        break;
      case 0x2b:
        this.#operator("+", 1);
        break;
      case 0x2d:
        this.#operator("-", 1);
        break;
      case 0x2a:
        this.#operator("*", 1);
        break;
      case 0x2f:
        this.#operator("/", 1);
        break;
      case 0x25:
        this.#operator("%", 1);
        break;
      case 0x5e:
        this.#operator("^", 1);
        break;
      case 0x3d:
        if (next !== EQUALS) this.#comparedByOne(next === TILDE);
        this.#operator("==", 2);
        break;
      case 0x21:
        if (next !== EQUALS) this.#loneMark("write != between values, and unless to leave series out");
        this.#operator("!=", 2);
        break;
      case 0x3c:
        if (next === EQUALS) this.#operator("<=", 2);
        else if (next === SLASH) this.#operator("</", 2);
        else this.#operator("<", 1);
        break;
      case 0x3e:
        if (next === EQUALS) this.#operator(">=", 2);
        else if (next === SLASH) this.#operator(">/", 2);
        else this.#operator(">", 1);
        break;
      case 0x40:
        this.#take("@", 1);
        break;
      case 0x22:
      case 0x27:
      case 0x60:
        this.#string(code);
        break;
      case 0x3a:
        if (this.#inBrackets === "no") this.#word();
        else this.#take(":", 1);
        break;
      default:
        if (isDigit(code) || (code === DOT && isDigit(next))) this.#number();
        else this.#unexpected("write a metric name, a number or an opening parenthesis");
        break;
    }
  }

  #inside(code: number): void {
    if (isNameStart(code)) {
      let at = this.start + 1;
      while (isNameContinue(this.text.charCodeAt(at))) at++;
      this.kind = "name";
      this.end = at;
      this.value = this.text.slice(this.start, at);
      return;
    }
    const next = this.text.charCodeAt(this.start + 1);
    switch (code) {
      case 0x2c:
        this.#take(",", 1);
        break;
      case 0x3d:
        if (next === TILDE) this.#take("=~", 2);
        else this.#take("=", 1);
        break;
      case 0x21:
        if (next !== EQUALS && next !== TILDE) this.#loneMark("write != or !~");
        this.#take(next === TILDE ? "!~" : "!=", 2);
        break;
      case 0x22:
      case 0x27:
      case 0x60:
        this.#string(code);
        break;
      case 0x7d:
        this.#inBraces = false;
        this.#take("}", 1);
        break;
      default:
        this.#unexpected(
          code === 0x7b ? "braces do not stand within braces" : "write label names, and their values in quotes",
        );
        break;
    }
  }

  #word(): void {
    if (this.#inBrackets === "no") this.#name();
    else this.#durationWord();
  }

  #name(): void {
    const { text, start } = this;
    let at = start;
    let colon = false;
    let upper = false;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === COLON) colon = true;
      else if (code >= 0x41 && code <= 0x5a) upper = true;
      else if (!isNameContinue(code)) break;
      at++;
    }
    this.end = at;
    this.value = text.slice(start, at);
    if (colon) {
      this.kind = "metric";
      return;
    }
    const word = upper ? this.value.toLowerCase() : this.value;
    if (!KEYWORDS.has(word)) {
      this.kind = "name";
    } else if (word === "inf" || word === "nan") {
      this.kind = "number";
    } else if (word === "and" || word === "or" || word === "unless" || word === "atan2") {
      this.kind = word;
      this.precedence = PRECEDENCE[word];
    } else if (word.startsWith("fill") && !this.followedByParenthesis()) {
      this.kind = "name";
    } else {
      this.kind = "keyword";
      // A keyword may still be a name where it stands; then its own letters count.
      this.value = word;
    }
  }

  #durationWord(): void {
    const word = /[a-z_]*/iy;
    word.lastIndex = this.start;
    this.value = (word.exec(this.text)?.[0] ?? "").toLowerCase();
    this.end = this.start + this.value.length;
    this.kind = "keyword";
    if (!DURATION_WORDS.has(this.value)) {
      this.end = Math.max(this.end, this.start + 1);
      this.#fail(`${this.text.slice(this.start, this.end)} is no duration`, "write one such as 5m or 1h30m");
    }
  }

  #number(): void {
    const { end, kind } = scanNumberOrDuration(this.text, this.start);
    this.end = end;
    if (this.#inBrackets === "duration") this.#inBrackets = "rest";
    if (kind === undefined) {
      this.#fail(
        `${this.text.slice(this.start, end)} is neither a number nor a duration`,
        "a duration has its units in the order y w d h m s ms, such as 1h30m",
      );
    }
    this.kind = kind;
    this.value = this.text.slice(this.start, end);
  }

  #string(quote: number): void {
    const { text } = this;
    const from = this.start + 1;
    let escaped = false;
    let at = from;
    for (; ; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) break;
      if (code === BACKSLASH && quote !== BACKTICK) {
        escaped = true;
        at++;
      } else if (at >= text.length || (code === LINE_FEED && quote !== BACKTICK)) {
        this.end = Math.min(at, text.length);
        this.#fail(
          `the string ${at >= text.length ? "is not closed" : "has a line break in it"}`,
          at >= text.length ? `add ${String.fromCharCode(quote)}` : "write \\n",
        );
      } else if (code === 0xfffd) {
        this.start = at;
        this.end = at + 1;
        this.#fail("U+FFFD is what stands for broken text, and is refused as such", "write \\ufffd where it is meant");
      }
    }
    this.kind = "string";
    this.end = at + 1;
    const body = text.slice(from, at);
    this.value = escaped ? this.#unescaped(body, String.fromCharCode(quote), from) : body;
  }

  #unescaped(body: string, quote: string, from: number): string {
    const value = unescaped(body, quote);
    if (typeof value === "string") return value;
    const start = from + value.at;
    throw refusal(this.text, { reason: value.reason, start, end: start + value.length });
  }

  #take(kind: TokenKind, length: number): void {
    this.kind = kind;
    this.end = this.start + length;
  }

  #operator(kind: BinaryOp, length: number): void {
    this.kind = kind;
    this.end = this.start + length;
    this.precedence = PRECEDENCE[kind];
  }

  #comparedByOne(pattern: boolean): never {
    this.end = this.start + (pattern ? 2 : 1);
    return this.#fail(
      `${pattern ? "=~" : "="} stands between a label and its value, within braces`,
      pattern ? undefined : "two values are compared by ==",
    );
  }

  #loneMark(hint: string): never {
    this.end = this.start + 1;
    return this.#fail("! stands before = or ~ only", hint);
  }

  #unexpected(hint: string): never {
    const character = String.fromCodePoint(this.text.codePointAt(this.start) ?? 0);
    this.end = this.start + character.length;
    const letter = /\p{L}/u.test(character);
    return this.#fail(
      `${JSON.stringify(character)} has no meaning here`,
      letter ? 'a name with such letters stands in quotes within braces, as {"größe"}' : hint,
    );
  }

  #fail(reason: string, hint?: string): never {
    throw refusal(this.text, { reason, hint, start: this.start, end: this.end });
  }
}

const SPACE = 0x20;
const HASH = 0x23;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;
const BACKTICK = 0x60;
const TILDE = 0x7e;
const LINE_FEED = 0x0a;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isNameStart = (code: number): boolean =>
  (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a) || code === 0x5f;
const isNameContinue = (code: number): boolean => isNameStart(code) || isDigit(code);

function endOfLine(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== LINE_FEED && text.charCodeAt(at) !== 13) at++;
  return at;
}
