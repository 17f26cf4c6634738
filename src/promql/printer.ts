import { unreachable } from "../errors.ts";
import { formatDuration } from "../time.ts";
import type {
  Aggregation,
  Binary,
  Expr,
  Grouping,
  Matcher,
  Matching,
  MatrixSelector,
  SelectorOptions,
  Subquery,
  TimeShift,
  Unary,
  VectorSelector,
} from "./ast.ts";
import { PRECEDENCE, SIGN_PRECEDENCE } from "./operators.ts";
import { isClassicMetric, isPlainMetric, quote, quoteGroupingLabel, quoteLabel } from "./quote.ts";

/**
 * The one text of an expression: no white space that does not carry meaning apart from that around operators, and
 * parentheses only where the tree needs them, or a sign stands before an operation.
 *
 * @example
 * print(call("rate", matrix(selector("up", [matcher("job", "=", "a")]), 300_000)))
 * // rate(up{job="a"}[5m])
 */
export function print(expr: Expr): string {
  switch (expr.kind) {
    case "number":
      return printNumber(expr.value);
    case "string":
      return quote(expr.value);
    case "vector":
      return printSeries(expr) + printRange(expr);
    case "matrix":
      return printSeries(expr.selector) + printRange(expr);
    case "subquery":
      return printSubquery(expr);
    case "call":
      return `${expr.func}(${expr.args.map(print).join(", ")})`;
    case "aggregation":
      return printAggregation(expr);
    case "binary":
      return printBinary(expr);
    case "unary":
      return `${expr.op}${printOperand(expr.expr, needsParens(expr, expr.expr))}`;
    default:
      return unreachable(expr);
  }
}

/** A number as PromQL writes it: the shortest decimal that reads back as the same double. */
function printNumber(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

function printSeries(selector: VectorSelector): string {
  const { before, conditions } = seriesParts(selector);
  return before !== "" && conditions.length === 0 ? before : `${before}{${conditions.join(",")}}`;
}

/** What stands before the braces of a selector, and what within them. */
export function seriesParts({ name, matchers }: VectorSelector): { before: string; conditions: readonly string[] } {
  const conditions = matchers.map(printMatcher);
  if (name === undefined) return { before: "", conditions };
  if (isPlainMetric(name)) return { before: name, conditions };
  // A keyword as a name is written out so that Prometheus 2 takes it too; any other name needs Prometheus 3's quotes.
  const quoted = isClassicMetric(name) ? `__name__=${quote(name)}` : quote(name);
  return { before: "", conditions: [quoted, ...conditions] };
}

const printMatcher = ({ label, op, value }: Matcher): string => `${quoteLabel(label)}${op}${quote(value)}`;

/** What follows the braces of a selector: `[5m] offset 1h`. */
export const printRange = (expr: MatrixSelector | VectorSelector): string =>
  expr.kind === "vector" ? printOptions(expr) : `[${formatDuration(expr.rangeMs)}]${printOptions(expr.selector)}`;

const printOptions = (selector: SelectorOptions): string =>
  selector.extended === undefined ? printShift(selector) : ` ${selector.extended}${printShift(selector)}`;

function printShift({ offsetMs, at }: TimeShift): string {
  let text = "";
  if (at !== undefined) text += typeof at === "number" ? ` @ ${printSeconds(at)}` : ` @ ${at}()`;
  if (offsetMs !== undefined) text += ` offset ${offsetMs < 0 ? "-" : ""}${formatDuration(Math.abs(offsetMs))}`;
  return text;
}

/** Whole milliseconds as decimal seconds, exactly and never in exponent form. */
function printSeconds(ms: number): string {
  const whole = Math.floor(Math.abs(ms) / 1000);
  const rest = Math.abs(ms) % 1000;
  const text = rest === 0 ? `${whole}` : `${whole}.${String(rest).padStart(3, "0").replace(/0+$/, "")}`;
  return ms < 0 ? `-${text}` : text;
}

function printSubquery(expr: Subquery): string {
  return printOperand(expr.expr, needsParens(expr, expr.expr)) + printBrackets(expr);
}

/** What follows the expression of a subquery: `[1h:5m] offset 1d`. */
export function printBrackets(expr: Subquery): string {
  const step = expr.stepMs === undefined ? "" : formatDuration(expr.stepMs);
  return `[${formatDuration(expr.rangeMs)}:${step}]${printShift(expr)}`;
}

function printAggregation(expr: Aggregation): string {
  const { param } = expr;
  return `${printHead(expr)}(${param === undefined ? "" : `${print(param)}, `}${print(expr.expr)})`;
}

/** What stands before the parentheses of an aggregation: `sum by (job) `. */
export const printHead = ({ op, grouping }: Aggregation): string =>
  grouping === undefined ? op : `${op} ${printGrouping(grouping)} `;

const printGrouping = ({ kind, labels }: Grouping): string => `${kind} ${printLabels(labels)}`;
const printLabels = (labels: readonly string[]): string => `(${labels.map(quoteGroupingLabel).join(", ")})`;

function printBinary(expr: Binary): string {
  const { left, right } = expr;
  const text = printOperand(left, needsParens(expr, left));
  return `${text} ${printOperator(expr)} ${printOperand(right, needsParens(expr, right, true))}`;
}

/** An operator with what belongs to it: `== bool on (job) group_left ()`. */
export function printOperator({ op, bool, matching }: Binary): string {
  return `${op}${bool ? " bool" : ""}${matching === undefined ? "" : ` ${printMatching(matching)}`}`;
}

function printMatching({ kind, labels, group, fill }: Matching): string {
  const parts: string[] = [];
  if (kind === "on" || labels.length > 0 || group !== undefined) parts.push(`${kind} ${printLabels(labels)}`);
  if (group !== undefined) parts.push(`group_${group.side} ${printLabels(group.include)}`);
  if (fill?.left !== undefined && Object.is(fill.left, fill.right)) parts.push(`fill (${printNumber(fill.left)})`);
  else {
    if (fill?.left !== undefined) parts.push(`fill_left (${printNumber(fill.left)})`);
    if (fill?.right !== undefined) parts.push(`fill_right (${printNumber(fill.right)})`);
  }
  return parts.join(" ");
}

/** Whether `part` stands in parentheses within `expr`, as the right side of an operator or any other part. */
export function needsParens(expr: Binary | Subquery | Unary, part: Expr, isRight = false): boolean {
  switch (expr.kind) {
    case "subquery":
      return !(
        part.kind === "call" ||
        part.kind === "aggregation" ||
        (part.kind === "vector" && printOptions(part) === "")
      );
    case "unary":
      // Readers and grammars disagree on -2 ^ 2, so whatever is joined by an operator stands in parentheses under a sign.
      return part.kind === "binary";
    case "binary": {
      const own = PRECEDENCE[expr.op];
      const other = precedenceOf(part);
      // Of equal operators the left one binds first, but for ^, where the right one does.
      if (expr.op === "^") return isRight ? other < own : other <= own;
      return isRight ? other <= own && part.kind === "binary" : other < own;
    }
    default:
      return unreachable(expr);
  }
}

const printOperand = (expr: Expr, parens: boolean): string => (parens ? `(${print(expr)})` : print(expr));

const ATOM = 7;

function precedenceOf(expr: Expr): number {
  if (expr.kind === "binary") return PRECEDENCE[expr.op];
  if (expr.kind === "unary") return SIGN_PRECEDENCE;
  // A negative number is read as a sign before a number.
  if (expr.kind === "number" && (expr.value < 0 || Object.is(expr.value, -0))) return SIGN_PRECEDENCE;
  return ATOM;
}
