import type { At, Expr, Fill, Grouping, Matching, TimeShift, VectorSelector } from "../../src/promql/ast.ts";
import { isPlainMetric, quote, quoteGroupingLabel, quoteLabel } from "../../src/promql/quote.ts";
import { formatDuration } from "../../src/time.ts";
import { type Random, random } from "../mesh/random.ts";

/** A text that denotes the tree, in one of the many ways in which people and programs may write it. */
export const spelled = (expr: Expr, seed: number): string => new Spelling(random(seed)).whole(expr);

class Spelling {
  readonly #random: Random;

  constructor(source: Random) {
    this.#random = source;
  }

  whole(expr: Expr): string {
    return `${this.#gap()}${this.#expr(expr)}${this.#gap()}`;
  }

  /** An expression that may stand beside any operator. */
  #operand(expr: Expr): string {
    const atom = expr.kind === "call" || expr.kind === "string" || (expr.kind === "vector" && !this.#chance(0.1));
    const positive =
      expr.kind === "number" && (expr.value >= 0 || Number.isNaN(expr.value)) && !Object.is(expr.value, -0);
    return atom || positive ? this.#expr(expr) : `(${this.whole(expr)})`;
  }

  #expr(expr: Expr): string {
    switch (expr.kind) {
      case "number":
        return this.#number(expr.value);
      case "string":
        return this.#string(expr.value);
      case "vector":
        return this.#series(expr) + this.#shift(expr);
      case "matrix":
        return `${this.#series(expr.selector)}${this.#gap()}[${this.#blank()}${this.#span(expr.rangeMs)}${this.#gap()}]${this.#shift(expr.selector)}`;
      case "subquery": {
        const step = expr.stepMs === undefined ? "" : this.#span(expr.stepMs);
        const inner = expr.expr.kind === "call" ? this.#expr(expr.expr) : `(${this.whole(expr.expr)})`;
        return `${inner}${this.#gap()}[${this.#blank()}${this.#span(expr.rangeMs)}${this.#gap()}:${this.#gap()}${step}]${this.#shift(expr)}`;
      }
      case "call":
        return `${expr.func}${this.#gap()}(${expr.args.map((arg) => this.#argument(arg)).join(",")})`;
      case "aggregation": {
        const args = (expr.param === undefined ? [expr.expr] : [expr.param, expr.expr]).map((arg) =>
          this.#argument(arg),
        );
        const body = `${this.#gap()}(${args.join(",")})`;
        const grouping = expr.grouping === undefined ? "" : ` ${this.#grouping(expr.grouping)}`;
        const op = this.#cased(expr.op);
        return this.#chance(0.5) ? `${op}${grouping}${body}` : `${op}${body}${grouping}`;
      }
      case "unary":
        return `${expr.op}${this.#gap()}${this.#operand(expr.expr)}`;
      case "binary": {
        const bool = expr.bool ? ` ${this.#cased("bool")} ` : "";
        const matching = expr.matching === undefined ? "" : ` ${this.#matching(expr.matching)} `;
        const op = /^\w/.test(expr.op) ? ` ${this.#cased(expr.op)} ` : expr.op;
        return `${this.#operand(expr.left)}${this.#gap()}${op}${bool}${matching}${this.#gap()}${this.#operand(expr.right)}`;
      }
    }
  }

  #argument(expr: Expr): string {
    return this.#chance(0.1) ? `(${this.whole(expr)})` : this.whole(expr);
  }

  #series({ name, matchers }: VectorSelector): string {
    const parts = matchers.map(
      ({ label, op, value }) =>
        `${this.#chance(0.2) ? quote(label) : quoteLabel(label)}${this.#gap()}${op}${this.#gap()}${this.#string(value)}`,
    );
    let before = "";
    if (name !== undefined && isPlainMetric(name) && !this.#chance(0.1)) before = name;
    else if (name !== undefined) {
      const inside = this.#chance(0.5) ? this.#string(name) : `__name__=${this.#string(name)}`;
      parts.splice(this.#random.between(0, parts.length), 0, inside);
    }
    if (before !== "" && parts.length === 0 && !this.#chance(0.1)) return before;
    const comma = parts.length > 0 && this.#chance(0.2) ? "," : "";
    return `${before}${this.#gap()}{${parts.map((part) => this.#gap() + part + this.#gap()).join(",")}${comma}}`;
  }

  #shift({ offsetMs, at }: TimeShift): string {
    const offset =
      offsetMs === undefined
        ? ""
        : ` ${this.#cased("offset")} ${offsetMs < 0 ? "-" : this.#chance(0.1) ? "+" : ""}${this.#term(Math.abs(offsetMs))}`;
    const when = at === undefined ? "" : `${this.#gap()}@${this.#gap()}${this.#instant(at)}`;
    return this.#chance(0.5) ? offset + when : when + offset;
  }

  #instant(at: At): string {
    if (typeof at === "string") return `${this.#cased(at)}${this.#gap()}(${this.#gap()})`;
    return `${at < 0 ? "-" : ""}${Math.abs(at) / 1000}`;
  }

  #span(ms: number): string {
    if (this.#chance(0.1)) return `(${this.#term(ms)})`;
    if (ms % 2000 === 0 && this.#chance(0.1)) return `${this.#term(ms / 2)} * 2`;
    return this.#term(ms);
  }

  #term(ms: number): string {
    return this.#chance(0.3) ? String(ms / 1000) : formatDuration(ms);
  }

  #number(value: number): string {
    const sign = value < 0 || Object.is(value, -0) ? "-" : "";
    const size = Math.abs(value);
    if (Number.isNaN(size)) return sign + this.#random.pick(["NaN", "nan", "NAN"]);
    if (size === Number.POSITIVE_INFINITY) return sign + this.#random.pick(["Inf", "inf", "INF"]);
    const ways = [String(size), size.toExponential()];
    if (Number.isInteger(size) && size < 2 ** 53) {
      const hex = size.toString(16);
      // Prometheus takes an e in a hexadecimal number for an exponent, but for the first digit.
      if (!hex.slice(1).includes("e")) ways.push(`0x${hex}`);
      ways.push(`0${size.toString(8)}`, String(size).replace(/\B(?=(\d{3})+$)/g, "_"));
      if (size < 9e9) ways.push(formatDuration(size * 1000));
    }
    return sign + this.#random.pick(ways);
  }

  #string(text: string): string {
    if (!/[`\ufffd]/.test(text) && this.#chance(0.2)) return `\`${text}\``;
    if (this.#chance(0.5)) return quote(text);
    const mark = this.#random.pick(['"', "'"]);
    return mark + Array.from(text, (character) => this.#character(character, mark)).join("") + mark;
  }

  #character(character: string, mark: string): string {
    const code = character.codePointAt(0) ?? 0;
    const plain = ![mark, "\\", "\n", "\ufffd"].includes(character);
    const ways = [`\\U${code.toString(16).padStart(8, "0")}`];
    if (code < 0x10000) ways.push(`\\u${code.toString(16).padStart(4, "0")}`);
    if (plain) ways.push(character, character, character);
    const bytes = [...new TextEncoder().encode(character)];
    ways.push(bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""));
    ways.push(bytes.map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join(""));
    return this.#random.pick(ways);
  }

  #grouping({ kind, labels }: Grouping): string {
    return `${this.#cased(kind)}${this.#gap()}${this.#labels(labels)}`;
  }

  #matching({ kind, labels, group, fill }: Matching): string {
    const text = `${this.#cased(kind)}${this.#gap()}${this.#labels(labels)}`;
    const filled = fill === undefined ? "" : ` ${this.#fill(fill)}`;
    if (group === undefined) return text + filled;
    const include = group.include.length === 0 && this.#chance(0.5) ? "" : this.#labels(group.include);
    // Behind a bare group_left a parenthesis would be read as its labels.
    return `${text} ${this.#cased(`group_${group.side}`)}${include === "" ? "()" : include}${filled}`;
  }

  #fill({ left, right }: Fill): string {
    const value = (word: string, x: number | undefined): string =>
      x === undefined ? "" : `${this.#cased(word)}${this.#gap()}(${this.#gap()}${this.#number(x)}${this.#gap()})`;
    if (Object.is(left, right) && this.#chance(0.7)) return value("fill", left);
    const sides = [value("fill_left", left), value("fill_right", right)];
    return (this.#chance(0.5) ? sides : sides.reverse()).join(" ");
  }

  #labels(labels: readonly string[]): string {
    const comma = labels.length > 0 && this.#chance(0.2) ? "," : "";
    const names = labels.map((label) => (this.#chance(0.2) ? this.#string(label) : quoteGroupingLabel(label)));
    return `(${names.map((name) => this.#gap() + name).join(",")}${comma}${this.#gap()})`;
  }

  #cased(word: string): string {
    return this.#random.pick([word, word, word.toUpperCase(), word.charAt(0).toUpperCase() + word.slice(1)]);
  }

  /** White space where there may be some. */
  #gap(): string {
    return this.#random.pick(["", "", "", "", " ", "\n", "\t", "\r\n", " # (\n"]);
  }

  /** White space where comments may not stand. */
  #blank(): string {
    return this.#random.pick(["", "", " ", "\n"]);
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[\w:]+(?:\.\d+)?|[=!<>]=|[=!]~|\s+|./gsu;
const PIECES = (
  "( ) [ ] { } , : = == != =~ !~ < <= > >= </ >/ + - * / % ^ @ # \\ \" ' ` . $ _ 0 1 5m 1h30m 0x1f 1e3 1_0 .5 07 inf NaN up a:b sum avg " +
  "topk count_values quantile limitk by without on ignoring group_left group_right bool offset anchored smoothed and or unless atan2 " +
  "start() end() step() range() max_of(1,2) fill(0) fill rate abs time() vector(1) label_replace info job le __name__ é \ufffd"
).split(" ");

/** The same text with a piece dropped, doubled, replaced, inserted or swapped with another, once or twice. */
export function mutated(text: string, seed: number): string {
  const source = random(seed);
  const tokens = text.match(TOKEN) ?? [];
  for (let left = source.between(1, 2); left > 0; left--) {
    const at = source.between(0, Math.max(0, tokens.length - 1));
    const other = source.between(0, Math.max(0, tokens.length - 1));
    const token = tokens[at] ?? "";
    switch (source.between(0, 5)) {
      case 0:
        tokens.splice(at, 1);
        break;
      case 1:
        tokens.splice(at, 0, token);
        break;
      case 2:
        tokens[at] = source.pick(PIECES);
        break;
      case 3:
        tokens.splice(at, 0, source.pick([" ", ""]), source.pick(PIECES), source.pick([" ", ""]));
        break;
      case 4:
        [tokens[at], tokens[other]] = [tokens[other] ?? "", token];
        break;
      default: {
        const cut = source.between(0, token.length);
        tokens[at] = token.slice(0, cut) + source.pick(PIECES).charAt(0) + token.slice(cut + source.between(0, 1));
      }
    }
  }
  return tokens.join("");
}

/** Texts of pieces at random, of the kind that the given places take. */
export function scribbled(seed: number): string {
  const source = random(seed);
  const some = (pieces: readonly string[], most: number) =>
    Array.from({ length: source.between(1, most) }, () => source.pick(pieces)).join("");
  switch (source.between(0, 6)) {
    case 0:
      return some(
        [..."0123456789012345", "_", ".", "e", "E", "x", "0x", "+", "-", "s", "m", "h", "d", "ms", " ", "a", "f"],
        7,
      );
    case 1:
      return `a[${some(DURATIONS, 6)}]`;
    case 2:
      return `a[5m:1m] offset ${some(DURATIONS, 5)}`;
    case 3:
      return `a @ ${some(["5", "1.5", "-", "+", "start", "end", "()", "5m", "1e9", "inf", " "], 4)}`;
    case 4: {
      const mark = source.pick(['"', "'", "`"]);
      const body = [
        "\\",
        "\\x",
        "\\u",
        "\\U",
        "0",
        "1",
        "4",
        "e9",
        "ff",
        "00",
        "d8",
        "n",
        "a",
        '"',
        "'",
        "`",
        "é",
        "\n",
        "\\n",
      ];
      return `${mark}${some(body, 7)}${mark}`;
    }
    case 5:
      return `a{b=~${JSON.stringify(some(PATTERNS, 6))}}`;
    default:
      return Array.from({ length: source.between(1, 8) }, () => source.pick(PIECES)).join(source.pick(["", " "]));
  }
}

const DURATIONS =
  "5m 1h 30s 1y2w 3ms 5 0 1.5 0.5 1e3 ( ) + - * / % ^ : , step() range() max_of(5m,1h) min_of(1,(2)) STEP ( ) + - * [ ] # 1d1y".split(
    " ",
  );
const PATTERNS = (
  "a b . * + ? | ( ) [ ] ^ $ \\ {2} {2,} {2,3} {3,2} {1001} (?: (?i) (?i: (?P<n> (?<n> (?P=n) (?= (?! \\d \\D \\w \\s \\b \\B \\A \\z \\Z " +
  "\\pL \\p{Greek} \\p{^Lu} \\PN \\p{Nope} \\Q \\E \\x41 \\x{1F600} \\x{} \\07 \\1 \\C \\- \\_ \\é [^ [a-z] [z-a] [[:alpha:]] [[:^digit:]] [[:no:]] " +
  '[\\d-z] [] []] - (?s-i) (?U) (?-) (?z) ** +? ?? *? ++ é 😀 \\n \\t \\a \\f \\v \\r \\e \\cA \\u0041 \\/ \\" [\\b] [a&&b] (((('
).split(" ");
