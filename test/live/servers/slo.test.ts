import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { alert, ruleFile, ruleGroup, slo } from "../../../src/alerts/index.ts";
import { createMesh, prometheus } from "../../../src/index.ts";
import { memoryStorage, parse } from "../../../src/promql/index.ts";
import { testAlert } from "../../../src/testing/index.ts";
import { latestPrometheus } from "../../mesh/latest-prometheus.ts";
import { evaluationsOf, runsOf } from "../alert-runs.ts";
import { remoteWrite } from "../remote-write.ts";
import { singlePrometheus } from "../single-prometheus.ts";

const folder = mkdtempSync(path.join(tmpdir(), "meshquery-slo-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let latest: Awaited<ReturnType<typeof latestPrometheus>>;
beforeAll(async () => {
  latest = await latestPrometheus();
});

/** What promtool says; it fails when that is no praise. */
async function promtool(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(program, args, { cwd: folder });
  return stdout + stderr;
}

const backend = createMesh().service("backend");
const promise = { name: "backend", objective: 0.999, of: backend, interval: "1m" } as const;
const series = (code: string, from: number, rest: string): string =>
  `istio_requests_total{reporter="destination",destination_service_name="backend",request_protocol="http",response_code="${code}"} ${from}${rest}`;
/** 100 requests a second, of which a tenth fails for 20 minutes from minute 400 on. */
const INCIDENT = `${series("200", 0, "+6000x400 2405400+5400x19 2514000+6000x60")}\n${series("503", 0, "x400 600+600x19 12000x60")}`;

const programs = [
  ["the packaged promtool", () => "promtool"],
  ["the latest promtool", () => latest.promtool],
] as const;

describe.each(programs)("%s", (_, program) => {
  test("accepts the rules for every window", async () => {
    for (const window of ["7d", "28d", "30d", "90d"] as const) {
      const one = slo({ ...promise, window, latency: { under: "250ms", ratio: "99%" } });
      writeFileSync(path.join(folder, "slo.yml"), one.toYAML());
      const said = await promtool(program(), "check", "rules", "slo.yml");
      expect(said).toContain(`SUCCESS: ${one.rules.length} rules found`);
      expect(said).not.toContain("duplicate");
    }
  });

  test("pages at the same evaluation of an incident, and not without traffic", async () => {
    const page = { severity: "page", budget: "2%", long: "1h", short: "5m" } as const;
    const one = slo({ ...promise, window: "30d", alerts: [page] });
    const [burn, absent] = one.alerts;
    if (burn === undefined || absent === undefined) throw new Error("an SLO has two alerts at least");
    writeFileSync(path.join(folder, "slo.yml"), one.toYAML());
    const fired = { labels: { slo: "backend", indicator: "availability", severity: "page" } };
    const { recordings } = one;
    const tests = {
      incident: testAlert(burn, { recordings })
        .given(INCIDENT)
        .expect({ at: "408m", firing: [] }, { at: "409m", firing: [fired] }, { at: "430m", firing: [] }),
      silent: testAlert(burn, { recordings })
        .given(`${series("200", 7, "x30")}\n${series("503", 7, "x30")}`)
        .expect({ at: "30m", firing: [], pending: [] }),
      absent: testAlert(absent, { recordings })
        .given("other 1x30")
        .expect({ at: "9m", firing: [] }, { at: "10m", firing: [{ labels: { ...fired.labels, severity: "ticket" } }] }),
    };
    for (const [name, one] of Object.entries(tests)) {
      writeFileSync(path.join(folder, `${name}.yml`), one.toPromtool({ ruleFile: "slo.yml" }));
      expect(await promtool(program(), "test", "rules", `${name}.yml`), name).toContain("SUCCESS");
    }
  });

  test("begins to spend the budget at the same evaluation as the rules do here", async () => {
    const one = slo({ ...promise, window: "30d" });
    const left = alert("Left", parse("slo:error_budget_remaining:ratio < 1"));
    const more = ruleFile(one.group, ruleGroup("left", [left.labels({ left: "yes" })], { interval: "1m" }));
    writeFileSync(path.join(folder, "slo.yml"), more.toYAML());
    const rule = more.alert("Left") ?? left;
    const tried = testAlert(rule, { recordings: one.recordings })
      .given(INCIDENT)
      .expect(
        { at: "400m", firing: [] },
        { at: "402m", firing: [{ labels: { slo: "backend", indicator: "availability", left: "yes" } }] },
      );
    writeFileSync(path.join(folder, "left.yml"), tried.toPromtool({ ruleFile: "slo.yml" }));
    expect(await promtool(program(), "test", "rules", "left.yml")).toContain("SUCCESS");
  });
});

const servers = [
  ["the packaged Prometheus", () => undefined],
  ["the latest Prometheus", () => latest],
] as const;

test.concurrent.each(servers)("%s records what the status tells", async (_, programs) => {
  // 100 requests a second, of which two fail.
  const startedMs = Date.now();
  const target = createServer((_, response) => {
    const seconds = Math.floor((Date.now() - startedMs) / 1000) + 1;
    response.setHeader("content-type", "text/plain; version=0.0.4");
    response.end(
      `# TYPE istio_requests_total counter\n${series("200", seconds * 98, "")}\n${series("503", seconds * 2, "")}\n`,
    );
  });
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const { port } = target.address() as AddressInfo;
  const promised = (url: string) =>
    slo({
      name: "backend",
      objective: "95%",
      window: "5m",
      interval: "1s",
      of: createMesh({ metrics: prometheus(url, { scrapeInterval: "1s" }) }).service("backend"),
      alerts: [{ severity: "page", budget: "2%", long: "10s", short: "5s" }],
    });
  const rules = promised("http://127.0.0.1:9").toYAML();
  const one = programs();
  const server = await singlePrometheus({
    target: `127.0.0.1:${port}`,
    rules,
    ...(one === undefined ? {} : { programs: one }),
  });
  try {
    await sleep(13_000);
    const mesh = createMesh({ metrics: prometheus(server.url) });
    const recorded = async (name: string): Promise<number> => {
      const { values } = await mesh.promql(`slo:${name}:ratio{slo="backend"}`);
      return values[0] ?? Number.NaN;
    };
    const asked = await promised(server.url).status();
    const [status] = asked.objectives;
    console.log(String(asked));
    expect(await recorded("error_budget")).toBe(0.05);
    expect(await recorded("burn_rate")).toBeCloseTo(0.4, 2);
    expect(status?.burnRates.map(({ rate }) => rate?.toFixed(2))).toEqual(["0.40", "0.40"]);
    expect(status?.budgetLeft).toBeCloseTo(0.6, 1);
    expect(await recorded("error_budget_remaining")).toBeCloseTo(0.6, 1);
    const { data } = (await (await fetch(`${server.url}/api/v1/rules`)).json()) as Loaded;
    const loaded = data.groups.flatMap(({ rules }) => rules.map(({ name, health, state }) => [name, health, state]));
    const wanted = promised(server.url).rules.map(({ name, spec }) => [
      name,
      "ok",
      spec.kind === "alert" ? "inactive" : undefined,
    ]);
    expect(loaded).toEqual(wanted);
  } finally {
    await server.stop();
    target.closeAllConnections();
    target.close();
  }
});

test.concurrent("a back-test of the alerts has what a Prometheus recorded and evaluated while traffic ran", async () => {
  // 100 requests a second, of which all fail for three seconds, and a third for eight seconds.
  const startedMs = Date.now();
  const failed = (seconds: number) =>
    Math.floor(100 * Math.min(Math.max(seconds - 7, 0), 3) + 33 * Math.min(Math.max(seconds - 24, 0), 8));
  const target = createServer((_, response) => {
    const seconds = (Date.now() - startedMs) / 1000;
    response.setHeader("content-type", "text/plain; version=0.0.4");
    response.end(
      `# TYPE istio_requests_total counter\n${series("200", Math.floor(seconds * 100) - failed(seconds), "")}\n${series("503", failed(seconds), "")}\n`,
    );
  });
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const { port } = target.address() as AddressInfo;
  const promised = (url: string) =>
    slo({
      name: "backend",
      objective: "95%",
      window: "5m",
      interval: "1s",
      of: createMesh({ metrics: prometheus(url, { scrapeInterval: "1s" }) }).service("backend"),
      alerts: [
        { severity: "page", budget: "10%", long: "10s", short: "4s" },
        { severity: "ticket", budget: "10%", long: "20s", short: "8s" },
      ],
    });
  const server = await singlePrometheus({
    target: `127.0.0.1:${port}`,
    rules: promised("http://127.0.0.1:9").toYAML(),
    programs: latest,
  });
  try {
    await sleep(startedMs + 44_000 - Date.now());
    const alerts = (severity: string) =>
      evaluationsOf(server.url, `ALERTS{alertname="ErrorBudgetBurn",severity="${severity}"}[50s]`);
    const [page = [], ticket = []] = await Promise.all(["page", "ticket"].map(alerts));
    // All rules of a group are evaluated at the same instants.
    const phase = (page[0]?.[0] ?? 0) % 1000;
    const to = Math.floor((Date.now() - 1000) / 1000) * 1000 + phase - 1000;
    const tried = await promised(server.url).backtest({ from: to - 42_000, to });
    expect(tried).toMatchObject({ stepMs: 1000, complete: true });
    for (const [i, evaluations] of [page, ticket].entries()) {
      const found = tried.rules[i]?.alerts.flatMap(({ intervals }) => intervals) ?? [];
      const live = runsOf(evaluations);
      console.log(`live ${JSON.stringify(live)}\nback-test ${JSON.stringify(found)}`);
      expect(live.length).toBeGreaterThanOrEqual(2);
      expect(found.map(({ state }) => state)).toEqual(live.map(({ state }) => state));
      for (const [k, { startMs, endMs }] of live.entries()) {
        expect(Math.abs((found[k]?.startMs ?? 0) - startMs)).toBeLessThanOrEqual(1_050);
        expect(Math.abs((found[k]?.endMs ?? 0) - endMs)).toBeLessThanOrEqual(1_050);
      }
    }
  } finally {
    await server.stop();
    target.closeAllConnections();
    target.close();
  }
});

test.concurrent("objectives over native histograms are recorded, alerted on and asked for alike", async () => {
  // 100 requests a second, a quarter of which takes between 512 and 1024 ms and the others less than 128 ms.
  const observed = (seconds: number) => `${seconds * 75} 0 0 ${seconds * 25}`;
  const seconds = 90;
  const storage = memoryStorage();
  const startMs = Math.floor(Date.now() / 1000) * 1000 - 30_000;
  const base =
    '{reporter="destination",destination_service_name="backend",request_protocol="http",response_code="200"}';
  const histograms = Array.from(
    { length: seconds },
    (_, i) => `{{schema:0 sum:${i * 25_000} count:${i * 100} offset:7 buckets:[${observed(i)}]}}`,
  );
  storage.load(`istio_requests_total${base} 0+100x${seconds - 1}`, { step: "1s", start: startMs });
  storage.load(`istio_request_duration_milliseconds${base} ${histograms.join(" ")}`, { step: "1s", start: startMs });
  const promised = (url: string) =>
    slo({
      name: "backend",
      window: "5m",
      interval: "1s",
      latency: { under: "300ms", ratio: "90%" },
      of: createMesh({ metrics: prometheus(url, { scrapeInterval: "1s" }), histograms: "native" }).service("backend"),
      alerts: [{ severity: "page", budget: "5%", long: "10s", short: "5s" }],
    });
  const rules = promised("http://127.0.0.1:9");
  expect(rules.warnings).toEqual([]);
  const flags = ["--web.enable-remote-write-receiver"];
  const server = await singlePrometheus({ rules: rules.toYAML(), programs: latest, flags });
  try {
    await remoteWrite(server.url, [...storage.select([], startMs, startMs + seconds * 1000)]);
    await sleep(6_000);
    const asked = await promised(server.url).status({ at: Date.now() });
    const [status] = asked.objectives;
    console.log(String(asked));
    expect(status?.good).toBeCloseTo(0.75, 9);
    expect(status?.burnRates.map(({ rate }) => rate?.toFixed(6))).toEqual(["2.500000", "2.500000"]);
    expect(status?.budgetLeft).toBeCloseTo(-1.5, 6);
    const mesh = createMesh({ metrics: prometheus(server.url) });
    const recorded = async (name: string) => (await mesh.promql(`slo:${name}{slo="backend"}`)).values[0];
    expect(await recorded("error:ratio_rate10s")).toBeCloseTo(0.25, 9);
    expect(await recorded("burn_rate:ratio")).toBeCloseTo(2.5, 6);
    expect(await recorded("error_budget_remaining:ratio")).toBeCloseTo(-1.5, 6);
    const { data } = (await (await fetch(`${server.url}/api/v1/rules`)).json()) as Loaded;
    const states = data.groups.flatMap(({ rules }) => rules.map(({ name, health, state }) => [name, health, state]));
    expect(states.every(([, health]) => health === "ok")).toBe(true);
    expect(states.filter(([, , state]) => state !== undefined)).toEqual([
      ["ErrorBudgetBurn", "ok", "firing"],
      ["SLOMetricAbsent", "ok", "inactive"],
    ]);
    const tried = await promised(server.url).backtest({ last: "20s" });
    expect(tried.named("ErrorBudgetBurn")[0]?.alerts[0]?.intervals.at(-1)).toMatchObject({
      state: "firing",
      ongoing: true,
    });
  } finally {
    await server.stop();
  }
});

interface Loaded {
  readonly data: {
    readonly groups: readonly {
      readonly rules: readonly { readonly name: string; readonly health: string; readonly state?: string }[];
    }[];
  };
}
