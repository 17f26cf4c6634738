import { QueryError } from "../errors.ts";
import { escapePattern, type Matcher, matcher } from "../promql/index.ts";
import { shown } from "../time.ts";
import { checkLabel, type IstioLabel } from "./istio.ts";
import { re2Of } from "./pattern.ts";

/**
 * What a label's value must be: exactly this text (or number), one of these texts, a value that a pattern matches as
 * a whole, or anything but one of those.
 *
 * Text is always taken literally; only a `RegExp` is a pattern. `""` stands for a label that is missing.
 */
export type LabelCondition = Positive | { readonly not: Positive };
type Positive = RegExp | number | string | readonly (number | string)[];

/** Conditions by label; all of them must hold. */
export type Where = Readonly<Partial<Record<IstioLabel, LabelCondition | undefined>>> &
  Readonly<Record<string, LabelCondition | undefined>>;

/**
 * The matchers of a set of conditions.
 *
 * @throws {QueryError} `code: "label"` for a name that is a slip of one of Istio's, `"pattern"` for a RegExp that RE2
 * lacks, `"failures"`, `"scope"` or `"string"` for a value that is no condition
 */
export function matchersOf(where: Where, verb: string): readonly Matcher[] {
  if (typeof where !== "object" || where === null || Symbol.iterator in where || where instanceof RegExp) {
    throw new QueryError(
      "scope",
      `${verb}: ${shown(where)} are no conditions; write ${verb}({ request_protocol: "grpc" })`,
    );
  }
  const matchers: Matcher[] = [];
  for (const [name, condition] of Object.entries(where)) {
    if (condition === undefined) continue;
    checkLabel(name, verb);
    matchers.push(matcherOf(name, condition, verb));
  }
  return matchers;
}

/** The matcher of one condition. */
export function matcherOf(name: string, condition: LabelCondition, verb: string): Matcher {
  if (name === "reporter") {
    throw new QueryError(
      "reporter",
      `${verb}: the reporter is chosen by .reportedBy("source"), so that nothing counts twice`,
    );
  }
  if (name === "le" || name === "__name__") {
    throw new QueryError("label", `${verb}: "${name}" belongs to the signal; ask for the signal that you mean instead`);
  }
  const what = `${verb}: ${name}`;
  const negated = typeof condition === "object" && condition !== null && "not" in condition;
  const value = negated ? condition.not : condition;
  const { pattern, text } = readValue(value as Positive, what);
  if (pattern) return matcher(name, negated ? "!~" : "=~", text);
  return matcher(name, negated ? "!=" : "=", text);
}

function readValue(value: Positive, what: string): { readonly pattern: boolean; readonly text: string } {
  if (value instanceof RegExp) return { pattern: true, text: re2Of(value, what) };
  if (Array.isArray(value)) {
    if (value.length === 0) throw new QueryError("scope", `${what}: no value can be one of none; name at least one`);
    const texts = value.map((one) => literal(one, what));
    const [only] = texts;
    if (texts.length === 1 && only !== undefined) return { pattern: false, text: only };
    return { pattern: true, text: texts.map(escapePattern).join("|") };
  }
  return { pattern: false, text: literal(value, what) };
}

function literal(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  throw new QueryError("scope", `${what}: ${shown(value)} is no label value; write text, a list of texts, or a RegExp`);
}
