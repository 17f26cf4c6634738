import { printLength } from "../../results/text.ts";
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

/** How an SLO stood at an instant. */
export class SloStatus {
  readonly name: string;
  /** The SLO's window: `"30d"`. */
  readonly window: string;
  /** In epoch milliseconds. */
  readonly at: number;
  readonly objectives: readonly ObjectiveStatus[];

  constructor(fields: {
    readonly name: string;
    readonly window: string;
    readonly at: number;
    readonly objectives: readonly ObjectiveStatus[];
  }) {
    this.name = fields.name;
    this.window = fields.window;
    this.at = fields.at;
    this.objectives = Object.freeze([...fields.objectives]);
    Object.freeze(this);
  }

  /** A line for each objective: what was good, how much budget is left, how fast it is spent. */
  toString(): string {
    return this.objectives.map((one) => `${this.name}: ${sentence(one, this.window)}`).join("\n");
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

function sentence(status: ObjectiveStatus, window: string): string {
  const { indicator, objective, good, budgetLeft, burnRates, exhaustedInMs } = status;
  if (good === undefined || budgetLeft === undefined)
    return `${indicator} ${percent(objective)}: no traffic in ${window}`;
  const rates = burnRates.map((one) => `${one.rate === undefined ? "–" : short(one.rate)} in ${one.window}`).join(", ");
  const end =
    budgetLeft <= 0
      ? "; spent"
      : exhaustedInMs === undefined
        ? ""
        : `; spent in ${printLength(exhaustedInMs)} at this rate`;
  return `${indicator} ${percent(good)} of ${percent(objective)} over ${window}, ${percent(budgetLeft)} of the budget left${end}; burn rate ${rates}`;
}

const short = (value: number): string => String(Number(value.toPrecision(3)));

/** Enough digits to tell 99.95 from 99.9. */
const percent = (share: number): string => `${Number((share * 100).toFixed(4))} %`;
