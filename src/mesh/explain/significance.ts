import type { KindOfRequest, WindowView } from "./window-view.ts";

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
const LEAST_REQUESTS = 5;
/** So many standard deviations of a Poisson count. */
const SIGMAS = 4;
/** A smaller part of the traffic than this is nothing unusual. */
const LEAST_SHARE = 0.002;

/** Half of the traffic is much whatever it was before. */
const LASTING_SHARE = 0.5;

/** The change of the share of those requests that `isMeant`. */
export function shareChange(
  before: WindowView,
  after: WindowView,
  isMeant: (kind: KindOfRequest) => boolean,
): ShareChange {
  const rates = [before, after].map(({ kinds }) =>
    kinds.reduce((sum, kind) => (isMeant(kind) ? sum + kind.rate : sum), 0),
  );
  const [rateBefore = 0, rateAfter = 0] = rates;
  const shareBefore = before.rate > 0 ? rateBefore / before.rate : undefined;
  const shareAfter = after.rate > 0 ? rateAfter / after.rate : undefined;
  const expected = (shareBefore ?? 0) * after.rate;
  const excess = Math.max(0, rateAfter - expected);
  const count = excess * after.seconds;
  // What was expected is itself a count of the earlier window, as uncertain as that was small.
  const scale = before.rate > 0 ? (after.rate * after.seconds) / (before.rate * before.seconds) : 1;
  const deviation = Math.sqrt(expected * after.seconds * (1 + scale) + 1);
  const isMore = count >= LEAST_REQUESTS && count >= SIGMAS * deviation && excess >= LEAST_SHARE * after.rate;
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

/** A value of a dimension in which an excess gathers. */
export interface Gathering {
  readonly value: string;
  readonly change: ShareChange;
}

/** So much of an excess lies in one value, when it gathers there. */
const MOST_OF_EXCESS = 0.8;

/**
 * The value of a dimension that has most of the excess, and so much that the others have less of it than chance would
 * leave them, had it fallen on all alike; `undefined` where none has.
 */
export function gatheringOf(
  before: WindowView,
  after: WindowView,
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
    if (!change.isMore || change.excess < MOST_OF_EXCESS * excess) continue;
    const others = excess * (1 - traffic / after.rate) * after.seconds;
    const theirs = (excess - change.excess) * after.seconds;
    if (others >= LEAST_REQUESTS && others - theirs >= SIGMAS * Math.sqrt(others)) return { value, change };
  }
  return undefined;
}
