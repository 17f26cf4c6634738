/** Where a number or a duration ends, and which of both it is; neither where the characters make none. */
export interface ScannedNumber {
  readonly kind: "duration" | "number" | undefined;
  readonly end: number;
}

/**
 * Finds the end of a number or duration that starts at `start`. What it takes for a number need not be one: `08.5e` ends
 * where Prometheus ends it too, and is refused when its value is read.
 *
 * @see Prometheus, `promql/parser/lex.go`, whose rules these are down to `0x1e` that only stands before a blank
 */
export function scanNumberOrDuration(text: string, start: number): ScannedNumber {
  let at = start;
  while (isDigit(text.charCodeAt(at))) at++;
  // Most numbers are plain digits, and most durations are digits and one unit.
  if (at > start && !/[\w.]/.test(text.charAt(at)) && text.charCodeAt(start) !== 0x30)
    return { kind: "number", end: at };
  const scan = new Scan(text, start);
  if (scan.number()) return { kind: "number", end: scan.at };
  if (scan.durationUnits()) return { kind: "duration", end: scan.at };
  return { kind: undefined, end: Math.max(scan.at, start + 1) };
}

class Scan {
  readonly #text: string;
  at: number;

  constructor(text: string, start: number) {
    this.#text = text;
    this.at = start;
  }

  number(): boolean {
    const start = this.at;
    let digit: (c: string) => boolean = isDecimal;
    let hex = false;
    if (this.#accept("0") && this.#accept("xX")) {
      this.#accept("_");
      digit = isHex;
      hex = true;
    }
    this.#accept(".");
    if (digit(this.#peek())) this.at++;
    let dot = false;
    let exponent = false;
    for (;;) {
      const c = this.#peek();
      if (c === ".") {
        this.at++;
        if (dot || hex || this.#accept("_.")) return false;
        dot = true;
      } else if (c === "e" || c === "E") {
        this.at++;
        if (exponent) return false;
        exponent = true;
        this.#accept("+-");
        if (this.#accept("._eE") || this.#peek() === "") return false;
      } else if (c === "_") {
        this.at++;
        if (this.#accept("._eE") || this.#peek() === "") return false;
      } else if (digit(c)) {
        while (digit(this.#peek())) this.at++;
      } else break;
    }
    return this.at > start && !/\w/.test(this.#peek());
  }

  /** The units and digits of a duration whose first digits have been read. */
  durationUnits(): boolean {
    if (!this.#accept("smhdwy")) return false;
    this.#accept("s");
    while (isDecimal(this.#peek())) {
      while (isDecimal(this.#peek())) this.at++;
      if (!this.#accept("smhdw")) return false;
      this.#accept("s");
    }
    return !/\w/.test(this.#peek());
  }

  #peek(): string {
    return this.#text.charAt(this.at);
  }

  #accept(characters: string): boolean {
    const c = this.#peek();
    if (c === "" || !characters.includes(c)) return false;
    this.at++;
    return true;
  }
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isDecimal = (c: string): boolean => c >= "0" && c <= "9" && c.length === 1;
const isHex = (c: string): boolean => /^[\da-fA-F]$/.test(c);
