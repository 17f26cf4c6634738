import * as z from "zod/mini";
import { QueryError } from "../../errors.ts";
import { type Expr, parse, print } from "../../promql/index.ts";
import { resolveSpan, shown, type TimeSpan } from "../../time.ts";
import type { Answer } from "../backend.ts";
import { NAME } from "./failure.ts";

/** One parameter of the API. */
export type Field = readonly [string, string];

/** Series that are asked about: a selector as a tree, or as text, which is parsed first. */
export type Selected = Expr | string;

/** Epoch milliseconds as decimal seconds, the form that every dialect reads. */
export const seconds = (ms: number): string => String(ms / 1000);

/**
 * The parameter of selectors.
 *
 * @throws {QueryError} `code: "promql"` for an expression that is no plain selector
 * @throws {PromqlSyntaxError} for text that is no PromQL
 */
export function matchFields(match: Selected | readonly Selected[] | undefined, verb: string): readonly Field[] {
  const given: readonly Selected[] = match === undefined ? [] : isList(match) ? match : [match];
  return given.map((one) => ["match[]", selectorText(one, verb)]);
}

/** The text of a selector without a range, an offset or an instant. */
export function selectorText(given: Selected, verb: string): string {
  const expr = typeof given === "string" ? parse(given) : given;
  const text = print(expr);
  if (expr.kind !== "vector" || expr.offsetMs !== undefined || expr.at !== undefined || expr.extended !== undefined) {
    throw new QueryError("promql", `${verb}: ${shown(text)} is no selector; write one such as up{job="node"}`, {
      backend: NAME,
      query: text,
    });
  }
  return text;
}

const isList = (match: Selected | readonly Selected[]): match is readonly Selected[] => Array.isArray(match);

/** The parameters of a span of time; none where it is left to the server. */
export function spanFields(span: TimeSpan | undefined, nowMs: number, verb: string): readonly Field[] {
  if (span === undefined) return [];
  const { fromMs, toMs } = resolveSpan(span, nowMs, verb);
  return [
    ["start", seconds(fromMs)],
    ["end", seconds(toMs)],
  ];
}

/** The parameter of a limit: one more is asked for than is wanted, which tells whether there are more. */
export function limitFields(limit: number | undefined, verb: string, name = "limit"): readonly Field[] {
  if (limit === undefined) return [];
  if (!Number.isSafeInteger(limit) || limit < 1) {
    throw new QueryError("range", `${verb}: limit ${shown(limit)} is not a whole, positive number`);
  }
  return [[name, String(limit + 1)]];
}

/** An answer with at most `limit` of its items; it is not complete, and says so, where there are more. */
export function limited<T>(
  answer: Answer<readonly T[]>,
  limit: number | undefined,
  what: string,
): Answer<readonly T[]> {
  if (limit === undefined || answer.data.length <= limit) return answer;
  return cut(answer, answer.data.slice(0, limit), `there are more than the ${limit} ${what} of the limit`);
}

/** An answer of which part was left out, for the reason that is added to its warnings. */
export function cut<T>(answer: Answer<unknown>, data: T, why: string): Answer<T> {
  return { ...answer, data, warnings: [...answer.warnings, why], complete: false };
}

/** A number as Go writes it in text. */
export function goNumber(text: string): number {
  if (/^[+-]?Inf$/.test(text)) return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return text === "" ? Number.NaN : Number(text);
}

/** Epoch milliseconds of the API's ISO text; `undefined` for Go's zero time, which stands for never. */
export function instantOf(text: string | null | undefined): number | undefined {
  if (text === undefined || text === null || text === "" || text.startsWith("0001-01-01")) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Labels, or any other names with texts. */
export const Texts = z.record(z.string(), z.string());
