import { execFile } from "node:child_process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { prometheus } from "../../src/index.ts";
import { askPieces, joinAnswers } from "../../src/metrics/plan/range.ts";
import { parse } from "../../src/promql/index.ts";

/** Thirty days at 15 s for 50 series, asked for in pieces, so many of them side by side. */
export interface MonthRow {
  readonly way: string;
  readonly samples: number;
  readonly seconds: number;
  /** What the process grew by at its highest, over what it held before the first question. */
  readonly peakMegabytes: number;
  readonly bytesPerSample: number;
}

const DAYS_30 = 30 * 24 * 3_600_000;
const STEP_MS = 15_000;

/** Each way in a process of its own, over the Prometheus at `url`, where `x` has 50 series at `atMs`. */
export async function benchMonth(url: string, atMs: number): Promise<MonthRow[]> {
  const rows: MonthRow[] = [];
  for (const [way, concurrency] of [
    ["whole", 1],
    ["whole", 4],
    ["whole", 8],
    ["parts", 4],
  ] as const) {
    const args = ["--import", "tsx", fileURLToPath(import.meta.url), url, String(atMs), way, String(concurrency)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    rows.push(JSON.parse(stdout) as MonthRow);
  }
  return rows;
}

async function measure(url: string, atMs: number, way: string, concurrency: number): Promise<MonthRow> {
  const backend = prometheus(url, { scrapeInterval: "15s", concurrency, timeoutMs: 120_000 });
  const expr = parse(`x @ ${atMs / 1000} + time() / 7`);
  const grid = (length: number) => ({ startMs: atMs - length, endMs: atMs, stepMs: STEP_MS });
  // Everything is loaded and warm before it is measured.
  for await (const _ of askPieces(backend, expr, grid(3_600_000)));
  const before = process.resourceUsage().maxRSS * 1024;
  const start = performance.now();
  const answers = [];
  let samples = 0;
  for await (const { answer } of askPieces(backend, expr, grid(DAYS_30))) {
    for (const series of answer.data.series) samples += series.values.length;
    if (way === "whole") answers.push(answer);
  }
  const { data } = joinAnswers(answers, 0);
  if (way === "whole" && data.series[0]?.values.length !== DAYS_30 / STEP_MS + 1)
    throw new Error("samples are missing");
  const seconds = (performance.now() - start) / 1000;
  const peak = process.resourceUsage().maxRSS * 1024 - before;
  return {
    way: way === "whole" ? `whole, ${concurrency} at a time` : `parts(), ${concurrency} at a time`,
    samples,
    seconds,
    peakMegabytes: peak / 1e6,
    bytesPerSample: peak / samples,
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , url = "", atMs = "", way = "", concurrency = ""] = process.argv;
  console.log(JSON.stringify(await measure(url, Number(atMs), way, Number(concurrency))));
}
