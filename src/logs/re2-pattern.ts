import { QueryError } from "../errors.ts";
import { shown } from "../time.ts";

/**
 * The JavaScript pattern that means what an RE2 text does.
 *
 * @param match `"part"` where it may match anywhere, `"whole"` where it must match all
 * @throws {QueryError} `code: "pattern"` for what JavaScript does not know
 * @see RE2, "Syntax"
 */
export function re2Pattern(re2: string, match: "part" | "whole"): RegExp {
  const [, flags = "", source = ""] = /^(?:\(\?([is]+)\))?([\s\S]*)$/.exec(re2) ?? [];
  const text = translated(source);
  try {
    const all = [...new Set(`${flags}${match === "whole" ? "s" : ""}u`)].join("");
    return new RegExp(match === "whole" ? `^(?:${text})$` : text, all);
  } catch {
    throw new QueryError("pattern", `${shown(re2)} is no pattern that can be tried here; write it in plainer terms`);
  }
}

const TOKEN = /\(\?P<|\\x\{[\da-f]+\}|\\[\s\S]|[[\]]|[^\\[\](]+|\(/giu;

/** RE2 escapes whatever it likes; JavaScript's strict form only what has a meaning. */
function translated(source: string): string {
  let inClass = false;
  return source.replace(TOKEN, (token) => {
    if (token === "(?P<") return "(?<";
    if (token.startsWith("\\x{")) return `\\u{${token.slice(3, -1)}}`;
    if (token === "[" && !inClass) inClass = true;
    else if (token === "]") inClass = false;
    const [, escaped = ""] = /^\\([^\w\s])$/u.exec(token) ?? [];
    if (escaped === "" || "^$\\.*+?()[]{}|/".includes(escaped) || (inClass && escaped === "-")) return token;
    return escaped;
  });
}
