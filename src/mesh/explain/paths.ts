import { printValue } from "../../results/text.ts";
import type { CallGroup } from "../log-finding.ts";
import type { Suspicion } from "./finding.ts";
import { gathers } from "./significance.ts";

/** The calls of both windows by their path. */
export interface PathsSeen {
  readonly before: readonly CallGroup[];
  readonly after: readonly CallGroup[];
  /** Seconds that the later window's lines were read of. */
  readonly seconds: number;
  /** Whether it is to be explained that requests take longer, too. */
  readonly isSlower: boolean;
}

/** Fewer calls have no median that says anything. */
const LEAST_MEASURED = 20;
const SLOWER = 2;
const SLOWER_MS = 5;

/** What access logs say of paths: on which calls fail, or take long, and on the others do not. */
export function pathSuspicions({ before, after, seconds, isSlower: asks }: PathsSeen): readonly Suspicion[] {
  const earlier = new Map(before.map((group) => [group.key, group]));
  const calls = total(after, ({ calls: count }) => count);
  const found: Suspicion[] = [];
  const errors = total(after, (group) => group.errors);
  for (const group of after) {
    const share = group.errors / group.calls;
    const known = earlier.get(group.key);
    const shareBefore = known === undefined ? undefined : known.errors / known.calls;
    if (!gathers(errors, group.errors, group.calls / calls) || share < (shareBefore ?? 0) + 0.05) continue;
    const was = shareBefore === undefined ? "not called before" : `${printValue(shareBefore, "ratio")} before`;
    found.push({
      kind: "failing-path",
      message: `requests fail on the path ${group.key}: ${printValue(share, "ratio")} of ${group.calls}, ${was}`,
      affected: group.errors / seconds,
      figures: [{ name: "share", unit: "ratio", before: shareBefore, after: share }],
      shows: {},
      side: "callee",
      examples: { path: group.key, errors: true },
    });
  }
  const slow = (asks ? after : []).filter((group) => isSlower(earlier.get(group.key), group));
  if (slow.length === 0 || total(slow, (group) => group.calls) > 0.75 * calls) return found;
  for (const group of slow) {
    const was = earlier.get(group.key)?.medianMs;
    found.push({
      kind: "slow-path",
      message: `requests take longer on the path ${group.key}: ${printValue(group.medianMs, "ms")} in the middle, ${printValue(was, "ms")} before`,
      affected: group.calls / seconds,
      figures: [{ name: "median", unit: "ms", before: was, after: group.medianMs }],
      shows: {},
      side: "callee",
      examples: { path: group.key, slowerThan: `${Math.max(1, Math.floor(group.medianMs ?? 1))}ms` },
    });
  }
  return found;
}

function isSlower(before: CallGroup | undefined, after: CallGroup): boolean {
  const [was, is] = [before?.medianMs, after.medianMs];
  if (was === undefined || is === undefined) return false;
  if (after.calls < LEAST_MEASURED || (before?.calls ?? 0) < LEAST_MEASURED) return false;
  return is >= SLOWER * was && is - was >= SLOWER_MS;
}

const total = (groups: readonly CallGroup[], part: (group: CallGroup) => number): number =>
  groups.reduce((sum, group) => sum + part(group), 0);
