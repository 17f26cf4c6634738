import { QueryError } from "../errors.ts";
import { shown } from "../time.ts";
import type { Expr, Matcher, VectorSelector } from "./ast.ts";
import {
  buildAggregation,
  buildBinary,
  buildCall,
  buildLabelSelector,
  buildMatcher,
  buildMatrix,
  buildNumber,
  buildSelector,
  buildString,
  buildSubquery,
  buildUnary,
} from "./build.ts";

/**
 * The same tree, frozen and held against every rule that the parser and the constructors know: for one that came as
 * JSON, or was put together by hand.
 *
 * @throws {QueryError} for what is no node, and for what Prometheus refuses: arguments of the wrong type or number, set
 * operators on scalars, matching between anything but vectors, selectors of nothing
 * @example
 * print(check(JSON.parse(JSON.stringify(parse("sum(rate(a[5m]))"))))) // sum(rate(a[5m]))
 */
export function check(expr: Expr): Expr {
  // What came as JSON may be anything.
  if (typeof expr !== "object" || expr === null) return refuse(expr);
  switch (expr.kind) {
    case "number":
      return buildNumber(expr.value);
    case "string":
      return buildString(expr.value);
    case "vector":
      return buildSelector(expr.name, checkMatchers(expr), expr);
    case "matrix":
      return buildMatrix(checkSelector(expr.selector), expr.rangeMs);
    case "subquery":
      return buildSubquery(check(expr.expr), expr.rangeMs, expr.stepMs, expr);
    case "call": {
      const args = listOf(expr.args, "the arguments of a call");
      const labels = (arg: Expr, i: number) => expr.func === "info" && i === 1 && arg?.kind === "vector";
      return buildCall(
        expr.func,
        args.map((arg, i) => (labels(arg, i) ? checkLabels(arg as VectorSelector) : check(arg))),
      );
    }
    case "aggregation":
      return buildAggregation(expr.op, check(expr.expr), expr.param && check(expr.param), expr.grouping);
    case "binary":
      return buildBinary(expr.op, check(expr.left), check(expr.right), expr.bool, expr.matching);
    case "unary":
      return buildUnary(expr.op, check(expr.expr));
    default:
      return refuse(expr);
  }
}

function checkSelector(expr: Expr): VectorSelector {
  const checked = check(expr);
  return checked.kind === "vector" ? checked : refuse(expr);
}

function checkLabels(selector: VectorSelector): VectorSelector {
  return selector.name === undefined
    ? buildLabelSelector(checkMatchers(selector), selector)
    : buildSelector(selector.name, checkMatchers(selector), selector);
}

const checkMatchers = ({ matchers }: VectorSelector): Matcher[] =>
  listOf(matchers, "the matchers of a selector").map(({ label, op, value }) => buildMatcher(label, op, value));

function listOf<T>(value: readonly T[], what: string): readonly T[] {
  if (!Array.isArray(value)) throw new QueryError("promql", `${what} are a list, not ${shown(value)}`);
  return value;
}

function refuse(value: unknown): never {
  throw new QueryError("promql", `${shown(value)} is no node of a PromQL tree, by the kind that it says it has`);
}
