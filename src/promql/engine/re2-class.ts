import { literal } from "./re2-fold.ts";

const LAST = 0x10ffff;

/** Characters by their code points: pairs of the first and the last of each run. */
export class CodeSet {
  readonly #runs: readonly (readonly [number, number])[];

  constructor(runs: readonly (readonly [number, number])[]) {
    this.#runs = runs;
  }

  /** All other characters. */
  complement(): CodeSet {
    const sorted = [...this.#runs].sort((a, b) => a[0] - b[0]);
    const runs: [number, number][] = [];
    let next = 0;
    for (const [first, last] of sorted) {
      if (first > next) runs.push([next, first - 1]);
      next = Math.max(next, last + 1);
    }
    if (next <= LAST) runs.push([next, LAST]);
    return new CodeSet(runs);
  }

  /** As it stands in a JavaScript class. */
  text(): string {
    return this.#runs
      .map(([first, last]) => (first === last ? literal(first) : `${literal(first)}-${literal(last)}`))
      .join("");
  }

  /** With both cases of its letters; `undefined` where there are others than ASCII's. */
  fold(): string | undefined {
    const runs = [...this.#runs];
    for (const [first, last] of this.#runs) {
      const isWide = first === 0x80 && last === LAST;
      if (last > 0x7f && !isWide && !(first === 0 && last === LAST)) return undefined;
      for (const [a, z, other] of [
        [65, 90, 32],
        [97, 122, -32],
      ] as const) {
        const from = Math.max(first, a);
        const to = Math.min(last, z);
        if (from > to) continue;
        runs.push([from + other, to + other]);
        const has = (letter: number) => (letter >= from && letter <= to) || (letter + 32 >= from && letter + 32 <= to);
        if (has(75)) runs.push([0x212a, 0x212a]);
        if (has(83)) runs.push([0x17f, 0x17f]);
      }
    }
    return new CodeSet(runs).text();
  }
}

/** A class in brackets: what it holds, as code points or as JavaScript's text of a Unicode class. */
export interface CharClass {
  readonly members: readonly (CodeSet | string)[];
  readonly negated: boolean;
  /** Where it ends in the pattern. */
  readonly end: number;
}

type Fail = (why: string) => never;

const DIGITS: readonly (readonly [number, number])[] = [[48, 57]];
const WORD: readonly (readonly [number, number])[] = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const SPACE: readonly (readonly [number, number])[] = [
  [9, 10],
  [12, 13],
  [32, 32],
];
const PERL: Readonly<Record<string, readonly (readonly [number, number])[]>> = { d: DIGITS, w: WORD, s: SPACE };

const UPPER = [65, 90] as const;
const LOWER = [97, 122] as const;
const DIGIT = [48, 57] as const;
const POSIX: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  alnum: [DIGIT, UPPER, LOWER],
  alpha: [UPPER, LOWER],
  ascii: [[0, 127]],
  blank: [
    [9, 9],
    [32, 32],
  ],
  cntrl: [
    [0, 31],
    [127, 127],
  ],
  digit: [DIGIT],
  graph: [[33, 126]],
  lower: [LOWER],
  print: [[32, 126]],
  punct: [
    [33, 47],
    [58, 64],
    [91, 96],
    [123, 126],
  ],
  space: [
    [9, 13],
    [32, 32],
  ],
  upper: [UPPER],
  word: WORD,
  xdigit: [DIGIT, [65, 70], [97, 102]],
};

/** Reads the class that opens at `start`. */
export function readClass(text: string, start: number, fail: Fail): CharClass {
  let at = start + 1;
  const negated = text.charAt(at) === "^";
  if (negated) at++;
  const members: (CodeSet | string)[] = [];
  for (let first = true; first || text.charAt(at) !== "]"; first = false) {
    if (at >= text.length) fail("missing closing ]");
    const posix = /^\[:(\^?)(\w+):\]/.exec(text.slice(at, at + 16));
    if (posix !== null) {
      const runs = POSIX[posix[2] ?? ""];
      if (runs === undefined) return fail("invalid character class range");
      const set = new CodeSet(runs);
      members.push(posix[1] === "^" ? set.complement() : set);
      at += posix[0].length;
      continue;
    }
    const low = readMember(text, at, fail);
    at = low.end;
    const isRange = text.charAt(at) === "-" && at + 1 < text.length && text.charAt(at + 1) !== "]";
    if (typeof low.meant !== "number") {
      members.push(low.meant);
    } else if (!isRange) members.push(new CodeSet([[low.meant, low.meant]]));
    else {
      const high = readMember(text, at + 1, fail);
      if (typeof high.meant !== "number" || high.meant < low.meant) return fail("invalid character class range");
      members.push(new CodeSet([[low.meant, high.meant]]));
      at = high.end;
    }
  }
  return { members, negated, end: at + 1 };
}

interface Read {
  /** A code point, a set of them, or JavaScript's text of a Unicode class. */
  readonly meant: CodeSet | number | string;
  readonly end: number;
}

function readMember(text: string, at: number, fail: Fail): Read {
  if (at >= text.length) return fail("missing closing ]");
  if (text.charAt(at) === "\\") return readEscape(text, at, fail);
  const code = text.codePointAt(at) ?? 0;
  return { meant: code, end: at + (code > 0xffff ? 2 : 1) };
}

const CONTROLS: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const HEX = /\\x(?:\{([\da-fA-F]+)\}|([\da-fA-F]{2}))/y;
const OCTAL = /\\(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/y;
const PROPERTY = /\\([pP])(?:\{(\^?)([^}]*)\}|([A-Z]))/y;

/** Reads the escape at `at`, of those that stand for characters. */
export function readEscape(text: string, at: number, fail: Fail): Read {
  const kind = text.charAt(at + 1);
  if (kind === "") return fail("trailing backslash at end of expression");
  const perl = PERL[kind.toLowerCase()];
  if (perl !== undefined) {
    const set = new CodeSet(perl);
    return { meant: kind === kind.toLowerCase() ? set : set.complement(), end: at + 2 };
  }
  if (kind === "p" || kind === "P") return readProperty(text, at, fail);
  const hex = match(HEX, text, at);
  if (hex !== null) {
    const code = Number.parseInt(hex[1] ?? hex[2] ?? "", 16);
    return code > LAST ? fail("invalid escape sequence") : { meant: code, end: at + hex[0].length };
  }
  const octal = match(OCTAL, text, at);
  if (octal !== null) return { meant: Number.parseInt(octal[0].slice(1), 8), end: at + octal[0].length };
  const control = CONTROLS[kind];
  if (control !== undefined) return { meant: control, end: at + 2 };
  const code = kind.charCodeAt(0);
  if (code < 0x80 && !/[\dA-Za-z]/.test(kind)) return { meant: code, end: at + 2 };
  return fail(`invalid escape sequence: \\${kind}`);
}

function readProperty(text: string, at: number, fail: Fail): Read {
  const read = match(PROPERTY, text, at);
  if (read === null) return fail("invalid character class range");
  const [whole, kind, caret, long, short] = read;
  const name = long ?? short ?? "";
  const isNegated = (kind === "P") !== (caret === "^");
  if (name === "Any") return { meant: new CodeSet(isNegated ? [] : [[0, LAST]]), end: at + whole.length };
  const property = name.length <= 2 ? name : `Script=${name}`;
  const javascript = `\\${isNegated ? "P" : "p"}{${property}}`;
  try {
    new RegExp(javascript, "u");
  } catch {
    fail(`invalid character class range: ${whole}`);
  }
  return { meant: javascript, end: at + whole.length };
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  const own = new RegExp(pattern.source, "y");
  own.lastIndex = at;
  return own.exec(text);
}
