import { QueryError } from "../errors.ts";
import { formatParts, type Operator } from "./operator.ts";

/** A format string taken apart: a literal before, between and after the operators, of which only the ends may be empty. */
export interface TextLayout {
  readonly literals: readonly string[];
  readonly operators: readonly Operator[];
}

/**
 * Takes an Envoy format string apart; operators that nothing parts become one that no field stands for.
 *
 * @throws {QueryError} `code: "config"` when the text is no format string, or has no operator at all
 */
export function textLayout(format: string): TextLayout {
  const { literals, operators } = formatParts(format);
  if (operators.length === 0) {
    throw new QueryError("config", `log format: ${JSON.stringify(format)} has no operator; write "%START_TIME% …"`);
  }
  const kept: Operator[] = [];
  const between: string[] = [];
  for (const [i, operator] of operators.entries()) {
    const last = kept.at(-1);
    const literal = literals[i] ?? "";
    if (last === undefined || literal !== "") {
      between.push(literal);
      kept.push(operator);
    } else {
      kept[kept.length - 1] = unknown(`${last.text}%%${operator.text}`);
    }
  }
  between.push(literals[operators.length] ?? "");
  return { literals: between, operators: kept };
}

const unknown = (text: string): Operator =>
  Object.freeze({ text, field: undefined, shape: "any", rank: 0, time: undefined, timeFormat: undefined });
