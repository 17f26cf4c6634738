import type { Hop } from "./hop.ts";
import type { Span } from "./span.ts";
import type { SpanTree } from "./span-tree.ts";

/** A stretch of time in which the request waited for this span itself, and for none of its children. */
export interface CriticalSection {
  readonly span: Span;
  readonly fromMs: number;
  readonly toMs: number;
  readonly selfMs: number;
}

/** How much of the critical path a hop took, beside the hops that it led to. */
export interface CriticalHop {
  readonly hop: Hop;
  readonly selfMs: number;
}

/** What a request's duration consists of: sections that follow one another from the root's start to its end. */
export interface CriticalPath {
  /** The span whose duration is explained, `undefined` of a trace without spans. */
  readonly root: Span | undefined;
  /** In order of time, without gaps. */
  readonly sections: readonly CriticalSection[];
  /** The hops on the path, the costliest first. What no hop leads to, such as a root of an application's, is in none. */
  readonly hops: readonly CriticalHop[];
}

/**
 * The critical path of a trace: shortening any other span would not have made the request faster.
 *
 * It goes back from the root's end through the child that ended last, then from that child's start through the one that
 * ended last before it, and so on, within each child alike. Children are cut to their parents; what lies outside, and
 * messages that nobody waits for, are left out. Of several roots the longest is taken, true roots before orphans.
 *
 * @see Jaeger UI, `CriticalPath` of the trace page, whose definition this is
 */
export function criticalPathOf(tree: SpanTree, hops: readonly Hop[]): CriticalPath {
  const root = longest(tree.roots.filter((span) => span.parentId === undefined)) ?? longest(tree.roots);
  if (root === undefined) return Object.freeze({ root, sections: Object.freeze([]), hops: Object.freeze([]) });
  const sections = sectionsOf(tree, root);
  return Object.freeze({ root, sections, hops: sums(tree, sections, hops) });
}

function longest(spans: readonly Span[]): Span | undefined {
  return spans.reduce<Span | undefined>((a, b) => (a !== undefined && a.durationMs >= b.durationMs ? a : b), undefined);
}

/** A span with the part of it that lies within its parent. */
interface Clipped {
  readonly span: Span;
  readonly fromMs: number;
  readonly toMs: number;
}

interface Frame extends Clipped {
  /** The children by end, the last one at the end of the list. */
  readonly children: Clipped[];
  /** What comes after this is explained. */
  reachedMs: number;
}

function sectionsOf(tree: SpanTree, root: Span): readonly CriticalSection[] {
  const sections: CriticalSection[] = [];
  const add = ({ span }: Clipped, fromMs: number, toMs: number) => {
    if (toMs > fromMs) sections.push(Object.freeze({ span, fromMs, toMs, selfMs: toMs - fromMs }));
  };
  const stack = [frame(tree, { span: root, fromMs: root.startMs, toMs: root.endMs })];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const child = top.children.pop();
    if (child === undefined) {
      add(top, top.fromMs, top.reachedMs);
      stack.pop();
    } else if (child.toMs <= top.reachedMs) {
      add(top, child.toMs, top.reachedMs);
      top.reachedMs = child.fromMs;
      stack.push(frame(tree, child));
    }
  }
  return Object.freeze(sections.reverse());
}

function frame(tree: SpanTree, { span, fromMs, toMs }: Clipped): Frame {
  const children: Clipped[] = [];
  const all = tree.childrenOf(span);
  for (let i = all.length - 1; i >= 0; i--) {
    const child = all[i] as Span;
    const part = { span: child, fromMs: Math.max(child.startMs, fromMs), toMs: Math.min(child.endMs, toMs) };
    if (part.toMs > part.fromMs && isWaitedFor(child)) children.push(part);
  }
  // Of children that end together the longest is taken, of equal ones the first.
  children.sort((a, b) => a.toMs - b.toMs || b.fromMs - a.fromMs);
  return { span, fromMs, toMs, children, reachedMs: toMs };
}

const isWaitedFor = ({ kind }: Span): boolean => kind !== "producer" && kind !== "consumer";

function sums(tree: SpanTree, sections: readonly CriticalSection[], hops: readonly Hop[]): readonly CriticalHop[] {
  const hopOf = new Map<Span, Hop | undefined>();
  for (const hop of hops) for (const span of hop.spans) hopOf.set(span, hop);
  const totals = new Map<Hop, number>();
  for (const { span, selfMs } of sections) {
    const hop = nearest(tree, span, hopOf);
    if (hop !== undefined) totals.set(hop, (totals.get(hop) ?? 0) + selfMs);
  }
  const sum = Array.from(totals, ([hop, selfMs]) => Object.freeze({ hop, selfMs }));
  return Object.freeze(sum.sort((a, b) => b.selfMs - a.selfMs));
}

/** The hop that led to a span; what is found is kept in `known`, so that all spans together take linear time. */
function nearest(tree: SpanTree, span: Span, known: Map<Span, Hop | undefined>): Hop | undefined {
  const path: Span[] = [];
  let one: Span | undefined = span;
  while (one !== undefined && !known.has(one)) {
    path.push(one);
    one = tree.parentOf(one);
  }
  const hop = one === undefined ? undefined : known.get(one);
  for (const each of path) known.set(each, hop);
  return hop;
}
