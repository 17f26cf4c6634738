import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse as parseYaml, stringify } from "yaml";
import {
  alert,
  evaluateAlerts,
  foundAlert,
  fromYAML,
  labelOf,
  NO_ALERTS,
  record,
  ruleFile,
  ruleGroup,
  text,
  value,
  valueAs,
} from "../../../src/alerts/index.ts";
import { createMesh, prometheus } from "../../../src/index.ts";
import { parse } from "../../../src/promql/index.ts";
import { testAlert } from "../../../src/testing/index.ts";
import { logsFile, metricsFile } from "../../alerts/rules.ts";
import { latestPrometheus } from "../../mesh/latest-prometheus.ts";
import { evaluationsOf, runsOf } from "../alert-runs.ts";
import { expectations, promtoolFiles, randomAlerts } from "../random-alerts.ts";
import { singleLoki } from "../single-loki.ts";
import { singlePrometheus } from "../single-prometheus.ts";

const folder = mkdtempSync(path.join(tmpdir(), "meshquery-alerts-"));
const at = (name: string): string => path.join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let latest: { readonly promtool: string };
beforeAll(async () => {
  latest = await latestPrometheus();
});

/** What promtool says, and whether it is content. */
async function promtool(
  program: string,
  ...args: readonly string[]
): Promise<{ readonly ok: boolean; readonly said: string }> {
  const run = promisify(execFile)(program, args, { cwd: folder, maxBuffer: 64 << 20 });
  return run.then(
    ({ stdout, stderr }) => ({ ok: true, said: stdout + stderr }),
    ({ stdout = "", stderr = "", message }: { stdout?: string; stderr?: string; message: string }) => ({
      ok: false,
      said: `${message.slice(0, 200)}\n${stdout}${stderr}`.slice(0, 9000),
    }),
  );
}

const programs = [
  ["the packaged promtool", () => "promtool"],
  ["the latest promtool", () => latest.promtool],
] as const;

describe.each(programs)("%s", (_, program) => {
  test("accepts every rule file of Prometheus and of its Operator", async () => {
    writeFileSync(at("rules.yml"), metricsFile.toYAML());
    const { spec } = parseYaml(metricsFile.toYAML({ as: "operator", name: "a" })) as { readonly spec: unknown };
    writeFileSync(at("operator.yml"), stringify(spec));
    writeFileSync(at("again.yml"), fromYAML(metricsFile.toYAML()).toYAML());
    const { ok, said } = await promtool(program(), "check", "rules", "rules.yml", "operator.yml", "again.yml");
    expect(said).toContain("SUCCESS: 5 rules found");
    expect(ok).toBe(true);
  });

  test("agrees with a test that was written in code, what the alerts say included", async () => {
    const rule = alert("Odd", parse('odd{job=~".+"} > 1'))
      .for("2m")
      .labels({ severity: "page", size: text`{{${labelOf("job")}}` })
      .annotations({
        plain: text`${labelOf("job")} {{ literal }} at ${valueAs("plain")}`,
        others: text`${valueAs("humanize")} ${valueAs("humanize1024")} ${valueAs("percentage")} ${valueAs("duration")} ${valueAs({ digits: 2 })}`,
      });
    const values = [0.1, 1.5, 1e-5 + 1, 123_456_789, 1e15, 1_234.5, 99.99, Number.POSITIVE_INFINITY, 86_400.5];
    const series = values
      .map((value, i) => `odd{job="job \\"${i}\\" ü"} ${Number.isFinite(value) ? value : "Inf"}x5`)
      .join("\n");
    const labels = (i: number) => ({ job: `job "${i}" ü`, severity: "page", size: `{{job "${i}" ü}` });
    const firing = values.flatMap((value, i) => (value > 1 ? [{ labels: labels(i) }] : []));
    const tested = testAlert(rule)
      .given(series)
      .expect({ at: "1m", pending: firing, firing: [] }, { at: "3m", firing, pending: [] });
    writeFileSync(at("odd.yml"), rule.toYAML());
    writeFileSync(at("odd-test.yml"), tested.toPromtool({ ruleFile: "odd.yml" }));
    const { ok, said } = await promtool(program(), "test", "rules", "odd-test.yml");
    expect(ok, said).toBe(true);
    writeFileSync(at("odd.yml"), rule.for("5m").toYAML());
    expect((await promtool(program(), "test", "rules", "odd-test.yml")).ok).toBe(false);
  });

  test("evaluates a group in the same order: what is recorded behind a rule is read an evaluation later", async () => {
    const first = alert("First", parse('job:down{kind="x"} > 0'));
    const counted = record("down:count", parse("count(up == 0) + (down:count or vector(0)) or down:count"));
    const often = alert("Often", parse("down:count > 5")).for("2m");
    const group = ruleGroup("g", [
      first,
      record("job:down", parse("up == bool 0")).labels({ kind: "x" }),
      often,
      counted,
      alert("Last", first.expr),
    ]);
    writeFileSync(at("group.yml"), group.toYAML());
    const minutes = Array.from({ length: 25 }, (_, minute) => `${minute}m` as const);
    for (const rule of group.alerts) {
      const test = testAlert(rule, { group, interval: "1m" }).given('up{job="a"} 0x3 1x5 0x20');
      const states = ["pending", "firing"] as const;
      const expected = minutes.map((minute) => {
        const alerts = test.alertsAt(minute);
        const [pending, firing] = states.map((state) =>
          alerts.filter((one) => one.state === state).map(({ labels: { alertname: _, ...labels } }) => ({ labels })),
        );
        return { at: minute, pending, firing };
      });
      expect(new Set(expected.map(({ firing }) => firing?.length)).size).toBe(2);
      writeFileSync(at("group-test.yml"), test.expect(...expected).toPromtool({ ruleFile: "group.yml" }));
      const { ok, said } = await promtool(program(), "test", "rules", "group-test.yml");
      expect(ok, said).toBe(true);
    }
  });

  test("finds each of 500 random alerts in the same state at every evaluation, pending ones too", async () => {
    const alerts = randomAlerts(500, 20_261_125);
    const shown = alerts.flatMap(expectations);
    const states = shown.flatMap(({ exp_samples }) => exp_samples.map(({ labels }) => labels.includes('"firing"')));
    expect(states.filter((firing) => firing).length).toBeGreaterThan(3_000);
    expect(states.filter((firing) => !firing).length).toBeGreaterThan(1_000);
    const { rules, test } = promtoolFiles(alerts, "random.yml", shown);
    writeFileSync(at("random.yml"), rules);
    writeFileSync(at("random-test.yml"), test);
    const { ok, said } = await promtool(program(), "test", "rules", "random-test.yml");
    expect(ok, said).toBe(true);
    // The same test finds one state that is wrong.
    const wrong = shown.map((one, i) =>
      i === 4_321 ? { ...one, exp_samples: [...one.exp_samples, { labels: 'ALERTS{alertname="no"}', value: 1 }] } : one,
    );
    writeFileSync(at("wrong-test.yml"), promtoolFiles(alerts, "random.yml", wrong).test);
    expect((await promtool(program(), "test", "rules", "wrong-test.yml")).ok).toBe(false);
  });
});

test("Loki's ruler loads the rules that were written and evaluates all of them", async () => {
  const server = await singleLoki(logsFile.toYAML({ as: "loki" }));
  try {
    const wanted = logsFile.groups.map(({ name, rules }) => [name, rules.map((rule) => rule.name)]);
    const groups = await evaluated(`${server.url}/prometheus/api/v1/rules`);
    expect(groups.map(({ name, rules }) => [name, rules.map((rule) => rule.name)])).toEqual(wanted);
    expect(groups.flatMap(({ rules }) => rules.map(({ health }) => health))).toEqual(["ok", "ok"]);
  } finally {
    await server.stop();
  }
});

interface LoadedGroup {
  readonly name: string;
  readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[];
}

/** The groups that a server has, once it evaluated all of their rules, or after a while. */
async function evaluated(url: string, wanted = "ok"): Promise<readonly LoadedGroup[]> {
  let groups: readonly LoadedGroup[] = [];
  for (let tries = 0; tries < 100; tries++) {
    const { data } = (await (await fetch(url)).json()) as {
      readonly data: { readonly groups: readonly LoadedGroup[] };
    };
    groups = data.groups;
    if (groups.length > 0 && groups.every(({ rules }) => rules.every(({ health }) => health === wanted))) break;
    await sleep(500);
  }
  return groups;
}

describe.concurrent("a real Prometheus", () => {
  test("loads the rules that were written and evaluates all of them", async () => {
    const server = await singlePrometheus({ rules: metricsFile.toYAML(), programs: await latestPrometheus() });
    try {
      const wanted = metricsFile.groups.map(({ name, rules }) => [name, rules.map((rule) => rule.name)]);
      const groups = await evaluated(`${server.url}/api/v1/rules`);
      expect(groups.map(({ name, rules }) => [name, rules.map((rule) => rule.name)])).toEqual(wanted);
      expect(groups.flatMap(({ rules }) => rules.map(({ health, lastError }) => [health, lastError]))).toEqual(
        groups.flatMap(({ rules }) => rules.map(() => ["ok", undefined])),
      );
    } finally {
      await server.stop();
    }
  });

  test("has every text as it was written, whatever it looks like", async () => {
    const odd = [
      "1h30m",
      "0012",
      "1_000",
      "0x1F",
      "1.50",
      "1e3",
      ".inf",
      "yes",
      "No",
      "~",
      "null",
      "2020-01-01",
      "12:30",
    ]
      .concat([
        "a: b",
        "- x",
        "a #b",
        "?",
        "%",
        "'",
        '"',
        "\\",
        "<<",
        "*a",
        "&a",
        "!x",
        "{a}",
        "--- ",
        "...",
        " a ",
        "\ta",
      ])
      .concat(["{{", "}}", "{{ $value }}", '{{ "', "{{`", "{{{", "{", "a\nb\n", "\n\n a", "a\r\nb", "\r", "x\u0085y"])
      .concat(["\u2028", "\ufeffa", "\u0000", "\u0007", "\u007f", "\u009f", "\uffff", "é😀\u00a0"]);
    const rules = odd.flatMap((one, i) => [
      alert(one, parse("vector(1)"))
        .labels({ odd: one, mixed: text`${one}${value}${one}` })
        .annotations({ odd: one }),
      record(`odd:r${i}`, parse("vector(1)")).labels({ odd: one }),
    ]);
    const yaml = ruleGroup("12:30", rules, { interval: "1s" }).toYAML();
    const server = await singlePrometheus({ rules: yaml, programs: await latestPrometheus() });
    try {
      const groups = await evaluated(`${server.url}/api/v1/rules`);
      expect(groups.map(({ name }) => name)).toEqual(["12:30"]);
      type Loaded = {
        name: string;
        labels: Record<string, string>;
        alerts?: { labels: object; annotations: object }[];
      };
      const loaded = groups.flatMap((group) => group.rules as unknown as readonly Loaded[]);
      const found = loaded.map(({ name, labels, alerts: [one] = [] }) => [
        name,
        one?.labels ?? labels,
        one?.annotations,
      ]);
      expect(found).toEqual(
        odd.flatMap((one, i) => [
          [one, { alertname: one, odd: one, mixed: `${one}1${one}` }, { odd: one }],
          [`odd:r${i}`, { odd: one }, undefined],
        ]),
      );
    } finally {
      await server.stop();
    }
  });

  test("fails an evaluation for the same reasons, in the same words", async () => {
    const two = parse('label_replace(vector(1), "a", "1", "", "") or label_replace(vector(1), "a", "2", "", "")');
    const file = ruleFile(
      ruleGroup("limited", [alert("Limited", two)], { limit: 1 }),
      ruleGroup("same", [alert("Same", two).labels({ a: "" })]),
    );
    const errors = file.groups.map(({ alerts: [rule], spec }) => {
      const found = ["1", "2"].map((a) => foundAlert((rule ?? alert("none", two)).spec, { a }, 1));
      return evaluateAlerts(NO_ALERTS, { forMs: 0, keepFiringForMs: 0, limit: spec.limit ?? 0 }, 0, found).error;
    });
    expect(errors.every((error) => error !== undefined)).toBe(true);
    const server = await singlePrometheus({ rules: file.toYAML(), programs: await latestPrometheus() });
    try {
      const groups = await evaluated(`${server.url}/api/v1/rules`, "err");
      expect(groups.flatMap(({ rules }) => rules.map(({ lastError }) => lastError))).toEqual(errors);
    } finally {
      await server.stop();
    }
  });

  test("had the alerts that a back-test finds, each state within one evaluation, while traffic ran", async () => {
    // 100 requests a second; a fifth of them fails in two times.
    const startedMs = Date.now();
    const failing = (seconds: number) =>
      20 * (Math.min(Math.max(seconds - 6, 0), 6) + Math.max(Math.min(seconds - 18, 5), 0));
    const target = createServer((_, response) => {
      const seconds = (Date.now() - startedMs) / 1000;
      const failed = Math.floor(failing(seconds));
      const series = (code: string, count: number) =>
        `istio_requests_total{reporter="destination",request_protocol="http",destination_service_name="backend",response_code="${code}"} ${count}`;
      response.setHeader("content-type", "text/plain; version=0.0.4");
      response.end(
        `# TYPE istio_requests_total counter\n${series("200", Math.floor(seconds * 100) - failed)}\n${series("503", failed)}\n`,
      );
    });
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    const { port } = target.address() as AddressInfo;
    const mesh = (url: string) => createMesh({ metrics: prometheus(url, { scrapeInterval: "1s" }) });
    const ruleOf = (url: string) =>
      alert("Failing", mesh(url).service("backend").success("4s").below("95%"))
        .for("2s")
        .keepFiringFor("2s")
        .severity("page");
    const server = await singlePrometheus({
      target: `127.0.0.1:${port}`,
      rules: ruleOf("http://127.0.0.1:9").toYAML(),
    });
    try {
      await sleep(startedMs + 34_000 - Date.now());
      const evaluations = await evaluationsOf(server.url, 'ALERTS{alertname="Failing"}[40s]');
      expect(evaluations.length).toBeGreaterThan(10);
      const phase = (evaluations[0]?.[0] ?? 0) % 1000;
      const to = Math.floor((Date.now() - 1000) / 1000) * 1000 + phase - 1000;
      const tried = await ruleOf(server.url).backtest({ from: to - 32_000, to, step: "1s" });
      const [course, ...others] = tried.alerts;
      expect(others).toEqual([]);
      const live = runsOf(evaluations);
      const found = course?.intervals.map(({ state, startMs, endMs }) => ({ state, startMs, endMs })) ?? [];
      console.log(`live ${JSON.stringify(live)}\nback-test ${JSON.stringify(found)}`);
      expect(found.map(({ state }) => state)).toEqual(["pending", "firing", "pending", "firing"]);
      expect(live.map(({ state }) => state)).toEqual(["pending", "firing", "pending", "firing"]);
      for (const [i, { startMs, endMs }] of live.entries()) {
        expect(Math.abs((found[i]?.startMs ?? 0) - startMs)).toBeLessThanOrEqual(1_050);
        expect(Math.abs((found[i]?.endMs ?? 0) - endMs)).toBeLessThanOrEqual(1_050);
      }
    } finally {
      await server.stop();
      target.closeAllConnections();
      target.close();
    }
  });
});
