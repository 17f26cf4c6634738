/** Digits after the point that a quotient without an end is rounded to. */
const DIGITS = 20;

/** A number in decimal: exact where binary fractions are not, so that 1 - 0.9995 is 0.0005. */
export class Decimal {
  /** The value is `units` divided by 10 to the power of `scale`. */
  readonly #units: bigint;
  readonly #scale: number;

  constructor(units: bigint, scale: number) {
    this.#units = units;
    this.#scale = scale;
    Object.freeze(this);
  }

  /** The number that is written so: `0.999`, `"0.999"`, `"99.9%"`; `undefined` for anything else. */
  static read(given: unknown): Decimal | undefined {
    if (typeof given !== "number" && typeof given !== "string") return undefined;
    const [, sign = "", whole = "", fraction = "", exponent = "0", percent] =
      /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?(%?)$/.exec(String(given)) ?? [];
    if (whole === "") return undefined;
    const scale = fraction.length - Number(exponent) + (percent === "%" ? 2 : 0);
    const units = BigInt(`${sign}${whole}${fraction}`);
    return scale < 0 ? new Decimal(units * 10n ** BigInt(-scale), 0) : new Decimal(units, scale);
  }

  minus(other: Decimal): Decimal {
    const scale = Math.max(this.#scale, other.#scale);
    return new Decimal(this.#at(scale) - other.#at(scale), scale);
  }

  times(other: Decimal): Decimal {
    return new Decimal(this.#units * other.#units, this.#scale + other.#scale);
  }

  /** The quotient of positive numbers, rounded half up where it has no end. */
  dividedBy(other: Decimal): Decimal {
    const scale = this.#scale + DIGITS;
    const divisor = other.#units;
    const dividend = this.#at(scale + other.#scale);
    return new Decimal((2n * dividend + divisor) / (2n * divisor), scale);
  }

  /** The nearest number, which prints as this one does. */
  get value(): number {
    return Number(this.toString());
  }

  /** Without zeros that say nothing: `0.0144`. */
  toString(): string {
    const digits = String(this.#units < 0n ? -this.#units : this.#units).padStart(this.#scale + 1, "0");
    const point = digits.length - this.#scale;
    const fraction = digits.slice(point).replace(/0+$/, "");
    return `${this.#units < 0n ? "-" : ""}${digits.slice(0, point)}${fraction === "" ? "" : `.${fraction}`}`;
  }

  #at(scale: number): bigint {
    return this.#units * 10n ** BigInt(scale - this.#scale);
  }
}
