import * as z from "zod/mini";
import { QueryError } from "../errors.ts";
import { shown } from "../time.ts";

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

/** The names of a verb's options, all of them. */
export type OptionNames<O> = Readonly<Record<keyof O, true>>;

/**
 * Refuses options that are none. Where nothing checks types, as in a notebook, `{ error: true }` for `{ errors: true }`
 * would ask for something else without a word.
 *
 * @throws {QueryError} `code: "config"` that names the option which was meant, `"range"` where not even a range is given
 */
export function checkOptions<O>(given: O, known: OptionNames<O>, verb: string): void {
  if (typeof given !== "object" || given === null) {
    if ("last" in known) {
      throw new QueryError("range", `${verb}: ${shown(given)} is not a range; write { last: "6h" } or { from, to }`);
    }
    throw new QueryError(
      "config",
      `${verb}: ${shown(given)} are no options; there are ${Object.keys(known).join(", ")}`,
    );
  }
  const unknown = Object.entries(given).find(([name, value]) => value !== undefined && !Object.hasOwn(known, name));
  if (unknown !== undefined) {
    throw new QueryError("config", `${verb}: ${unknown[0]} ${unknownKey(unknown[0], Object.keys(known))}`);
  }
  const signal = "signal" in given ? given.signal : undefined;
  if (signal === undefined || isSignal(signal)) return;
  const meant = signal instanceof AbortController ? "the controller's own signal" : "AbortSignal.timeout(5_000)";
  throw new QueryError("config", `${verb}: signal: ${shown(signal)} is no AbortSignal; write ${meant}`);
}

/** By what it can do, since it may be of another realm, or of another maker. */
function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== "object" || value === null) return false;
  return "aborted" in value && "addEventListener" in value && typeof value.addEventListener === "function";
}

function unknownKey(key: string, known: readonly string[]): string {
  const [nearest] = known
    .map((name) => ({ name, edits: editDistance(key.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const near =
    nearest !== undefined && nearest.edits <= Math.max(2, nearest.name.length / 3) ? nearest.name : undefined;
  const meant = near ?? (key.length > 2 ? known.find((name) => name.startsWith(key)) : undefined);
  const hint = meant === undefined ? `there are ${known.join(", ")}` : `did you mean ${JSON.stringify(meant)}?`;
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
