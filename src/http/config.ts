import * as z from "zod/mini";
import { QueryError } from "../errors.ts";

/** An object schema that names an unknown key and the known one it is nearest to. */
export function strictConfig<Shape extends z.core.$ZodShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? unknownKey(issue.keys[0] ?? "", Object.keys(shape)) : "must be an object",
  });
}

/**
 * The configuration that `value` holds, by a schema whose errors are sentences without a subject ("must be text").
 *
 * @param where what is configured, such as `"prometheus"`
 * @throws {QueryError} `code: "config"` with the path to the first wrong key; values, which may be secret, stay out
 */
export function parseConfig<Schema extends z.core.$ZodType>(
  schema: Schema,
  value: unknown,
  where: string,
): z.core.output<Schema> {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // A misspelt key comes before the one it leaves missing: it is the mistake.
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0];
  const path = [...(issue?.path ?? []), ...(issue?.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [])];
  const what = path.length === 0 ? "the configuration" : path.map(String).join(".");
  throw new QueryError("config", `${where}: ${what} ${issue?.message ?? "cannot be read"}`);
}

function unknownKey(key: string, known: readonly string[]): string {
  const [nearest] = known
    .map((name) => ({ name, edits: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const hint =
    nearest !== undefined && nearest.edits <= Math.max(2, nearest.name.length / 2)
      ? `did you mean ${JSON.stringify(nearest.name)}?`
      : `there are ${known.join(", ")}`;
  return `is not known; ${hint}`;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, charA] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, charB] of [...b].entries()) {
      const substituted = (row[j] ?? 0) + (charA === charB ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
