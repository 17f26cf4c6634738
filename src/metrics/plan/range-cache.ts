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
  /** What was remarked of them. */
  readonly infos: readonly string[];
}

/** An answer, and when it was given by the clock of who gave it, in epoch milliseconds; `undefined` where that is not known. */
export interface ServedAnswer {
  readonly answer: Answer<MatrixData>;
  readonly servedAtMs: number | undefined;
}

/** More gaps than this in what is kept are not worth a question each: the whole range is asked for. */
const MOST_GAPS = 3;

/**
 * Keeps what was answered about ranges, so that asking again for a range that moved fetches no more than is new.
 *
 * Only what cannot change any more is kept: values that were older than `settleMs` when they were looked at, of whole answers without warnings, to
 * questions that look neither at the range's own ends nor ahead of their instants. Of one question several stretches may
 * be kept, such as pieces of a range that were answered before those between them.
 */
export class RangeCache {
  readonly #options: RangeCacheOptions;
  readonly #now: () => number;
  /** By question, in the order of their last use; the stretches of each in order of time, with instants missing between. */
  readonly #kept = new Map<string, readonly Kept[]>();
  #samples = 0;

  constructor(options: RangeCacheOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  /** The answer about `grid`: from what is kept, and for the rest from `fetch`, which is asked for what is missing. */
  async read(expr: Expr, grid: Grid, fetch: (grid: Grid) => Promise<ServedAnswer>): Promise<Answer<MatrixData>> {
    if (!isLasting(expr)) return (await fetch(grid)).answer;
    const askedMs = this.#now();
    const { startMs, stepMs } = grid;
    const endMs = startMs + (pointsOf(grid) - 1) * stepMs;
    const key = `${stepMs} ${((startMs % stepMs) + stepMs) % stepMs} ${print(expr)}`;
    const have = (this.#kept.get(key) ?? []).flatMap((kept) => overlap(kept, startMs, endMs) ?? []);
    const missing = gapsOf(have, startMs, endMs, stepMs);
    if (have.length === 0 || missing.length > MOST_GAPS) {
      const served = await fetch(grid);
      this.#keep(key, { startMs, endMs, stepMs }, served.answer, lookedAtMs(askedMs, served));
      return served.answer;
    }
    const startedMs = performance.now();
    const fetched = await Promise.all(missing.map(async (gap) => ({ fromMs: gap.startMs, ...(await fetch(gap)) })));
    const pieces = [...have, ...fetched.map(({ fromMs, answer: { data } }) => ({ fromMs, data }))];
    const answers = fetched.map(({ answer }) => answer);
    const answer: Answer<MatrixData> = {
      data: joinMatrices(pieces.sort((a, b) => a.fromMs - b.fromMs).map(({ data }) => data)),
      warnings: [...new Set(answers.flatMap(({ warnings }) => warnings))],
      infos: [...new Set([...have, ...answers].flatMap(({ infos }) => infos))],
      complete: answers.every(({ complete }) => complete),
      tookMs: performance.now() - startedMs,
    };
    const looked = fetched.map((one) => lookedAtMs(askedMs, one));
    this.#keep(key, { startMs, endMs, stepMs }, answer, Math.min(askedMs, ...looked));
    return answer;
  }

  #keep(key: string, { startMs: fromMs, endMs, stepMs }: Grid, answer: Answer<MatrixData>, lookedMs: number): void {
    if (!answer.complete || answer.warnings.length > 0) return;
    const settledMs = lookedMs - this.#options.settleMs;
    const toMs = Math.min(endMs, fromMs + Math.floor((settledMs - fromMs) / stepMs) * stepMs);
    if (toMs < fromMs) return;
    const fresh = { fromMs, toMs, infos: answer.infos, ...counted(cut(answer.data, fromMs, toMs)) };
    const all = widened(this.#kept.get(key) ?? [], fresh, stepMs);
    this.#forget(key);
    // What grew too large by what was kept before begins anew with what was asked for now.
    const kept = samplesIn(all) > this.#options.samples ? [fresh] : all;
    if (samplesIn(kept) > this.#options.samples) return;
    this.#kept.set(key, kept);
    this.#samples += samplesIn(kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#samples <= this.#options.samples) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#samples -= samplesIn(this.#kept.get(key) ?? []);
    this.#kept.delete(key);
  }
}

/**
 * When the samples of an answer were looked at, at the earliest. The clock here may be ahead of the server's, which then
 * has seen nothing yet of instants that are long past by it.
 */
const lookedAtMs = (askedMs: number, { answer, servedAtMs = Number.POSITIVE_INFINITY }: ServedAnswer): number =>
  Math.min(askedMs, servedAtMs - answer.tookMs);

const samplesIn = (kept: readonly Kept[]): number => kept.reduce((sum, { samples }) => sum + samples, 0);

/** The parts of a range that no stretch has. */
function gapsOf(have: readonly Kept[], startMs: number, endMs: number, stepMs: number): readonly Grid[] {
  const gaps: Grid[] = [];
  let nextMs = startMs;
  for (const { fromMs, toMs } of have) {
    if (nextMs < fromMs) gaps.push({ startMs: nextMs, endMs: fromMs - stepMs, stepMs });
    nextMs = toMs + stepMs;
  }
  if (nextMs <= endMs) gaps.push({ startMs: nextMs, endMs, stepMs });
  return gaps;
}

/** The stretches with a fresh one, which takes in those that it meets: what is fresh stands for what was kept. */
function widened(kept: readonly Kept[], fresh: Kept, stepMs: number): readonly Kept[] {
  const meets = (one: Kept) => one.toMs + stepMs >= fresh.fromMs && fresh.toMs + stepMs >= one.fromMs;
  const met = kept.filter(meets);
  const [first, last] = [met[0], met.at(-1)];
  const pieces = [fresh.data];
  if (first !== undefined && first.fromMs < fresh.fromMs) {
    pieces.unshift(cut(first.data, first.fromMs, fresh.fromMs - 1));
  }
  if (last !== undefined && last.toMs > fresh.toMs) pieces.push(cut(last.data, fresh.toMs + 1, last.toMs));
  const fromMs = Math.min(fresh.fromMs, first?.fromMs ?? fresh.fromMs);
  const toMs = Math.max(fresh.toMs, last?.toMs ?? fresh.toMs);
  const infos = [...new Set([...met, fresh].flatMap((one) => one.infos))];
  const whole = { fromMs, toMs, infos, ...counted(joinMatrices(pieces)) };
  return [...kept.filter((one) => !meets(one)), whole].sort((a, b) => a.fromMs - b.fromMs);
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
