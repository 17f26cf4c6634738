import { plain } from "../results/text.ts";
import { formatInstant } from "../time.ts";
import { outcomeText } from "./cause.ts";
import { skewsOf } from "./skew.ts";
import type { Span } from "./span.ts";
import { type SpanTree, walk } from "./span-tree.ts";
import { hasFailed, statusOf } from "./status.ts";

/** Deeper spans are drawn at this depth, with their own before them: a chain of thousands stays readable. */
const DEEPEST = 24;

/**
 * A trace as lines of text: service, operation, duration and outcome of every span, `✗` before what failed.
 *
 * Spans whose parent is missing and clocks that disagree are said to be so. Nothing in it can move a terminal's cursor.
 *
 * @param limit how many spans are drawn at most
 */
export function printTree(tree: SpanTree, limit = Number.POSITIVE_INFINITY): string {
  const lines = [`trace ${tree.id}: ${summaryOf(tree)}`];
  const aheadMs = new Map(skewsOf(tree).map((skew) => [skew.span, skew.aheadMs]));
  const isLast: boolean[] = [];
  let drawn = 0;
  for (const { span, depth } of walk(tree)) {
    if (drawn++ === limit) break;
    const siblings = siblingsOf(tree, span);
    isLast[depth] = siblings.at(-1) === span;
    lines.push(plain(`${branches(isLast, depth)}${lineOf(span, aheadMs.get(span), siblings === tree.roots)}`));
  }
  if (tree.spans.length > limit) lines.push(`… ${count(tree.spans.length - limit, "more span")}`);
  return lines.join("\n");
}

/** How much there is of a trace, in a line: `6 spans of 3 services, 124 ms from 2026-11-20T10:00:00Z`. */
export function summaryOf({ spans }: SpanTree): string {
  const [first] = spans;
  if (first === undefined) return "no spans";
  const services = new Set(spans.map(({ service }) => service)).size;
  const endMs = spans.reduce((end, span) => Math.max(end, span.endMs), first.endMs);
  const size = `${count(spans.length, "span")} of ${count(services, "service")}`;
  return `${size}, ${printMs(endMs - first.startMs)} from ${formatInstant(Math.floor(first.startMs))}`;
}

/** A number with its noun: `1 span`, `2,000 spans`. */
export const count = (n: number, noun: string): string => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

/** A length of time to three digits: `0.42 ms`, `124 ms`, `1.24 s`. */
export function printMs(ms: number): string {
  const [value, unit] = Math.abs(ms) >= 1000 ? [ms / 1000, "s"] : [ms, "ms"];
  return `${Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${unit}`;
}

/** How a span ended, in words; empty where nothing tells. */
export const outcomeOf = (span: Span): string => outcomeText(statusOf(span)) || (span.error ? "error" : "");

/** Whether a span is to be marked as failed. */
export const isFailed = (span: Span): boolean => hasFailed(statusOf(span)) === true;

const siblingsOf = (tree: SpanTree, span: Span): readonly Span[] => {
  const parent = tree.parentOf(span);
  return parent === undefined ? tree.roots : tree.childrenOf(parent);
};

function branches(isLast: readonly boolean[], depth: number): string {
  if (depth === 0) return "";
  const shown = Math.min(depth, DEEPEST);
  let text = depth > shown ? `(${depth}) ` : "";
  for (let d = 1; d < shown; d++) text += isLast[d] ? "   " : "│  ";
  return `${text}${isLast[depth] ? "└─ " : "├─ "}`;
}

function lineOf(span: Span, aheadMs: number | undefined, isRoot: boolean): string {
  const parts = [span.service || "(no service)", span.operation, printMs(span.durationMs), outcomeOf(span)];
  if (isRoot && span.parentId !== undefined) parts.push(`(parent ${span.parentId} is missing)`);
  if (aheadMs !== undefined) parts.push(`(clock ${printMs(Math.abs(aheadMs))} ${aheadMs < 0 ? "behind" : "ahead"})`);
  return `${isFailed(span) ? "✗ " : ""}${parts.filter((part) => part !== "").join("  ")}`;
}
