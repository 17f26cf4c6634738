import { INSPECT } from "../../results/mime.ts";
import { Result, type Table } from "../../results/result.ts";
import { printLength } from "../../results/text.ts";
import { tablePart, type View } from "../../results/view.ts";
import { formatInstant } from "../../time.ts";
import type { ObjectiveStatus } from "./objective-status.ts";
import { budgetBars, objectivesTable, percent } from "./status-view.ts";

/** How an SLO stood at an instant. */
export class SloStatus extends Result {
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
    super();
    this.name = fields.name;
    this.window = fields.window;
    this.at = fields.at;
    this.objectives = Object.freeze([...fields.objectives]);
    Object.freeze(this);
  }

  /** A line for each objective: what was good, how much budget is left, how fast it is spent. */
  override toString(): string {
    return this.objectives.map((one) => `${this.name}: ${sentence(one, this.window)}`).join("\n");
  }

  override [INSPECT](): string {
    return this.toString();
  }

  /** A row for each objective. */
  toTable(): Table {
    return objectivesTable(this.objectives);
  }

  toView(): View {
    return {
      title: `${this.name} over ${this.window}`,
      parts: [{ kind: "drawing", drawing: budgetBars(this.objectives, this.toString()) }, tablePart(this.toTable())],
      notes: [{ text: `at ${formatInstant(this.at)}` }],
    };
  }

  toJSON(): Pick<SloStatus, "at" | "name" | "objectives" | "window"> {
    const { name, window, at, objectives } = this;
    return { name, window, at, objectives };
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
