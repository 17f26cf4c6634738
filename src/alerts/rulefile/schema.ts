import * as z from "zod/mini";
import { problemOf } from "./issue.ts";

/** A group as every kind of file says it, once it is read. */
export interface ReadGroup {
  readonly name: string;
  readonly interval?: number | string | undefined;
  readonly query_offset?: number | string | undefined;
  readonly limit?: number | undefined;
  readonly partial_response_strategy?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly rules: readonly ReadRule[];
}

/** A rule as every kind of file says it, once it is read. */
export interface ReadRule {
  readonly alert?: string | undefined;
  readonly record?: string | undefined;
  readonly expr: number | string;
  readonly for?: number | string | undefined;
  readonly keep_firing_for?: number | string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** What reading a document came to: its groups, or what is wrong with it, the first of all first. */
export type ReadDocument =
  | { readonly groups: readonly ReadGroup[] }
  | { readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[] };

/** How a document of one kind is read into groups. */
interface Kind {
  /** What errors call it. */
  readonly kind: string;
  /** Where in the document its groups are. */
  readonly path: string;
  readonly read: (content: unknown) => ReadDocument;
}

function reading<T>(schema: z.ZodMiniType<T>, groups: (content: T) => readonly ReadGroup[]): Kind["read"] {
  return (content) => {
    const read = z.safeParse(schema, content);
    if (read.success) return { groups: groups(read.data) };
    // A key that is misspelt explains the one that is missing.
    const isUnknown = ({ code }: z.core.$ZodIssue): number => (code === "unrecognized_keys" ? 0 : 1);
    const issues = [...read.error.issues].sort((a, b) => isUnknown(a) - isUnknown(b));
    return { issues: issues.map((issue) => ({ path: issue.path, message: problemOf(issue) })) };
  };
}

const LENGTH = z.union([z.string(), z.number()], { error: "a duration such as 5m is wanted" });
/** Prometheus 3 takes any UTF-8. */
const LABEL_NAME = z
  .string()
  .check(
    z.refine((name) => name !== "" && name !== "__name__" && name.isWellFormed(), { error: "is no name of a label" }),
  );
const TEXTS = z.record(LABEL_NAME, z.string({ error: "a label or annotation is text; put quotes around it" }));
/** A key without a value is as good as none. */
const open = <T extends z.ZodMiniType>(type: T) => z.nullish(type);

const RULE = z
  .strictObject({
    alert: z.optional(z.string()),
    record: z.optional(z.string().check(z.regex(/^[^{}]*$/, { error: "is no name of a metric, which has no braces" }))),
    expr: z.union([z.string(), z.number()], { error: "an expression is wanted" }),
    for: open(LENGTH),
    keep_firing_for: open(LENGTH),
    labels: open(TEXTS),
    annotations: open(TEXTS),
  })
  .check(
    z.refine((rule) => (rule.alert ?? "") !== "" || (rule.record ?? "") !== "", {
      error: 'a rule has a name, under "alert" or "record"',
    }),
    z.refine((rule) => rule.alert === undefined || rule.record === undefined, {
      error: 'a rule either alerts or records; leave out "alert" or "record"',
    }),
    z.refine(
      (rule) =>
        rule.record === undefined || [rule.for, rule.keep_firing_for, rule.annotations].every((one) => one == null),
      { error: "a rule that records has neither for, keep_firing_for nor annotations" },
    ),
  );

const GROUP = z.strictObject({
  name: z.string().check(z.minLength(1, { error: "a group has a name" })),
  interval: open(LENGTH),
  query_offset: open(LENGTH),
  limit: open(z.int()),
  labels: open(TEXTS),
  partial_response_strategy: open(z.string()),
  rules: z.array(RULE),
});

const groupOf = (group: z.output<typeof GROUP>): ReadGroup => ({
  ...withoutNulls(group),
  rules: group.rules.map((rule) => withoutNulls(rule)),
});

type WithoutNulls<T> = { [K in keyof T]: Exclude<T[K], null> };

function withoutNulls<T extends object>(record: T): WithoutNulls<T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null)) as WithoutNulls<T>;
}

const RULE_FILE: Kind = {
  kind: "a rule file",
  path: "groups",
  read: reading(z.strictObject({ groups: z.array(GROUP, { error: "a list of groups is wanted" }) }), ({ groups }) =>
    groups.map(groupOf),
  ),
};

const PROMETHEUS_RULE: Kind = {
  kind: "a PrometheusRule",
  path: "spec.groups",
  read: reading(
    z.looseObject({
      apiVersion: z.literal("monitoring.coreos.com/v1"),
      kind: z.literal("PrometheusRule"),
      spec: z.strictObject({ groups: z.array(GROUP) }),
    }),
    ({ spec }) => spec.groups.map(groupOf),
  ),
};

const GRAFANA_RULE = z.looseObject({
  title: z.string(),
  condition: z.string(),
  data: z
    .array(
      z.looseObject({
        refId: z.string(),
        datasourceUid: z.string(),
        model: z.looseObject({ expr: z.optional(z.string()) }),
      }),
    )
    .check(
      z.refine((data) => data.filter(({ datasourceUid }) => datasourceUid !== "__expr__").length === 1, {
        error: "a rule that asks more than one query has no counterpart here",
      }),
      z.refine((data) => data.some(({ model }) => model.expr !== undefined), {
        error: "a query with an expr is wanted",
      }),
      z.refine(
        (data) =>
          data.filter(({ datasourceUid }) => datasourceUid === "__expr__").every(({ model }) => decidesNothing(model)),
        {
          error: "the condition compares in Grafana, not in the query; write the comparison into its expr",
        },
      ),
    ),
  for: open(LENGTH),
  keepFiringFor: open(LENGTH),
  labels: open(TEXTS),
  annotations: open(TEXTS),
});

/** Whether a node of Grafana's own only asks whether a series came. */
function decidesNothing(model: Readonly<Record<string, unknown>>): boolean {
  if (model.type === "math") return String(model.expression).startsWith("is_number($A)");
  return (
    model.type === "threshold" && model.expression === "B" && JSON.stringify(model.conditions).includes('"params":[0]')
  );
}

const GRAFANA_GROUP = z.looseObject({ name: z.string(), interval: LENGTH, rules: z.array(GRAFANA_RULE) });

const GRAFANA: Kind = {
  kind: "a provisioning file of Grafana",
  path: "groups",
  read: reading(z.looseObject({ apiVersion: z.literal(1), groups: z.array(GRAFANA_GROUP) }), ({ groups }) =>
    groups.map(fromGrafana),
  ),
};

function fromGrafana({ name, interval, rules }: z.output<typeof GRAFANA_GROUP>): ReadGroup {
  return {
    name: unescaped(name),
    interval,
    rules: rules.map(({ title, data, for: wait, keepFiringFor, labels, annotations }) => ({
      alert: unescaped(title),
      expr: data.find(({ model }) => model.expr !== undefined)?.model.expr ?? "",
      for: wait ?? undefined,
      keep_firing_for: keepFiringFor ?? undefined,
      labels: mapped(labels ?? {}, unescaped),
      annotations: mapped(annotations ?? {}, (text) => text.replaceAll('{{ "$" }}{', "${")),
    })),
  };
}

/** A dollar, which Grafana takes for the beginning of a variable of its environment, is written twice. */
const unescaped = (text: string): string => text.replaceAll("$$", "$");

/** In Grafana's templates a value is one of a query by its name. */
const mapped = (texts: Readonly<Record<string, string>>, read: (text: string) => string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, read(text).replaceAll("$values.A.Value", "$value")]),
  );

/** What kind of file a document is, by its first keys. */
export function kindOf(content: unknown): Kind {
  if (typeof content !== "object" || content === null) return RULE_FILE;
  if ("kind" in content) return PROMETHEUS_RULE;
  return "apiVersion" in content ? GRAFANA : RULE_FILE;
}
