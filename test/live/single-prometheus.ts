/** A Prometheus of its own for one test file, over samples that the file writes. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type { PrometheusPrograms } from "../mesh/latest-prometheus.ts";
import { start, stop, until } from "../mesh/processes.ts";

export interface SinglePrometheus {
  readonly url: string;
  /** Where its samples are kept. */
  readonly data: string;
  /** Ends it at once, as a crash would. */
  kill(): void;
  /** Starts it anew over the same samples, at the same address. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface SingleOptions {
  /** Those of another version than the mesh's own. */
  readonly programs?: PrometheusPrograms;
  /** Samples in OpenMetrics text, with timestamps, loaded before it starts. */
  readonly samples?: string;
  /** Settings of its web server, such as users, in its own YAML. */
  readonly web?: string;
  readonly flags?: readonly string[];
  /** Scraped every second; `"self"` is the server itself. */
  readonly target?: string;
  /** Settings of every scrape beside. */
  readonly scrape?: object;
  /** Labels that it puts on what it gives to others. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Where it sends its own spans, as OTLP over HTTP. */
  readonly spans?: string;
  /** The address of an Alertmanager that its alerts go to. */
  readonly alertmanager?: string;
  /** Groups of rules, or a whole file of them, evaluated every second. */
  readonly rules?: readonly object[] | string;
}

const PACKAGED: PrometheusPrograms = { prometheus: "prometheus", promtool: "promtool" };

export async function singlePrometheus(options: SingleOptions): Promise<SinglePrometheus> {
  const { samples, web, target, scrape = {}, labels = {}, spans, rules, flags = [], programs = PACKAGED } = options;
  const { alertmanager } = options;
  const directory = mkdtempSync(path.join(tmpdir(), "meshquery-prometheus-"));
  const at = (name: string) => path.join(directory, name);
  const port = await freePort();
  const targets = [target === "self" ? `127.0.0.1:${port}` : target];
  const config = {
    global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s", external_labels: labels },
    scrape_configs: target === undefined ? [] : [{ job_name: "x", static_configs: [{ targets }], ...scrape }],
    alerting: {
      alertmanagers:
        alertmanager === undefined ? [] : [{ static_configs: [{ targets: [new URL(alertmanager).host] }] }],
    },
    rule_files: rules === undefined ? [] : [at("rules.yml")],
    ...(spans === undefined
      ? {}
      : { tracing: { client_type: "http", endpoint: spans, insecure: true, sampling_fraction: 1 } }),
  };
  writeFileSync(at("prometheus.yml"), JSON.stringify(config));
  if (rules !== undefined) {
    writeFileSync(at("rules.yml"), typeof rules === "string" ? rules : JSON.stringify({ groups: rules }));
  }
  if (samples !== undefined) {
    writeFileSync(at("samples.txt"), samples);
    await promisify(execFile)(programs.promtool, [
      "tsdb",
      "create-blocks-from",
      "openmetrics",
      at("samples.txt"),
      at("data"),
    ]);
  }
  const args = [
    `--config.file=${at("prometheus.yml")}`,
    `--storage.tsdb.path=${at("data")}`,
    "--storage.tsdb.retention.time=10y",
    `--web.listen-address=127.0.0.1:${port}`,
    "--log.level=warn",
    ...flags,
  ];
  if (web !== undefined) {
    writeFileSync(at("web.yml"), web);
    args.push(`--web.config.file=${at("web.yml")}`);
  }
  const url = `http://127.0.0.1:${port}`;
  let started = await start("prometheus", programs.prometheus, args, at("output.txt"));
  const end = async () => {
    await stop([started]);
    rmSync(directory, { recursive: true, force: true });
  };
  const ready = () =>
    // Asking who is there, or nothing at this path, is an answer too.
    until("Prometheus to be ready", 20_000, async () =>
      [200, 401, 404].includes((await fetch(`${url}/-/ready`)).status),
    );
  try {
    await ready();
  } catch (error) {
    await end();
    throw error;
  }
  const kill = () => void process.kill(started.pid, "SIGKILL");
  const restart = async () => {
    await stop([started]);
    started = await start("prometheus", programs.prometheus, args, at("output.txt"));
    await ready();
  };
  return { url, data: at("data"), kill, restart, stop: end };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}
