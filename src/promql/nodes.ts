import type {
  Aggregation,
  At,
  Binary,
  BinaryOp,
  Call,
  Expr,
  Extension,
  Grouping,
  Matcher,
  Matching,
  MatchOp,
  MatrixSelector,
  NumberLiteral,
  Span,
  StringLiteral,
  Subquery,
  TimeShift,
  Unary,
  VectorSelector,
} from "./ast.ts";
import type { AggregationOp, FunctionName, ValueType } from "./functions.ts";

/** Where a node starts and ends that stands in no text. */
export const NOWHERE = -1;

/** What every node keeps out of sight: its place in a text, and the type of its value, so that no one works it out again. */
class Hidden {
  readonly #start: number;
  readonly #end: number;
  readonly #type: ValueType | undefined;

  constructor(type: ValueType | undefined, start: number, end: number) {
    this.#type = type;
    this.#start = start;
    this.#end = end;
  }

  get span(): Span | undefined {
    return this.#start === NOWHERE ? undefined : { start: this.#start, end: this.#end };
  }

  static typeOf(node: object): ValueType | undefined {
    return #type in node ? node.#type : undefined;
  }
}

/** The type of a node that one of the classes below made; a copy of such a node has none. */
export const knownType = (expr: Expr): ValueType | undefined => Hidden.typeOf(expr);

export class NumberNode extends Hidden implements NumberLiteral {
  readonly kind = "number";
  readonly value: number;

  constructor(value: number, start: number, end: number) {
    super("scalar", start, end);
    this.value = value;
    Object.freeze(this);
  }
}

export class StringNode extends Hidden implements StringLiteral {
  readonly kind = "string";
  readonly value: string;

  constructor(value: string, start: number, end: number) {
    super("string", start, end);
    this.value = value;
    Object.freeze(this);
  }
}

export class MatcherNode extends Hidden implements Matcher {
  readonly label: string;
  readonly op: MatchOp;
  readonly value: string;

  constructor(label: string, op: MatchOp, value: string, start: number, end: number) {
    super(undefined, start, end);
    this.label = label;
    this.op = op;
    this.value = value;
    Object.freeze(this);
  }
}

export class VectorNode extends Hidden implements VectorSelector {
  readonly kind = "vector";
  readonly name: string | undefined;
  readonly matchers: readonly Matcher[];
  declare readonly offsetMs?: number;
  declare readonly at?: At;
  declare readonly extended?: Extension;

  constructor(
    name: string | undefined,
    matchers: readonly Matcher[],
    shift: TimeShift,
    extended: Extension | undefined,
    start: number,
    end: number,
  ) {
    super("vector", start, end);
    this.name = name;
    this.matchers = Object.freeze(matchers);
    if (shift.offsetMs) this.offsetMs = shift.offsetMs;
    if (shift.at !== undefined) this.at = shift.at;
    if (extended !== undefined) this.extended = extended;
    Object.freeze(this);
  }
}

export class MatrixNode extends Hidden implements MatrixSelector {
  readonly kind = "matrix";
  readonly selector: VectorSelector;
  readonly rangeMs: number;

  constructor(selector: VectorSelector, rangeMs: number, start: number, end: number) {
    super("matrix", start, end);
    this.selector = selector;
    this.rangeMs = rangeMs;
    Object.freeze(this);
  }
}

export class SubqueryNode extends Hidden implements Subquery {
  readonly kind = "subquery";
  readonly expr: Expr;
  readonly rangeMs: number;
  readonly stepMs: number | undefined;
  declare readonly offsetMs?: number;
  declare readonly at?: At;

  constructor(expr: Expr, rangeMs: number, stepMs: number | undefined, shift: TimeShift, start: number, end: number) {
    super("matrix", start, end);
    this.expr = expr;
    this.rangeMs = rangeMs;
    this.stepMs = stepMs;
    if (shift.offsetMs) this.offsetMs = shift.offsetMs;
    if (shift.at !== undefined) this.at = shift.at;
    Object.freeze(this);
  }
}

export class CallNode extends Hidden implements Call {
  readonly kind = "call";
  readonly func: FunctionName;
  readonly args: readonly Expr[];

  constructor(func: FunctionName, args: readonly Expr[], type: ValueType, start: number, end: number) {
    super(type, start, end);
    this.func = func;
    this.args = Object.freeze(args);
    Object.freeze(this);
  }
}

export class AggregationNode extends Hidden implements Aggregation {
  readonly kind = "aggregation";
  readonly op: AggregationOp;
  readonly expr: Expr;
  readonly param: Expr | undefined;
  readonly grouping: Grouping | undefined;

  constructor(
    op: AggregationOp,
    expr: Expr,
    param: Expr | undefined,
    grouping: Grouping | undefined,
    start: number,
    end: number,
  ) {
    super("vector", start, end);
    this.op = op;
    this.expr = expr;
    this.param = param;
    this.grouping = grouping;
    Object.freeze(this);
  }
}

export class BinaryNode extends Hidden implements Binary {
  readonly kind = "binary";
  readonly op: BinaryOp;
  readonly left: Expr;
  readonly right: Expr;
  readonly bool: boolean;
  readonly matching: Matching | undefined;

  constructor(
    op: BinaryOp,
    left: Expr,
    right: Expr,
    bool: boolean,
    matching: Matching | undefined,
    type: ValueType,
    start: number,
    end: number,
  ) {
    super(type, start, end);
    this.op = op;
    this.left = left;
    this.right = right;
    this.bool = bool;
    this.matching = matching;
    Object.freeze(this);
  }
}

export class UnaryNode extends Hidden implements Unary {
  readonly kind = "unary";
  readonly op: "+" | "-";
  readonly expr: Expr;

  constructor(op: "+" | "-", expr: Expr, type: ValueType, start: number, end: number) {
    super(type, start, end);
    this.op = op;
    this.expr = expr;
    Object.freeze(this);
  }
}
