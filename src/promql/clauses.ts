import type { Fill, Grouping, Matcher, Matching, MatchOp } from "./ast.ts";
import { buildMatcher } from "./build.ts";
import type { DurationReader } from "./durations.ts";
import type { TokenKind } from "./lexer.ts";
import { patternFault } from "./pattern.ts";
import { quoteLabel } from "./quote.ts";
import type { Tokens } from "./tokens.ts";

/** The matchers in the braces at hand. */
export function readMatchers(tokens: Tokens): Matcher[] {
  const matchers: Matcher[] = [];
  tokens.advance();
  while (tokens.kind !== "}") {
    matchers.push(readMatcher(tokens));
    if (tokens.kind !== ",") break;
    tokens.advance();
  }
  tokens.expect("}", "matchers are separated by commas, and values stand in quotes");
  return matchers;
}

function readMatcher(tokens: Tokens): Matcher {
  const { kind, value: label, start } = tokens;
  if (kind !== "name" && kind !== "string") tokens.unexpected("a label name", 'write matchers such as job="api"');
  tokens.advance();
  const op = tokens.kind;
  if (isMatchOp(op)) {
    tokens.advance();
    const { value, start: valueStart, end } = tokens;
    if (!tokens.is("string")) tokens.unexpected("a string", `write ${quoteLabel(label)}${op}"…", in quotes`);
    tokens.advance();
    const fault = op === "=~" || op === "!~" ? patternFault(value) : undefined;
    if (fault !== undefined) refusePattern(tokens, fault, valueStart, end);
    tokens.from = start;
    return buildMatcher(label, op, value, start, tokens.lastEnd);
  }
  if (kind === "name") tokens.unexpected("= != =~ or !~", `write ${quoteLabel(label)}="…"`);
  // A string alone is the metric's name.
  return buildMatcher("__name__", "=", label, start, tokens.lastEnd);
}

function refusePattern(tokens: Tokens, fault: string, start: number, end: number): never {
  const perl = /Perl syntax/.test(fault) ? ", which has no look-around" : "";
  const hint = "escapePattern() makes a pattern of any text";
  return tokens.refuse({ code: "pattern", reason: `this is no pattern of RE2${perl}: ${fault}`, hint, start, end });
}

const isMatchOp = (kind: TokenKind): kind is MatchOp => kind === "=" || kind === "!=" || kind === "=~" || kind === "!~";

/** `by (…)` or `without (…)`, if that is at hand. */
export function readGrouping(tokens: Tokens): Grouping | undefined {
  const kind = tokens.takeKeyword("by") ? "by" : tokens.takeKeyword("without") ? "without" : undefined;
  return kind === undefined ? undefined : Object.freeze({ kind, labels: readLabels(tokens, kind) });
}

/** What says, behind an operator, how the series of both sides find each other. */
export function readMatching(tokens: Tokens, durations: DurationReader): Matching | undefined {
  const kind = tokens.takeKeyword("on") ? "on" : tokens.takeKeyword("ignoring") ? "ignoring" : undefined;
  let matching: Matching | undefined;
  if (kind !== undefined) {
    const labels = readLabels(tokens, kind);
    const side = tokens.takeKeyword("group_left") ? "left" : tokens.takeKeyword("group_right") ? "right" : undefined;
    const include = side === undefined || tokens.kind !== "(" ? [] : readLabels(tokens, `group_${side}`);
    matching = side === undefined ? { kind, labels } : { kind, labels, group: { side, include } };
  }
  const fill = readFill(tokens, durations);
  return fill === undefined ? matching : { ...(matching ?? { kind: "ignoring", labels: [] }), fill };
}

/** `fill (0)`, or one or both of `fill_left (0)` and `fill_right (0)`, if that is at hand. */
function readFill(tokens: Tokens, durations: DurationReader): Fill | undefined {
  if (tokens.takeKeyword("fill")) {
    const value = readFillValue(tokens, durations);
    return { left: value, right: value };
  }
  let left: number | undefined;
  let right: number | undefined;
  for (;;) {
    if (left === undefined && tokens.takeKeyword("fill_left")) left = readFillValue(tokens, durations);
    else if (right === undefined && tokens.takeKeyword("fill_right")) right = readFillValue(tokens, durations);
    else break;
  }
  if (left === undefined && right === undefined) return undefined;
  return { ...(left !== undefined && { left }), ...(right !== undefined && { right }) };
}

function readFillValue(tokens: Tokens, durations: DurationReader): number {
  tokens.expect("(", "write the value that is filled in, as in fill (0)");
  const sign = tokens.kind === "-" ? -1 : 1;
  if (tokens.kind === "-" || tokens.kind === "+") tokens.advance();
  if (tokens.kind !== "number" && tokens.kind !== "duration") tokens.unexpected("a number", "write fill (0)");
  const value = sign * durations.literal();
  tokens.expect(")", "fill takes a single number");
  return value;
}

function readLabels(tokens: Tokens, of: string): readonly string[] {
  const labels: string[] = [];
  tokens.expect("(", `write ${of} (label, …)`);
  while (!tokens.is(")")) {
    const { kind, value, text, start, end } = tokens;
    if (!LABEL_TOKENS.has(kind)) tokens.unexpected("a label name", `write ${of} (label, …)`);
    labels.push(kind === "string" ? value : text.slice(start, end));
    tokens.advance();
    if (!tokens.is(",")) break;
    tokens.advance();
  }
  tokens.expect(")", `labels are separated by commas, as in ${of} (a, b)`);
  return Object.freeze(labels);
}

const LABEL_TOKENS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  "name",
  "metric",
  "keyword",
  "string",
  "and",
  "or",
  "unless",
  "atan2",
]);
