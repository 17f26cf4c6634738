import type { Span } from "./span.ts";

/** The spans of one trace and how they belong to one another. */
export interface SpanTree {
  readonly id: string;
  /** In order of start; of equal starts, parents before children. */
  readonly spans: readonly Span[];
  /** Spans without a parent in the trace: true roots, and orphans. */
  readonly roots: readonly Span[];
  /** Those of the roots that name a parent which the trace does not hold, or which would be their own descendant. */
  readonly orphans: readonly Span[];
  /** How many spans were left out because they had come before, word for word. */
  readonly repeated: number;
  /** The spans that name this one as their parent, in order of start. */
  childrenOf(span: Span): readonly Span[];
  /** The span's parent, `undefined` of a root. */
  parentOf(span: Span): Span | undefined;
}

const NONE: readonly Span[] = Object.freeze([]);
const ROOT = -1;

/**
 * Finds the parents of `spans`, in time that grows with their number however they are joined.
 *
 * A span that came twice counts once. Of several different spans with one id the last that started before
 * the child is its parent. A circle, which only a broken
 * reporter makes, is cut at its earliest span. The order in which the spans are given does not matter.
 */
export function spanTree(id: string, given: readonly Span[]): SpanTree {
  const sorted = [...given].sort(byStart).filter((span, i, all) => !repeats(span, all[i - 1]));
  const parents = parentsOf(sorted);
  cutCircles(parents);
  const depths = depthsOf(parents);
  const order = sorted
    .map((_, i) => i)
    .sort((a, b) => startOf(sorted, a) - startOf(sorted, b) || at(depths, a) - at(depths, b));
  const spans = order.map((i) => sorted[i] as Span);
  const parentOf = new Map<Span, Span>();
  const childrenOf = new Map<Span, Span[]>();
  const roots: Span[] = [];
  for (const i of order) {
    const span = sorted[i] as Span;
    const parent = sorted[at(parents, i)];
    if (parent === undefined) {
      roots.push(span);
      continue;
    }
    parentOf.set(span, parent);
    const siblings = childrenOf.get(parent);
    if (siblings === undefined) childrenOf.set(parent, [span]);
    else siblings.push(span);
  }
  for (const siblings of childrenOf.values()) Object.freeze(siblings);
  return Object.freeze({
    id,
    spans: Object.freeze(spans),
    roots: Object.freeze(roots),
    orphans: Object.freeze(roots.filter((span) => span.parentId !== undefined)),
    repeated: given.length - spans.length,
    childrenOf: (span: Span) => childrenOf.get(span) ?? NONE,
    parentOf: (span: Span) => parentOf.get(span),
  });
}

/** Every span with its depth, parents before their children and siblings by start: the order of a drawn tree. */
export function* walk(tree: SpanTree): IterableIterator<{ readonly span: Span; readonly depth: number }> {
  const stack = tree.roots.toReversed().map((span) => ({ span, depth: 0 }));
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    yield next;
    const children = tree.childrenOf(next.span);
    for (let i = children.length - 1; i >= 0; i--) stack.push({ span: children[i] as Span, depth: next.depth + 1 });
  }
}

/** By start; ties by what else tells spans apart, so that the order they came in does not show. */
function byStart(a: Span, b: Span): number {
  return (
    a.startMs - b.startMs ||
    b.durationMs - a.durationMs ||
    compare(a.key, b.key) ||
    compare(a.parentId ?? "", b.parentId ?? "") ||
    compare(a.service, b.service) ||
    compare(a.operation, b.operation)
  );
}

/** A backend may give a span twice, having stored it twice or read it from two places. */
const repeats = (span: Span, before: Span | undefined): boolean =>
  before !== undefined && (span === before || (byStart(before, span) === 0 && before.kind === span.kind));

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const at = (column: Int32Array, i: number): number => column[i] ?? ROOT;
const startOf = (spans: readonly Span[], i: number): number => spans[i]?.startMs ?? Number.NaN;

/** Where the spans of one id stand among all, in order of start. Almost always it is one. */
type Places = Map<string, number | number[]>;

function parentsOf(spans: readonly Span[]): Int32Array {
  const clients: Places = new Map();
  const servers: Places = new Map();
  for (const [i, span] of spans.entries()) {
    const places = span.shared ? servers : clients;
    const known = places.get(span.id);
    if (known === undefined) places.set(span.id, i);
    else if (typeof known === "number") places.set(span.id, [known, i]);
    else known.push(i);
  }
  const parents = new Int32Array(spans.length).fill(ROOT);
  for (const [i, span] of spans.entries()) parents[i] = parentAmong(spans, i, span, clients, servers);
  return parents;
}

/** The server's half of a shared span belongs to the client's; what names that id as its parent, to the server's. */
function parentAmong(spans: readonly Span[], i: number, span: Span, clients: Places, servers: Places): number {
  if (span.shared) {
    const client = nearest(i, clients.get(span.id));
    if (client !== ROOT) return client;
  }
  if (span.parentId === undefined) return ROOT;
  const server = nearest(i, servers.get(span.parentId));
  const client = nearest(i, clients.get(span.parentId));
  if (server === ROOT || client === ROOT) return Math.max(server, client);
  // What the caller did within its own half is named by the same id as what the callee did within the other.
  const isCallers = spans[client]?.service === span.service && spans[server]?.service !== span.service;
  return isCallers ? client : server;
}

/** Of the places, the last before `i`, otherwise the first after it. */
function nearest(i: number, places: number | readonly number[] | undefined): number {
  if (places === undefined) return ROOT;
  if (typeof places === "number") return places === i ? ROOT : places;
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle] ?? i) < i) low = middle + 1;
    else high = middle;
  }
  return places[low - 1] ?? (places[low] === i ? places[low + 1] : places[low]) ?? ROOT;
}

function cutCircles(parents: Int32Array): void {
  const walkOf = new Int32Array(parents.length).fill(ROOT);
  for (let start = 0; start < parents.length; start++) {
    let i = start;
    while (i !== ROOT && at(walkOf, i) === ROOT) {
      walkOf[i] = start;
      i = at(parents, i);
    }
    if (i === ROOT || at(walkOf, i) !== start) continue;
    let earliest = i;
    for (let one = at(parents, i); one !== i; one = at(parents, one)) earliest = Math.min(earliest, one);
    parents[earliest] = ROOT;
  }
}

function depthsOf(parents: Int32Array): Int32Array {
  const depths = new Int32Array(parents.length).fill(ROOT);
  const path: number[] = [];
  for (let start = 0; start < parents.length; start++) {
    let i = start;
    while (i !== ROOT && at(depths, i) === ROOT) {
      path.push(i);
      i = at(parents, i);
    }
    let depth = i === ROOT ? ROOT : at(depths, i);
    for (let one = path.pop(); one !== undefined; one = path.pop()) depths[one] = ++depth;
  }
  return depths;
}
