/** Trees of PromQL, ours and those of Prometheus's `/api/v1/parse_query`, in one form in which they can be compared. */
import type { Expr, Matcher, Matching, TimeShift } from "../../../src/promql/ast.ts";

/** What `/api/v1/parse_query` says of one node; which fields there are depends on `type`. */
export interface ServerNode {
  readonly type: string;
  readonly [field: string]: unknown;
}

type Plain = { readonly [field: string]: unknown };

/** Our tree as text that is equal for equal trees. */
export const ourForm = (expr: Expr): string => JSON.stringify(plain(expr));

/**
 * The server's tree in the same form: parentheses dropped, a sign before a number made part of it, a name within
 * braces brought before them, and durations that were reckoned with made the numbers that they are.
 */
export const serverForm = (node: ServerNode): string => JSON.stringify(plainServer(node));

function plain(expr: Expr): Plain {
  switch (expr.kind) {
    case "number":
      return { kind: "number", value: numberText(expr.value) };
    case "string":
      return { kind: "string", value: expr.value };
    case "vector":
      return { kind: "vector", ...series(expr.name, expr.matchers), ...when(expr), extended: expr.extended };
    case "matrix": {
      const { selector, rangeMs } = expr;
      const { name, matchers, extended } = selector;
      return { kind: "matrix", ...series(name, matchers), ...when(selector), extended, rangeMs };
    }
    case "subquery":
      return {
        kind: "subquery",
        expr: plain(expr.expr),
        ...when(expr),
        rangeMs: expr.rangeMs,
        stepMs: expr.stepMs ?? 0,
      };
    case "call":
      return { kind: "call", func: expr.func, args: expr.args.map(plain) };
    case "aggregation": {
      const { kind, labels } = expr.grouping ?? { kind: "by", labels: [] };
      const param = expr.param === undefined ? null : plain(expr.param);
      return { kind: "aggregation", op: expr.op, expr: plain(expr.expr), param, by: kind === "by", labels };
    }
    case "unary":
      return { kind: "unary", op: expr.op, expr: plain(expr.expr) };
    case "binary": {
      const { op, left, right, bool, matching } = expr;
      return {
        kind: "binary",
        op,
        left: plain(left),
        right: plain(right),
        bool,
        ...(matching && plainMatching(matching)),
      };
    }
  }
}

function plainMatching({ kind, labels, group, fill }: Matching): Plain {
  return {
    matching: { kind, labels, ...(group && { group }), fill: fill && filledIn(fill.left ?? null, fill.right ?? null) },
  };
}

/** A single equality on the name counts as the name, wherever it was written. */
function series(name: string | undefined, all: readonly Matcher[]): Plain {
  const matchers = all.map(({ label, op, value }) => ({ label, op, value }));
  const named = matchers.filter(({ label }) => label === "__name__");
  const only = named.length === 1 && named[0]?.op === "=" && named[0].value !== "" ? named[0] : undefined;
  if (name !== undefined || only === undefined) return { name: name ?? "", matchers };
  return { name: only.value, matchers: matchers.filter((m) => m !== only) };
}

const when = ({ offsetMs, at }: TimeShift): Plain => ({ offsetMs: offsetMs ?? 0, at: at ?? null });
const numberText = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

function plainServer(node: ServerNode): Plain {
  switch (node.type) {
    case "numberLiteral":
      return { kind: "number", value: numberText(numberOf(node.val)) };
    case "stringLiteral":
      return { kind: "string", value: node.val };
    case "parenExpr":
      return plainServer(node.expr as ServerNode);
    case "vectorSelector":
      return { kind: "vector", ...serverSeries(node), ...serverWhen(node), ...extendedOf(node) };
    case "matrixSelector":
      return {
        kind: "matrix",
        ...serverSeries(node),
        ...serverWhen(node),
        ...extendedOf(node),
        rangeMs: lengthOf(node.range, node.rangeExpr),
      };
    case "subquery":
      return {
        kind: "subquery",
        expr: plainServer(node.expr as ServerNode),
        ...serverWhen(node),
        rangeMs: lengthOf(node.range, node.rangeExpr),
        stepMs: lengthOf(node.step, node.stepExpr),
      };
    case "call":
      return {
        kind: "call",
        func: (node.func as { readonly name: string }).name,
        args: (node.args as readonly ServerNode[]).map(plainServer),
      };
    case "aggregation": {
      const param = node.param === null ? null : plainServer(node.param as ServerNode);
      const expr = plainServer(node.expr as ServerNode);
      return { kind: "aggregation", op: node.op, expr, param, by: node.without === false, labels: node.grouping };
    }
    case "unaryExpr": {
      const expr = plainServer(node.expr as ServerNode);
      if (expr.kind !== "number") return { kind: "unary", op: node.op, expr };
      const value = numberOf(expr.value);
      return { kind: "number", value: numberText(node.op === "-" ? -value : value) };
    }
    case "binaryExpr":
      return {
        kind: "binary",
        op: node.op,
        left: plainServer(node.lhs as ServerNode),
        right: plainServer(node.rhs as ServerNode),
        bool: node.bool,
        ...serverMatching(node.matching as ServerMatching | null),
      };
    default:
      throw new Error(`parse_query gives a node of type ${node.type}`);
  }
}

interface ServerMatching {
  readonly card: string;
  readonly labels: readonly string[];
  readonly on: boolean;
  readonly include: readonly string[];
  readonly fillValues: { readonly lhs: number | string | null; readonly rhs: number | string | null };
}

function serverMatching(matching: ServerMatching | null): Plain {
  if (matching === null) return {};
  const { card, labels, on, include, fillValues } = matching;
  const side = card === "many-to-one" ? "left" : card === "one-to-many" ? "right" : undefined;
  const fill = filledIn(fillValues?.lhs, fillValues?.rhs);
  if (!on && labels.length === 0 && side === undefined && fill === undefined) return {};
  return { matching: { kind: on ? "on" : "ignoring", labels, ...(side && { group: { side, include } }), fill } };
}

const filledIn = (left: unknown, right: unknown): Plain | undefined =>
  (left ?? right ?? undefined) === undefined
    ? undefined
    : {
        left: left === null ? null : numberText(numberOf(left)),
        right: right === null ? null : numberText(numberOf(right)),
      };

function serverSeries(node: ServerNode): Plain {
  const all = node.matchers as readonly {
    readonly name: string;
    readonly type: Matcher["op"];
    readonly value: string;
  }[];
  const matchers = all.map(({ name, type, value }) => ({ label: name, op: type, value }));
  // A name before the braces comes again as the last of the matchers.
  if (node.name === "") return series(undefined, matchers);
  return { name: node.name, matchers: matchers.slice(0, -1) };
}

const serverWhen = (node: ServerNode): Plain => ({
  offsetMs: lengthOf(node.offset, node.offsetExpr),
  at: node.startOrEnd ?? node.timestamp,
});

const extendedOf = ({ anchored, smoothed }: ServerNode): Plain => ({
  extended: anchored === true ? "anchored" : smoothed === true ? "smoothed" : undefined,
});

const numberOf = (text: unknown): number => Number(String(text).replace("Inf", "Infinity"));

/** Milliseconds of a length that is given as such, or as something to reckon out as the server would. */
function lengthOf(ms: unknown, expr: unknown): number {
  return expr === null ? Number(ms) : Math.trunc(secondsOf(expr as ServerNode) * 1000) + 0;
}

/** Seconds of a reckoning with durations; NaN where it depends on the query's step or range. */
export function secondsOf(node: ServerNode): number {
  if (node.type === "numberLiteral") return numberOf(node.val);
  const left = node.lhs === null ? undefined : secondsOf(node.lhs as ServerNode);
  const right = node.rhs === null ? Number.NaN : secondsOf(node.rhs as ServerNode);
  switch (node.op) {
    case "+":
      return (left ?? 0) + right;
    case "-":
      return (left ?? 0) - right;
    case "*":
      return (left ?? Number.NaN) * right;
    case "/":
      return (left ?? Number.NaN) / right;
    case "%":
      return (left ?? Number.NaN) % right;
    case "^":
      return (left ?? Number.NaN) ** right;
    case "max_of":
      return Math.max(left ?? Number.NaN, right);
    case "min_of":
      return Math.min(left ?? Number.NaN, right);
    default:
      return Number.NaN;
  }
}
