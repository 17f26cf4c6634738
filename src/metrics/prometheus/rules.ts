import * as z from "zod/mini";
import type { LabelSet } from "../../results/labels.ts";
import type { AskOptions } from "../../time.ts";
import type { Answer } from "../backend.ts";
import { cut, goNumber, instantOf, Texts } from "./fields.ts";

/** Which rules are asked for: those for which every option that is given holds. */
export interface RulesOptions extends AskOptions {
  readonly kind?: RuleKind | undefined;
  /** By name: of a recording rule the metric it writes, of an alerting rule the alert's. */
  readonly names?: readonly string[] | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly files?: readonly string[] | undefined;
  /** The most groups that are given: where there are more, `complete` is false. */
  readonly limit?: number | undefined;
}

/** What a rule does: it raises alerts, or records series. */
export type RuleKind = "alerting" | "recording";

/** How the last evaluation of a rule went. */
export type RuleHealth = "err" | "ok" | "unknown" | (string & {});

/** Rules that are evaluated one after the other, at the same instant. */
export interface RuleGroup {
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  /** The most series or alerts that a rule of it may give; 0 for any number. */
  readonly limit: number;
  readonly evaluationMs: number;
  /** Epoch milliseconds; `undefined` where it was not evaluated yet. */
  readonly lastEvaluationMs: number | undefined;
  readonly rules: readonly LoadedRule[];
}

/** A rule as a server has loaded it. */
export type LoadedRule = LoadedAlertingRule | LoadedRecordingRule;

interface Evaluated {
  readonly name: string;
  /** The expression as the server prints it. */
  readonly promql: string;
  readonly labels: LabelSet;
  readonly health: RuleHealth;
  /** Why the last evaluation failed. */
  readonly lastError: string | undefined;
  readonly evaluationMs: number;
  readonly lastEvaluationMs: number | undefined;
}

/** A rule that writes the value of its expression as series of a new name. */
export interface LoadedRecordingRule extends Evaluated {
  readonly kind: "recording";
}

/** A rule whose expression gives one alert for each of its series. */
export interface LoadedAlertingRule extends Evaluated {
  readonly kind: "alerting";
  /** That of its gravest alert. */
  readonly state: AlertState;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** Templates, not yet filled in. */
  readonly annotations: LabelSet;
  readonly alerts: readonly ActiveAlert[];
}

/** How an alert stands, in Prometheus's words. */
export type AlertState = "firing" | "inactive" | "pending" | "unknown" | (string & {});

/** An alert that is pending or firing. */
export interface ActiveAlert {
  readonly labels: LabelSet;
  readonly annotations: LabelSet;
  readonly state: AlertState;
  /** Since when its expression has held, in epoch milliseconds. */
  readonly activeAtMs: number | undefined;
  readonly value: number;
}

const Alert = z.object({
  labels: Texts,
  annotations: z._default(Texts, {}),
  state: z.string(),
  activeAt: z.nullish(z.string()),
  value: z.union([z.string(), z.number()]),
});
const Rule = z.object({
  type: z.string(),
  name: z.string(),
  query: z.string(),
  labels: z.nullish(Texts),
  annotations: z.nullish(Texts),
  state: z.nullish(z.string()),
  duration: z.nullish(z.number()),
  keepFiringFor: z.nullish(z.number()),
  health: z._default(z.string(), "unknown"),
  lastError: z.nullish(z.string()),
  evaluationTime: z.nullish(z.number()),
  lastEvaluation: z.nullish(z.string()),
  alerts: z.nullish(z.array(Alert)),
});
/** The groups of `/api/v1/rules`. */
export const RulesData = z.object({
  groups: z.nullish(
    z.array(
      z.object({
        name: z.string(),
        file: z._default(z.string(), ""),
        rules: z.nullish(z.array(Rule)),
        interval: z._default(z.number(), 0),
        limit: z._default(z.number(), 0),
        evaluationTime: z.nullish(z.number()),
        lastEvaluation: z.nullish(z.string()),
      }),
    ),
  ),
  groupNextToken: z.nullish(z.string()),
});
/** The alerts of `/api/v1/alerts`. */
export const AlertsData = z.object({ alerts: z.nullish(z.array(Alert)) });

/** Older servers do not know every condition, so each is applied here once more. */
export function rulesOf(
  answer: Answer<z.infer<typeof RulesData>>,
  { kind, names, groups, files, limit }: RulesOptions,
): Answer<readonly RuleGroup[]> {
  const isWanted = (rule: LoadedRule) =>
    (kind === undefined || rule.kind === kind) && (names === undefined || names.includes(rule.name));
  const narrow = kind !== undefined || names !== undefined;
  const found = (answer.data.groups ?? [])
    .filter(({ name, file }) => (groups?.includes(name) ?? true) && (files?.includes(file) ?? true))
    .map((group): RuleGroup => {
      const { name, file, limit } = group;
      return {
        name,
        file,
        limit,
        intervalMs: milliseconds(group.interval),
        evaluationMs: milliseconds(group.evaluationTime),
        lastEvaluationMs: instantOf(group.lastEvaluation),
        rules: (group.rules ?? []).map(ruleOf).filter(isWanted),
      };
    })
    .filter(({ rules }) => !narrow || rules.length > 0);
  const more = found.length > (limit ?? Number.POSITIVE_INFINITY) || Boolean(answer.data.groupNextToken);
  const whose =
    limit === undefined ? `${found.length} groups that the server gives at once` : `${limit} groups of the limit`;
  if (more) return cut(answer, found.slice(0, limit), `there are more than the ${whose}`);
  return { ...answer, data: found };
}

function ruleOf(rule: z.infer<typeof Rule>): LoadedRule {
  const evaluated = {
    name: rule.name,
    promql: rule.query,
    labels: rule.labels ?? {},
    health: rule.health,
    lastError: rule.lastError || undefined,
    evaluationMs: milliseconds(rule.evaluationTime),
    lastEvaluationMs: instantOf(rule.lastEvaluation),
  };
  if (rule.type === "recording") return { kind: "recording", ...evaluated };
  return {
    kind: "alerting",
    ...evaluated,
    state: rule.state ?? "unknown",
    forMs: milliseconds(rule.duration),
    keepFiringForMs: milliseconds(rule.keepFiringFor),
    annotations: rule.annotations ?? {},
    alerts: (rule.alerts ?? []).map(alertOf),
  };
}

/** An alert in this library's words. */
export function alertOf({ labels, annotations, state, activeAt, value }: z.infer<typeof Alert>): ActiveAlert {
  return {
    labels,
    annotations,
    state,
    activeAtMs: instantOf(activeAt),
    value: typeof value === "number" ? value : goNumber(value),
  };
}

const milliseconds = (seconds: number | null | undefined): number => (seconds ?? 0) * 1000;
