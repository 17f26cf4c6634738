import { QueryError } from "../../errors.ts";
import { shown } from "../../time.ts";

const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Words that some version of Loki reads as something else where a label may stand.
 *
 * @see Loki, `pkg/logql/syntax/lex.go`
 */
const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "and bool by decolorize distinct drop group_left group_right ignoring json keep label_format label_replace " +
    "line_format logfmt of offset on or pattern regexp unless unpack unwrap variants vector without"
  ).split(" "),
);

/** Whether `name` can stand in LogQL as a label, which has no quoted form. */
export const isLabel = (name: string): boolean => LABEL.test(name) && !KEYWORDS.has(name);

// Control characters and a byte order mark cannot stand raw, and U+FFFD is what broken UTF-8 reads as.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped here
const SPECIAL = /["\\\u0000-\u001f\u007f\ufeff\ufffd]/g;
const SHORT: Readonly<Record<string, string>> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * A LogQL string literal that denotes exactly `text`: the one way from a user's text into a query.
 *
 * @throws {QueryError} `code: "string"` when UTF-8 cannot hold the text
 */
export function quote(text: string): string {
  checkText(text, "LogQL");
  return `"${text.replace(SPECIAL, (c) => SHORT[c] ?? `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
}

/**
 * Refuses what is no text that UTF-8 can hold; `what` names it in the error.
 *
 * @throws {QueryError} `code: "string"`
 */
export function checkText(text: unknown, what: string): void {
  if (typeof text !== "string") throw new QueryError("string", `${what}: text is wanted, not ${shown(text)}`);
  if (!text.isWellFormed()) {
    throw new QueryError("string", `${what}: ${shown(text)} holds half a surrogate pair, which no line can hold`);
  }
}

/** An RE2 pattern that matches `text` and nothing else. */
export const escapePattern = (text: string): string => text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
