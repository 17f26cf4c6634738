import type { Grid, MetricsBackend } from "./backend.ts";
import { Allowance } from "./plan/allowance.ts";
import { checkRangeOptions, type RangeOptions } from "./plan/range.ts";
import { backendOf, type Context } from "./question.ts";
import { resolveGrid, type TimeRange } from "./step.ts";

/** What Istio's own installation of Prometheus scrapes at, for where nothing tells. */
const USUAL_SCRAPE_INTERVAL_MS = 15_000;

/** A range as it is about to be asked for. */
export interface RangePlan {
  readonly backend: MetricsBackend;
  readonly grid: Grid;
  /** As far as it is known. */
  readonly scrapeIntervalMs: number | undefined;
  /** The options of the question, with what is left of its time. */
  readonly asked: RangeOptions & { readonly allowance: Allowance };
}

/** Finds the instants of a range, which depend on how often the backend's targets are scraped. */
export async function planRange(context: Context, range: TimeRange, options: RangeOptions): Promise<RangePlan> {
  checkRangeOptions(options);
  const backend = backendOf(context);
  const { signal, timeoutMs, onProgress = context.onProgress } = options;
  const allowance = new Allowance({ signal, timeoutMs }, backend.name);
  const scrapeIntervalMs = (await backend.findScrapeInterval?.(allowance.rest())) ?? backend.scrapeIntervalMs;
  const grid = resolveGrid(range, context.now(), scrapeIntervalMs ?? USUAL_SCRAPE_INTERVAL_MS);
  return { backend, grid, scrapeIntervalMs, asked: { ...options, onProgress, allowance } };
}
