import { QueryError } from "../../errors.ts";
import { type Expr, matcher, print, seriesTest, type VectorSelector } from "../../promql/index.ts";
import type { LabelSet } from "../../results/labels.ts";
import { type AlertSpec, exprOf, type GroupSpec, literalTexts, printedTexts } from "../spec.ts";

/** A recording rule in the order of evaluation. */
export interface Recording {
  /** The name of the metric that it writes. */
  readonly name: string;
  readonly expr: Expr;
  /** The labels that it sets, those of its group among them. */
  readonly labels: LabelSet;
  /** The most series that it may have, 0 for any number. */
  readonly limit: number;
}

/** What of a group bears on how its rules are evaluated. */
export type EvaluatedGroup = Pick<GroupSpec, "labels" | "limit" | "rules">;

/** The rules of the groups that record, in the order in which they are evaluated. */
export function recordingsOf(groups: readonly EvaluatedGroup[]): readonly Recording[] {
  return groups.flatMap(({ rules, labels, limit = 0 }) =>
    rules.flatMap((rule) => {
      if (rule.kind !== "record") return [];
      // A server fills nothing into what is recorded, so that a group's templates are there as they are written.
      const own = { ...printedTexts(labels), ...literalTexts(rule.labels) };
      return [{ name: rule.name, expr: exprOf(rule), labels: own, limit }];
    }),
  );
}

/** Which recordings a rule can read, and which of them its group evaluates after it. */
export interface Reading {
  readonly recordings: readonly Recording[];
  readonly behind: readonly Recording[];
}

/** What a rule of one of the groups can read; a rule that was changed since counts as the last one of its group. */
export function readingIn(
  groups: readonly EvaluatedGroup[],
  own: EvaluatedGroup | undefined,
  rule: AlertSpec,
): Reading {
  const all = groups.map((group) => recordingsOf([group]));
  const place = own?.rules.indexOf(rule) ?? -1;
  const before = place < 0 ? undefined : own?.rules.slice(0, place).filter(({ kind }) => kind === "record").length;
  const written = own === undefined ? [] : (all[groups.indexOf(own)] ?? []);
  return { recordings: all.flat(), behind: before === undefined ? [] : written.slice(before) };
}

/**
 * Those of the recordings that a selector may read.
 *
 * @throws {QueryError} `code: "promql"` for a selector that names its metrics by a pattern
 */
export function readBy(selector: VectorSelector, recordings: readonly Recording[]): readonly Recording[] {
  const { name, matchers } = selector;
  const named = name === undefined ? matchers : [matcher("__name__", "=", name), ...matchers];
  const found = recordings.filter(({ name, labels }) => {
    const own = { ...labels, __name__: name };
    // Of labels that the rule does not set itself nothing is known before it is evaluated.
    return seriesTest(named.filter(({ label }) => Object.hasOwn(own, label)))(own);
  });
  if (found.length === 0 || named.some(({ label, op }) => label === "__name__" && op === "=")) return found;
  throw new QueryError(
    "promql",
    `${print(selector)} reads metrics of any name, recorded ones among them; write the name of the metric`,
  );
}
