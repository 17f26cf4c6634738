import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { parseSeries } from "../../../src/promql/index.ts";
import { BEFORE, endOf, INCIDENTS, RULERS, type Ruler, seriesOf, toldBy, tried } from "../../alerts/burn-peers.ts";
import { latestPrometheus } from "../../mesh/latest-prometheus.ts";

const folder = mkdtempSync(path.join(tmpdir(), "meshquery-burn-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Minutes from one evaluation to the next: days of them, each minute, take a server minutes. */
const EVERY = 5;

/** Tests for promtool: when someone is told, at the edges of each interval and by the minutes of all together. */
async function testOf(ruler: Ruler, incident: (typeof INCIDENTS)[number]) {
  const series = seriesOf(incident, ruler);
  const tests = await tried(ruler, series, incident, EVERY);
  const input_series = series.split("\n").map((line) => {
    expect(parseSeries(line).values.length).toBe(endOf(incident));
    const space = line.indexOf(" ");
    return { series: line.slice(0, space), values: line.slice(space + 1) };
  });
  const told = [ruler.page, ruler.ticket].map((labels) => ({ labels, intervals: toldBy(tests, labels) }));
  const expressions = told.flatMap(({ labels, intervals }) => {
    const matchers = Object.entries({ ...labels, alertstate: "firing" }).map(([name, value]) => `${name}="${value}"`);
    const firing = `(max(ALERTS{${matchers.join(",")}}) or vector(0))`;
    const at = (expr: string, minute: number, value: number) => ({
      expr,
      eval_time: `${BEFORE + minute}m`,
      exp_samples: [{ labels: "{}", value }],
    });
    const minutes = intervals.reduce((sum, { from, to }) => sum + to - from, 0);
    const length = Math.floor((endOf(incident) - BEFORE) / EVERY) * EVERY;
    return [
      ...intervals.flatMap(({ from, to }) => [
        at(firing, from - EVERY, 0),
        at(firing, from, 1),
        at(firing, to - EVERY, 1),
        at(firing, to, 0),
      ]),
      at(`sum_over_time(${firing}[${length + EVERY}m:${EVERY}m])`, length, minutes / EVERY),
    ];
  });
  return { count: expressions.length, tested: { interval: "1m", input_series, promql_expr_test: expressions } };
}

test.concurrent.each(RULERS.map((ruler) => [ruler.name, ruler.objective, ruler] as const))(
  "a real Prometheus fires the alerts of %s, %s, at the same instants",
  async (_, __, ruler) => {
    const { promtool } = await latestPrometheus();
    const tests = await Promise.all(INCIDENTS.map((incident) => testOf(ruler, incident)));
    expect(tests.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(INCIDENTS.length * 2 + 20);
    const name = `${RULERS.indexOf(ruler)}`;
    writeFileSync(path.join(folder, `${name}.yml`), ruler.rules.toYAML());
    const file = {
      rule_files: [`${name}.yml`],
      evaluation_interval: `${EVERY}m`,
      group_eval_order: ruler.rules.groups.map((group) => group.name),
      tests: tests.map(({ tested }) => tested),
    };
    writeFileSync(path.join(folder, `${name}-test.yml`), JSON.stringify(file));
    const { stdout } = await promisify(execFile)(promtool, ["test", "rules", `${name}-test.yml`], { cwd: folder });
    expect(stdout).toContain("SUCCESS");
  },
  600_000,
);
