import { AccessLogEntry, type Unparsed, unparsed } from "./entry.ts";
import { isProtocol } from "./istio-scan.ts";
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
 * const parse = accessLogParser({ formats: ["%REQ(:METHOD)% %RESPONSE_CODE% %REQ(X-TENANT)%\n"] });
 * const entry = parse("GET 200 acme");
 * entry.kind !== "unparsed" && entry.extra // {"REQ(X-TENANT)":"acme"}
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

/** Compiles an Envoy format string; see {@link compileFormat}. `scan` is its strict reading where that is written by hand. */
export function textPlan(format: string, scan?: StrictScan): TextPlan {
  const layout = textLayout(format);
  const places = placesOf(layout);
  const strict = scan ?? strictScan(layout);
  return {
    strictly: (line) => {
      const ends = strict(line);
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
type Way = "digits" | "protocol" | "time" | "to-end" | "until" | "until-without-quote";

/** The ends of all values of a line, if there is but one way to read it. */
type StrictScan = (line: string) => number[] | undefined;

/**
 * Compiles the strict reading of a format.
 *
 * No value holds a quote, none outside of quotes holds a space, and one within shares its quotes with none that could.
 * Hence each quote of the line belongs to the format, and so does each space outside of quotes. A format that parts its
 * fields by other characters has no strict reading.
 */
export function strictScan({ literals, operators }: TextLayout): StrictScan {
  const ways = operators.map((operator, i) => wayOf(operator, literals[i] ?? "", literals[i + 1] ?? ""));
  if (ways.includes(undefined)) return () => undefined;
  const first = literals[0] ?? "";
  return (line) => {
    if (!line.startsWith(first)) return undefined;
    const ends = new Array<number>(operators.length);
    let at = first.length;
    for (let i = 0; i < ways.length; i++) {
      const literal = literals[i + 1] as string;
      const end = strictEnd(line, at, ways[i] as Way, literal.charAt(0));
      if (end === -1 || !line.startsWith(literal, end)) return undefined;
      ends[i] = end;
      at = end + literal.length;
    }
    return at === line.length ? ends : undefined;
  };
}

/** Where the value that starts at `start` ends; -1 if there may be a second way to read it. */
function strictEnd(line: string, start: number, way: Way, stop: string): number {
  if (way === "digits") {
    let end = start;
    let code = line.charCodeAt(end);
    if (code === 45) return end + 1;
    while (code >= 48 && code <= 57) code = line.charCodeAt(++end);
    return end;
  }
  if (way === "to-end") return line.includes(" ", start) || line.includes('"', start) ? -1 : line.length;
  const end = line.indexOf(stop, start);
  switch (way) {
    case "until":
      return end;
    case "until-without-quote": {
      const quote = line.indexOf('"', start);
      return quote !== -1 && quote < end ? -1 : end;
    }
    case "protocol":
      return isProtocol(line, start, end) ? end : -1;
    case "time":
      return end - start === 24 && line.charAt(start + 10) === "T" && line.charAt(start + 23) === "Z" ? end : -1;
  }
}

function wayOf({ shape, timeFormat }: Operator, before: string, after: string): Way | undefined {
  const stop = after.charAt(0);
  const alone = before.endsWith('"') && stop === '"';
  switch (shape) {
    case "number":
      return "digits";
    case "time":
      if (timeFormat === undefined) return / |"|\]|\t/.test(stop) ? "time" : undefined;
      return (alone || stop === "]") && !timeFormat.includes(stop) ? "until" : undefined;
    case "protocol":
      return stop === " " || stop === '"' ? "protocol" : undefined;
    case "details":
    case "token":
      if (stop === "") return after === "" ? "to-end" : undefined;
      return alone ? "until" : stop === " " ? "until-without-quote" : undefined;
    case "any":
      if (stop === "") return "to-end";
      return alone ? "until" : stop === " " ? "until-without-quote" : undefined;
  }
}
