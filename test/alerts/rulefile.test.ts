import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { alert, fromYAML, labelOf, record, ruleGroup, text, tracesOf, value } from "../../src/alerts/index.ts";
import type { ExportOptions } from "../../src/alerts/rulefile/print.ts";
import { RuleFileError } from "../../src/errors.ts";
import { createMesh } from "../../src/index.ts";
import { parse } from "../../src/promql/index.ts";
import { alertsOnly, logsFile, metricsFile } from "./rules.ts";

const untyped = (value: unknown) => value as never;

/* GOLDEN=write writes the files anew. */
const files: readonly (readonly [string, string])[] = [
  ["prometheus.yml", metricsFile.toYAML()],
  [
    "operator.yml",
    metricsFile.toYAML({
      as: "operator",
      name: "backend",
      namespace: "shop",
      labels: { role: "alerts", prometheus: "main" },
    }),
  ],
  ["loki.yml", logsFile.toYAML({ as: "loki" })],
  ["grafana.yml", alertsOnly.toYAML({ as: "grafana", folder: "mesh", datasource: "prometheus" })],
];

describe("the same rules give the same file", () => {
  test.each(files)("%s", (name, yaml) => {
    const file = new URL(`../golden/alerts/${name}`, import.meta.url);
    if (process.env.GOLDEN === "write") writeFileSync(file, yaml);
    expect(yaml).toBe(readFileSync(file, "utf8"));
  });

  test("whatever the order in which labels and annotations were said", () => {
    const rule = alert("x", parse("up == 0"));
    const one = rule.labels({ a: "1", b: "2" }).annotations({ c: "3", d: "4" });
    const other = rule.annotations({ d: "4" }).labels({ b: "2" }).annotations({ c: "3" }).labels({ a: "1" });
    expect(other.toYAML()).toBe(one.toYAML());
  });
});

describe("a file that was written is read back as the same rules", () => {
  test.each<[string, ReturnType<typeof fromYAML>, string, ExportOptions]>([
    ["Prometheus", fromYAML(metricsFile.toYAML()), metricsFile.toYAML(), {}],
    [
      "the Prometheus Operator",
      fromYAML(metricsFile.toYAML({ as: "operator", name: "a" })),
      metricsFile.toYAML({ as: "operator", name: "a" }),
      { as: "operator", name: "a" },
    ],
    [
      "Loki",
      fromYAML(logsFile.toYAML({ as: "loki" }), { language: "logql" }),
      logsFile.toYAML({ as: "loki" }),
      { as: "loki" },
    ],
  ])("of %s", (_, read, yaml, options) => {
    expect(read.toYAML(options)).toBe(yaml);
  });

  test("of Grafana, whose groups have an interval in any case", () => {
    const options = { as: "grafana", folder: "mesh", datasource: "prometheus" } as const;
    const yaml = alertsOnly.toYAML(options);
    const read = fromYAML(yaml);
    expect(read.toYAML(options)).toBe(yaml);
    expect(read.alerts.map(({ spec }) => spec.annotations)).toEqual(
      alertsOnly.alerts.map(({ spec }) => spec.annotations),
    );
  });

  test("of Grafana, which fills variables of its environment into all but annotations and queries", () => {
    const options = { as: "grafana", folder: "of $HOME", datasource: "p" } as const;
    const home = `$${"{HOME}"}`;
    const rule = alert("Costs $5", parse('up{cost="$5"} == 0'))
      .labels({ caller: text`$$ of ${labelOf("job")}`, plain: `${home} $HOME` })
      .annotations({ summary: text`$${labelOf("job")} pays ${value} of ${home} and $HOME` });
    const yaml = ruleGroup("the $ group", [rule]).toYAML(options);
    // As its provisioning reads a value: a dollar is written twice.
    const filled = (given: string) =>
      given
        .split("$$")
        .map((part) => part.replace(/\$(\w+|\{\w+\})/g, ""))
        .join("$");
    const [group] = (parseYaml(yaml) as GrafanaFile).groups;
    const [read] = group?.rules ?? [];
    expect([group?.name, group?.folder, read?.title].map((one) => filled(one ?? ""))).toEqual([
      "the $ group",
      "of $HOME",
      "Costs $5",
    ]);
    expect(filled(read?.labels.caller ?? "")).toBe("$$ of {{ $labels.job }}");
    expect(filled(read?.labels.plain ?? "")).toBe(`${home} $HOME`);
    expect(read?.annotations.summary).toBe(
      '{{ "$" }}{{ $labels.job }} pays {{ $values.A.Value }} of {{ "$" }}{HOME} and $HOME',
    );
    expect(read?.data[0]?.model.expr).toBe('up{cost="$5"} == 0');
    expect(fromYAML(yaml).toYAML(options)).toBe(yaml);
    expect(fromYAML(yaml).alerts[0]?.spec.labels).toEqual(rule.spec.labels);
  });

  test("whatever texts it holds", () => {
    const name = fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).filter((one) => one.isWellFormed());
    const texts = fc.dictionary(fc.stringMatching(/^[a-z_]{1,6}$/), fc.string({ unit: "grapheme", maxLength: 30 }));
    fc.assert(
      fc.property(
        name,
        texts,
        texts,
        fc.constantFrom("on", "1e3", "12:30", "~", "null", "0x1f", " a", "#", "- x", "a: b"),
        (title, labels, annotations, odd) => {
          const rule = alert(title, parse(`up{a=${JSON.stringify(odd)}} == 0`))
            .labels({ ...labels, odd })
            .annotations(annotations);
          const yaml = ruleGroup(odd, [rule]).toYAML();
          const [read] = fromYAML(yaml).alerts;
          expect(read?.spec).toEqual(rule.spec);
          expect(parseYaml(yaml, { version: "1.1" })).toEqual(parseYaml(yaml));
        },
      ),
      { seed: 20_261_125, numRuns: 300 },
    );
  });
});

/* A Prometheus 3 and a 2.42 that loaded 600 rules of such texts had each of them as it was written. */
test("characters that servers take for the end of a line, or for none, are escaped", () => {
  const odd = ["a\rb", "a\r\nb\n", "\u0000", "\u0007", "\u007f", "x\u0085y", "\u009f", "\u2028", "\ufeffbom", "\uffff"];
  const rule = alert("\u0085", parse("up == 0")).annotations({
    plain: "é 😀\u00a0\tx",
    two: "a\nb",
    odd: odd.join(" "),
  });
  const yaml = rule.toYAML();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(yaml).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/);
  expect(yaml).toContain('- alert: "\\u0085"');
  expect(yaml).toContain("é 😀\u00a0\tx");
  expect(fromYAML(yaml).alerts[0]?.spec).toEqual(rule.spec);
});

describe("a file of another hand", () => {
  const file = `
groups:
  - name: example
    interval: 1m
    query_offset: 30s
    labels: {team: shop}
    rules:
      - record: job:up:sum
        expr: sum by(job)(up)
      - alert: Down
        expr: >
          up{job="api"}
            == 0   # gone
        for: 5m
        keep_firing_for: 0s
        labels:
          severity: page
        annotations:
          summary: "{{$labels.instance}} is down {{ if true }}!{{ end }}"
---
groups:
  - name: second
    rules: [{alert: Always, expr: 1}]
`;

  test("is read into the same objects as those written in code", () => {
    const { groups, alerts } = fromYAML(file);
    expect(groups.map(({ name, spec }) => [name, spec.intervalMs, spec.queryOffsetMs])).toEqual([
      ["example", 60_000, 30_000],
      ["second", undefined, undefined],
    ]);
    expect(alerts.map((rule) => rule.toString())).toEqual(['Down: up{job="api"} == 0 for 5m', "Always: 1"]);
    expect(groups[0]?.toYAML()).toContain('summary: "{{ $labels.instance }} is down {{ if true }}!{{ end }}"');
  });

  test("as a PrometheusRule has what Kubernetes adds", () => {
    const read = fromYAML(`
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: a, uid: b, managedFields: []}
spec: {groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]}
status: {bindings: []}`);
    expect(read.alert("A")?.spec.forMs).toBe(0);
  });

  /* As a Prometheus 3 tells of these rules at /api/v1/rules. */
  test("has the texts that a server reads in it, without quotes and by anchors too", () => {
    const { groups, alerts } = fromYAML(`
groups:
  - name: 12
    partial_response_strategy: warn
    rules:
      - &base
        alert: A
        expr: 1
        for: 5m
        labels: &l {severity: 1, prio: 1.10, on: yes, none: , day: 2020-01-01, oct: 012, t: true, e: 1e3, nil: ~}
        annotations: {my.note: 5}
      - <<: *base
        alert: 007
        labels: {<<: *l, severity: 2, my.team: shop}
      - record: a:b
        expr: up
        labels: {x: "{{ y", z: "{{ $value }}"}
${"      - {alert: B, expr: up, labels: *l}\n".repeat(200)}`);
    expect(groups[0]?.toJSON()).toMatchObject({
      name: "12",
      rules: [
        {
          name: "A",
          labels: {
            severity: "1",
            prio: "1.10",
            on: "yes",
            none: "",
            day: "2020-01-01",
            oct: "012",
            t: "true",
            e: "1e3",
            nil: "",
          },
          annotations: { "my.note": "5" },
        },
        { name: "007", forMs: 300_000, labels: { severity: "2", oct: "012", "my.team": "shop" } },
        { name: "a:b", labels: { x: "{{ y", z: "{{ $value }}" } },
        ...Array.from({ length: 200 }, () => ({ name: "B" })),
      ],
    });
    const own = alerts[1]?.labels({ team: "other" }).toYAML() ?? "";
    expect(fromYAML(own).alerts[0]?.toJSON().labels).toMatchObject({ "my.team": "shop", team: "other" });
    const again = groups[0]?.toYAML() ?? "";
    expect(fromYAML(again).groups[0]?.spec).toEqual(groups[0]?.spec);
    expect(again).toContain("partial_response_strategy: warn");
    expect(again).toContain('x: "{{ y"');
  });

  const grafana = (model: string) => `
apiVersion: 1
groups:
  - {name: g, interval: 1m, folder: f, rules: [{title: A, condition: C, data: [
      {refId: A, datasourceUid: p, model: {expr: up}}, {refId: C, datasourceUid: __expr__, model: ${model}}]}]}`;

  test.each<[string, string, string, string]>([
    ["no YAML", "groups: [", "syntax", "rules.yml, document 1: line 1, column"],
    ["a key twice", "groups: []\ngroups: []", "syntax", "line 2, column 1: Map keys must be unique"],
    ["no groups", "alerts: []", "shape", 'document 1: as a rule file: there is no "alerts" here (and 1 more)'],
    ["a text alone", "hello", "shape", "document 1: as a rule file: a mapping is wanted"],
    [
      "a word for a list",
      "groups: [{name: a, rules: none}]",
      "shape",
      "groups[0].rules: as a rule file: a list is wanted",
    ],
    [
      "a misspelt key",
      "groups: [{name: a, rules: [{alert: A, exp: up}]}]",
      "shape",
      'there is no "exp" here (and 1 more)',
    ],
    [
      "a word for a number",
      "groups: [{name: a, limit: few, rules: []}]",
      "shape",
      "groups[0].limit: as a rule file: a number is wanted",
    ],
    [
      "an unknown key",
      "groups: [{name: a, rules: [{alert: A, expr: up, four: 5m}]}]",
      "shape",
      'groups[0].rules[0]: as a rule file: there is no "four" here',
    ],
    ["no name", "groups: [{name: a, rules: [{expr: up}]}]", "shape", 'a rule has a name, under "alert" or "record"'],
    [
      "both names",
      "groups: [{name: a, rules: [{alert: A, record: b, expr: up}]}]",
      "shape",
      "either alerts or records",
    ],
    [
      "a record with a for",
      "groups: [{name: a, rules: [{record: b, expr: up, for: 5m}]}]",
      "shape",
      "neither for, keep_firing_for nor annotations",
    ],
    [
      "no expression",
      "groups: [{name: a, rules: [{alert: A}]}]",
      "shape",
      "groups[0].rules[0].expr: as a rule file: an expression is wanted",
    ],
    [
      "no duration",
      "groups: [{name: a, rules: [{alert: A, expr: up, for: soon}]}]",
      "shape",
      'groups[0].rules[0].for: "soon" is no duration',
    ],
    [
      "a list for a label",
      "groups: [{name: a, rules: [{alert: A, expr: up, labels: {a: [1]}}]}]",
      "shape",
      "put quotes around it",
    ],
    [
      "no label's name",
      "groups: [{name: a, rules: [{alert: A, expr: up, labels: {__name__: x}}]}]",
      "shape",
      "is no name of a label",
    ],
    [
      "no metric's name",
      "groups: [{name: a, rules: [{record: 'up{a=\"b\"}', expr: up}]}]",
      "shape",
      "groups[0].rules[0].record: as a rule file: is no name of a metric, which has no braces",
    ],
    [
      "anchors without an end",
      ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
        .concat(["b", "c", "d", "e"].map((name, i) => `${name}: &${name} [${`*${"abcd"[i]}, `.repeat(10)}]`))
        .join("\n"),
      "syntax",
      "document 1: Excessive alias count",
    ],
    [
      "no PromQL",
      "groups: []\n---\ngroups: [{name: a, rules: [{alert: A, expr: up, for: 1m}, {alert: B, expr: sum(}]}]",
      "promql",
      "document 2, groups[0].rules[1].expr:",
    ],
    [
      "no template",
      "groups: [{name: a, rules: [{alert: A, expr: up, annotations: {a: '{{ x'}}]}]",
      "template",
      "groups[0].rules[0].annotations.a:",
    ],
    ["one name twice", "groups: [{name: a, rules: []}, {name: a, rules: []}]", "shape", 'two groups are called "a"'],
    ["another kind", "apiVersion: v1\nkind: ConfigMap", "shape", "as a PrometheusRule:"],
    [
      "Grafana comparing on its own",
      grafana("{type: threshold, expression: A, conditions: [{evaluator: {type: gt, params: [5]}}]}"),
      "shape",
      "write the comparison into its expr",
    ],
    ["Grafana asking twice", grafana("{expr: up}").replace("__expr__", "p"), "shape", "asks more than one query"],
  ])("with %s is refused by file, document and path", (_, yaml, code, message) => {
    const error = refusal(() => fromYAML(yaml, { file: "rules.yml" }));
    expect(error).toBeInstanceOf(RuleFileError);
    expect(error).toMatchObject({ code, file: "rules.yml", message: expect.stringContaining(message) });
  });
});

function refusal(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("what a kind of file cannot hold is refused by name", () => {
  const mesh = createMesh();
  const traces = alert("SlowTraces", tracesOf(mesh.service("backend"), { last: "15m", slowerThan: "2s" }).atLeast(3));
  const up = alert("Up", parse("up == 0"));

  test.each<[string, () => unknown, string]>([
    ["a rule over traces", () => traces.toYAML(), "runs in a process of yours only, by watch"],
    ["a rule over traces for Loki", () => traces.toYAML({ as: "loki" }), "runs in a process of yours only"],
    ["a rule over logs for Prometheus", () => logsFile.toYAML(), 'write toYAML({ as: "loki" })'],
    ["a rule over metrics for Loki", () => up.toYAML({ as: "loki" }), "a rule over metrics, which Loki does not hold"],
    [
      "an offset for Loki",
      () => ruleGroup("g", [up], { queryOffset: "1m" }).toYAML({ as: "loki" }),
      "knows no query offset",
    ],
    [
      "a recording for Grafana",
      () => metricsFile.toYAML({ as: "grafana", folder: "f", datasource: "d" }),
      "records a metric",
    ],
    [
      "an odd interval for Grafana",
      () => ruleGroup("g", [up], { interval: "15s" }).toYAML({ as: "grafana", folder: "f", datasource: "d" }),
      "every 10s or a multiple of it",
    ],
    [
      "two rules of one name for Grafana",
      () => ruleGroup("g", [up, up.severity("page")]).toYAML({ as: "grafana", folder: "f", datasource: "d" }),
      "Grafana takes each title once in a folder; give one of them another name",
    ],
    [
      "a limit for Grafana",
      () => ruleGroup("g", [up], { limit: 5 }).toYAML({ as: "grafana", folder: "f", datasource: "d" }),
      'Grafana knows no limit of alerts, which group "g" has',
    ],
    [
      "a template that asks for Grafana",
      () =>
        fromYAML("groups: [{name: g, rules: [{alert: A, expr: up, annotations: {a: '{{ query \"up\" }}'}}]}]").toYAML({
          as: "grafana",
          folder: "f",
          datasource: "d",
        }),
      '"A" asks in a template, which Grafana\'s cannot: {{ query "up" }}; leave it out',
    ],
    [
      "what Thanos knows for Loki",
      () => fromYAML("groups: [{name: g, partial_response_strategy: warn, rules: []}]").toYAML({ as: "loki" }),
      "knows no partial_response_strategy",
    ],
    [
      "no folder for Grafana",
      () => up.toYAML(untyped({ as: "grafana", datasource: "d" })),
      "folder: undefined is no name",
    ],
    [
      "no name for Kubernetes",
      () => up.toYAML({ as: "operator", name: "Backend Alerts" }),
      "is no name of a Kubernetes object",
    ],
    ["another kind", () => up.toYAML(untyped({ as: "datadog" })), '"datadog" is no kind of file'],
  ])("%s", (_, build, message) => {
    const error = refusal(build);
    expect(error).toMatchObject({ name: "QueryError", code: "export", message: expect.stringContaining(message) });
  });

  test("two groups of one name", () => {
    expect(refusal(() => fromYAML(up.toYAML()).toYAML())).toBeUndefined();
    expect(refusal(() => ruleGroup("g", [untyped(5)]))).toMatchObject({ code: "config" });
  });
});

describe("a rule", () => {
  const mesh = createMesh();
  const success = mesh.service("backend").success("5m");
  const rule = alert("Failing", success.by("source_workload").below(0.99));

  test("never changes", () => {
    const before = rule.toYAML();
    rule.for("1m").keepFiringFor("1m").severity("page").minTraffic(1).withThreshold(0.5);
    expect(rule.toYAML()).toBe(before);
    expect(Object.isFrozen(rule) && Object.isFrozen(rule.spec)).toBe(true);
  });

  test("with another threshold is the same in all else", () => {
    expect(rule.for("5m").withThreshold("95%").toYAML()).toBe(
      alert("Failing", success.by("source_workload").below(0.95)).for("5m").toYAML(),
    );
  });

  test.each<[string, () => unknown, string]>([
    ["without a name", () => alert("", success.below(1)), 'alert: "" is no name'],
    ["on a query that says nothing", () => alert("x", untyped(success)), "is no condition; write edge.success"],
    ["on text", () => alert("x", untyped("up == 0")), 'parse("…") of meshquery/promql'],
    ["on a range", () => alert("x", parse("up[5m]")), "a matrix has no value at an instant"],
    ["for no duration", () => rule.for("soon"), 'for: "soon" is not a PromQL duration'],
    ["that renames itself", () => rule.labels({ alertname: "y" }), "alertname is the rule's own name"],
    ["with a label that no file takes", () => rule.labels({ "a-b": "y" }), "is no name that a rule file takes"],
    ["with the metric's name as a label", () => rule.labels({ __name__: "y" }), "is no name that a rule file takes"],
    ["with half a character", () => rule.annotations({ a: "\ud83d" }), "a holds half a character"],
    [
      "that names a label its condition drops",
      () => rule.annotations(untyped({ a: text`${untyped({ kind: "label", name: "response_code" })}` })),
      'which the condition does not keep: it has source_workload; group the query by("response_code")',
    ],
    [
      "with enough traffic of an expression",
      () => alert("x", parse("up")).minTraffic(1),
      "has no condition on a query",
    ],
    ["that records under no metric's name", () => record("a b", parse("up")), "is no metric's name"],
    ["in a group without a name", () => ruleGroup("", []), "is no name"],
    ["in a group with a limit of none", () => ruleGroup("a", [], { limit: 0 }), "is no whole number above 0"],
  ])("%s is refused", (_, build, message) => {
    expect(refusal(build)).toMatchObject({ name: "QueryError", message: expect.stringContaining(message) });
  });

  test("may show the value in a label", () => {
    expect(rule.labels({ at: text`${value}` }).toYAML()).toContain('at: "{{ $value }}"');
  });
});

interface GrafanaFile {
  readonly groups: readonly {
    readonly name: string;
    readonly folder: string;
    readonly rules: readonly {
      readonly title: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
      readonly data: readonly { readonly model: { readonly expr?: string } }[];
    }[];
  }[];
}
