import { number, text } from "../results/column.ts";
import { Table } from "../results/result.ts";
import { linesPart, type Part, tablePart, type View } from "../results/view.ts";
import { firstCausesOf, namesOf, statusText } from "./cause.ts";
import { type CriticalPath, criticalPathOf } from "./critical-path.ts";
import type { Hop } from "./hop.ts";
import type { SpanTree } from "./span-tree.ts";
import { count, summaryOf } from "./tree.ts";
import { waterfall } from "./waterfall.ts";

/** What a trace shows beside its spans. */
export interface TraceFacts {
  readonly hops: readonly Hop[];
  readonly warnings: readonly string[];
}

const MOST_HOPS = 500;

/** A trace as a person sees it: what failed first, bars on an axis of time, the calls that crossed the mesh. */
export function traceView(tree: SpanTree, { hops, warnings }: TraceFacts): View {
  const path = criticalPathOf(tree, hops);
  const { root } = path;
  const causes = firstCausesOf(tree, hops).map(({ message, echoes }) => ({
    text: `✗ ${message}`,
    tone: "bad" as const,
    details: echoes.length === 0 ? [] : [`${count(echoes.length, "failure")} above followed from it`],
  }));
  return {
    title: root === undefined ? "A trace without spans" : `${root.service} ${root.operation}`,
    parts: [
      linesPart({ text: `${summaryOf(tree)} · trace ${tree.id}`, tone: "quiet" }),
      { kind: "list", items: causes },
      ...(root === undefined ? [] : [{ kind: "drawing", drawing: waterfall(tree, path) } as const]),
      ...hopParts(hops, path),
    ],
    notes: warnings.map((warning) => ({ text: warning, tone: "warn" })),
  };
}

function hopParts(hops: readonly Hop[], path: CriticalPath): readonly Part[] {
  if (hops.length === 0) return [];
  const more = hops.length - MOST_HOPS;
  return [
    { kind: "heading", text: "Calls through the mesh" },
    tablePart(hopsTable(hops.slice(0, MOST_HOPS), path)),
    ...(more > 0 ? [linesPart({ text: `… ${count(more, "more call")}` })] : []),
  ];
}

function hopsTable(hops: readonly Hop[], path: CriticalPath): Table {
  const selfMs = new Map(path.hops.map((one) => [one.hop, one.selfMs]));
  return Table.of(
    [
      text("call"),
      text("request"),
      text("outcome"),
      number("caller saw", "ms"),
      number("server took", "ms"),
      number("between", "ms"),
      number("critical path", "ms"),
      text(""),
    ],
    hops.map((hop) => [
      namesOf(hop),
      [hop.method, hop.path].filter((part) => part !== undefined).join(" "),
      statusText(hop) || (hop.failed ? "error" : "–"),
      ...[hop.clientMs, hop.serverMs, hop.networkMs, selfMs.get(hop)].map((ms) => ms ?? "–"),
      remarksOn(hop),
    ]),
    (row) => (hops[row]?.failed ? "bad" : undefined),
  );
}

function remarksOn({ attempts, arrived, skewed, server }: Hop): string {
  const remarks: string[] = [];
  if (attempts.length > 1) remarks.push(`${attempts.length} attempts`);
  if (arrived === false) remarks.push("never arrived");
  if (arrived === undefined || (arrived && server === undefined)) remarks.push("no span of the server");
  if (skewed) remarks.push("clocks disagree");
  return remarks.join(", ");
}
