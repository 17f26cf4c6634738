import { expect, test } from "vitest";
import { alert, ruleFile, ruleGroup } from "../../src/alerts/index.ts";
import { parse } from "../../src/promql/index.ts";

const long = `up{job="${"ü".repeat(80)}"} == 0`;
const group = ruleGroup("g", [alert("Long", parse(long)), alert("Short", parse("up == 0")).for("5m").severity("page")]);

test("rules are a table with the beginning of long queries, and their file", () => {
  const text = [
    "rule   kind   query                                                         for  keep firing for  labels",
    `Long   alert  up{job="${"ü".repeat(51)}…  0s   0s`,
    "Short  alert  up == 0                                                       5m   0s               severity=page",
    "groups:",
  ].join("\n");
  expect(String(group).startsWith(`g\n${text}`)).toBe(true);
  expect(String(ruleFile(group)).startsWith(text)).toBe(true);
  expect(String(group)).toContain(long);
});

test("their whole queries are in pages, tables and data", () => {
  const escaped = long.replaceAll('"', "&quot;");
  expect(group.toHTML().split(escaped).length).toBeGreaterThan(2);
  expect(group.toTable().column("query")?.cells[0]).toBe(long);
  expect(group.toCSV()).toContain(long.replaceAll('"', '""'));
  expect(group.toJSON().rules[0]?.query).toBe(long);
});
