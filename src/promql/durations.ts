import { readNumber, readSeconds } from "./literals.ts";
import type { Tokens } from "./tokens.ts";

/** Prometheus keeps durations as signed 64-bit nanoseconds. */
const LONGEST_SECONDS = 2 ** 63 / 1e9;
/** How many parentheses and signs may stand within one another in a duration. */
const DEEPEST = 100;

/** A length of time that was reckoned, or stands there as one number. */
interface Length {
  readonly seconds: number;
  readonly literal: boolean;
}

/** How long the query is that a text is for, and how far its steps are apart; both are 0 at an instant. */
export interface QueryLength {
  readonly rangeMs: number;
  readonly stepMs: number;
}

/**
 * Reads ranges, steps and offsets: durations, numbers of seconds, and Prometheus 3's arithmetic over them, which is
 * reckoned at once. What depends on the query's own step or range is refused by name where that is not known.
 *
 * @see Prometheus, `promql/parser/generated_parser.y`, `duration_expr`, and `promql/durations.go`
 */
export class DurationReader {
  readonly #tokens: Tokens;
  readonly #query: QueryLength | undefined;
  #depth = 0;

  constructor(tokens: Tokens, query: QueryLength | undefined) {
    this.#tokens = tokens;
    this.#query = query;
  }

  /** Milliseconds of a range or step within brackets. */
  span(): number {
    const start = this.#tokens.start;
    const length = this.#sum(0);
    if (!(length.seconds > 0)) this.#refuse(start, "a range or step is longer than 0", "write one such as 5m");
    const ms = this.#milliseconds(length, start);
    if (ms === 0) this.#refuse(start, "no range or step is shorter than a millisecond", "write at least 1ms");
    return ms;
  }

  /** Milliseconds behind `offset`: one term, so that `a offset 5m + 1` stays a sum. */
  offset(): number {
    const start = this.#tokens.start;
    return this.#milliseconds(this.#offset(), start);
  }

  /** The instant behind `@` in milliseconds. */
  instant(): number {
    const tokens = this.#tokens;
    const start = tokens.start;
    const sign = tokens.kind === "-" ? -1 : 1;
    if (tokens.kind === "-" || tokens.kind === "+") tokens.advance();
    if (tokens.kind !== "number" && tokens.kind !== "duration") {
      tokens.unexpected("an instant", "write seconds since 1970 such as @ 1700000000, @ start() or @ end()");
    }
    const seconds = sign * this.literal();
    // Halves are rounded away from zero there.
    const ms = Math.sign(seconds) * Math.round(Math.abs(seconds) * 1000);
    if (!Number.isSafeInteger(ms)) this.#refuse(start, "@ takes an instant that milliseconds can tell exactly");
    return ms + 0;
  }

  /** The number, or the seconds of the duration, at hand. */
  literal(): number {
    const { kind, value, start } = this.#tokens;
    const read = kind === "number" ? readNumber(value) : readSeconds(value);
    this.#tokens.advance();
    if (read !== undefined) return read;
    if (kind === "number") this.#refuse(start, `${value} is no number`, "or it is too large for one");
    return this.#refuse(
      start,
      `${value} is no duration`,
      "each of y w d h m s ms stands at most once, in this order, and all within 292 years",
    );
  }

  #offset(): Length {
    const tokens = this.#tokens;
    const sign = tokens.kind;
    if (sign === "+" || sign === "-") {
      tokens.advance();
      // Behind a second sign the first belongs to a reckoning, which then goes on.
      if (tokens.kind === "+" || tokens.kind === "-") return this.#more(negated(this.#operand(), sign), 0);
      return negated(this.#operand(), sign);
    }
    return tokens.kind === "(" ? this.#sum(0) : this.#operand();
  }

  #sum(least: number): Length {
    if (++this.#depth > DEEPEST) this.#refuse(this.#tokens.start, "the duration is nested too deeply");
    const length = this.#more(this.#operand(), least);
    this.#depth--;
    return length;
  }

  #more(first: Length, least: number): Length {
    const tokens = this.#tokens;
    let left = first;
    for (;;) {
      const { kind, precedence, start } = tokens;
      if (precedence < Math.max(least, 4) || kind === "atan2") return left;
      tokens.advance();
      const right = this.#sum(kind === "^" ? precedence : precedence + 1);
      if ((kind === "/" || kind === "%") && right.seconds === 0) this.#refuse(start, "a duration is divided by zero");
      left = { seconds: reckon(kind, left.seconds, right.seconds), literal: false };
    }
  }

  #operand(): Length {
    const tokens = this.#tokens;
    const { kind, start } = tokens;
    if (kind === "+" || kind === "-") {
      tokens.advance();
      return negated(this.#sum(6), kind);
    }
    if (kind === "number" || kind === "duration") {
      const seconds = this.literal();
      if (Math.abs(seconds) > LONGEST_SECONDS) this.#refuse(start, "no duration is longer than 292 years");
      return { seconds, literal: true };
    }
    if (kind === "(") {
      tokens.advance();
      const { seconds } = this.#sum(0);
      tokens.expect(")");
      return { seconds, literal: false };
    }
    if (kind === "keyword") return this.#word(tokens.value);
    return tokens.unexpected("a duration", "write one such as 5m, or a number of seconds");
  }

  #word(word: string): Length {
    const tokens = this.#tokens;
    const { start } = tokens;
    if (word !== "step" && word !== "range" && word !== "max_of" && word !== "min_of") {
      tokens.unexpected("a duration", "write one such as 5m, or a number of seconds");
    }
    tokens.advance();
    tokens.expect("(");
    if (word === "step" || word === "range") {
      tokens.expect(")");
      const query = this.#query;
      if (query === undefined) {
        return tokens.refuse({
          code: "unsupported",
          reason: `${word}() as a duration is known only once the query runs`,
          hint: "write the duration itself, such as 1m, or say in the options which query the text is for",
          start,
          end: tokens.lastEnd,
        });
      }
      return { seconds: (word === "step" ? query.stepMs : query.rangeMs) / 1000, literal: false };
    }
    const { seconds: left } = this.#sum(0);
    tokens.expect(",");
    const { seconds: right } = this.#sum(0);
    tokens.expect(")");
    return { seconds: word === "max_of" ? Math.max(left, right) : Math.min(left, right), literal: false };
  }

  #milliseconds({ seconds, literal }: Length, start: number): number {
    if (!(Math.abs(seconds) <= LONGEST_SECONDS)) this.#refuse(start, "no duration is longer than 292 years");
    if (!literal) return Math.trunc(seconds * 1000) + 0;
    const nanoseconds = Math.sign(seconds) * Math.round(Math.abs(seconds) * 1e9);
    return Number.isSafeInteger(nanoseconds)
      ? Math.trunc(nanoseconds / 1e6) + 0
      : Number(BigInt(nanoseconds) / 1_000_000n);
  }

  #refuse(start: number, reason: string, hint?: string): never {
    const { lastEnd, end } = this.#tokens;
    return this.#tokens.refuse({ reason, hint, start, end: lastEnd > start ? lastEnd : end });
  }
}

const negated = ({ seconds, literal }: Length, sign: string): Length => ({
  seconds: sign === "-" ? -seconds : seconds,
  literal,
});

function reckon(op: string, left: number, right: number): number {
  switch (op) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "/":
      return left / right;
    case "%":
      return left % right;
    default:
      return left ** right;
  }
}
