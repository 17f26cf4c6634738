import { QueryError } from "../errors.ts";
import type { BinaryOp, SetOp } from "../promql/ast.ts";
import { binary, by, type Expr, type Grouping, type Matching, shiftBack, typeOf } from "../promql/index.ts";
import type { AskOptions } from "../time.ts";

/**
 * How an expression is made, once it is said by which labels to group.
 *
 * `later` is an expression that depends on something a backend must be asked first.
 */
export type Formula = Ready | Later;

export interface Ready {
  readonly kind: "ready";
  /** The expression under a grouping; `undefined` leaves every part grouped as it was written. */
  readonly build: (grouping: Grouping | undefined) => Expr;
}

/** The options of the next question, of those that an answer takes. */
type Rest = () => AskOptions;

export interface Later {
  readonly kind: "later";
  /** What is being waited for, in words, for the error of who needs the text at once. */
  readonly because: string;
  readonly unlock: (atMs: number | undefined, rest: Rest) => Promise<Ready>;
}

export const ready = (build: Ready["build"]): Ready => Object.freeze({ kind: "ready", build });

export const later = (because: string, unlock: Later["unlock"]): Later =>
  Object.freeze({ kind: "later", because, unlock });

/** The formula itself when it is ready, otherwise what its question to the backend makes of it. */
export async function unlock(formula: Formula, atMs: number | undefined, rest: Rest): Promise<Ready> {
  return formula.kind === "ready" ? formula : formula.unlock(atMs, rest);
}

/**
 * The expression under a grouping, at once.
 *
 * @throws {QueryError} `code: "reporter"` for a formula that is made later
 */
export function exprOf({ formula, grouping }: Pick<Grouped, "formula" | "grouping">): Expr {
  if (formula.kind === "ready") return formula.build(grouping);
  throw new QueryError("reporter", `the query has no text yet: ${formula.because}, or await it and read meta.promql`);
}

/** The formula made of `formula`'s expression by `change`. */
export function map(formula: Formula, change: (expr: Expr) => Expr): Formula {
  if (formula.kind === "ready") return ready((grouping) => change(formula.build(grouping)));
  return later(formula.because, async (atMs, rest) => {
    const { build } = await formula.unlock(atMs, rest);
    return ready((grouping) => change(build(grouping)));
  });
}

/** The same formula, looking `offsetMs` further back. */
export const back = (formula: Formula, offsetMs: number): Formula => map(formula, (expr) => shiftBack(expr, offsetMs));

/** A formula with the grouping that was written for it, and the labels its series then have. */
export interface Grouped {
  readonly formula: Formula;
  readonly grouping: Grouping | undefined;
  readonly shape: Grouping;
}

/** What no grouping leaves: one series without labels. */
export const SINGLE: Grouping = by();

/**
 * Two formulas joined by an arithmetic operator, series by series. A side whose labels are part of the other's is
 * joined to each of the other's series.
 *
 * @throws {QueryError} `code: "grouping"` when neither side's labels contain the other's
 */
export function join(op: BinaryOp, left: Grouped, right: Grouped, change: (right: Expr) => Expr): Grouped {
  const shape = joinedShape(left.shape, right.shape);
  const matching = matchingOf(left.shape, right.shape);
  return { formula: combined(op, left, right, matching, change), grouping: undefined, shape };
}

/**
 * Two formulas joined by a set operator: `and` and `unless` keep the labels of the left one, and match by those that
 * both have; under `or` both must have the same.
 *
 * @throws {QueryError} `code: "grouping"` when neither side's labels contain the other's, or under `or` they differ
 */
export function joinSets(op: SetOp, left: Grouped, right: Grouped): Grouped {
  const { shape } = left;
  const same = isPartOf(shape, right.shape) && isPartOf(right.shape, shape);
  if (op === "or" && !same) {
    throw new QueryError(
      "grouping",
      `or: one side is ${shownGrouping(shape)} and the other ${shownGrouping(right.shape)}; group both by the same`,
    );
  }
  joinedShape(shape, right.shape);
  const { labels } = isPartOf(right.shape, shape) ? right.shape : shape;
  return { formula: combined(op, left, right, same ? undefined : { kind: "on", labels }), grouping: undefined, shape };
}

function combined(
  op: BinaryOp,
  left: Grouped,
  right: Grouped,
  matching: Matching | undefined,
  change: (right: Expr) => Expr = (right) => right,
): Formula {
  const build = (l: Ready, r: Ready): Ready =>
    ready((grouping) => {
      const [a, b] = [l.build(grouping ?? left.grouping), change(r.build(grouping ?? right.grouping))];
      // Under one grouping both sides have the same labels and need no matching; a scalar has none to match.
      const matched = grouping === undefined && typeOf(a) === "vector" && typeOf(b) === "vector";
      return binary(op, a, b, { matching: matched ? matching : undefined });
    });
  const { formula: l } = left;
  const { formula: r } = right;
  if (l.kind === "ready" && r.kind === "ready") return build(l, r);
  const because = l.kind === "later" ? l.because : r.kind === "later" ? r.because : "";
  return later(because, async (atMs, rest) => build(await unlock(l, atMs, rest), await unlock(r, atMs, rest)));
}

function joinedShape(left: Grouping, right: Grouping): Grouping {
  if (isPartOf(right, left)) return left;
  if (isPartOf(left, right)) return right;
  throw new QueryError(
    "grouping",
    `a query ${shownGrouping(left)} and one ${shownGrouping(right)} have no common labels to join on; group both by the same`,
  );
}

/** Nothing where both sides have the same labels; otherwise on the smaller side's labels, many to one. */
function matchingOf(left: Grouping, right: Grouping): Matching | undefined {
  if (isPartOf(left, right) && isPartOf(right, left)) return undefined;
  const leftHasMore = isPartOf(right, left);
  const { labels } = leftHasMore ? right : left;
  return { kind: "on", labels, group: { side: leftHasMore ? "left" : "right", include: [] } };
}

function isPartOf(part: Grouping, whole: Grouping): boolean {
  if (part.kind === "by" && part.labels.length === 0) return true;
  if (part.kind !== whole.kind) return false;
  if (part.kind === "without") return sameLabels(part.labels, whole.labels);
  return part.labels.every((label) => whole.labels.includes(label));
}

const sameLabels = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((label) => b.includes(label));

const shownGrouping = ({ kind, labels }: Grouping): string => `${kind} (${labels.join(", ")})`;
