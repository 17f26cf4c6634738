import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import {
  type AlertNotification,
  alert,
  alertmanager,
  fileStore,
  labelOf,
  logLines,
  ruleGroup,
  text,
  valueAs,
} from "../../../src/alerts/index.ts";
import { createMesh, type LogBackend, prometheus } from "../../../src/index.ts";
import { answering } from "../../http/listener.ts";
import { until } from "../../mesh/processes.ts";
import { singleAlertmanager } from "../single-alertmanager.ts";
import { singlePrometheus } from "../single-prometheus.ts";

test("an Alertmanager gets what fires, keeps it while it is told again, and notifies its own receiver of the end", async () => {
  const told: { status: string; alerts: { labels: Record<string, string>; startsAt: string; endsAt: string }[] }[] = [];
  const receiver = await answering((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      told.push(JSON.parse(body));
      response.end();
    });
  });
  const server = await singleAlertmanager(receiver.url);
  const folder = mkdtempSync(path.join(tmpdir(), "meshquery-watch-"));
  let lines = 0;
  const logs = {
    measure: async ({ toMs }: { toMs: number }) => ({
      series: [{ labels: { app: 'wéb "1"' }, timesMs: Float64Array.of(toMs), values: Float64Array.of(lines) }],
      warnings: [],
      complete: true,
    }),
  } as unknown as LogBackend;
  const seen: AlertNotification[] = [];
  const errors: unknown[] = [];
  const rule = alert(
    "Noisy",
    logLines({ origin: { namespace: "shop" } }, { window: "1m", by: [{ origin: "app" }] }).above(10),
  )
    .for("500ms")
    .severity("page")
    .annotations({ summary: "{{ braces }} stay" });
  // A firing alert ends 8 s after it was told last, so that it lives on only by being told again.
  const begin = () =>
    rule.watch({
      every: "250ms",
      logs,
      store: fileStore(folder),
      sinks: [alertmanager(server.url, { resendDelay: "2s" })],
      onFiring: (one) => void seen.push(one),
      onResolved: (one) => void seen.push(one),
      onError: ({ error }) => errors.push(error),
    });
  let watched = begin();
  try {
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await server.alerts()).toEqual([]);
    lines = 12;
    await until("the alert to be there", 10_000, async () => (await server.alerts()).length === 1);
    const [first] = await server.alerts();
    expect(first).toMatchObject({
      labels: { alertname: "Noisy", app: 'wéb "1"', severity: "page" },
      annotations: { summary: "{{ braces }} stay" },
    });
    expect(Date.parse(first?.startsAt ?? "")).toBe(seen[0]?.firedAtMs);
    const firstEndMs = Date.parse(first?.endsAt ?? "");
    expect(firstEndMs - Date.now()).toBeLessThanOrEqual(8_000);
    // The watcher is stopped, and another one goes on from the same files before the alert ends by itself.
    await watched.stop();
    watched = begin();
    await until("its end to be put off", 30_000, async () =>
      (await server.alerts()).some(({ endsAt }) => Date.parse(endsAt) > firstEndMs + 2_500),
    );
    expect((await server.alerts())[0]?.startsAt).toBe(first?.startsAt);
    lines = 3;
    await until("the alert to be resolved", 10_000, async () => (await server.alerts()).length === 0);
    await until("its receiver to be told", 10_000, async () => told.some(({ status }) => status === "resolved"));
    expect(seen.map(({ state }) => state)).toEqual(["firing", "resolved"]);
    expect(told.map(({ status }) => status)).toEqual(["firing", "resolved"]);
    const [ended] = told.at(-1)?.alerts ?? [];
    expect(Date.parse(ended?.startsAt ?? "")).toBe(seen[0]?.firedAtMs);
    expect(Date.parse(ended?.endsAt ?? "")).toBe(seen[1]?.resolvedAtMs);
    expect(errors).toEqual([]);
    expect(watched.undelivered).toEqual([]);
  } finally {
    await watched.stop();
    await server.stop();
    await receiver.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);

test("an Alertmanager is told the same by a Prometheus with the exported rule and by a watcher over the same data", async () => {
  const told: { alerts: { status: string; labels: Record<string, string>; startsAt: string; endsAt: string }[] }[] = [];
  const receiver = await answering((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      told.push(JSON.parse(body));
      response.end();
    });
  });
  let depth = 1;
  const target = await answering((_, response) => {
    response.setHeader("content-type", "text/plain; version=0.0.4");
    response.end(`# TYPE queue_depth gauge\nqueue_depth{queue="wéb \\"1\\""} ${depth}\nqueue_depth{queue="b"} 1\n`);
  });
  const manager = await singleAlertmanager(receiver.url);
  const deep = (url: string) =>
    alert(
      "Deep",
      createMesh({ metrics: prometheus(url, { scrapeInterval: "1s" }) })
        .promql("queue_depth")
        .above(3),
    )
      .for("2s")
      .severity("page")
      .labels({ kind: text`{{${labelOf("queue")}}}` })
      .annotations({ summary: text`${labelOf("queue")} holds ${valueAs({ digits: 1 })}`, plain: "{{ braces }} stay" });
  const group = ruleGroup("queues", [deep("http://127.0.0.1:9")], { interval: "1s" });
  const server = await singlePrometheus({
    target: new URL(target.url).host,
    rules: group.toYAML(),
    labels: { told_by: "prometheus" },
    alertmanager: manager.url,
  });
  const errors: unknown[] = [];
  const watched = deep(server.url)
    .labels({ told_by: "watcher" })
    .watch({ every: "1s", sinks: [alertmanager(manager.url)], onError: ({ error }) => errors.push(error) });
  /** One evaluation, and those that either of them was too late for. */
  const mostApart = async (): Promise<number> => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    const [, missed = "0"] = /^prometheus_rule_group_iterations_missed_total\{.*\} (\d+)$/m.exec(metrics) ?? [];
    return 1_100 + 1_000 * (watched.skipped + Number(missed));
  };
  try {
    await until("a first evaluation", 10_000, async () => watched.evaluatedAtMs !== undefined);
    depth = 5;
    await until("both to have told", 30_000, async () => (await manager.alerts()).length === 2);
    const firing = [...(await manager.alerts())].sort((a, b) =>
      (a.labels.told_by ?? "").localeCompare(b.labels.told_by ?? ""),
    );
    const [theirs, ours] = firing;
    const common = { alertname: "Deep", queue: 'wéb "1"', kind: '{{wéb "1"}}', severity: "page" };
    // Where it was scraped is part of the series, and so of both.
    expect(theirs?.labels).toMatchObject({ ...common, job: "x", told_by: "prometheus" });
    expect(ours?.labels).toEqual({ ...theirs?.labels, told_by: "watcher" });
    expect(ours?.annotations).toEqual({ summary: 'wéb "1" holds 5.0', plain: "{{ braces }} stay" });
    expect(theirs?.annotations).toEqual(ours?.annotations);
    // Both end four minutes behind what was told last.
    for (const time of ["startsAt", "endsAt"] as const) {
      const apart = Math.abs(Date.parse(ours?.[time] ?? "") - Date.parse(theirs?.[time] ?? ""));
      expect(apart).toBeLessThanOrEqual(await mostApart());
    }
    depth = 1;
    const ended = () => told.flatMap(({ alerts }) => alerts).filter(({ status }) => status === "resolved");
    await until("both to have told of the end", 30_000, async () => ended().length >= 2);
    const ends = (by: string) => ended().find(({ labels }) => labels.told_by === by);
    for (const time of ["startsAt", "endsAt"] as const) {
      const apart = Date.parse(ends("watcher")?.[time] ?? "") - Date.parse(ends("prometheus")?.[time] ?? "");
      console.log(`${time}: the watcher ${apart} ms after the Prometheus`);
      expect(Math.abs(apart)).toBeLessThanOrEqual(await mostApart());
    }
    expect(await manager.alerts()).toEqual([]);
    expect(errors).toEqual([]);
  } finally {
    await watched.stop();
    await server.stop();
    await manager.stop();
    await target.close();
    await receiver.close();
  }
}, 120_000);
