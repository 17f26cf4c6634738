import { type Expr, print, walk } from "../../promql/index.ts";
import type { Answer, Grid, MatrixData, SeriesData } from "../backend.ts";
import { pointsOf } from "./chunks.ts";
import { joinMatrices } from "./join.ts";

/** What is kept of answers to ranges. */
export interface RangeCacheOptions {
  /** The most samples to keep, of all questions together; the questions that were asked longest ago go first. */
  readonly samples: number;
  /** How far back from now values may still change: these are asked for again each time. */
  readonly settleMs: number;
}

/** Values of one question at the instants from `fromMs` to `toMs`, both of them among its instants. */
interface Kept {
  readonly fromMs: number;
  readonly toMs: number;
  readonly data: MatrixData;
  readonly samples: number;
}

/**
 * Keeps what was answered about ranges, so that asking again for a range that moved fetches no more than is new.
 *
 * Only what cannot change any more is kept: values older than `settleMs`, of whole answers without warnings, to
 * questions that look neither at the range's own ends nor ahead of their instants.
 */
export class RangeCache {
  readonly #options: RangeCacheOptions;
  readonly #now: () => number;
  /** By question, in the order of their last use. */
  readonly #kept = new Map<string, Kept>();
  #samples = 0;

  constructor(options: RangeCacheOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  /** The answer about `grid`: from what is kept, and for the rest from `fetch`, which is asked for what is missing. */
  async read(expr: Expr, grid: Grid, fetch: (grid: Grid) => Promise<Answer<MatrixData>>): Promise<Answer<MatrixData>> {
    if (!isLasting(expr)) return fetch(grid);
    const { startMs, stepMs } = grid;
    const endMs = startMs + (pointsOf(grid) - 1) * stepMs;
    const key = `${stepMs} ${((startMs % stepMs) + stepMs) % stepMs} ${print(expr)}`;
    const kept = this.#kept.get(key);
    const have = kept && overlap(kept, startMs, endMs);
    if (have === undefined) {
      const answer = await fetch(grid);
      this.#keep(key, startMs, endMs, stepMs, answer);
      return answer;
    }
    const missing: Grid[] = [];
    if (startMs < have.fromMs) missing.push({ startMs, endMs: have.fromMs - stepMs, stepMs });
    if (have.toMs < endMs) missing.push({ startMs: have.toMs + stepMs, endMs, stepMs });
    const startedMs = performance.now();
    const fetched = await Promise.all(missing.map(fetch));
    const before = startMs < have.fromMs ? fetched.slice(0, 1) : [];
    const after = fetched.slice(before.length);
    const pieces = [...before.map(({ data }) => data), have.data, ...after.map(({ data }) => data)];
    const answer: Answer<MatrixData> = {
      data: joinMatrices(pieces),
      warnings: [...new Set(fetched.flatMap(({ warnings }) => warnings))],
      infos: [...new Set(fetched.flatMap(({ infos }) => infos))],
      complete: fetched.every(({ complete }) => complete),
      tookMs: performance.now() - startedMs,
    };
    this.#keep(key, startMs, endMs, stepMs, answer);
    return answer;
  }

  #keep(key: string, fromMs: number, endMs: number, stepMs: number, answer: Answer<MatrixData>): void {
    if (!answer.complete || answer.warnings.length > 0) return;
    const settledMs = this.#now() - this.#options.settleMs;
    const toMs = Math.min(endMs, fromMs + Math.floor((settledMs - fromMs) / stepMs) * stepMs);
    if (toMs < fromMs) return;
    const fresh = { fromMs, toMs, ...counted(cut(answer.data, fromMs, toMs)) };
    const wider = this.#widened(this.#kept.get(key), fresh, stepMs);
    this.#forget(key);
    // What grew too large by what was kept before begins anew with what was asked for now.
    const kept = wider.samples > this.#options.samples ? fresh : wider;
    if (kept.samples > this.#options.samples) return;
    this.#kept.set(key, kept);
    this.#samples += kept.samples;
    for (const oldest of this.#kept.keys()) {
      if (this.#samples <= this.#options.samples) return;
      this.#forget(oldest);
    }
  }

  /** The fresh values with those before and after them that were kept, where they meet: pieces of one range do. */
  #widened(old: Kept | undefined, fresh: Kept, stepMs: number): Kept {
    if (old === undefined || old.toMs + stepMs < fresh.fromMs || fresh.toMs + stepMs < old.fromMs) return fresh;
    const pieces = [fresh.data];
    if (old.fromMs < fresh.fromMs) pieces.unshift(cut(old.data, old.fromMs, fresh.fromMs - 1));
    if (old.toMs > fresh.toMs) pieces.push(cut(old.data, fresh.toMs + 1, old.toMs));
    const fromMs = Math.min(old.fromMs, fresh.fromMs);
    const toMs = Math.max(old.toMs, fresh.toMs);
    return { fromMs, toMs, ...counted(joinMatrices(pieces)) };
  }

  #forget(key: string): void {
    this.#samples -= this.#kept.get(key)?.samples ?? 0;
    this.#kept.delete(key);
  }
}

const counted = (data: MatrixData): Pick<Kept, "data" | "samples"> => ({
  data,
  // Nothing at all counts too, or there would be no end of questions.
  samples: data.series.reduce((sum, one) => sum + one.values.length + (one.histograms?.length ?? 0), 1),
});

/** Whether a value, once it is settled, stays what it is: not where it looks at the range's ends, or ahead. */
function isLasting(expr: Expr): boolean {
  let lasting = true;
  walk(expr, (node) => {
    if (node.kind !== "vector" && node.kind !== "subquery") return;
    if (node.at !== undefined || (node.offsetMs ?? 0) < 0) lasting = false;
    if (node.kind === "vector" && node.extended !== undefined) lasting = false;
  });
  return lasting;
}

/** What is kept of the instants from `fromMs` to `toMs`; nothing where none is, or a part in between would be missing. */
function overlap(kept: Kept, fromMs: number, toMs: number): Kept | undefined {
  const first = Math.max(kept.fromMs, fromMs);
  const last = Math.min(kept.toMs, toMs);
  return first > last ? undefined : { ...kept, fromMs: first, toMs: last, data: cut(kept.data, first, last) };
}

/** The samples from `fromMs` to `toMs`, as copies that whoever asked cannot change. */
function cut({ series }: MatrixData, fromMs: number, toMs: number): MatrixData {
  let times: Float64Array | undefined;
  let cutTimes: Float64Array | undefined;
  const found: SeriesData[] = [];
  for (const one of series) {
    const first = lowerBound(one.timesMs, fromMs);
    const end = lowerBound(one.timesMs, toMs + 1);
    const histograms = one.histograms?.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs);
    if (first === end && (histograms === undefined || histograms.length === 0)) continue;
    // Series that share their times go on sharing them.
    if (one.timesMs !== times || cutTimes === undefined) {
      times = one.timesMs;
      cutTimes = one.timesMs.slice(first, end);
    }
    found.push({
      labels: one.labels,
      timesMs: cutTimes,
      values: one.values.slice(first, end),
      ...(histograms !== undefined && histograms.length > 0 && { histograms }),
    });
  }
  return { kind: "matrix", series: found };
}

/** The first place whose time is not before `timeMs`. */
function lowerBound(timesMs: Float64Array, timeMs: number): number {
  let low = 0;
  let high = timesMs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((timesMs[middle] as number) < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
