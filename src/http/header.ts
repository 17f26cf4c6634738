import { QueryError } from "../errors.ts";

/** RFC 9110, 5.6.2: a token. */
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
/** RFC 9110, 5.5: visible ASCII, obs-text, space and tab. Above all no CR, LF or NUL. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** These frame the message or belong to the connection; a wrong one would let a second request in. */
const FRAMING: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Whether `value` can be sent as a header's value. */
export function isHeaderValue(value: string): boolean {
  return VALUE.test(value);
}

/** All three forms of an HTTP date begin with the day's name (RFC 9110, 5.6.7). */
const HTTP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /;

/** Epoch milliseconds of an HTTP date; `undefined` for what is none. */
export function httpDateMs(text: string | undefined): number | undefined {
  if (text === undefined || !HTTP_DATE.test(text)) return undefined;
  // The asctime form names no zone and means UTC.
  const ms = Date.parse(text.endsWith("GMT") ? text : `${text} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}

/**
 * Headers with lower-case names, each fit to be sent.
 *
 * @param where what to call them in the error, such as `"prometheus: headers"`
 * @throws {QueryError} `code: "config"`; the message never shows a value, which may be a credential
 */
export function readHeaders(
  headers: Readonly<Record<string, string>>,
  where: string,
): Readonly<Record<string, string>> {
  const read = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase();
    const problem = problemOf(key, value) ?? (read.has(key) ? "is given twice; keep one spelling" : undefined);
    if (problem !== undefined) throw new QueryError("config", `${where}: ${JSON.stringify(name)} ${problem}`);
    read.set(key, value);
  }
  return Object.freeze(Object.fromEntries(read));
}

function problemOf(name: string, value: unknown): string | undefined {
  if (!NAME.test(name)) return 'is not a header name; write letters, digits and "-"';
  if (FRAMING.has(name)) return "is set by the client itself; leave it out";
  if (typeof value !== "string") return "has a value that is not text; write a string";
  if (!isHeaderValue(value)) return "has a value with a line break, a control character or a character beyond Latin-1";
  return undefined;
}
