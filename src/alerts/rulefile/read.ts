import { PromqlSyntaxError, QueryError, RuleFileError } from "../../errors.ts";
import { parse } from "../../promql/index.ts";
import { parseDuration, shown } from "../../time.ts";
import { AlertRule, RecordingRule } from "../rule.ts";
import { RuleFile, RuleGroup } from "../rule-group.ts";
import type { RuleSource, Texts } from "../spec.ts";
import { parseTemplate, type Template, templateOf } from "../template.ts";
import { kindOf, type ReadGroup, type ReadRule } from "./schema.ts";
import { readYaml } from "./yaml.ts";

/** What a text does not say of itself. */
export interface ImportOptions {
  /** What errors call the text, such as its path. */
  readonly file?: string | undefined;
  /** Expressions are PromQL, the default, or LogQL, which is kept as it is written. */
  readonly language?: "logql" | "promql" | undefined;
}

/** Where in a text something stands. */
interface Place {
  readonly file: string;
  /** From 1. */
  readonly document: number;
}

/**
 * The rules of a file: of Prometheus or of Loki's ruler (`groups:`), a `PrometheusRule` of the Prometheus Operator, or a
 * provisioning file of Grafana as this library writes it. Several documents in one text are read one after the other.
 *
 * Whatever is not read is an error: a key that no such file has, an expression that is no PromQL.
 *
 * @throws {RuleFileError} with the file, the document and the path of what is wrong
 * @example
 * import { readFileSync } from "node:fs";
 *
 * const { alerts } = fromYAML(readFileSync("rules.yml", "utf8"), { file: "rules.yml" });
 */
export function fromYAML(text: string, { file = "the text", language = "promql" }: ImportOptions = {}): RuleFile {
  if (typeof text !== "string") throw new QueryError("string", `fromYAML: text is wanted, not ${shown(text)}`);
  const documents = readYaml(text);
  const groups: RuleGroup[] = [];
  for (const [i, document] of documents.entries()) {
    const place = { file, document: i + 1 };
    if (document.problem !== undefined) throw failure("syntax", place, "", document.problem, document.cause);
    const { content } = document;
    if (content === null || content === undefined) continue;
    groups.push(...readDocument(content, place, language));
  }
  const names = new Set<string>();
  for (const { name } of groups) {
    if (names.has(name))
      throw failure("shape", { file, document: documents.length }, "", `two groups are called ${shown(name)}`);
    names.add(name);
  }
  return new RuleFile(groups);
}

function readDocument(content: unknown, place: Place, language: "logql" | "promql"): RuleGroup[] {
  const { kind, path, read } = kindOf(content);
  const answer = read(content);
  if ("groups" in answer) {
    return answer.groups.map((group, i) => readGroup(group, { place, path: `${path}[${i}]`, language }));
  }
  const [issue] = answer.issues;
  const more = answer.issues.length > 1 ? ` (and ${answer.issues.length - 1} more)` : "";
  throw failure("shape", place, pathText(issue?.path ?? []), `as ${kind}: ${issue?.message ?? "it is none"}${more}`);
}

interface Within {
  readonly place: Place;
  readonly path: string;
  readonly language: "logql" | "promql";
}

function readGroup(group: ReadGroup, within: Within): RuleGroup {
  const rules = group.rules.map((rule, i) => readRule(rule, { ...within, path: `${within.path}.rules[${i}]` }));
  const spec = {
    name: group.name,
    intervalMs: group.interval && length(group.interval, `${within.path}.interval`, within),
    queryOffsetMs: group.query_offset && length(group.query_offset, `${within.path}.query_offset`, within),
    limit: group.limit || undefined,
    partialResponseStrategy: group.partial_response_strategy,
    labels: readTexts(group.labels, `${within.path}.labels`, within),
  };
  return new RuleGroup(
    { ...spec, intervalMs: spec.intervalMs || undefined, queryOffsetMs: spec.queryOffsetMs || undefined },
    rules,
  );
}

function readRule(rule: ReadRule, within: Within): AlertRule | RecordingRule {
  const { path } = within;
  const source = readExpr(String(rule.expr), within);
  if (rule.record !== undefined) {
    return new RecordingRule({ kind: "record", name: rule.record, source, labels: inOrder(rule.labels, literally) });
  }
  return new AlertRule({
    kind: "alert",
    name: rule.alert ?? "",
    source,
    forMs: rule.for === undefined ? 0 : length(rule.for, `${path}.for`, within),
    keepFiringForMs:
      rule.keep_firing_for === undefined ? 0 : length(rule.keep_firing_for, `${path}.keep_firing_for`, within),
    labels: readTexts(rule.labels, `${path}.labels`, within),
    annotations: readTexts(rule.annotations, `${path}.annotations`, within),
  });
}

function readExpr(text: string, { place, path, language }: Within): RuleSource {
  if (language === "logql") return { kind: "logql", text: text.trim() };
  try {
    return { kind: "promql", expr: parse(text, { experimental: true }) };
  } catch (error) {
    if (!(error instanceof PromqlSyntaxError)) throw error;
    throw failure("promql", place, `${path}.expr`, error.message, error);
  }
}

function readTexts(given: ReadTexts, path: string, { place }: Within): Texts {
  return inOrder(given, (text, name) => {
    try {
      return parseTemplate(text);
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      throw failure("template", place, `${path}.${name}`, error.message, error);
    }
  });
}

type ReadTexts = Readonly<Record<string, string>> | undefined;

/** Nothing is filled into the labels of what is recorded, whatever stands in them. */
const literally = (text: string): Template => templateOf([{ kind: "text", text }]);

function inOrder(given: ReadTexts, read: (text: string, name: string) => Template): Texts {
  const entries = Object.entries(given ?? {}).map(([name, text]) => [name, read(text, name)] as const);
  return Object.freeze(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))));
}

function length(text: number | string, path: string, { place }: Within): number {
  const ms = String(text) === "0" ? 0 : parseDuration(String(text));
  if (ms !== undefined) return ms;
  throw failure("shape", place, path, `${shown(text)} is no duration; write "10m"`);
}

function failure(
  code: RuleFileError["code"],
  { file, document }: Place,
  path: string,
  why: string,
  cause?: unknown,
): RuleFileError {
  const where = `${file}, document ${document}${path === "" ? "" : `, ${path}`}`;
  return new RuleFileError(code, `fromYAML: ${where}: ${why}`, { file, document, path, cause });
}

/** `groups[0].rules[2].expr` */
const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
