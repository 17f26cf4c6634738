import { EvaluationError } from "../../errors.ts";
import type { Grouping } from "../ast.ts";
import { isWellFormed } from "../quote.ts";
import { type Column, emptyColumn, joinEqual, sampleAt } from "./column.ts";
import { plainText } from "./float-text.ts";
import { groupLabels } from "./grouping.ts";
import { histogramText } from "./histogram-text.ts";

/** How many series of each group have each value; the value is the label `name` of the result. */
export function countValues(
  name: string,
  columns: readonly Column[],
  grouping: Grouping | undefined,
  steps: number,
): Column[] {
  if (name === "" || !isWellFormed(name)) {
    throw new EvaluationError("execution", `invalid label name ${JSON.stringify(name)}`);
  }
  const kept: Grouping =
    grouping?.kind === "without" ? grouping : { kind: "by", labels: [...(grouping?.labels ?? []), name] };
  const counts = new Map<string, Column>();
  for (let step = 0; step < steps; step++) {
    for (const column of columns) {
      if (column.present[step] === 0) continue;
      const sample = sampleAt(column, step);
      const text = typeof sample === "number" ? plainText(sample) : histogramText(sample);
      const group = groupLabels(column.labels.with(name, text), kept);
      let count = counts.get(group.key);
      if (count === undefined) {
        count = emptyColumn(group, steps);
        counts.set(group.key, count);
      }
      count.present[step] = 1;
      count.values[step] = (count.values[step] as number) + 1;
    }
  }
  return joinEqual([...counts.values()]);
}
