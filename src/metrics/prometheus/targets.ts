import * as z from "zod/mini";
import type { LabelSet } from "../../results/labels.ts";
import { type AskOptions, parseDuration } from "../../time.ts";
import type { Answer } from "../backend.ts";
import { cut, instantOf, Texts } from "./fields.ts";

/** Which targets are asked for. */
export interface TargetsOptions extends AskOptions {
  /** Those that are scraped, those that relabelling dropped, or both, which is what is meant when it is left out. */
  readonly state?: "active" | "any" | "dropped" | undefined;
  /** Of one scrape configuration, by its `job_name`. */
  readonly scrapePool?: string | undefined;
  /** The most of either kind that are given: where there are more, `complete` is false. */
  readonly limit?: number | undefined;
}

/** What a server scrapes, and what it found and leaves alone. */
export interface Targets {
  readonly active: readonly ActiveTarget[];
  readonly dropped: readonly DroppedTarget[];
}

/** A target that is scraped. */
export interface ActiveTarget {
  readonly labels: LabelSet;
  /** Before relabelling. */
  readonly discoveredLabels: LabelSet;
  readonly scrapePool: string;
  readonly scrapeUrl: string;
  readonly health: "down" | "unknown" | "up" | (string & {});
  readonly lastError: string | undefined;
  /** Epoch milliseconds; `undefined` where it was not scraped yet. */
  readonly lastScrapeMs: number | undefined;
  readonly lastScrapeDurationMs: number;
  readonly scrapeIntervalMs: number | undefined;
  readonly scrapeTimeoutMs: number | undefined;
}

/** A target that relabelling dropped. */
export interface DroppedTarget {
  readonly discoveredLabels: LabelSet;
  readonly scrapePool: string | undefined;
}

/** The targets of `/api/v1/targets`. */
export const TargetsData = z.object({
  activeTargets: z.nullish(
    z.array(
      z.object({
        labels: Texts,
        discoveredLabels: Texts,
        scrapePool: z._default(z.string(), ""),
        scrapeUrl: z.string(),
        health: z.string(),
        lastError: z.nullish(z.string()),
        lastScrape: z.nullish(z.string()),
        lastScrapeDuration: z._default(z.number(), 0),
        scrapeInterval: z.nullish(z.string()),
        scrapeTimeout: z.nullish(z.string()),
      }),
    ),
  ),
  droppedTargets: z.nullish(z.array(z.object({ discoveredLabels: Texts, scrapePool: z.nullish(z.string()) }))),
  droppedTargetCounts: z.nullish(z.record(z.string(), z.number())),
});

/** The targets in this library's words. Older servers do not know every condition, so each is applied here too. */
export function targetsOf(
  answer: Answer<z.infer<typeof TargetsData>>,
  { state = "any", scrapePool, limit = Number.POSITIVE_INFINITY }: TargetsOptions,
): Answer<Targets> {
  const { activeTargets, droppedTargets, droppedTargetCounts } = answer.data;
  const ofPool = (pool: string | null | undefined) => scrapePool === undefined || pool === scrapePool;
  const active = state === "dropped" ? [] : (activeTargets ?? []).filter((one) => ofPool(one.scrapePool)).map(activeOf);
  const dropped = state === "active" ? [] : (droppedTargets ?? []).filter(droppedOf(ofPool)).map(droppedTarget);
  const data = { active: active.slice(0, limit), dropped: dropped.slice(0, limit) };
  const counted = Object.entries(droppedTargetCounts ?? {}).filter(([pool]) => ofPool(pool));
  const existing = state === "active" ? 0 : counted.reduce((sum, [, count]) => sum + count, 0);
  if (active.length > limit || dropped.length > limit) {
    return cut(answer, data, `there are more than the ${limit} targets of the limit`);
  }
  if (existing > dropped.length) {
    const why = `the server keeps ${dropped.length} of ${existing} dropped targets (keep_dropped_targets)`;
    return cut(answer, data, why);
  }
  return { ...answer, data };
}

type RawTarget = NonNullable<z.infer<typeof TargetsData>["activeTargets"]>[number];
type RawDropped = NonNullable<z.infer<typeof TargetsData>["droppedTargets"]>[number];

function activeOf(target: RawTarget): ActiveTarget {
  return {
    labels: target.labels,
    discoveredLabels: target.discoveredLabels,
    scrapePool: target.scrapePool,
    scrapeUrl: target.scrapeUrl,
    health: target.health,
    lastError: target.lastError || undefined,
    lastScrapeMs: instantOf(target.lastScrape),
    lastScrapeDurationMs: target.lastScrapeDuration * 1000,
    scrapeIntervalMs: parseDuration(target.scrapeInterval ?? ""),
    scrapeTimeoutMs: parseDuration(target.scrapeTimeout ?? ""),
  };
}

/** Before Prometheus 3 a dropped target has only its discovered labels, whose `job` names its pool. */
const droppedOf =
  (ofPool: (pool: string | null | undefined) => boolean) =>
  ({ scrapePool, discoveredLabels }: RawDropped) =>
    ofPool(scrapePool ?? discoveredLabels.job);

const droppedTarget = ({ scrapePool, discoveredLabels }: RawDropped): DroppedTarget => ({
  discoveredLabels,
  scrapePool: scrapePool ?? discoveredLabels.job,
});
