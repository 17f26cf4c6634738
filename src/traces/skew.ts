import type { Span } from "./span.ts";
import type { SpanTree } from "./span-tree.ts";

/** A span whose clock cannot agree with that of its parent. */
export interface Skew {
  readonly span: Span;
  readonly parent: Span;
  /** How far the span's clock is ahead at least, in milliseconds; negative where it is behind. */
  readonly aheadMs: number;
}

/** Less than this between two clocks is not told from the time a busy machine takes to end a span. */
const TOLERATED_MS = 1;

/**
 * The spans that lie outside a parent of another process although no network could put them there: a called process
 * cannot begin before its caller, and a call that took less time than its caller waited cannot end after it.
 *
 * Durations hold whatever the clocks say; only positions are in doubt.
 */
export function skewsOf(tree: SpanTree): readonly Skew[] {
  const skews: Skew[] = [];
  for (const span of tree.spans) {
    const parent = tree.parentOf(span);
    if (parent === undefined || !haveTwoClocks(parent, span)) continue;
    const aheadMs = skewOf(parent, span);
    if (aheadMs !== 0) skews.push(Object.freeze({ span, parent, aheadMs }));
  }
  return Object.freeze(skews);
}

function skewOf(parent: Span, span: Span): number {
  const early = parent.startMs - span.startMs;
  if (early > TOLERATED_MS) return -early;
  // What takes longer than its caller waited has simply outlived it.
  const late = span.endMs - parent.endMs;
  return late > TOLERATED_MS && waits(parent, span) && span.durationMs <= parent.durationMs ? late : 0;
}

const haveTwoClocks = (parent: Span, span: Span): boolean =>
  parent.service !== span.service || (parent.kind === "client" && span.kind === "server");

const waits = (parent: Span, span: Span): boolean => parent.kind === "client" && span.kind === "server";
