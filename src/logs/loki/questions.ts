import { QueryError, unreachable } from "../../errors.ts";
import { shown } from "../../time.ts";
import type { FieldCondition, LineCondition, LogFilter, LogGroup, LogMeasure, TextMatch } from "../backend.ts";
import { checkTexts } from "../line-filter.ts";
import type {
  Comparison,
  LabelFilter,
  LineFilter,
  LogSelection,
  MatchOp,
  MetricExpr,
  StreamMatcher,
} from "../logql/ast.ts";
import {
  aggregate,
  by,
  json,
  labelFilter,
  lineFilter,
  noError,
  number,
  overLines,
  overNumbers,
  selection,
  streamMatcher,
  text,
  unwrap,
} from "../logql/construct.ts";
import { escapePattern } from "../logql/quote.ts";
import { type OriginLabels, PARTS } from "./labels.ts";

/**
 * The lines that a filter means.
 *
 * @throws {QueryError} `code: "label"` for a field that LogQL cannot tell from a label
 */
export function selectionOf(filter: LogFilter, labels: OriginLabels): LogSelection {
  return selectionWith(filter, labels, (filter.fields ?? []).length > 0);
}

/** The numbers that a question means. Lines that cannot be read are left out, or Loki would refuse all of it. */
export function metricOf({ filter, measurement, by: groups, windowMs }: LogMeasure, labels: OriginLabels): MetricExpr {
  const grouping = by(...groups.map((group) => groupLabel(group, labels)));
  // Within a range Loki 2 takes by () for no grouping at all; an error none of these lines has.
  const inRange = groups.length === 0 ? by("__error__") : grouping;
  const fields = (filter.fields ?? []).length > 0 || groups.some((group) => "field" in group);
  switch (measurement.kind) {
    case "count":
      return aggregate("sum", overLines("count_over_time", selectionWith(filter, labels, fields), windowMs), grouping);
    case "rate":
      return aggregate("sum", overLines("rate", selectionWith(filter, labels, fields), windowMs), grouping);
    case "sum": {
      const lines = selectionWith(filter, labels, true);
      const numbers = overNumbers("sum_over_time", lines, unwrap(fieldLabel(measurement.field, labels)), windowMs);
      return aggregate("sum", numbers, grouping);
    }
    case "avg":
    case "max":
    case "min": {
      const lines = selectionWith(filter, labels, true);
      const field = unwrap(fieldLabel(measurement.field, labels));
      return overNumbers(`${measurement.kind}_over_time`, lines, field, windowMs, { grouping: inRange });
    }
    case "quantile": {
      const lines = selectionWith(filter, labels, true);
      const options = { quantile: measurement.q, grouping: inRange };
      return overNumbers("quantile_over_time", lines, unwrap(fieldLabel(measurement.field, labels)), windowMs, options);
    }
    default:
      return unreachable(measurement);
  }
}

/** What Loki calls a group in the labels of a series. */
export const groupLabel = (group: LogGroup, labels: OriginLabels): string =>
  "origin" in group ? labels.name(group.origin) : fieldLabel(group.field, labels);

/**
 * The label that `| json` makes of a field: whatever is no letter and no digit becomes `_`. A label of the stream keeps
 * its name before a field of the same one.
 *
 * @see Loki, `pkg/logql/log/parser.go`
 */
function fieldLabel(field: string, labels: OriginLabels): string {
  if (typeof field !== "string" || field === "") {
    throw new QueryError("label", `loki: ${shown(field)} is no name of a field`);
  }
  const made = field.replace(/[^a-zA-Z0-9_]/gu, "_");
  const label = /^\d/.test(made) ? `_${made}` : made;
  const part = PARTS.find((one) => labels.name(one) === label);
  if (part === undefined) return label;
  throw new QueryError(
    "label",
    `loki: the field ${shown(field)} is called as the label of streams for the ${part}, which LogQL would read in its ` +
      `place; write { origin: ${JSON.stringify(part)} } if that is meant`,
  );
}

function selectionWith(
  { origin, lines = [], fields = [] }: LogFilter,
  labels: OriginLabels,
  parsed: boolean,
): LogSelection {
  checkTexts(lines);
  const matchers: StreamMatcher[] = [];
  const beside: LabelFilter[] = [];
  for (const part of PARTS) {
    const match = origin[part];
    if (match === undefined) continue;
    const [op, value] = matchOf(match);
    if (labels.isOfStream(part)) matchers.push(streamMatcher(labels.name(part), op, value));
    else beside.push(labelFilter(text(labels.name(part), op, value)));
  }
  // Loki wants streams to be selected by something.
  if (!matchers.some(({ value }) => value !== "")) {
    matchers.push(streamMatcher(labels.name("namespace"), "=~", ".+"));
  }
  const parsing = parsed ? [json, ...fields.map((field) => labelFilter(conditionOf(field, labels))), noError] : [];
  return selection(matchers, ...beside, ...lines.map(lineFilterOf), ...parsing);
}

const matchOf = (match: TextMatch): readonly [MatchOp, string] =>
  typeof match === "string" ? ["=", match] : ["=~", match.pattern];

function lineFilterOf(condition: LineCondition): LineFilter {
  if ("text" in condition) return lineFilter(condition.not ? "!=" : "|=", condition.text);
  // Loki takes a pattern with nothing in one of its parts for one without that part.
  if ("texts" in condition && condition.texts.includes("")) return lineFilter(condition.not ? "!=" : "|=", "");
  const pattern = "texts" in condition ? condition.texts.map(escapePattern).join("|") : condition.pattern;
  return lineFilter(condition.not ? "!~" : "|~", pattern);
}

function conditionOf(condition: FieldCondition, labels: OriginLabels): Comparison {
  const label = fieldLabel(condition.field, labels);
  if ("number" in condition) return number(label, condition.op, condition.number);
  return "value" in condition
    ? text(label, condition.op, condition.value)
    : text(label, condition.op, condition.pattern);
}
