import { parseDuration } from "../time.ts";

const PLAIN = /^(?:0|[1-9]\d{0,14})(?:\.\d+)?$/;
const OCTAL = /^0[0-7_]*$/;
const HEX = /^0[xX][\da-fA-F_]+$/;
const INFINITE = /^inf$/i;
const FLOAT = /^(?:\d[\d_]*\.?[\d_]*|\.[\d_]+)(?:[eE][+-]?[\d_]+)?$/;
const LARGEST = 2n ** 63n - 1n;

/**
 * The value of a number as PromQL writes it: decimal, hexadecimal, octal after a leading zero, with underscores between
 * digits, `Inf` or `NaN` in any case; `undefined` for what is none, or is too large for a double.
 *
 * @see Prometheus, `promql/parser/parse.go`: Go's `ParseInt` with base 0, then its `ParseFloat`
 */
export function readNumber(text: string): number | undefined {
  if (PLAIN.test(text)) return Number(text);
  if (INFINITE.test(text)) return Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (!underscoresSeparateDigits(text)) return undefined;
  const digits = text.replaceAll("_", "");
  if (HEX.test(text)) return whole(BigInt(digits));
  if (OCTAL.test(text) && digits.length > 1) return whole(BigInt(`0o${digits.slice(1)}`)) ?? Number(digits);
  if (!FLOAT.test(text)) return undefined;
  const value = Number(digits);
  return Number.isFinite(value) ? value : undefined;
}

/** A whole number of 64 bits; anything longer is read as a decimal, if it is one. */
const whole = (value: bigint): number | undefined => (value <= LARGEST ? Number(value) : undefined);

/** Go takes an underscore between two digits, and one behind `0x` or the zero of an octal number. */
function underscoresSeparateDigits(text: string): boolean {
  if (!text.includes("_")) return true;
  const number = /^0[xX]/.test(text) ? `0${text.slice(2)}` : text;
  return !/(?:^|[^\da-fA-F])_|_(?:[^\da-fA-F]|$)/.test(number);
}

/** The seconds of a duration such as `1h30m`, as Go's `Duration.Seconds` gives them; `undefined` for what is none. */
export function readSeconds(text: string): number | undefined {
  const ms = parseDuration(text);
  if (ms === undefined) return undefined;
  return Math.floor(ms / 1000) + ((ms % 1000) * 1e6) / 1e9;
}

const SHORT: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

/** What is wrong with a string, and where in it. */
export interface StringFault {
  readonly at: number;
  readonly length: number;
  readonly reason: string;
}

const ESCAPE = /\\(?:([abfnrtv\\"'])|x([\da-fA-F]{2})|([0-7]{3})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))|\\|[^\\]+/g;

/**
 * The text that stands between two quotes with its escapes resolved. `\x` and octal escapes are bytes of UTF-8, `\u` and
 * `\U` code points.
 *
 * @see The Go Programming Language Specification, "String literals"
 */
export function unescaped(body: string, quote: string): string | StringFault {
  let text = "";
  /** The bytes that `\x` and octal escapes have said and that are not yet text. */
  let bytes: number[] = [];
  for (const match of body.matchAll(ESCAPE)) {
    const [token, short, hex, octal, code16, code32] = match;
    const fault = (reason: string): StringFault => ({ at: match.index, length: token.length, reason });
    if (hex !== undefined || octal !== undefined) {
      const byte = hex === undefined ? Number.parseInt(octal ?? "", 8) : Number.parseInt(hex, 16);
      if (byte > 255) return fault(`${token} is more than a byte; octal escapes end at \\377`);
      bytes.push(byte);
      continue;
    }
    if (bytes.length > 0) {
      const decoded = decode(bytes);
      if (decoded === undefined) return fault(NO_UTF8);
      text += decoded;
      bytes = [];
    }
    if (token === "\\") return { at: match.index, length: 2, reason: unknownEscape(body.slice(match.index)) };
    if (short !== undefined) {
      if ((short === '"' || short === "'") && short !== quote) return fault(`\\${short} is no escape between ${quote}`);
      text += SHORT[short];
    } else if (code16 !== undefined || code32 !== undefined) {
      const code = Number.parseInt(code16 ?? code32 ?? "", 16);
      if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return fault(`${token} is no Unicode character`);
      text += String.fromCodePoint(code);
    } else text += token;
  }
  if (bytes.length === 0) return text;
  const decoded = decode(bytes);
  return decoded === undefined ? { at: 0, length: body.length, reason: NO_UTF8 } : text + decoded;
}

const NO_UTF8 = "the bytes that \\x and octal escapes give here are no UTF-8, and so no text";

function decode(bytes: readonly number[]): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}

function unknownEscape(rest: string): string {
  const [token = "\\"] = /^\\(?:x.{0,2}|u.{0,4}|U.{0,8}|[0-7]{1,2}|.?)/su.exec(rest) ?? [];
  return `${token} is no escape; a backslash itself is \\\\`;
}
