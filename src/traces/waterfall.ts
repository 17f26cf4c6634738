import { escaped } from "../results/html.ts";
import { firstCausesOf, namesOf, outcomeText, statusText } from "./cause.ts";
import { type CriticalPath, type CriticalSection, criticalPathOf } from "./critical-path.ts";
import type { Hop } from "./hop.ts";
import { skewsOf } from "./skew.ts";
import type { Span } from "./span.ts";
import { type SpanTree, walk } from "./span-tree.ts";
import { statusOf } from "./status.ts";
import { count, isFailed, outcomeOf, printMs, summaryOf } from "./tree.ts";
import { WATERFALL_STYLE } from "./waterfall-style.ts";

/** What a waterfall shows beside the spans. */
export interface WaterfallFacts {
  readonly hops: readonly Hop[];
  readonly warnings: readonly string[];
}

/** A browser draws no more rows than these with ease. */
const MOST_ROWS = 2000;
const DEEPEST = 14;

/**
 * A trace as a page of HTML: bars on an axis of time with the critical path in them, what failed first, the calls that
 * crossed the mesh. No script, nothing to load; light or dark as the reader has it.
 */
export function printWaterfall(tree: SpanTree, { hops, warnings }: WaterfallFacts): string {
  const path = criticalPathOf(tree, hops);
  const root = path.root;
  const title = root === undefined ? "A trace without spans" : `${root.service} ${root.operation}`;
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8">`,
    `<meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>`,
    `<style>body { margin: 0; }${WATERFALL_STYLE}</style></head><body><main class="mq-trace">`,
    `<h1>${escaped(title)}</h1><p>${escaped(summaryOf(tree))} · trace <code>${escaped(tree.id)}</code></p>`,
    causesList(tree, hops),
    list("warnings", warnings.map(escaped)),
    chart(tree, path),
    hopsTable(hops, path),
    "</main></body></html>",
  ].join("\n");
}

function causesList(tree: SpanTree, hops: readonly Hop[]): string {
  return list(
    "causes",
    firstCausesOf(tree, hops).map(({ message, echoes }) => {
      const followed =
        echoes.length === 0 ? "" : ` <small>· ${count(echoes.length, "failure")} above followed from it</small>`;
      return `✗ ${escaped(message)}${followed}`;
    }),
  );
}

const list = (kind: string, items: readonly string[]): string =>
  items.length === 0 ? "" : `<ul class="${kind}">${items.map((item) => `<li>${item}</li>`).join("")}</ul>`;

/** From where to where the axis goes. */
interface Axis {
  readonly startMs: number;
  readonly lengthMs: number;
}

function chart(tree: SpanTree, path: CriticalPath): string {
  const startMs = tree.spans[0]?.startMs ?? 0;
  const endMs = tree.spans.reduce((end, span) => Math.max(end, span.endMs), startMs);
  const axis = { startMs, lengthMs: endMs - startMs || 1 };
  const hues = huesOf(tree.spans);
  const aheadMs = new Map(skewsOf(tree).map((skew) => [skew.span, skew.aheadMs]));
  const sections = new Map<Span, CriticalSection[]>();
  for (const section of path.sections) {
    const known = sections.get(section.span);
    if (known === undefined) sections.set(section.span, [section]);
    else known.push(section);
  }
  const rows: string[] = [];
  for (const { span, depth } of walk(tree)) {
    if (rows.length === MOST_ROWS) break;
    const marks = (sections.get(span) ?? []).map(
      (section) => `<u style="${place(axis, section.fromMs, section.selfMs)}"></u>`,
    );
    rows.push(
      row(span, {
        depth,
        axis,
        hue: hues.get(span.service) ?? 0,
        aheadMs: aheadMs.get(span),
        marks,
        isRoot: tree.parentOf(span) === undefined,
      }),
    );
  }
  if (tree.spans.length > MOST_ROWS) rows.push(`<p>… ${count(tree.spans.length - MOST_ROWS, "more span")}</p>`);
  return [legend(hues), ruler(axis), ...rows].join("\n");
}

function legend(hues: ReadonlyMap<string, number>): string {
  const services = Array.from(hues, ([service, hue]) => `<span style="--hue:${hue}">${escaped(service)}</span>`);
  return `<div class="key">${services.join("")}<span class="path">critical path</span></div>`;
}

function ruler({ lengthMs }: Axis): string {
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((at) => `<span style="left:${at * 100}%">${printMs(at * lengthMs)}</span>`);
  return `<div class="row axis"><div></div><div></div><div class="lane">${ticks.join("")}</div></div>`;
}

interface RowFacts {
  readonly depth: number;
  readonly axis: Axis;
  readonly hue: number;
  readonly aheadMs: number | undefined;
  readonly marks: readonly string[];
  readonly isRoot: boolean;
}

function row(span: Span, { depth, axis, hue, aheadMs, marks, isRoot }: RowFacts): string {
  const failed = isFailed(span);
  const notes: string[] = [];
  if (depth > DEEPEST) notes.push(`depth ${depth}`);
  if (isRoot && span.parentId !== undefined) notes.push("parent missing");
  if (aheadMs !== undefined) notes.push(`clock ${printMs(Math.abs(aheadMs))} ${aheadMs < 0 ? "behind" : "ahead"}`);
  const outcome = outcomeOf(span);
  const label = failed ? statusText(statusOf(span)) || "error" : "";
  const hint = [
    `${span.service} ${span.operation}`,
    `at ${printMs(span.startMs - axis.startMs)} for ${printMs(span.durationMs)}`,
    outcome,
    ...notes,
  ];
  const kinds = ["row", failed ? "failed" : "", aheadMs === undefined ? "" : "skewed"].filter((kind) => kind !== "");
  return [
    `<div class="${kinds.join(" ")}" title="${escaped(hint.filter((part) => part !== "").join("\n"))}">`,
    `<div class="name" style="--depth:${Math.min(depth, DEEPEST)}"><div>${failed ? "✗ " : ""}<b>${escaped(span.service)}</b>`,
    `<small>${escaped(span.operation)}</small></div>`,
    ...notes.map((note) => `<div class="note">${escaped(note)}</div>`),
    `</div><div class="time">${printMs(span.durationMs)}</div><div class="lane" style="--hue:${hue}">`,
    `<i style="${place(axis, span.startMs, span.durationMs)}"></i>${marks.join("")}`,
    label === "" ? "" : `<em ${besides(axis, span)}>${escaped(label)}</em>`,
    "</div></div>",
  ].join("");
}

const percent = (share: number): string => `${Number((share * 100).toFixed(3))}%`;

const place = ({ startMs, lengthMs }: Axis, fromMs: number, durationMs: number): string =>
  `left:${percent((fromMs - startMs) / lengthMs)};width:${percent(durationMs / lengthMs)}`;

/** What stands beside a bar is after it, before it where there is no room, else within it. */
function besides({ startMs, lengthMs }: Axis, span: Span): string {
  const from = (span.startMs - startMs) / lengthMs;
  const to = (span.endMs - startMs) / lengthMs;
  if (to <= 0.75) return `style="left:${percent(to)}"`;
  return from >= 0.25 ? `style="right:${percent(1 - from)}"` : `class="within" style="left:${percent(from)}"`;
}

/** Hues that are told apart, none of them an error's red. */
const HUES = [212, 160, 268, 40, 188, 310, 95, 236] as const;

function huesOf(spans: readonly Span[]): ReadonlyMap<string, number> {
  const services = [...new Set(spans.map(({ service }) => service))];
  return new Map(services.map((service, i) => [service, HUES[i % HUES.length] ?? 0]));
}

function hopsTable(hops: readonly Hop[], path: CriticalPath): string {
  if (hops.length === 0) return "";
  const selfMs = new Map(path.hops.map((one) => [one.hop, one.selfMs]));
  const headings = ["call", "outcome", "caller saw", "server took", "between", "critical path", ""];
  const rows = hops.slice(0, MOST_ROWS).map((hop) => {
    const cells = [hop.clientMs, hop.serverMs, hop.networkMs, selfMs.get(hop)];
    const numbers = cells.map((ms) => `<td class="number">${ms === undefined ? "–" : printMs(ms)}</td>`);
    const request = [hop.method, hop.path].filter((part) => part !== undefined).join(" ");
    return `<tr title="${escaped(outcomeText(hop))}"><td>${escaped(namesOf(hop))} <small>${escaped(request)}</small></td><td${hop.failed ? ' class="failed"' : ""}>${escaped(statusText(hop) || (hop.failed ? "error" : "–"))}</td>${numbers.join("")}<td>${escaped(remarksOn(hop))}</td></tr>`;
  });
  const head = headings.map((text, i) => `<th${i >= 2 && i <= 5 ? ' class="number"' : ""}>${text}</th>`).join("");
  return `<h2>Calls through the mesh</h2><div class="scroll"><table><tr>${head}</tr>${rows.join("")}</table></div>`;
}

function remarksOn({ attempts, arrived, skewed, server }: Hop): string {
  const remarks: string[] = [];
  if (attempts.length > 1) remarks.push(`${attempts.length} attempts`);
  if (arrived === false) remarks.push("never arrived");
  if (arrived === undefined || (arrived && server === undefined)) remarks.push("no span of the server");
  if (skewed) remarks.push("clocks disagree");
  return remarks.join(", ");
}
