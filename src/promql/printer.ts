import { unreachable } from "../errors.ts";
import { formatDuration } from "../time.ts";
import type {
  Aggregation,
  Binary,
  Expr,
  Grouping,
  Matching,
  SelectorOptions,
  Subquery,
  TimeShift,
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
      return printSeries(expr) + printOptions(expr);
    case "matrix":
      return `${printSeries(expr.selector)}[${formatDuration(expr.rangeMs)}]${printOptions(expr.selector)}`;
    case "subquery":
      return printSubquery(expr);
    case "call":
      return `${expr.func}(${expr.args.map(print).join(", ")})`;
    case "aggregation":
      return printAggregation(expr);
    case "binary":
      return printBinary(expr);
    case "unary":
      // Readers and grammars disagree on -2 ^ 2, so whatever is joined by an operator stands in parentheses under a sign.
      return `${expr.op}${printOperand(expr.expr, expr.expr.kind === "binary")}`;
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

function printSeries({ name, matchers }: VectorSelector): string {
  const conditions = matchers.map((m) => `${quoteLabel(m.label)}${m.op}${quote(m.value)}`);
  if (name === undefined) return `{${conditions.join(",")}}`;
  if (isPlainMetric(name)) return conditions.length === 0 ? name : `${name}{${conditions.join(",")}}`;
  // A keyword as a name is written out so that Prometheus 2 takes it too; any other name needs Prometheus 3's quotes.
  return `{${[isClassicMetric(name) ? `__name__=${quote(name)}` : quote(name), ...conditions].join(",")}}`;
}

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
  const inner = expr.expr;
  const atom =
    inner.kind === "call" || inner.kind === "aggregation" || (inner.kind === "vector" && printOptions(inner) === "");
  const step = expr.stepMs === undefined ? "" : formatDuration(expr.stepMs);
  return `${printOperand(inner, !atom)}[${formatDuration(expr.rangeMs)}:${step}]${printShift(expr)}`;
}

function printAggregation({ op, expr, param, grouping }: Aggregation): string {
  const args = param === undefined ? print(expr) : `${print(param)}, ${print(expr)}`;
  return grouping === undefined ? `${op}(${args})` : `${op} ${printGrouping(grouping)} (${args})`;
}

const printGrouping = ({ kind, labels }: Grouping): string => `${kind} ${printLabels(labels)}`;
const printLabels = (labels: readonly string[]): string => `(${labels.map(quoteGroupingLabel).join(", ")})`;

function printBinary({ op, left, right, bool, matching }: Binary): string {
  const own = PRECEDENCE[op];
  const power = op === "^";
  // Of equal operators the left one binds first, but for ^, where the right one does.
  const leftParens = power ? precedenceOf(left) <= own : precedenceOf(left) < own;
  const rightParens = power ? precedenceOf(right) < own : precedenceOf(right) <= own && right.kind === "binary";
  const middle = `${op}${bool ? " bool" : ""}${matching === undefined ? "" : ` ${printMatching(matching)}`}`;
  return `${printOperand(left, leftParens)} ${middle} ${printOperand(right, rightParens)}`;
}

function printMatching({ kind, labels, group }: Matching): string {
  const text = `${kind} ${printLabels(labels)}`;
  return group === undefined ? text : `${text} group_${group.side} ${printLabels(group.include)}`;
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
