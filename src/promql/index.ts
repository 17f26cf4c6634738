export type {
  Aggregation,
  ArithmeticOp,
  At,
  Binary,
  BinaryOp,
  Call,
  ComparisonOp,
  Expr,
  Grouping,
  Matcher,
  Matching,
  MatchOp,
  MatrixSelector,
  NumberLiteral,
  SetOp,
  StringLiteral,
  Subquery,
  TimeShift,
  Unary,
  VectorSelector,
} from "./ast.ts";
export {
  aggregate,
  binary,
  by,
  call,
  matcher,
  matrix,
  number,
  selector,
  string,
  subquery,
  unary,
  without,
} from "./construct.ts";
export type { AggregationOp, FunctionName, ValueType } from "./functions.ts";
export { print } from "./printer.ts";
export { escapePattern, quote } from "./quote.ts";
export { mapSelectors, shiftBack } from "./transform.ts";
export { typeOf } from "./types.ts";
