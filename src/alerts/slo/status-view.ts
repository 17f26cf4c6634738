import { type Heading, length, number, text } from "../../results/column.ts";
import { escaped } from "../../results/html.ts";
import { Table } from "../../results/result.ts";
import { printLength } from "../../results/text.ts";
import type { Drawing } from "../../results/view.ts";
import type { ObjectiveStatus } from "./objective-status.ts";

/** A row for each objective, with a column for the burn rate over each window. */
export function objectivesTable(objectives: readonly ObjectiveStatus[]): Table {
  const windows = [...new Set(objectives.flatMap(({ burnRates }) => burnRates.map(({ window }) => window)))];
  const headings: readonly Heading[] = [
    text("indicator"),
    number("objective", "ratio"),
    number("good", "ratio"),
    number("budget left", "ratio"),
    length("spent in"),
    ...windows.map((window) => number(`burn rate ${window}`)),
  ];
  return Table.of(
    headings,
    objectives.map((one) => [
      one.indicator,
      one.objective,
      one.good,
      one.budgetLeft,
      one.exhaustedInMs,
      ...windows.map((window) => one.burnRates.find((burn) => burn.window === window)?.rate),
    ]),
    (row) => ((objectives[row]?.budgetLeft ?? 1) <= 0 ? "bad" : undefined),
  );
}

/** The budgets as bars, full while nothing is spent. */
export function budgetBars(objectives: readonly ObjectiveStatus[], text: string): Drawing {
  const rows = objectives.map(({ indicator, objective, good, budgetLeft, exhaustedInMs }) => {
    const name = `<b>${escaped(indicator)}</b>`;
    if (good === undefined || budgetLeft === undefined) {
      return `<div class="row quiet">${name}<span>no traffic</span><span></span><span>of ${percent(objective)}</span></div>`;
    }
    const tone = budgetLeft <= 0 ? "bad" : budgetLeft < 0.25 ? "warn" : "good";
    const end =
      budgetLeft <= 0
        ? "spent"
        : exhaustedInMs === undefined
          ? ""
          : `spent in ${printLength(exhaustedInMs)} at this rate`;
    const width = Math.max(0, Math.min(1, budgetLeft)) * 100;
    return [
      `<div class="row ${tone}">${name}<span class="n">${percent(budgetLeft)} of the budget left</span>`,
      `<span class="bar"><i style="width:${width.toFixed(2)}%"></i></span>`,
      `<span class="quiet">${percent(good)} of ${percent(objective)}${end === "" ? "" : ` · ${end}`}</span></div>`,
    ].join("");
  });
  return { html: `<div class="mq-budget">${rows.join("")}</div>`, style: STYLE, text };
}

/** Enough digits to tell 99.95 from 99.9. */
export const percent = (share: number): string => `${Number((share * 100).toFixed(4))} %`;

const STYLE = `
.mq-budget { display: grid; grid-template-columns: max-content max-content minmax(120px, 320px) 1fr; gap: 8px 14px; align-items: center; margin: 10px 0 14px; }
.mq-budget .row { display: contents; }
.mq-budget b { color: var(--text); font-weight: 600; }
.mq-budget .n { text-align: right; font-variant-numeric: tabular-nums; }
.mq-budget .bar { display: block; height: 10px; border-radius: 5px; background: var(--box); overflow: hidden; }
.mq-budget .bar i { display: block; height: 100%; background: currentColor; }
`;
