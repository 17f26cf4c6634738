import { QueryError } from "../errors.ts";
import { type CustomLabel, labelName } from "../results/labels.ts";
import { shown } from "../time.ts";
import type { Context } from "./question.ts";

/**
 * The names of the labels to group by, each once.
 *
 * @param verb the method that was given them, for errors
 * @throws {QueryError} `code: "label"` when a name is empty, no text, or a slip of a known one
 */
export function groupingLabels(
  labels: readonly (CustomLabel | string)[],
  verb: string,
  { checkLabel }: Context,
): readonly string[] {
  for (const label of labels) {
    const name = labelName(label);
    if (typeof name !== "string" || name === "") {
      throw new QueryError("label", `${verb}: ${shown(name)} is no label name; write ${verb}("response_code")`);
    }
    if (label === name) checkLabel(name, verb);
  }
  return [...new Set(labels.map(labelName))];
}
