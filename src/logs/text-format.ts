import { AccessLogEntry, type Unparsed, unparsed } from "./entry.ts";
import { FIELD, type Field } from "./fields.ts";
import type { Operator } from "./operator.ts";
import { placesOf, TextFields } from "./text-fields.ts";
import { type TextLayout, textLayout } from "./text-layout.ts";
import { readAnyLine } from "./text-reading.ts";

/** Reads one line of a log. Never throws. */
export type LineParser = (line: string) => AccessLogEntry | Unparsed;

/**
 * Compiles an Envoy format string into a parser of the lines it makes.
 *
 * Any operator is tolerated: those that no field of an entry stands for are left to `extra`, by their text. Operators
 * without anything between them cannot be told apart and are left there as one.
 *
 * @throws {QueryError} `code: "config"` when the text is no format string, or has no operator at all
 * @see Envoy, access log command operators
 * @example
 * compileFormat("%REQ(:METHOD)% %RESPONSE_CODE% %REQ(X-TENANT)%\n")("GET 200 acme").extra
 * // { "REQ(X-TENANT)": "acme" }
 */
export function compileFormat(format: string): LineParser {
  const plan = textPlan(format);
  return (line) => {
    const text = withoutLineEnd(line);
    return plan.strictly(text) ?? plan.leniently(text);
  };
}

/** The line without the line feed, and carriage return, that ends it. */
export function withoutLineEnd(line: string): string {
  let end = line.length;
  if (line.charCodeAt(end - 1) === 10) end--;
  if (line.charCodeAt(end - 1) === 13) end--;
  return end === line.length ? line : line.slice(0, end);
}

/** A compiled format string. */
export interface TextPlan {
  /**
   * The entry of a line in which quotes and spaces are where the format has them and nowhere else: there is no second
   * way to read it. `undefined` of any other line.
   */
  strictly(line: string): AccessLogEntry | undefined;
  /** The entry of any line of the format, marked where there is a second way to read it. */
  leniently(line: string): AccessLogEntry | Unparsed;
}

/** Compiles an Envoy format string; see {@link compileFormat}. */
export function textPlan(format: string): TextPlan {
  const layout = textLayout(format);
  const places = placesOf(layout);
  const scan = strictScan(layout);
  return {
    strictly: (line) => {
      const ends = scan(line);
      return ends === undefined ? undefined : new AccessLogEntry(new TextFields(line, ends, places), { raw: line });
    },
    leniently: (line) => {
      const reading = readAnyLine(line, layout);
      if (typeof reading === "string") return unparsed(line, reading);
      const { ends, suspicious } = reading;
      return new AccessLogEntry(new TextFields(line, ends, places), { raw: line, suspicious });
    },
  };
}

/** How the strict reading takes a value, by operator. */
const DIGITS = 0;
const UNTIL = 1;
const UNTIL_WITHOUT_QUOTE = 2;
const PROTOCOL = 3;
const TIME = 4;
const TO_END = 5;

const DASH = 45;

/** One value and the literal after it. */
interface Step {
  readonly way: number;
  readonly width: number;
  readonly stop: number;
  readonly stopText: string;
  readonly second: number;
  readonly third: number;
  readonly rest: string;
  readonly oftenNothing: boolean;
}

const stepOf = (way: number, { field }: Operator, literal: string): Step => ({
  way,
  width: literal.length,
  stop: literal.charCodeAt(0),
  stopText: literal.charAt(0),
  second: literal.charCodeAt(1),
  third: literal.charCodeAt(2),
  rest: literal.slice(3),
  oftenNothing: literal !== "" && OFTEN_NOTHING.has(field),
});

const OFTEN_NOTHING: ReadonlySet<Field | undefined> = new Set([
  FIELD.flags,
  FIELD.terminationDetails,
  FIELD.transportFailure,
  FIELD.forwardedFor,
  FIELD.serverName,
]);

/**
 * A function that gives the ends of all values of a line, if there is but one way to read it.
 *
 * No value holds a quote, none outside of quotes holds a space, and one within shares its quotes with none that could.
 * Hence each quote of the line belongs to the format, and so does each space outside of quotes. A format that parts its
 * fields by other characters has no strict reading.
 */
function strictScan({ literals, operators }: TextLayout): (line: string) => number[] | undefined {
  const ways = operators.map((operator, i) => wayOf(operator, literals[i] ?? "", literals[i + 1] ?? ""));
  if (ways.includes(undefined)) return () => undefined;
  const count = operators.length;
  const first = literals[0] ?? "";
  const steps = operators.map((operator, i) => stepOf(ways[i] as number, operator, literals[i + 1] ?? ""));

  return (line) => {
    if (!line.startsWith(first)) return undefined;
    const ends = new Array<number>(count);
    let at = first.length;
    for (let i = 0; i < count; i++) {
      const { way, width, stop, stopText, second, third, oftenNothing, rest } = steps[i] as Step;
      let end = at;
      if (way === DIGITS) {
        let code = line.charCodeAt(at);
        if (code === DASH) code = line.charCodeAt(++end);
        else while (code >= 48 && code <= 57) code = line.charCodeAt(++end);
        if (code !== stop && width > 0) return undefined;
      } else if (oftenNothing && line.charCodeAt(at + 1) === stop && line.charCodeAt(at) === DASH) {
        end++;
      } else if (way === TO_END) {
        if (line.indexOf(" ", at) !== -1 || line.indexOf('"', at) !== -1) return undefined;
        end = line.length;
      } else if (way === TIME && line.charCodeAt(at + 24) === stop && line.charCodeAt(at + 23) === 90) {
        end = at + 24;
      } else {
        end = line.indexOf(stopText, at);
        if (end === -1) return undefined;
        if (way === PROTOCOL) {
          if (!isProtocol(line, at, end)) return undefined;
        } else if (way === UNTIL_WITHOUT_QUOTE) {
          const quote = line.indexOf('"', at);
          if (quote !== -1 && quote < end) return undefined;
        } else if (way === TIME && (end - at < 20 || line.charCodeAt(at + 10) !== 84)) {
          return undefined;
        }
      }
      ends[i] = end;
      if (width > 1) {
        if (line.charCodeAt(end + 1) !== second) return undefined;
        if (width > 2 && line.charCodeAt(end + 2) !== third) return undefined;
        if (width > 3 && !line.startsWith(rest, end + 3)) return undefined;
      }
      at = end + width;
    }
    return at === line.length ? ends : undefined;
  };
}

/** `-`, nothing, or `HTTP/` and what is no longer than a version. */
const isProtocol = (line: string, start: number, end: number): boolean =>
  end === start ||
  (end === start + 1 && line.charCodeAt(start) === 45) ||
  (end <= start + 8 && line.charCodeAt(start + 4) === 47 && line.charCodeAt(start) === 72);

function wayOf({ shape, timeFormat }: Operator, before: string, after: string): number | undefined {
  const stop = after.charAt(0);
  const alone = before.endsWith('"') && stop === '"';
  switch (shape) {
    case "number":
      return DIGITS;
    case "time":
      if (timeFormat === undefined) return / |"|\]|\t/.test(stop) ? TIME : undefined;
      return (alone || stop === "]") && !timeFormat.includes(stop) ? UNTIL : undefined;
    case "protocol":
      return stop === " " || stop === '"' ? PROTOCOL : undefined;
    case "details":
    case "token":
      if (stop === "") return after === "" ? TO_END : undefined;
      return stop === " " || alone ? UNTIL : undefined;
    case "any":
      if (stop === "") return TO_END;
      return alone ? UNTIL : stop === " " ? UNTIL_WITHOUT_QUOTE : undefined;
  }
}
