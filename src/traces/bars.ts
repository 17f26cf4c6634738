import { plain } from "../results/text.ts";
import { type SpanTree, walk } from "./span-tree.ts";
import { count, isFailed, outcomeOf, printMs, summaryOf } from "./tree.ts";

/** How large a waterfall of text is. */
export interface BarsOptions {
  /** How many spans are drawn at most; all when left out. */
  readonly limit?: number | undefined;
  /** Characters of the axis of time; 40 when left out. */
  readonly width?: number | undefined;
}

/** A name is no longer than this, nor further in. */
const LONGEST = 44;
const DEEPEST = 8;

/** A trace as a waterfall of text: a bar for every span, where and as long as it was. */
export function printBars(tree: SpanTree, { limit = Number.POSITIVE_INFINITY, width = 40 }: BarsOptions = {}): string {
  const startMs = tree.spans[0]?.startMs ?? 0;
  const endMs = tree.spans.reduce((end, span) => Math.max(end, span.endMs), startMs);
  const scale = width / (endMs - startMs || 1);
  const rows: (readonly [name: string, duration: string, bar: string, outcome: string])[] = [];
  for (const { span, depth } of walk(tree)) {
    if (rows.length >= limit) break;
    const name = `${"  ".repeat(Math.min(depth, DEEPEST))}${isFailed(span) ? "✗ " : ""}${plain(`${span.service} ${span.operation}`)}`;
    const from = Math.min(width - 1, Math.floor((span.startMs - startMs) * scale));
    const length = Math.max(1, Math.min(width - from, Math.round(span.durationMs * scale)));
    const bar = `${" ".repeat(from)}${"█".repeat(length)}`.padEnd(width);
    rows.push([
      name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name,
      printMs(span.durationMs),
      bar,
      outcomeOf(span),
    ]);
  }
  const names = rows.reduce((longest, [name]) => Math.max(longest, name.length), 0);
  const durations = rows.reduce((longest, [, duration]) => Math.max(longest, duration.length), 0);
  const lines = rows.map(([name, duration, bar, outcome]) =>
    `${name.padEnd(names)}  ${duration.padStart(durations)} │${bar}│ ${plain(outcome)}`.trimEnd(),
  );
  if (tree.spans.length > limit) lines.push(`… ${count(tree.spans.length - limit, "more span")}`);
  return [`trace ${plain(tree.id)}: ${summaryOf(tree)}`, ...lines].join("\n");
}
