import { EvaluationError } from "../../errors.ts";
import type { Call, Expr, Matcher } from "../ast.ts";
import { isWellFormed } from "../quote.ts";
import { type Column, joinEqual, relabelled } from "./column.ts";
import { compareLabels, compareText, isMetadata, Labels } from "./labels.ts";
import { seriesTest } from "./matchers.ts";
import { comesBefore } from "./natural-order.ts";
import { compileRe2, type Pattern, PatternFault } from "./re2.ts";

/** The text of an argument that is a string literal. */
export const textOf = (arg: Expr | undefined): string => (arg?.kind === "string" ? arg.value : "");

const isLabelName = (name: string): boolean => name !== "" && isWellFormed(name);

/** What `label_replace` or `label_join` makes of a vector; made before the vector is evaluated, as it may refuse. */
export type Relabelling = (columns: readonly Column[]) => Column[];

/** `label_replace(v, destination, replacement, source, pattern)`. */
export function labelReplace({ args }: Call): Relabelling {
  const destination = textOf(args[1]);
  const replacement = textOf(args[2]);
  const source = textOf(args[3]);
  const pattern = replacePattern(textOf(args[4]));
  if (!isLabelName(destination)) {
    throw new EvaluationError("execution", `invalid destination label name in label_replace(): ${destination}`);
  }
  const expand = template(replacement, pattern);
  return (columns) =>
    joinEqual(
      columns.map((column) => {
        const match = pattern.regexp.exec(column.labels.get(source));
        return match === null ? column : renamed(column, destination, expand(match));
      }),
    );
}

function replacePattern(text: string): Pattern {
  try {
    return compileRe2(text);
  } catch (error) {
    if (!(error instanceof PatternFault)) throw error;
    throw new EvaluationError("execution", `invalid regular expression in label_replace(): ${text}`, { cause: error });
  }
}

const renamed = (column: Column, name: string, value: string): Column =>
  relabelled(column, column.labels.with(name, value), name !== "__name__" && column.dropName);

const REFERENCE = /\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu;

/** Fills `$1`, `$name` and `${name}` in; what the pattern has no group for is empty, and `$$` is a dollar. */
function template(text: string, { groups }: Pattern): (match: RegExpExecArray) => string {
  return (match) =>
    text.replace(REFERENCE, (_, plain: string | undefined, braced: string | undefined) => {
      const name = plain ?? braced;
      if (name === undefined) return "$";
      const index = /^(?:0|[1-9]\d*)$/.test(name) ? Number(name) : groups.get(name);
      return index === undefined ? "" : (match[index] ?? "");
    });
}

/** `label_join(v, destination, separator, …sources)`. */
export function labelJoin({ args }: Call): Relabelling {
  const destination = textOf(args[1]);
  const separator = textOf(args[2]);
  const sources = args.slice(3).map(textOf);
  const bad = sources.find((name) => !isLabelName(name));
  if (bad !== undefined) {
    throw new EvaluationError("execution", `invalid source label name in label_join(): ${bad}`);
  }
  if (!isLabelName(destination)) {
    throw new EvaluationError("execution", `invalid destination label name in label_join(): ${destination}`);
  }
  return (columns) =>
    joinEqual(
      columns.map((column) => {
        const value = sources.map((name) => column.labels.get(name)).join(separator);
        return renamed(column, destination, value);
      }),
    );
}

/** Series in the natural order of some labels, and of all where those are equal. */
export function sortByLabels(columns: readonly Column[], names: readonly string[], isDescending: boolean): Column[] {
  const sign = isDescending ? -1 : 1;
  return [...columns].sort((a, b) => {
    for (const name of names) {
      const x = a.labels.get(name);
      const y = b.labels.get(name);
      if (compareText(x, y) !== 0) return comesBefore(x, y) ? -sign : sign;
    }
    return sign * compareLabels(a.labels, b.labels);
  });
}

/**
 * The labels that a selector fixes to one value each, which is what is known of series that are absent. Prometheus looks
 * at the matchers in the order in which its storage has put them: those that only take series away come last.
 */
export function labelsOfAbsent(expr: Expr | undefined): Labels {
  const selector = expr?.kind === "matrix" ? expr.selector : expr;
  if (selector?.kind !== "vector") return Labels.EMPTY;
  const fixed = new Map<string, string>();
  const seen = new Set<string>();
  const takesAway = (one: Matcher): boolean => one.op.startsWith("!") && seriesTest([one])({});
  const matchers = selector.matchers.filter((one) => !takesAway(one));
  for (const { label, op, value } of [...matchers, ...selector.matchers.filter(takesAway)]) {
    if (isMetadata(label)) continue;
    if (op === "=" && !seen.has(label)) {
      fixed.set(label, value);
      seen.add(label);
    } else fixed.delete(label);
  }
  return Labels.of(Object.fromEntries(fixed));
}
