import { pathToFileURL } from "node:url";
import { Trace } from "../../src/traces/trace.ts";
import { call, type SpanSketch, span } from "../traces/spans.ts";
import { median } from "./median.ts";

/** One size of trace; times are medians. What is linear has the same µs per span in every row. */
export interface HopsRow {
  readonly trace: string;
  readonly spans: number;
  /** How the spans belong together. */
  readonly treeUs: number;
  readonly hopsUs: number;
  readonly criticalPathUs: number;
  /** `hopsUs` as a multiple of that of the smallest trace of the kind: 1 where it is linear. */
  readonly ratio: number;
}

const SIZES = [1_000, 10_000, 100_000] as const;

/**
 * Measures a chain of calls, each within the one before, and a fan of calls side by side: µs per span.
 *
 * Small traces are measured more often: single rounds of them show the collector's pauses, or none.
 */
export function benchHops(rounds = 7): HopsRow[] {
  // The first thousands of spans would be measured while the code is still being compiled.
  rowsOf(10_000, 5);
  const rows = SIZES.flatMap((size) => rowsOf(size, Math.max(rounds, rounds * Math.round(20_000 / size))));
  return rows.map((row, i) => ({ ...row, ratio: row.hopsUs / (rows[i % KINDS]?.hopsUs ?? Number.NaN) }));
}

const KINDS = 2;

function rowsOf(size: number, rounds: number): Omit<HopsRow, "ratio">[] {
  const calls = Array.from({ length: size / 2 }, (_, i) => i);
  return [
    measured(
      "chain",
      calls.flatMap((i) => link(i, size)),
      rounds,
    ),
    measured(
      "fan",
      calls.flatMap((i) => ray(i)),
      rounds,
    ),
  ];
}

const link = (i: number, size: number): readonly SpanSketch[] =>
  call([`w${i % 50}-v1`, `w${(i + 1) % 50}-v1`], {
    id: `${i}0`,
    ...(i > 0 && { parent: `${i - 1}05` }),
    at: 2 * i,
    ms: 4 * size - 4 * i,
  });

const ray = (i: number): readonly SpanSketch[] =>
  call(["frontend-v1", `w${i % 50}-v1`], {
    id: `${i}0`,
    ...(i > 0 && { parent: "005" }),
    at: 3 * i,
    ms: i === 0 ? 1e7 : 3,
  });

function measured(kind: string, sketches: readonly SpanSketch[], rounds: number): Omit<HopsRow, "ratio"> {
  const spans = sketches.map(span);
  const times: { tree: number; hops: number; path: number }[] = [];
  for (let round = -2; round < rounds; round++) {
    const trace = new Trace("00000000000000aa", spans);
    const tree = elapsedUs(() => trace.spans);
    const hops = elapsedUs(() => trace.hops());
    const path = elapsedUs(() => trace.criticalPath());
    if (round >= 0) times.push({ tree, hops, path });
  }
  const perSpan = (part: "hops" | "path" | "tree") => median(times.map((time) => time[part])) / spans.length;
  return {
    trace: `${spans.length.toLocaleString("en")} ${kind}`,
    spans: spans.length,
    treeUs: perSpan("tree"),
    hopsUs: perSpan("hops"),
    criticalPathUs: perSpan("path"),
  };
}

function elapsedUs(run: () => unknown): number {
  const start = performance.now();
  run();
  return (performance.now() - start) * 1_000;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log("trace               tree µs   hops µs   critical path µs   × 1,000   (per span)");
  for (const row of benchHops()) {
    const cells = [
      row.trace.padEnd(18),
      row.treeUs.toFixed(2).padStart(9),
      row.hopsUs.toFixed(2).padStart(10),
      row.criticalPathUs.toFixed(2).padStart(19),
      row.ratio.toFixed(2).padStart(10),
    ];
    console.log(cells.join(""));
  }
}
