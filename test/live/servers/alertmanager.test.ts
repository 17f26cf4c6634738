import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { type AlertNotification, alert, alertmanager, fileStore, logLines } from "../../../src/alerts/index.ts";
import type { LogBackend } from "../../../src/index.ts";
import { answering } from "../../http/listener.ts";
import { until } from "../../mesh/processes.ts";
import { singleAlertmanager } from "../single-alertmanager.ts";

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
  // A firing alert ends 2 s after it was told last, so that it lives on only by being told again.
  const begin = () =>
    rule.watch({
      every: "250ms",
      logs,
      store: fileStore(folder),
      sinks: [alertmanager(server.url, { resendDelay: "500ms" })],
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
    expect(firstEndMs - Date.now()).toBeLessThanOrEqual(2_000);
    // The watcher is stopped, and another one goes on from the same files before the alert ends by itself.
    await watched.stop();
    watched = begin();
    await until("its end to be put off", 10_000, async () =>
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
