import { unreachable } from "../../errors.ts";
import type {
  Condition,
  Grouping,
  LogqlExpr,
  LogSelection,
  RangeAggregation,
  Stage,
  StreamMatcher,
  Threshold,
  Unwrap,
  VectorAggregation,
} from "./ast.ts";
import { quote } from "./quote.ts";

/** The LogQL text of an expression, in one line. All of it comes from the tree; texts stand in it as literals only. */
export function print(expr: LogqlExpr | Threshold): string {
  switch (expr.kind) {
    case "selection":
      return printSelection(expr);
    case "range":
      return printRange(expr);
    case "vector":
      return printVector(expr);
    case "threshold":
      return `${print(expr.expr)} ${expr.op} ${expr.value}`;
    default:
      return unreachable(expr);
  }
}

const printSelection = ({ matchers, stages }: LogSelection): string =>
  [`{${matchers.map(printMatcher).join(",")}}`, ...stages.map(printStage)].join(" ");

const printMatcher = ({ label, op, value }: StreamMatcher): string => `${label}${op}${quote(value)}`;

function printStage(stage: Stage): string {
  switch (stage.kind) {
    case "line":
      return `${stage.op} ${quote(stage.text)}`;
    case "parser":
      return `| ${stage.format}`;
    case "filter":
      return `| ${printCondition(stage.condition)}`;
    default:
      return unreachable(stage);
  }
}

function printCondition(condition: Condition): string {
  switch (condition.kind) {
    case "text":
      return printMatcher(condition);
    case "number":
      return `${condition.label} ${condition.op} ${condition.value}`;
    case "duration":
      return `${condition.label} ${condition.op} ${printDuration(condition.ns)}`;
    case "and":
    case "or":
      return `${within(condition.left)} ${condition.kind} ${within(condition.right)}`;
    default:
      return unreachable(condition);
  }
}

/** A part of a junction: which of `and` and `or` binds first is not left to the reader, nor to a version of Loki. */
const within = (condition: Condition): string =>
  condition.kind === "and" || condition.kind === "or" ? `(${printCondition(condition)})` : printCondition(condition);

/** Only units that every version knows, and only one of them. */
function printDuration(ns: bigint): string {
  const [unit, factor] = GO_UNITS.find(([, factor]) => ns % factor === 0n) ?? ["ns", 1n];
  return `${ns / factor}${unit}`;
}

const GO_UNITS = [
  ["h", 3_600_000_000_000n],
  ["m", 60_000_000_000n],
  ["s", 1_000_000_000n],
  ["ms", 1_000_000n],
  ["us", 1_000n],
] as const;

function printRange({ func, quantile, selection, unwrap, rangeMs, grouping }: RangeAggregation): string {
  const parameter = quantile === undefined ? "" : `${quantile}, `;
  const unwrapped = unwrap === undefined ? "" : ` ${printUnwrap(unwrap)} `;
  const range = `[${printDuration(BigInt(rangeMs) * 1_000_000n)}]`;
  const by = grouping === undefined ? "" : ` ${printGrouping(grouping)}`;
  return `${func}(${parameter}${printSelection(selection)}${unwrapped}${range})${by}`;
}

const printUnwrap = ({ label, conversion, filters }: Unwrap): string =>
  [`| unwrap ${conversion === undefined ? label : `${conversion}(${label})`}`, ...filters.map(printStage)].join(" ");

function printVector({ op, count, expr, grouping }: VectorAggregation): string {
  const by = grouping === undefined ? "" : ` ${printGrouping(grouping)} `;
  return `${op}${by}(${count === undefined ? "" : `${count}, `}${print(expr)})`;
}

const printGrouping = ({ kind, labels }: Grouping): string => `${kind} (${labels.join(", ")})`;
