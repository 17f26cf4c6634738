import type { BinaryOp, ComparisonOp, SetOp } from "./ast.ts";

const COMPARISONS: ReadonlySet<BinaryOp> = new Set<BinaryOp>(["==", "!=", "<", "<=", ">", ">="]);
const SETS: ReadonlySet<BinaryOp> = new Set<BinaryOp>(["and", "or", "unless"]);

export const isComparison = (op: BinaryOp): op is ComparisonOp => COMPARISONS.has(op);
export const isTrim = (op: BinaryOp): boolean => op === "</" || op === ">/";
export const isSetOp = (op: BinaryOp): op is SetOp => SETS.has(op);
export const isBinaryOp = (op: unknown): op is BinaryOp => typeof op === "string" && Object.hasOwn(PRECEDENCE, op);

/**
 * How tightly each operator binds, the loosest first. Equal ones group to the left, but `^` to the right.
 *
 * @see Prometheus, `promql/parser/generated_parser.y`
 */
export const PRECEDENCE: Readonly<Record<BinaryOp, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  "<": 3,
  "<=": 3,
  ">": 3,
  ">=": 3,
  "</": 3,
  ">/": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
};

/** A sign binds like a multiplication: `-a * b` is `(-a) * b`, and `-a ^ b` is `-(a ^ b)`. */
export const SIGN_PRECEDENCE = 5;
