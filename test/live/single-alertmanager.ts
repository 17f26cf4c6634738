/** An Alertmanager of its own for one test file, which notifies nobody. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { start, stop, until } from "../mesh/processes.ts";
import { freePort } from "./single-prometheus.ts";

export interface SingleAlertmanager {
  readonly url: string;
  /** What it knows, resolved alerts left out. */
  alerts(): Promise<readonly KnownAlert[]>;
  stop(): Promise<void>;
}

/** An alert as its API shows it. */
export interface KnownAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
}

/** @param receiver where it sends its notifications */
export async function singleAlertmanager(receiver: string): Promise<SingleAlertmanager> {
  const directory = mkdtempSync(path.join(tmpdir(), "meshquery-alertmanager-"));
  const at = (name: string) => path.join(directory, name);
  const config = {
    route: { receiver: "test", group_by: ["..."], group_wait: "0s", group_interval: "1s", repeat_interval: "1h" },
    receivers: [{ name: "test", webhook_configs: [{ url: receiver, send_resolved: true }] }],
  };
  writeFileSync(at("alertmanager.yml"), JSON.stringify(config));
  const url = `http://127.0.0.1:${await freePort()}`;
  const args = [
    `--config.file=${at("alertmanager.yml")}`,
    `--storage.path=${at("data")}`,
    `--web.listen-address=${new URL(url).host}`,
    "--cluster.listen-address=",
  ];
  const started = await start("alertmanager", "prometheus-alertmanager", args, at("output.txt"));
  const end = async () => {
    await stop([started]);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await until("Alertmanager to be ready", 20_000, async () => (await fetch(`${url}/-/ready`)).status === 200);
  } catch (error) {
    await end();
    throw error;
  }
  const alerts = async () => (await (await fetch(`${url}/api/v2/alerts`)).json()) as readonly KnownAlert[];
  return { url, alerts, stop: end };
}
