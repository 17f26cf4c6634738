import type { Counted, KindOfRequest } from "./window-view.ts";

/** How the share of some requests changed between two windows. */
export interface ShareChange {
  /** Requests per second. */
  readonly before: number;
  readonly after: number;
  /** Of all requests of the window; `undefined` where it held none. */
  readonly shareBefore: number | undefined;
  readonly shareAfter: number | undefined;
  /** Requests per second beyond what the earlier share would have given. */
  readonly excess: number;
  /** Whether that is more than chance and scrapes account for. */
  readonly isMore: boolean;
  /** Whether it is not more, and was and is at least half of the requests. */
  readonly isLasting: boolean;
}

/** Fewer requests than these are no change. */
export const LEAST_REQUESTS = 5;
/** So many standard deviations are no chance. */
const SIGMAS = 3.5;
/** A smaller part of the traffic than this is nothing unusual. */
const LEAST_SHARE = 0.002;

/** Half of the traffic is much whatever it was before. */
const LASTING_SHARE = 0.5;

/** The change of the share of those requests that `isMeant`. */
export function shareChange(before: Counted, after: Counted, isMeant: (kind: KindOfRequest) => boolean): ShareChange {
  const rates = [before, after].map(({ kinds }) =>
    kinds.reduce((sum, kind) => (isMeant(kind) ? sum + kind.rate : sum), 0),
  );
  const [rateBefore = 0, rateAfter = 0] = rates;
  const shareBefore = before.rate > 0 ? rateBefore / before.rate : undefined;
  const shareAfter = after.rate > 0 ? rateAfter / after.rate : undefined;
  const expected = (shareBefore ?? 0) * after.rate;
  const excess = Math.max(0, rateAfter - expected);
  const isMore =
    excess * after.seconds >= LEAST_REQUESTS &&
    excess >= LEAST_SHARE * after.rate &&
    (before.rate === 0 ||
      deviations(
        { part: rateBefore * before.seconds, all: before.rate * before.seconds },
        { part: rateAfter * after.seconds, all: after.rate * after.seconds },
      ) >= SIGMAS);
  const isMuch = (shareAfter ?? 0) >= LASTING_SHARE && rateAfter * after.seconds >= LEAST_REQUESTS;
  return {
    before: rateBefore,
    after: rateAfter,
    shareBefore,
    shareAfter,
    excess,
    isMore,
    isLasting: !isMore && isMuch && (shareBefore ?? 0) >= LASTING_SHARE,
  };
}

/** Of so many requests, so many are meant. */
interface Part {
  readonly part: number;
  readonly all: number;
}

/**
 * How far two shares are apart, in standard deviations of what chance would make of one share of both: the root of their
 * likelihood ratio, which holds for small counts too, and for windows of which one held far fewer requests.
 *
 * @see S. S. Wilks, "The Large-Sample Distribution of the Likelihood Ratio for Testing Composite Hypotheses"
 */
function deviations(before: Part, after: Part): number {
  const share = (before.part + after.part) / (before.all + after.all);
  const gain = [before, after].reduce(
    (sum, { part, all }) => sum + surprise(part, share * all) + surprise(all - part, (1 - share) * all),
    0,
  );
  return Math.sqrt(Math.max(0, 2 * gain));
}

const surprise = (seen: number, expected: number): number => (seen > 0 ? seen * Math.log(seen / expected) : 0);

/** Whether two counts differ by more than such counts vary. */
export const isRateChange = (before: number, after: number): boolean =>
  Math.abs(after - before) >= SIGMAS * Math.sqrt(before + after);

/** Durations of so many requests. */
interface Measured {
  readonly mean: number;
  readonly variance: number;
  readonly count: number;
}

/** Whether two means differ by more than means of so many vary: a few that took very long are no change. */
export const isMeanChange = (before: Measured, after: Measured): boolean =>
  Math.abs(after.mean - before.mean) >=
  SIGMAS * Math.sqrt(before.variance / before.count + after.variance / after.count);

/**
 * Whether what all have in common gathers in a part of them: the others have less of it than chance would leave them, had
 * it fallen on all alike.
 *
 * @param excess how many there are
 * @param inPart how many of them are in the part
 * @param share of all requests that are in the part, from 0 to 1
 */
export function gathers(excess: number, inPart: number, share: number): boolean {
  const others = excess * (1 - share);
  const theirs = excess - inPart;
  return inPart >= MOST_OF_EXCESS * excess && others >= LEAST_REQUESTS && others - theirs >= SIGMAS * Math.sqrt(others);
}

/** A value of a dimension in which an excess gathers. */
export interface Gathering {
  readonly value: string;
  readonly change: ShareChange;
}

/** So much of an excess lies in one value, when it gathers there. */
const MOST_OF_EXCESS = 0.8;

/** The value of a dimension in which the excess gathers; `undefined` where none has. */
export function gatheringOf(
  before: Counted,
  after: Counted,
  isMeant: (kind: KindOfRequest) => boolean,
  partOf: (kind: KindOfRequest) => string,
): Gathering | undefined {
  const { excess } = shareChange(before, after, isMeant);
  const values = new Set(after.kinds.filter((kind) => !kind.lost).map(partOf));
  values.delete("");
  if (values.size < 2) return undefined;
  for (const value of values) {
    const change = shareChange(before, after, (kind) => isMeant(kind) && partOf(kind) === value);
    const traffic = after.kinds.reduce((sum, kind) => (partOf(kind) === value ? sum + kind.rate : sum), 0);
    const [all, here] = [excess * after.seconds, change.excess * after.seconds];
    if (change.isMore && gathers(all, here, traffic / after.rate)) return { value, change };
  }
  return undefined;
}
