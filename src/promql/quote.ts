const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/**
 * Words that PromQL reads as something else than a name where a metric or a grouping label may stand.
 *
 * @see Prometheus, `promql/parser/lex.go`
 */
export const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "and anchored atan2 avg bool bottomk by count count_values end fill fill_left fill_right group group_left " +
    "group_right ignoring inf limit_ratio limitk max max_of min min_of nan offset on or quantile range smoothed start stddev " +
    "stdvar step sum topk unless without"
  ).split(" "),
);

/** Whether `name` can stand before the braces as it is. */
export const isPlainMetric = (name: string): boolean => METRIC.test(name) && !KEYWORDS.has(name.toLowerCase());

/** Whether `name` is a metric name of the classic alphabet, which every version of Prometheus takes. */
export const isClassicMetric = (name: string): boolean => METRIC.test(name);

/** Whether `name` can stand as a label without quotes. */
export const isPlainLabel = (name: string): boolean => LABEL.test(name);

/** Whether every surrogate in `text` has its other half, so that the text can be UTF-8. */
export const isWellFormed = (text: string): boolean => text.isWellFormed();

// Control characters cannot stand raw, and U+FFFD is what Prometheus's lexer takes for broken UTF-8.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped here
const SPECIAL = /["\\\u0000-\u001f\u007f\ufffd]/;
const ALL_SPECIAL = new RegExp(SPECIAL, "g");
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\ufffd": "\\ufffd",
};

const escaped = (char: string): string => SHORT[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;

/** A PromQL string literal that denotes exactly `text`: the one way from a user's text into a query. */
export function quote(text: string): string {
  return SPECIAL.test(text) ? `"${text.replace(ALL_SPECIAL, escaped)}"` : `"${text}"`;
}

/** A label name as it stands in matchers and groupings: plain, or in Prometheus 3's quoted form. */
export function quoteLabel(name: string): string {
  return isPlainLabel(name) ? name : quote(name);
}

/** A label name in `by`, `without`, `on` and `ignoring`, where `inf` and `nan` would be numbers. */
export function quoteGroupingLabel(name: string): string {
  return isPlainLabel(name) && !/^(?:inf|nan)$/i.test(name) ? name : quote(name);
}

/** An RE2 pattern that matches `text` and nothing else. */
export function escapePattern(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}
