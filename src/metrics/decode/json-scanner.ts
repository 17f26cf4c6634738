import { isUtf8 } from "node:buffer";
import { type Cursor, readDecimal } from "./decimal.ts";
import { type AnswerContext, type Defect, decodeErrorAt } from "./decode-error.ts";

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_ARRAY = 0x5b;
export const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const SPACE = 0x20;
const FIRST_NON_ASCII = 0x80;

/** Skipping recurses, so what is not understood may nest only so deep. */
const DEEPEST = 500;

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** A power of two. */
const KEY_PLACES = 32;

/** In a window that is not the last, a small value that begins before this many bytes of its end is whole. */
const MARGIN = 256;

/**
 * A cursor over the bytes of one JSON document, which come at once or, with {@link JsonScanner.refill}, by and by.
 *
 * Every method skips white space before what it reads, and throws DecodeError and nothing else: `truncated`
 * when the bytes end too early, `syntax` where they are not JSON or not UTF-8, `shape` where something else was asked
 * for. What follows a `shape` is not yet known to be JSON.
 */
export class JsonScanner implements Cursor {
  bytes: Buffer;
  view: DataView;
  readonly #context: AnswerContext;
  at = 0;
  /** Where what is read now began: what the bytes' end cuts short is read again from here when more have come. */
  mark = 0;
  /** A small value that begins here or later may be cut short by the end of the window. */
  safeEnd = Number.POSITIVE_INFINITY;
  /** Keys that came before, by their first letter, with their bytes: the same few come again and again. */
  readonly #keys = new Array<{ readonly bytes: Buffer; readonly text: string } | undefined>(KEY_PLACES);
  /** How many bytes of the document lie before the window. */
  #before = 0;
  /** How many bytes of the window are known to be UTF-8. */
  #sound = 0;

  constructor(body: Uint8Array, context: AnswerContext) {
    this.bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.view = viewOf(this.bytes);
    this.#context = context;
    if (!isUtf8(this.bytes)) this.#failUtf8();
    this.#sound = this.bytes.length;
  }

  /** Goes on, from the mark, with the bytes that come next; what lies before the mark is forgotten. */
  refill(more: Uint8Array, last: boolean): void {
    const rest = this.bytes.subarray(this.mark);
    this.#before += this.mark;
    this.#sound = Math.max(0, this.#sound - this.mark);
    this.at = 0;
    this.mark = 0;
    this.bytes =
      rest.length === 0 ? Buffer.from(more.buffer, more.byteOffset, more.byteLength) : Buffer.concat([rest, more]);
    this.view = viewOf(this.bytes);
    this.safeEnd = last ? Number.POSITIVE_INFINITY : this.bytes.length - MARGIN;
    const whole = this.bytes.length - (last ? 0 : cutCharacter(this.bytes));
    if (!isUtf8(this.bytes.subarray(this.#sound, whole))) this.#failUtf8();
    this.#sound = whole;
  }

  /** The next byte after white space, which stays unread. */
  peek(): number {
    const byte = this.bytes[this.at] as number;
    return byte > SPACE ? byte : this.#skipSpace();
  }

  /** Reads `byte` if it comes next. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.at++;
    return true;
  }

  /** Reads punctuation that JSON itself demands here. */
  expect(byte: number): void {
    if (!this.take(byte)) this.fail("syntax", `${shown(byte)} belongs here`);
  }

  /** Reads punctuation that the shape asked for demands here. */
  demand(byte: number, what: string): void {
    if (!this.take(byte)) this.fail("shape", `${what} belongs here`);
  }

  /** After an element: whether another follows, its comma read, or the container closes. */
  more(close: number): boolean {
    const byte = this.peek();
    if (byte !== COMMA && byte !== close) this.fail("syntax", `"," or ${shown(close)} belongs here`);
    this.at++;
    return byte === COMMA;
  }

  /** Reads the literal if it comes next. */
  literal(text: "false" | "null" | "true"): boolean {
    if (this.peek() !== text.charCodeAt(0)) return false;
    for (let i = 0; i < text.length; i++, this.at++) {
      if (this.bytes[this.at] !== text.charCodeAt(i)) this.#failHere(`"${text}" belongs here`);
    }
    return true;
  }

  /** Reads a number in JSON's own form. */
  number(what: string): number {
    const first = this.peek();
    if (first !== MINUS && !isDigit(first)) this.fail("shape", `${what} belongs here`);
    const start = this.at;
    this.#skipNumber();
    this.at = start;
    return readDecimal(this);
  }

  /** Reads a string. */
  string(what: string): string {
    if (this.peek() !== QUOTE) this.fail("shape", `${what} belongs here`);
    const { bytes } = this;
    const start = ++this.at;
    let at = start;
    let seen = 0;
    for (; ; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) break;
      // also where the bytes end: `undefined` compares false
      if (byte === BACKSLASH || !(byte >= SPACE)) return this.#stringWithEscapes(start);
      seen |= byte;
    }
    this.at = at + 1;
    return seen < FIRST_NON_ASCII ? bytes.toString("latin1", start, at) : bytes.toString("utf8", start, at);
  }

  /** Reads an object's key. */
  key(): string {
    if (this.peek() !== QUOTE) this.fail("syntax", "a key belongs here");
    const place = (this.bytes[this.at + 1] as number) & (KEY_PLACES - 1);
    const known = this.#keys[place];
    if (known !== undefined && this.#repeats(known.bytes)) return known.text;
    const start = this.at;
    const text = this.string("a key");
    this.#keys[place] = { bytes: Buffer.from(this.bytes.subarray(start, this.at)), text };
    return text;
  }

  #repeats(known: Buffer): boolean {
    const { bytes, at } = this;
    const { length } = known;
    for (let i = 1; i < length; i++) if (bytes[at + i] !== known[i]) return false;
    this.at = at + length;
    return true;
  }

  /** Reads the same bytes as stand from `start` to `end`, if they come next. */
  repeat(start: number, end: number): boolean {
    const { bytes, view, at } = this;
    const length = end - start;
    if (at + length > bytes.length) return false;
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      if (view.getInt32(at + i) !== view.getInt32(start + i)) return false;
    }
    for (; i < length; i++) {
      if (bytes[at + i] !== bytes[start + i]) return false;
    }
    this.at = at + length;
    return true;
  }

  /** Reads any value and forgets it. */
  skip(depth = 0): void {
    const first = this.peek();
    if (first === QUOTE) this.#skipString();
    else if (first === MINUS || isDigit(first)) this.#skipNumber();
    else if (first === OPEN_ARRAY || first === OPEN_OBJECT) this.#skipContainer(first, depth + 1);
    else if (!this.literal("null") && !this.literal("true") && !this.literal("false")) {
      this.fail("syntax", "a value belongs here");
    }
  }

  /** Only white space may follow. */
  end(): void {
    while (this.at < this.bytes.length) {
      if (!isSpace(this.bytes[this.at] as number)) this.fail("syntax", "nothing may follow the document");
      this.at++;
    }
  }

  /** Gives up: `problem` says what should stand at byte `at` or what stands there instead. */
  fail(defect: Defect, problem: string, at = this.at): never {
    throw decodeErrorAt(this.bytes, at, this.#before, defect, problem, this.#context);
  }

  /** A byte that cannot stand here: the document is broken, or it ends here. */
  #failHere(problem: string): never {
    this.fail(this.at < this.bytes.length ? "syntax" : "truncated", problem);
  }

  #failUtf8(): never {
    const { bytes } = this;
    for (let at = 0; ; ) {
      const lead = bytes[at] as number;
      const length = lead < FIRST_NON_ASCII ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      if (length > 1 && !isUtf8(bytes.subarray(at, at + length))) {
        const cut = at + length > bytes.length && lead >= 0xc2 && lead <= 0xf4;
        if (cut) this.fail("truncated", "the bytes end inside a character", bytes.length);
        this.fail("syntax", "the bytes are not UTF-8", at);
      }
      at += length;
    }
  }

  #skipSpace(): number {
    const { bytes } = this;
    for (; this.at < bytes.length; this.at++) {
      const byte = bytes[this.at] as number;
      if (isSpace(byte)) continue;
      if (byte < SPACE) this.fail("syntax", "a control character stands between values");
      return byte;
    }
    this.fail("truncated", bytes.length === 0 ? "the body is empty" : "the bytes end inside the document");
  }

  #skipNumber(): void {
    const { bytes } = this;
    if (bytes[this.at] === MINUS) this.at++;
    const zero = bytes[this.at] === ZERO;
    const start = this.at;
    this.#skipDigits();
    if (zero && this.at > start + 1) this.fail("syntax", "a number may not begin with 0", start);
    if (bytes[this.at] === 0x2e) {
      this.at++;
      this.#skipDigits();
    }
    const letter = bytes[this.at];
    if (letter === 0x65 || letter === 0x45) {
      this.at++;
      const sign = bytes[this.at];
      if (sign === 0x2b || sign === MINUS) this.at++;
      this.#skipDigits();
    }
  }

  #skipDigits(): void {
    if (!isDigit(this.bytes[this.at])) this.#failHere("a digit belongs here");
    do this.at++;
    while (isDigit(this.bytes[this.at]));
  }

  #skipContainer(open: number, depth: number): void {
    if (depth > DEEPEST) this.fail("shape", `values nest deeper than ${DEEPEST}`);
    this.at++;
    const close = open === OPEN_ARRAY ? CLOSE_ARRAY : CLOSE_OBJECT;
    if (this.take(close)) return;
    do {
      if (open === OPEN_OBJECT) {
        if (this.peek() !== QUOTE) this.fail("syntax", "a key belongs here");
        this.#skipString();
        this.expect(COLON);
      }
      this.skip(depth);
    } while (this.more(close));
  }

  #skipString(): void {
    const { bytes } = this;
    for (this.at++; ; this.at++) {
      const byte = bytes[this.at] as number;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        this.#escape();
        this.at--;
      } else if (!(byte >= SPACE)) this.#failInString();
    }
    this.at++;
  }

  #stringWithEscapes(start: number): string {
    const { bytes } = this;
    let text = "";
    let from = start;
    for (this.at = start; ; ) {
      const byte = bytes[this.at] as number;
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) {
        text += bytes.toString("utf8", from, this.at) + this.#escape();
        from = this.at;
      } else if (byte >= SPACE) this.at++;
      else this.#failInString();
    }
    text += bytes.toString("utf8", from, this.at);
    this.at++;
    return text;
  }

  /** Reads one escape. Halves of a surrogate pair come one by one and meet in the string. */
  #escape(): string {
    const kind = String.fromCharCode(this.bytes[this.at + 1] ?? 0);
    if (kind !== "u") {
      const plain = Object.hasOwn(ESCAPES, kind) ? ESCAPES[kind] : undefined;
      this.at++;
      if (plain === undefined) this.#failHere("no such escape");
      this.at++;
      return plain;
    }
    this.at += 2;
    let unit = 0;
    for (const end = this.at + 4; this.at < end; this.at++) {
      const digit = Number.parseInt(String.fromCharCode(this.bytes[this.at] ?? 0), 16);
      if (Number.isNaN(digit)) this.#failHere("a hexadecimal digit belongs here");
      unit = unit * 16 + digit;
    }
    return String.fromCharCode(unit);
  }

  #failInString(): never {
    const ended = this.at >= this.bytes.length;
    this.#failHere(ended ? "the bytes end inside a string" : "a control character stands inside a string");
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);

/** How many bytes at the end begin a character without ending it. */
function cutCharacter(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < FIRST_NON_ASCII) return 0;
    if (byte >= 0xc0) return byte >= (back === 1 ? 0xc0 : back === 2 ? 0xe0 : 0xf0) ? back : 0;
  }
  return 0;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && (byte ^ ZERO) < 10;
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function shown(byte: number): string {
  return `"${String.fromCharCode(byte)}"`;
}
