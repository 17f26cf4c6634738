import { number, text } from "../results/column.ts";
import { INSPECT } from "../results/mime.ts";
import { Result, Table } from "../results/result.ts";
import type { View } from "../results/view.ts";
import { type BarsOptions, printBars } from "./bars.ts";
import { type FirstCause, firstCausesOf } from "./cause.ts";
import { type CriticalPath, criticalPathOf } from "./critical-path.ts";
import { type Hop, hopsOf } from "./hop.ts";
import { type Skew, skewsOf } from "./skew.ts";
import type { Span } from "./span.ts";
import { type SpanTree, spanTree } from "./span-tree.ts";
import { type TraceJson, traceJson } from "./trace-json.ts";
import { traceSvg } from "./trace-svg.ts";
import { traceView } from "./trace-view.ts";
import { outcomeOf, printTree } from "./tree.ts";

/** How many spans `console.log` draws of a trace. */
const INSPECTED = 100;

/**
 * The spans of one request as a backend had them: maybe with parents missing, with several roots, or with clocks that
 * disagree. Nothing is mended and nothing is hidden but a span that came twice.
 *
 * How the spans belong together is found out when it is first asked for.
 */
export class Trace extends Result implements Iterable<Span>, SpanTree {
  readonly id: string;
  /** What the backend says is wrong with the trace or its spans. */
  readonly warnings: readonly string[];
  readonly #given: readonly Span[];
  #tree: SpanTree | undefined;
  #hops: readonly Hop[] | undefined;

  constructor(id: string, spans: readonly Span[], warnings: readonly string[] = []) {
    super();
    this.id = id;
    this.warnings = warningsOf(spans, warnings);
    this.#given = [...spans];
    Object.freeze(this);
  }

  /** In order of start; of equal starts, parents before children. */
  get spans(): readonly Span[] {
    return this.#whole.spans;
  }

  /** Spans without a parent in the trace: true roots, and orphans whose parent is missing. */
  get roots(): readonly Span[] {
    return this.#whole.roots;
  }

  /** Those of the roots that name a parent which the trace does not hold, or which would be their own descendant. */
  get orphans(): readonly Span[] {
    return this.#whole.orphans;
  }

  /** How many spans were left out because they had come before, word for word. */
  get repeated(): number {
    return this.#whole.repeated;
  }

  /** The earliest start of any span, in epoch milliseconds; NaN without spans. */
  get startMs(): number {
    return this.#given.length === 0
      ? Number.NaN
      : this.#given.reduce((start, span) => Math.min(start, span.startMs), Number.POSITIVE_INFINITY);
  }

  /** From the earliest start to the latest end, in milliseconds. */
  get durationMs(): number {
    return this.#given.reduce((end, span) => Math.max(end, span.endMs), Number.NEGATIVE_INFINITY) - this.startMs;
  }

  /** The spans whose clocks cannot agree with their parents'. */
  get skews(): readonly Skew[] {
    return skewsOf(this.#whole);
  }

  /** The spans in order of start. */
  [Symbol.iterator](): Iterator<Span> {
    return this.spans[Symbol.iterator]();
  }

  /** The spans that name this one as their parent, in order of start. */
  childrenOf(span: Span): readonly Span[] {
    return this.#whole.childrenOf(span);
  }

  /** The span's parent, `undefined` of a root. */
  parentOf(span: Span): Span | undefined {
    return this.#whole.parentOf(span);
  }

  /** The calls that crossed the mesh, in the order the request took. Empty where no proxy of Istio's made a span. */
  hops(): readonly Hop[] {
    this.#hops ??= hopsOf(this.#whole);
    return this.#hops;
  }

  /** What the request's duration consists of. */
  criticalPath(): CriticalPath {
    return criticalPathOf(this.#whole, this.hops());
  }

  /** The failures that did not follow from another, in order of start; empty where nothing failed. */
  errors(): readonly FirstCause[] {
    return firstCausesOf(this.#whole, this.hops());
  }

  /**
   * The spans as a tree of text lines.
   *
   * @param limit how many spans are drawn at most
   */
  tree(limit?: number): string {
    return printTree(this.#whole, limit);
  }

  /** The spans as lines of text, each with a bar where and as long as it was. */
  waterfall(options: BarsOptions = {}): string {
    return printBars(this.#whole, options);
  }

  /** The waterfall as SVG: a file of its own, light or dark as its reader has it. */
  toSVG(): string {
    return traceSvg(this.#whole, this.criticalPath());
  }

  /** A row for each span, in order of start. */
  toTable(): Table {
    const { startMs } = this;
    return Table.of(
      [
        text("span"),
        text("parent"),
        text("service"),
        text("operation"),
        text("kind"),
        number("start", "ms"),
        number("duration", "ms"),
        text("outcome"),
      ],
      this.spans.map((span) => [
        span.id,
        span.parentId,
        span.service,
        span.operation,
        span.kind,
        span.startMs - startMs,
        span.durationMs,
        outcomeOf(span),
      ]),
      (row) => (this.spans[row]?.error === true ? "bad" : undefined),
    );
  }

  /** What failed first, bars on an axis of time with the critical path in them, the calls that crossed the mesh. */
  toView(): View {
    return traceView(this.#whole, { hops: this.hops(), warnings: this.warnings });
  }

  toJSON(): TraceJson {
    return traceJson(this.#whole, this.warnings);
  }

  /** The spans as a tree of text lines; {@link Trace.tree} of all of them. */
  override toString(): string {
    return this.tree();
  }

  override [INSPECT](): string {
    return this.tree(INSPECTED);
  }

  get #whole(): SpanTree {
    this.#tree ??= spanTree(this.id, this.#given);
    return this.#tree;
  }
}

const NONE: readonly never[] = Object.freeze([]);

/** Each warning once, the trace's own first. */
function warningsOf(spans: readonly Span[], own: readonly string[]): readonly string[] {
  let all: Set<string> | undefined;
  if (own.length > 0) all = new Set(own);
  for (const { warnings } of spans) {
    if (warnings.length === 0) continue;
    all ??= new Set();
    for (const warning of warnings) all.add(warning);
  }
  return all === undefined ? NONE : Object.freeze([...all]);
}
