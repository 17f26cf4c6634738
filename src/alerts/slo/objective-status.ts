import type { IndicatorName } from "./indicator.ts";

/** How fast the budget is spent over one window. */
export interface BurnRate {
  /** `"1h"`. */
  readonly window: string;
  /** 1 spends the whole budget in just the SLO's window; `undefined` without traffic. */
  readonly rate: number | undefined;
}

/** How one objective stands. What cannot be told for want of traffic is `undefined`. */
export interface ObjectiveStatus {
  readonly indicator: IndicatorName;
  /** The share that shall be good. */
  readonly objective: number;
  /** The share that was good over the SLO's window. */
  readonly good: number | undefined;
  /** The share of the error budget that is left, below 0 where more was spent than there was. */
  readonly budgetLeft: number | undefined;
  /** Shortest window first. */
  readonly burnRates: readonly BurnRate[];
  /** When the budget is spent if it goes on as in the last hour, in milliseconds; `undefined` where nothing is spent. */
  readonly exhaustedInMs: number | undefined;
}
