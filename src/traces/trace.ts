import type { Span } from "./span.ts";

/**
 * The spans of one request as a backend had them: maybe with parents missing, with several roots, or with clocks that
 * disagree. Nothing is mended and nothing is hidden.
 */
export class Trace implements Iterable<Span> {
  readonly id: string;
  /** In order of start; of equal starts, parents before children. */
  readonly spans: readonly Span[];
  /** Spans without a parent in the trace: true roots, and orphans whose parent is missing. */
  readonly roots: readonly Span[];
  /** Those of the roots that name a parent which the trace does not hold. */
  readonly orphans: readonly Span[];
  /** What the backend says is wrong with the trace or its spans. */
  readonly warnings: readonly string[];
  readonly #children: ReadonlyMap<string, readonly Span[]>;
  readonly #parents: ReadonlyMap<string, Span>;

  constructor(id: string, spans: readonly Span[], warnings: readonly string[] = []) {
    const { parents, children, roots, orphans } = kinship(spans);
    this.id = id;
    this.spans = Object.freeze(ordered(spans, parents));
    this.roots = Object.freeze(roots);
    this.orphans = Object.freeze(orphans);
    this.warnings = Object.freeze([...new Set([...warnings, ...spans.flatMap((span) => span.warnings)])]);
    this.#children = children;
    this.#parents = parents;
    Object.freeze(this);
  }

  /** The earliest start of any span, in epoch milliseconds. */
  get startMs(): number {
    return this.spans[0]?.startMs ?? Number.NaN;
  }

  /** From the earliest start to the latest end, in milliseconds. */
  get durationMs(): number {
    return this.spans.reduce((end, span) => Math.max(end, span.endMs), Number.NEGATIVE_INFINITY) - this.startMs;
  }

  [Symbol.iterator](): Iterator<Span> {
    return this.spans[Symbol.iterator]();
  }

  childrenOf(span: Span): readonly Span[] {
    return this.#children.get(span.key) ?? [];
  }

  parentOf(span: Span): Span | undefined {
    return this.#parents.get(span.key);
  }
}

interface Kinship {
  readonly parents: ReadonlyMap<string, Span>;
  readonly children: ReadonlyMap<string, readonly Span[]>;
  readonly roots: Span[];
  readonly orphans: Span[];
}

function kinship(spans: readonly Span[]): Kinship {
  const byId = new Map<string, Span>();
  const sharedServers = new Map<string, Span>();
  for (const span of spans) (span.shared ? sharedServers : byId).set(span.id, span);
  const parents = new Map<string, Span>();
  const children = new Map<string, Span[]>();
  const roots: Span[] = [];
  const orphans: Span[] = [];
  for (const span of spans) {
    const parent = parentAmong(span, byId, sharedServers);
    if (parent === undefined || isOwnAncestor(span, parent, parents)) {
      roots.push(span);
      if (span.parentId !== undefined) orphans.push(span);
      continue;
    }
    parents.set(span.key, parent);
    const siblings = children.get(parent.key);
    if (siblings === undefined) children.set(parent.key, [span]);
    else siblings.push(span);
  }
  for (const siblings of children.values()) siblings.sort((a, b) => a.startMs - b.startMs);
  return { parents, children, roots, orphans };
}

/** The server's half of a shared span belongs to the client's; what names that id as its parent, to the server's. */
function parentAmong(
  span: Span,
  byId: ReadonlyMap<string, Span>,
  sharedServers: ReadonlyMap<string, Span>,
): Span | undefined {
  if (span.shared) {
    const client = byId.get(span.id);
    if (client !== undefined) return client;
  }
  if (span.parentId === undefined) return undefined;
  const server = sharedServers.get(span.parentId);
  return server !== undefined && server !== span ? server : byId.get(span.parentId);
}

/** Whether making `parent` the parent of `span` would close a circle, which a broken reporter can ask for. */
function isOwnAncestor(span: Span, parent: Span, parents: ReadonlyMap<string, Span>): boolean {
  for (let one: Span | undefined = parent; one !== undefined; one = parents.get(one.key)) {
    if (one.key === span.key) return true;
  }
  return false;
}

function ordered(spans: readonly Span[], parents: ReadonlyMap<string, Span>): Span[] {
  const depth = new Map<string, number>();
  const depthOf = (span: Span): number => {
    const known = depth.get(span.key);
    if (known !== undefined) return known;
    const path: Span[] = [];
    let one: Span | undefined = span;
    while (one !== undefined && !depth.has(one.key)) {
      path.push(one);
      one = parents.get(one.key);
    }
    let at = one === undefined ? -1 : (depth.get(one.key) ?? -1);
    for (const each of path.reverse()) depth.set(each.key, ++at);
    return at;
  };
  return [...spans].sort((a, b) => a.startMs - b.startMs || depthOf(a) - depthOf(b));
}
