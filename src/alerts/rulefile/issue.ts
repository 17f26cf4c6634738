import type * as z from "zod/mini";
import { shown } from "../../time.ts";

const WANTED: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  number: "a number",
  object: "a mapping",
  record: "a mapping",
  string: "text",
};

/** What is wrong with a document, with what to write: zod's light form has no sentences of its own. */
export function problemOf(issue: z.core.$ZodIssue): string {
  // A name that is refused says why beside, not in its own message.
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  if (issue.message !== "Invalid input") return issue.message;
  switch (issue.code) {
    case "invalid_type":
      return `${WANTED[issue.expected] ?? issue.expected} is wanted`;
    case "invalid_value":
      return `${issue.values.map(shown).join(" or ")} is wanted`;
    case "unrecognized_keys":
      return `there is no ${issue.keys.map(shown).join(" and no ")} here`;
    default:
      return issue.message;
  }
}
