import { QueryError } from "../errors.ts";
import type { At, BinaryOp, Expr, Extension, Matcher, Matching, TimeShift } from "./ast.ts";
import {
  blameOf,
  buildAggregation,
  buildBinary,
  buildCall,
  buildLabelSelector,
  buildMatrix,
  buildNumber,
  buildSelector,
  buildString,
  buildSubquery,
  buildUnary,
} from "./build.ts";
import { readGrouping, readMatchers, readMatching } from "./clauses.ts";
import { DurationReader, type QueryLength } from "./durations.ts";
import {
  AGGREGATIONS,
  type AggregationOp,
  FUNCTIONS,
  type FunctionName,
  type Parameter,
  type Signature,
} from "./functions.ts";
import { nearest } from "./nearest.ts";
import { SIGN_PRECEDENCE } from "./operators.ts";
import { refusal } from "./refusal.ts";
import { Tokens } from "./tokens.ts";
import { typeOf } from "./types.ts";

/** What a parser takes beside the stable language. */
export interface ParseOptions {
  /** Whether functions and aggregations that a server must be told to take are taken; refused when left out. */
  readonly experimental?: boolean | undefined;
  /** What `step()` and `range()` stand for where a duration does, as in `a[step()]`; they are refused when left out. */
  readonly query?: QueryLength | undefined;
}

/** How deep a tree may be, so that walking it never exhausts the stack. */
const DEEPEST = 1000;
/** How many parentheses, calls and signs may stand within one another. */
const MOST_NESTED = 500;

/**
 * The tree of a PromQL text, as Prometheus 3 reads it; what 2.42 takes is a part of that.
 *
 * Parentheses and comments are not kept. Every node knows its place in the text as its `span`.
 *
 * @throws {PromqlSyntaxError} with the place, for what Prometheus refuses
 * @example
 * parse("sum(rate(http_requests_total[5m]))").kind // "aggregation"
 */
export function parse(text: string, options: ParseOptions = {}): Expr {
  if (typeof text !== "string") throw new QueryError("promql", `parse() takes text, not ${typeof text}`);
  return new Parser(text, options.experimental === true, options.query).whole();
}

class Parser {
  readonly #tokens: Tokens;
  readonly #durations: DurationReader;
  readonly #experimental: boolean;
  /** How many levels are open around the token at hand, and how many are below the node made last. */
  #nested = 0;
  #height = 0;
  #shift: { offsetMs?: number; at?: At } = {};
  #extended: Extension | undefined;
  /** Whether the selector that comes next is the one that `info` takes. */
  #forInfo = false;

  constructor(text: string, experimental: boolean, query: QueryLength | undefined) {
    this.#tokens = new Tokens(text);
    this.#durations = new DurationReader(this.#tokens, query);
    this.#experimental = experimental;
  }

  whole(): Expr {
    const tokens = this.#tokens;
    try {
      tokens.advance();
      if (tokens.kind === "end")
        tokens.refuse({ reason: "there is no expression", hint: "write one such as up", start: 0, end: 0 });
      const expr = this.#expression(0);
      if (!tokens.is("end")) tokens.unexpected("an operator or the end", this.#hintAfter());
      return expr;
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      const { culprit, hint } = blameOf(error);
      const { start, end } = culprit?.span ?? { start: tokens.from, end: tokens.lastEnd };
      throw refusal(tokens.text, { code: "type", reason: error.message, hint, start, end, cause: error });
    }
  }

  /** An expression whose operators bind at least as tightly as `least`. */
  #expression(least: number): Expr {
    const tokens = this.#tokens;
    if (++this.#nested > MOST_NESTED) this.#tooDeep();
    const start = tokens.start;
    let left = this.#operand();
    let height = this.#height;
    for (;;) {
      const { precedence } = tokens;
      if (precedence === 0 || precedence < least) break;
      const op = tokens.kind as BinaryOp;
      tokens.advance();
      const bool = tokens.takeKeyword("bool");
      const matching = tokens.kind === "keyword" ? this.#matching() : undefined;
      const right = this.#expression(op === "^" ? precedence : precedence + 1);
      tokens.from = start;
      left = buildBinary(op, left, right, bool, this.#meant(matching, left, right), start, tokens.lastEnd);
      height = Math.max(height, this.#height) + 1;
      if (height > DEEPEST) this.#tooDeep();
    }
    this.#nested--;
    this.#height = height;
    return left;
  }

  #matching(): Matching | undefined {
    const tokens = this.#tokens;
    const { start } = tokens;
    const matching = readMatching(tokens, this.#durations);
    if (matching?.fill === undefined || this.#experimental) return matching;
    return tokens.refuse({
      code: "experimental",
      reason: "fill is experimental",
      hint: "parse with { experimental: true }; a server needs --enable-feature=promql-binop-fill-modifiers",
      start,
      end: tokens.lastEnd,
    });
  }

  #operand(): Expr {
    const tokens = this.#tokens;
    const { kind, start } = tokens;
    if (kind !== "+" && kind !== "-") return this.#primary();
    tokens.advance();
    const operand = this.#expression(SIGN_PRECEDENCE + 1);
    tokens.from = start;
    const node = buildUnary(kind, operand, start, tokens.lastEnd);
    this.#height++;
    return node;
  }

  #primary(): Expr {
    const tokens = this.#tokens;
    const { kind, start, value } = tokens;
    this.#height = 1;
    switch (kind) {
      case "name":
        tokens.advance();
        return tokens.kind === "(" ? this.#suffixed(this.#call(value, start), start) : this.#selector(value, start);
      case "metric":
      case "and":
      case "or":
      case "unless":
        return this.#named();
      case "keyword":
        return this.#keyword();
      case "{":
        return this.#selector(undefined, start);
      case "number":
      case "duration": {
        const number = this.#durations.literal();
        return this.#suffixed(buildNumber(number, start, tokens.lastEnd), start);
      }
      case "string": {
        tokens.from = start;
        tokens.advance();
        return this.#suffixed(buildString(value, start, tokens.lastEnd), start);
      }
      case "(": {
        tokens.advance();
        const inner = this.#expression(0);
        tokens.expect(")", "close the parenthesis, or write an operator");
        return this.#suffixed(inner, start);
      }
      default:
        return tokens.unexpected(
          "an expression",
          "write a metric name, a number, a function or an opening parenthesis",
        );
    }
  }

  /** A selector whose name is the word at hand. */
  #named(): Expr {
    const { text, start, end } = this.#tokens;
    this.#tokens.advance();
    return this.#selector(text.slice(start, end), start);
  }

  #keyword(): Expr {
    const tokens = this.#tokens;
    const { text, start, end, value } = tokens;
    if (NEVER_NAMES.has(value)) tokens.unexpected("an expression", `${value} belongs behind an operator`);
    tokens.advance();
    if (isAggregation(value) && (tokens.kind === "(" || tokens.isKeyword("by") || tokens.isKeyword("without"))) {
      return this.#suffixed(this.#aggregation(value, start), start);
    }
    if (tokens.kind === "(" && CALLED_KEYWORDS.has(value)) {
      return this.#suffixed(this.#call(text.slice(start, end), start), start);
    }
    return this.#selector(text.slice(start, end), start);
  }

  #aggregation(op: AggregationOp, start: number): Expr {
    const tokens = this.#tokens;
    const { param, experimental }: Parameter = AGGREGATIONS[op];
    if (experimental === true) this.#requireExperimental(op, start);
    let grouping = readGrouping(tokens);
    if (tokens.kind !== "(") tokens.unexpected("(", `an aggregation is written ${op} by (label) (…)`);
    const args = this.#arguments();
    const height = this.#height;
    grouping ??= readGrouping(tokens);
    const end = tokens.lastEnd;
    tokens.from = start;
    const most = param === undefined ? 1 : 2;
    if (args.length === 0 || args.length > most) {
      const hint = `it takes (${param === undefined ? "" : `${param}, `}vector)`;
      const reason = `${op}() takes ${most} argument${most === 1 ? "" : "s"}, not ${args.length}`;
      tokens.refuse({ code: "type", reason, hint, start, end });
    }
    const expr = args[args.length - 1] as Expr;
    this.#height = height + 1;
    return buildAggregation(op, expr, args.length === 2 ? args[0] : undefined, grouping, start, end);
  }

  #call(name: string, start: number): Expr {
    const tokens = this.#tokens;
    const nameEnd = start + name.length;
    if (!Object.hasOwn(FUNCTIONS, name)) {
      tokens.refuse({ code: "name", reason: `${name} is no function`, hint: meantFunction(name), start, end: nameEnd });
    }
    const func = name as FunctionName;
    const { experimental }: Signature = FUNCTIONS[func];
    if (experimental === true) this.#requireExperimental(func, start);
    const args = this.#arguments(func === "info");
    tokens.from = start;
    this.#height++;
    return buildCall(func, args, start, tokens.lastEnd);
  }

  /** What stands in the parentheses at hand; the height is then that of the highest. */
  #arguments(ofInfo = false): Expr[] {
    const tokens = this.#tokens;
    const args: Expr[] = [];
    let height = 0;
    tokens.advance();
    if (tokens.kind !== ")") {
      for (;;) {
        if (ofInfo && args.length === 1) this.#expectInfoSelector();
        args.push(this.#expression(0));
        height = Math.max(height, this.#height);
        if (tokens.kind !== ",") break;
        tokens.advance();
        if (tokens.is(")")) tokens.unexpected("another argument", "drop the comma before it");
      }
    }
    tokens.expect(")", "close the parenthesis, or write an operator");
    this.#height = height;
    return args;
  }

  #expectInfoSelector(): void {
    if (this.#tokens.kind !== "{") {
      this.#tokens.unexpected(
        "a label selector",
        'the second argument of info() is matchers in braces, such as {version=~".+"}',
      );
    }
    this.#forInfo = true;
  }

  /** A selector whose name, if it has one, has been read, with what follows it. */
  #selector(name: string | undefined, start: number): Expr {
    const tokens = this.#tokens;
    const forInfo = this.#forInfo;
    this.#forInfo = false;
    if (name === undefined || tokens.kind === "{" || tokens.kind === "[" || this.#startsModifier()) {
      const matchers = tokens.kind === "{" ? readMatchers(tokens) : [];
      const seriesEnd = tokens.lastEnd;
      const build = forInfo ? buildLabelSelector : buildNamed(name);
      this.#modifiers(true);
      if (tokens.kind !== "[") {
        tokens.from = start;
        return build(matchers, this.#options(), start, tokens.lastEnd);
      }
      const before = { ...this.#shift };
      const behind = tokens.lastEnd;
      const open = tokens.start;
      const { rangeMs, stepMs, isSubquery } = this.#brackets();
      tokens.from = start;
      if (isSubquery) {
        const inner = build(matchers, { ...before, extended: this.#extended }, start, behind);
        return this.#suffixed(this.#subquery(inner, rangeMs, stepMs, start), start);
      }
      if (before.offsetMs !== undefined || before.at !== undefined) {
        const modifier = before.offsetMs === undefined ? "@" : "offset";
        tokens.refuse({
          reason: `${modifier} does not stand before a range`,
          hint: `write it behind the brackets, or a subquery such as […:1m]`,
          start: open,
          end: tokens.lastEnd,
        });
      }
      this.#modifiers(true, this.#extended);
      tokens.from = start;
      const selector = build(matchers, this.#options(), start, seriesEnd);
      this.#height = 2;
      return this.#suffixed(buildMatrix(selector, rangeMs, start, tokens.lastEnd), start);
    }
    tokens.from = start;
    // `mem_limit (…)` reads as a call of what is no function.
    if (tokens.kind === "(") tokens.unexpected("an operator", "a metric is followed by {…} or […]");
    return buildSelector(name, [], {}, start, tokens.lastEnd);
  }

  /** Subqueries over an expression, and the refusal of what may only follow a selector. */
  #suffixed(first: Expr, start: number): Expr {
    const tokens = this.#tokens;
    let expr = first;
    while (tokens.kind === "[") {
      const open = tokens.start;
      const { rangeMs, stepMs, isSubquery } = this.#brackets();
      if (!isSubquery) {
        tokens.refuse({
          reason: "a range follows a selector only",
          hint: "write a subquery such as […:1m], or move the range into the function",
          start: open,
          end: tokens.lastEnd,
        });
      }
      expr = this.#subquery(expr, rangeMs, stepMs, start);
    }
    if (this.#startsModifier()) {
      const { text, start: at, end } = tokens;
      tokens.refuse({
        reason: `${text.slice(at, end)} follows a selector or a subquery only`,
        hint: "write it within, behind the selector itself",
        start: at,
        end,
      });
    }
    return expr;
  }

  #subquery(inner: Expr, rangeMs: number, stepMs: number | undefined, start: number): Expr {
    this.#modifiers(false);
    if (++this.#height > DEEPEST) this.#tooDeep();
    this.#tokens.from = start;
    return buildSubquery(inner, rangeMs, stepMs, this.#shift, start, this.#tokens.lastEnd);
  }

  #brackets(): { rangeMs: number; stepMs: number | undefined; isSubquery: boolean } {
    const tokens = this.#tokens;
    tokens.advance();
    const rangeMs = this.#durations.span();
    const isSubquery = tokens.kind === ":";
    let stepMs: number | undefined;
    if (isSubquery) {
      tokens.advance();
      if (tokens.kind !== "]") stepMs = this.#durations.span();
    }
    tokens.expect("]", "close the bracket behind the range, or behind the step of a subquery");
    return { rangeMs, stepMs, isSubquery };
  }

  #startsModifier(): boolean {
    const { kind, value } = this.#tokens;
    return kind === "@" || (kind === "keyword" && (value === "offset" || value === "anchored" || value === "smoothed"));
  }

  /** Reads `offset`, `@`, `anchored` and `smoothed` in any order into the fields for them. */
  #modifiers(ofSelector: boolean, extended?: Extension): void {
    const tokens = this.#tokens;
    this.#shift = {};
    this.#extended = extended;
    while (this.#startsModifier()) {
      const { kind, value, start, end } = tokens;
      tokens.advance();
      if (kind === "@") {
        if (this.#shift.at !== undefined) tokens.refuse({ reason: "@ is written twice", start, end });
        this.#shift.at = this.#instant();
      } else if (value === "offset") {
        if (this.#shift.offsetMs) tokens.refuse({ reason: "offset is written twice", hint: "add both up", start, end });
        const offsetMs = this.#durations.offset();
        if (offsetMs !== 0) this.#shift.offsetMs = offsetMs;
      } else {
        if (!ofSelector) tokens.refuse({ reason: `a subquery cannot be ${value}`, start, end });
        if (this.#extended !== undefined && this.#extended !== value) {
          tokens.refuse({ reason: "a selector is either anchored or smoothed", start, end });
        }
        this.#extended = value as Extension;
      }
    }
  }

  #instant(): At {
    const tokens = this.#tokens;
    const { kind, value } = tokens;
    if (kind !== "keyword" || (value !== "start" && value !== "end")) return this.#durations.instant();
    tokens.advance();
    tokens.expect("(", `write @ ${value}()`);
    tokens.expect(")", `write @ ${value}()`);
    return value;
  }

  #options(): TimeShift & { extended?: Extension | undefined } {
    return { ...this.#shift, extended: this.#extended };
  }

  /** Prometheus takes `on ()` before a scalar, and forgets it. */
  #meant(matching: Matching | undefined, left: Expr, right: Expr): Matching | undefined {
    if (matching === undefined || matching.labels.length > 0 || matching.fill !== undefined) return matching;
    return typeOf(left) === "scalar" || typeOf(right) === "scalar" ? undefined : matching;
  }

  #requireExperimental(name: string, start: number): void {
    if (this.#experimental) return;
    this.#tokens.refuse({
      code: "experimental",
      reason: `${name}() is experimental`,
      hint: "parse with { experimental: true }; a server needs --enable-feature=promql-experimental-functions",
      start,
      end: start + name.length,
    });
  }

  #hintAfter(): string | undefined {
    const { kind, value } = this.#tokens;
    if (kind === ")") return "there is one ) too many";
    if (kind === "keyword" && (value === "by" || value === "without")) return "a grouping follows an aggregation only";
    if (kind === "string") return "a label's value stands within braces";
    return undefined;
  }

  #tooDeep(): never {
    const { start, end } = this.#tokens;
    return this.#tokens.refuse({
      code: "too-deep",
      reason: `an expression is nested at most ${MOST_NESTED} levels, and chained ${DEEPEST}`,
      hint: 'join names or values by a pattern such as {__name__=~"a|b"}, or ask in parts',
      start,
      end,
    });
  }
}

const buildNamed =
  (name: string | undefined) =>
  (matchers: readonly Matcher[], options: TimeShift, start: number, end: number): ReturnType<typeof buildSelector> =>
    buildSelector(name, matchers, options, start, end);

/** Keywords that Prometheus never reads as a metric's name. */
const NEVER_NAMES: ReadonlySet<string> = new Set(["bool", "group_left", "group_right", "ignoring", "on"]);
/** Keywords that are functions before a parenthesis. */
const CALLED_KEYWORDS: ReadonlySet<string> = new Set(["end", "max_of", "min_of", "range", "start", "step"]);
const isAggregation = (word: string): word is AggregationOp => Object.hasOwn(AGGREGATIONS, word);
function meantFunction(name: string): string {
  const meant = nearest(name, [...Object.keys(FUNCTIONS), ...Object.keys(AGGREGATIONS)]);
  return meant === undefined ? "functions and aggregations alone stand before a parenthesis" : `did you mean ${meant}?`;
}
