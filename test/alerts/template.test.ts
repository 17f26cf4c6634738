import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { labelOf, text, value, valueAs } from "../../src/alerts/index.ts";
import { asTemplate, fill, isFillable, parseTemplate, printTemplate, templateOf } from "../../src/alerts/template.ts";

const untyped = (value: unknown) => value as never;

describe("a template is printed as Go's templates have it", () => {
  test.each([
    [text`plain`, "plain"],
    [text`${labelOf("source_workload")} fails`, "{{ $labels.source_workload }} fails"],
    [text`${labelOf("k8s.pod")}`, '{{ index $labels "k8s.pod" }}'],
    [text`${labelOf('a"b\\c')}`, '{{ index $labels "a\\"b\\\\c" }}'],
    [text`${value}`, "{{ $value }}"],
    [text`${valueAs("percentage")} ok`, "{{ $value | humanizePercentage }} ok"],
    [text`${valueAs("humanize")}`, "{{ $value | humanize }}"],
    [text`${valueAs("humanize1024")}B`, "{{ $value | humanize1024 }}B"],
    [text`${valueAs("duration")}`, "{{ $value | humanizeDuration }}"],
    [text`${valueAs({ digits: 2 })} ms`, '{{ printf "%.2f" $value }} ms'],
    [text`above ${99.5} in ${"shop"}`, "above 99.5 in shop"],
    [text`a {{ brace }}`, 'a {{ "{{" }} brace }}'],
    [text`{${value}}`, '{{ "{" }}{{ $value }}}'],
    [text`{${"{"}{`, '{{ "{{{" }}'],
    [text`a { b } ${value}`, "a { b } {{ $value }}"],
  ])("%#: %j", (template, printed) => {
    expect(printTemplate(template)).toBe(printed);
    expect(parseTemplate(printed)).toEqual(template);
  });

  test("with the value by the name of its query for Grafana", () => {
    expect(printTemplate(text`${valueAs("percentage")}`, "grafana")).toBe("{{ $values.A.Value | humanizePercentage }}");
    const high = "{{ if gt $value 1.0 }}high{{ end }}";
    expect(printTemplate(parseTemplate(high), "grafana")).toBe(high.replace("$value", "$values.A.Value"));
  });

  test("so that no text becomes syntax, whatever it holds", () => {
    const part = fc.oneof(
      fc.string({ unit: fc.constantFrom("{", "}", '"', "`", "\\", "-", " ", "a", "$") }),
      fc.constant(value),
      fc.constantFrom("a", "b-c").map(labelOf),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const strings = Object.assign(
          Array.from({ length: parts.length + 1 }, () => ""),
          { raw: [] },
        );
        const template = text(strings as unknown as TemplateStringsArray, ...parts);
        expect(parseTemplate(printTemplate(template))).toEqual(template);
      }),
      { seed: 20_261_125, numRuns: 2_000 },
    );
  });
});

describe("a template of another hand is read", () => {
  test.each([
    ["{{$labels.job}}", "{{ $labels.job }}"],
    ["{{ .Labels.job }} {{ .Value }}", "{{ $labels.job }} {{ $value }}"],
    ['{{ index $labels "a.b" }}', '{{ index $labels "a.b" }}'],
    ["{{ humanize $value }}", "{{ $value | humanize }}"],
    ['{{ $value | printf "%.1f" }}', '{{ printf "%.1f" $value }}'],
    ["{{ if gt $value 1.0 }}high{{ end }}", "{{ if gt $value 1.0 }}high{{ end }}"],
    ['{{ query "up" | first | value }}', '{{ query "up" | first | value }}'],
    ["a {{- $value -}} b", "a {{- $value -}} b"],
    ['{{ "}}" }} {{ `}}` }}', "}} {{ `}}` }}"],
    ['{{/* it"s }} */}}{{- /* ` */ -}}{{ .Value }}', '{{/* it"s }} */}}{{- /* ` */ -}}{{ $value }}'],
    ['{{ printf "%c" \'"\' }} }}', '{{ printf "%c" \'"\' }} }}'],
    [
      '{{ .Value }}{{ range query "up" }}{{ .Labels.job }}{{ if .Value }}{{ .Value }}{{ end }}{{ $value }}{{end}}{{.Value}}',
      '{{ $value }}{{ range query "up" }}{{ .Labels.job }}{{ if .Value }}{{ .Value }}{{ end }}{{ $value }}{{end}}{{ $value }}',
    ],
    [
      "{{ if .Value }}{{ .Value }}{{ else with $x }}{{ .Value }}{{ end }}",
      "{{ if .Value }}{{ $value }}{{ else with $x }}{{ .Value }}{{ end }}",
    ],
  ])("%s", (source, printed) => {
    expect(printTemplate(parseTemplate(source))).toBe(printed);
  });

  test("and says whether all of it can be filled in here", () => {
    expect(isFillable(parseTemplate("{{ $value }}"))).toBe(true);
    expect(isFillable(parseTemplate("{{ if true }}x{{ end }}"))).toBe(false);
    expect(fill(parseTemplate("{{ if true }}{{ $value }}{{ end }}"), { labels: {}, value: 2 })).toBe(
      "{{ if true }}2{{ end }}",
    );
  });

  test("or refused where an action does not end", () => {
    expect(() => parseTemplate("{{ $value")).toThrow(expect.objectContaining({ code: "template" }));
    expect(() => parseTemplate('{{ "}}')).toThrow("does not end; write }}");
  });
});

/** @see Prometheus, `template/template_test.go`, whose expectations these are */
describe("a value is written as Prometheus writes it", () => {
  test.each([
    ["plain", 0.1, "0.1"],
    ["plain", 1e-5, "1e-05"],
    ["plain", 123_456_789, "1.23456789e+08"],
    ["plain", Number.NaN, "NaN"],
    ["plain", Number.POSITIVE_INFINITY, "+Inf"],
    ["humanize", 0, "0"],
    ["humanize", 1, "1"],
    ["humanize", 1_234_567, "1.235M"],
    ["humanize", 0.12, "120m"],
    ["humanize", -1500, "-1.5k"],
    ["humanize", Number.NEGATIVE_INFINITY, "-Inf"],
    ["humanize1024", 0, "0"],
    ["humanize1024", 1_048_576, "1Mi"],
    ["humanize1024", 0.12, "0.12"],
    ["percentage", 0.01234, "1.234%"],
    ["percentage", 1.23456, "123.5%"],
    ["duration", 0, "0s"],
    ["duration", 1, "1s"],
    ["duration", 60, "1m 0s"],
    ["duration", 3600, "1h 0m 0s"],
    ["duration", 86_400 + 3600 + 60 + 1, "1d 1h 1m 1s"],
    ["duration", -(86_400 * 2), "-2d 0h 0m 0s"],
    ["duration", 0.1, "100ms"],
    ["duration", 0.0001, "100us"],
    ["duration", 12.345_67, "12.35s"],
    ["duration", Number.NaN, "NaN"],
    [{ digits: 0 }, 2.5, "2"],
    [{ digits: 0 }, 3.5, "4"],
    [{ digits: 2 }, -0.125, "-0.12"],
    [{ digits: 2 }, 0.375, "0.38"],
    ["percentage", 1234.5, "1.234e+05%"],
    ["percentage", 1233.5, "1.234e+05%"],
    [{ digits: 3 }, 1.23456, "1.235"],
  ] as const)("%j of %d is %s", (format, number, written) => {
    expect(fill(text`${valueAs(format)}`, { labels: {}, value: number })).toBe(written);
  });
});

test("a label that is missing is empty, also where it is called as a part of every object", () => {
  expect(fill(text`<${labelOf("job")}|${labelOf("constructor")}>`, { labels: { job: "a" }, value: 1 })).toBe("<a|>");
});

test.each<[string, () => unknown, string]>([
  ["no label", () => labelOf(""), 'labelOf: "" is no label name'],
  ["no form", () => valueAs(untyped("roman")), 'valueAs: "roman" is no form of a value'],
  ["too many digits", () => valueAs({ digits: 99 }), "is no form of a value"],
  [
    "no text",
    () => asTemplate(untyped(5), "annotations: summary"),
    "annotations: summary: 5 is neither text nor a template",
  ],
])("%s is refused", (_, build, message) => {
  expect(build).toThrow(message);
});

test("texts that meet are one", () => {
  expect(
    templateOf([
      { kind: "text", text: "" },
      { kind: "text", text: "a" },
      { kind: "text", text: "b" },
    ]).parts,
  ).toEqual([{ kind: "text", text: "ab" }]);
});
