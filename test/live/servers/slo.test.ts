import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { alert, ruleFile, ruleGroup, slo } from "../../../src/alerts/index.ts";
import { createMesh } from "../../../src/index.ts";
import { parse } from "../../../src/promql/index.ts";
import { testAlert } from "../../../src/testing/index.ts";
import { latestPrometheus } from "../../mesh/latest-prometheus.ts";

const folder = mkdtempSync(path.join(tmpdir(), "meshquery-slo-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let latest: { readonly promtool: string };
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

  test("has recorded as much of the budget as the rules do here", async () => {
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
