import { unreachable } from "../errors.ts";
import type { Binary, BinaryOp, Expr } from "./ast.ts";
import { PRECEDENCE } from "./operators.ts";
import { needsParens, print, printBrackets, printHead, printOperator, printRange, seriesParts } from "./printer.ts";

/** How a text is laid out. */
export interface Layout {
  /** The longest line, where it can be helped; 80 when left out. */
  readonly width?: number | undefined;
}

const INDENT = "  ";

/**
 * The text of an expression over several lines: what does not fit on one is broken at its parentheses, commas and
 * operators. Names and strings are never broken, so a line may be longer after all.
 *
 * @example
 * pretty(parse("sum(rate(requests_total[5m])) / sum(rate(replies_total[5m]))"), { width: 40 })
 * //   sum(rate(requests_total[5m]))
 * // /
 * //   sum(rate(replies_total[5m]))
 */
export function pretty(expr: Expr, { width = 80 }: Layout = {}): string {
  return laidOut(expr, "", width);
}

/** The lines of an expression, each indented by `indent`. */
function laidOut(expr: Expr, indent: string, width: number): string {
  const line = indent + print(expr);
  return line.length <= width ? line : broken(expr, indent, width);
}

function broken(expr: Expr, indent: string, width: number): string {
  switch (expr.kind) {
    case "number":
    case "string":
      return indent + print(expr);
    case "vector":
    case "matrix": {
      const { before, conditions } = seriesParts(expr.kind === "matrix" ? expr.selector : expr);
      if (conditions.length === 0) return indent + print(expr);
      return `${indent}${before}{\n${listed(conditions.map((one) => indent + INDENT + one))}\n${indent}}${printRange(expr)}`;
    }
    case "subquery":
      return part(expr.expr, needsParens(expr, expr.expr), indent, width) + printBrackets(expr);
    case "call":
      if (expr.args.length === 0) return indent + print(expr);
      return inParens(`${indent}${expr.func}`, expr.args, indent, width);
    case "aggregation": {
      const args = expr.param === undefined ? [expr.expr] : [expr.param, expr.expr];
      return inParens(indent + printHead(expr), args, indent, width);
    }
    case "unary":
      // The sign goes before the first thing on the operand's first line.
      return indent + expr.op + part(expr.expr, needsParens(expr, expr.expr), indent, width).slice(indent.length);
    case "binary":
      return operands(expr, indent, width);
    default:
      return unreachable(expr);
  }
}

const listed = (lines: readonly string[]): string => lines.join(",\n");

function inParens(head: string, parts: readonly Expr[], indent: string, width: number): string {
  return `${head}(\n${listed(parts.map((one) => laidOut(one, indent + INDENT, width)))}\n${indent})`;
}

function part(expr: Expr, parens: boolean, indent: string, width: number): string {
  return parens ? inParens(indent, [expr], indent, width) : laidOut(expr, indent, width);
}

/** The operands one below the other, with the operators between them; a chain of equal ones stands on one level. */
function operands(expr: Binary, indent: string, width: number): string {
  const lines: string[] = [];
  let rest: Expr = expr;
  for (;;) {
    if (rest.kind !== "binary" || !continues(rest.op, expr.op)) break;
    const { left, right }: Binary = rest;
    lines.push(part(right, needsParens(rest, right, true), indent + INDENT, width), indent + printOperator(rest));
    if (needsParens(rest, left) || !(left.kind === "binary" && continues(left.op, expr.op))) {
      lines.push(part(left, needsParens(rest, left), indent + INDENT, width));
      break;
    }
    rest = left;
  }
  return lines.reverse().join("\n");
}

const continues = (op: BinaryOp, first: BinaryOp): boolean => PRECEDENCE[op] === PRECEDENCE[first];
