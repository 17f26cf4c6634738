import { QueryError } from "../errors.ts";
import { length, text } from "../results/column.ts";
import { Table } from "../results/result.ts";
import { type Part, tablePart } from "../results/view.ts";
import { type AlertSpec, describeSource, literalTexts, printedTexts, type RecordSpec } from "./spec.ts";

/** A rule as plain data: what it evaluates as text, templates in Prometheus's syntax. */
export interface RuleJson {
  readonly kind: "alert" | "record";
  readonly name: string;
  readonly query: string;
  readonly forMs?: number;
  readonly keepFiringForMs?: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A rule as plain data. */
export function ruleJson(spec: AlertSpec | RecordSpec): RuleJson {
  const { kind, name } = spec;
  const common = { kind, name, query: queryOf(spec) ?? "", labels: labelTexts(spec) };
  if (spec.kind === "record") return common;
  const { forMs, keepFiringForMs, annotations } = spec;
  return { ...common, forMs, keepFiringForMs, annotations: printedTexts(annotations) };
}

const labelTexts = ({ kind, labels }: AlertSpec | RecordSpec): Readonly<Record<string, string>> =>
  kind === "record" ? literalTexts(labels) : printedTexts(labels);

/** The rules as a table; in a terminal with the beginning of long queries alone, which the file below has as a whole. */
export const rulesPart = (specs: readonly (AlertSpec | RecordSpec)[]): Part =>
  tablePart(rulesTable(specs), String(rulesTable(specs, shortened)));

const MOST_CHARACTERS = 60;

function shortened(query: string): string {
  const characters = Array.from(query);
  return characters.length > MOST_CHARACTERS ? `${characters.slice(0, MOST_CHARACTERS - 1).join("")}…` : query;
}

/** A row for each rule. */
export const rulesTable = (
  specs: readonly (AlertSpec | RecordSpec)[],
  shown: (query: string) => string = (query) => query,
): Table =>
  Table.of(
    [text("rule"), text("kind"), text("query"), length("for"), length("keep firing for"), text("labels")],
    specs.map((spec) => [
      spec.name,
      spec.kind,
      shown(queryOf(spec) ?? ""),
      ...(spec.kind === "alert" ? [spec.forMs, spec.keepFiringForMs] : [undefined, undefined]),
      Object.entries(labelTexts(spec))
        .map(([name, value]) => `${name}=${value}`)
        .join(" "),
    ]),
  );

/** What a rule evaluates; `undefined` while the reporter is still to be chosen. */
function queryOf({ source }: AlertSpec | RecordSpec): string | undefined {
  try {
    return describeSource(source);
  } catch (error) {
    if (error instanceof QueryError) return undefined;
    throw error;
  }
}

/** The rule file, as far as there is one: rules over traces, and those whose reporter is to be chosen, have none. */
export function fileParts(print: () => string): readonly Part[] {
  try {
    return [{ kind: "code", text: print().trimEnd(), language: "yaml" }];
  } catch (error) {
    if (error instanceof QueryError) return [{ kind: "lines", lines: [{ text: error.message, tone: "warn" }] }];
    throw error;
  }
}
