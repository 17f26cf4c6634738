import { QueryError } from "../errors.ts";
import { durationMs, formatDuration, type Instant, instantMs, shown } from "../time.ts";
import type { Expr } from "./ast.ts";
import { parse } from "./parser.ts";
import { print } from "./printer.ts";
import { escapePattern, quote } from "./quote.ts";

/**
 * What may stand in a hole of {@link promql}: text or a list of texts, a number, an instant, an expression, or a query
 * that has one.
 */
export type Hole = Date | Expr | number | readonly string[] | string | { readonly expr: Expr };

/**
 * The tree of a PromQL text whose holes are values, never syntax.
 *
 * What a hole holds is said by where it stands. Behind `[`, `:` and `offset` it is a duration such as `"5m"`; behind
 * `@` an instant, numbers in epoch milliseconds; behind `=~` and `!~` text that is matched literally, or a list of such;
 * everywhere else text is a quoted literal and an expression or a query is itself, in parentheses where it needs them.
 *
 * @throws {QueryError} `code: "promql"` for a hole inside quotes or a comment, or a value that cannot stand there
 * @throws {PromqlSyntaxError} where the whole is no PromQL
 * @example
 * print(promql`sum by (job) (rate(http_requests_total{job=${'a"b'}}[${"5m"}]))`)
 * // sum by (job) (rate(http_requests_total{job="a\"b"}[5m]))
 */
export function promql(text: TemplateStringsArray, ...holes: readonly Hole[]): Expr {
  // Escapes are PromQL's own, but for the two without which a template could not hold a backquote or a dollar.
  const [first = "", ...rest] = text.raw.map((part) => part.replace(/\\(?=[`$])/g, ""));
  let whole = first;
  for (const [i, part] of rest.entries()) {
    // Blanks keep what is filled in from running together with what stands beside it.
    whole += ` ${filled(holes[i], placeAfter(whole))} ${part}`;
  }
  return parse(whole);
}

/** Where a hole stands, as far as it says what may fill it. */
type Place = "comment" | "duration" | "instant" | "pattern" | "quotes" | "value";

/** One pass over the text before a hole: literals and comments hold no syntax. */
const PIECE = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|#[^\n]*(?:\n|$)|["'`]|[^"'`#]+/gs;

function placeAfter(text: string): Place {
  let code = "";
  for (const [piece] of text.matchAll(PIECE)) {
    if (piece === '"' || piece === "'" || piece === "`") return "quotes";
    if (piece.startsWith("#") && !piece.endsWith("\n")) return "comment";
    code += /^["'`#]/.test(piece) ? " _ " : piece;
  }
  if (/\[[^\]]*$/.test(code) || /\boffset\s*[-+]?\s*$/i.test(code)) return "duration";
  if (/@\s*$/.test(code)) return "instant";
  return /[=!]~\s*$/.test(code) ? "pattern" : "value";
}

function filled(hole: Hole | undefined, place: Place): string {
  switch (place) {
    case "quotes":
      throw refuse(hole, "stands inside quotes; leave the quotes out, since text is quoted here");
    case "comment":
      throw refuse(hole, "stands inside a comment; end the line before it");
    case "duration":
      return formatDuration(durationMs(hole, "promql"));
    case "instant":
      return String(instantMs(hole as Instant, "promql: @") / 1000);
    case "pattern":
      return patternText(hole);
    case "value":
      return valueText(hole);
  }
}

function patternText(hole: Hole | undefined): string {
  const texts = typeof hole === "string" ? [hole] : hole;
  if (!isTexts(texts))
    throw refuse(hole, "is no text; behind =~ write a text or a list of texts, each matched literally");
  return quote(texts.map(escapePattern).join("|"));
}

function valueText(hole: Hole | undefined): string {
  if (typeof hole === "string") return quote(hole);
  if (typeof hole === "number") return hole < 0 || Object.is(hole, -0) ? `(${numberText(hole)})` : numberText(hole);
  if (isTexts(hole)) throw refuse(hole, "is a list, which stands behind =~ or !~ only");
  const expr = typeof hole === "object" && hole !== null && "expr" in hole && !("kind" in hole) ? hole.expr : hole;
  if (typeof expr !== "object" || expr === null || !("kind" in expr)) {
    throw refuse(hole, "cannot stand here; write a text, a number, an expression or a query");
  }
  const text = print(expr);
  return expr.kind === "binary" || expr.kind === "unary" || expr.kind === "number" ? `(${text})` : text;
}

const numberText = (value: number): string => print({ kind: "number", value });

const isTexts = (hole: unknown): hole is readonly string[] =>
  Array.isArray(hole) && hole.every((one) => typeof one === "string");

const refuse = (hole: unknown, why: string): QueryError =>
  new QueryError("promql", `promql: the value ${shown(hole)} ${why}`);
