/** Starts, finds and ends the mesh: Envoy proxies, their apps and every backend, all on loopback. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createConnection } from "node:net";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { issueCertificates } from "./certificates.ts";
import { envoyConfig } from "./envoy-config.ts";
import { install } from "./install.ts";
import {
  logBackendCommands,
  loggingPorts,
  logReadyTargets,
  lokiUrl,
  opensearchUrl,
  shipperProgram,
} from "./logging.ts";
import { isRunning, type Started, start, stop, until } from "./processes.ts";
import { allScraped, prometheusConfig, prometheusUrl } from "./prometheus.ts";
import {
  collectorPort,
  jaegerPorts,
  localAddress,
  prometheusPort,
  proxied,
  type WorkloadPorts,
  workloadNamed,
  workloads,
  zipkinPort,
} from "./topology.ts";
import { backendCommands, collectorProgram, jaegerUrl, readyTargets, tracingPorts, zipkinUrl } from "./tracing.ts";
import { type MeshParts, playTraffic, type TrafficOptions } from "./traffic.ts";
import type { Truth } from "./truth.ts";

export { type LoadedTrace, type LoadOptions, loadTraces } from "./load-traces.ts";
export type { Attempt, TracedCall, TracedHop } from "./traced-call.ts";
export type { Flow, Truth } from "./truth.ts";

export interface RunningMesh {
  readonly prometheusUrl: string;
  /** Jaeger's query service, `/api` and `/api/v3`; with `tracing: false` nothing need listen there. */
  readonly jaegerUrl: string;
  /** With `tracing: false` nothing need listen there. */
  readonly zipkinUrl: string;
  /** With `logging: false` nothing need listen there. */
  readonly lokiUrl: string;
  /** Speaks Elasticsearch's API; with `logging: false` nothing need listen there. */
  readonly opensearchUrl: string;
  /** Holds `truth.json`, `logs/<workload>.log`, `journal/`, certificates and configurations. */
  readonly directory: string;
  readonly ports: MeshPorts;
  /** Plays the scenario and resolves to what really happened, which is also written to `truth.json`. */
  traffic(options: TrafficOptions): Promise<Truth>;
  down(): Promise<void>;
}

export interface MeshPorts {
  /** Where users call. */
  readonly gateway: number;
  readonly prometheus: number;
  /** Where proxies send spans, whether or not something listens; `POST /api/v2/spans` reaches both backends. */
  readonly collector: number;
  readonly jaeger: { readonly query: number; readonly grpc: number; readonly otlp: number; readonly zipkin: number };
  readonly zipkin: number;
  readonly workloads: Readonly<Record<string, WorkloadPorts>>;
}

export interface MeshOptions {
  /** Default: `.mesh` at the root of the repository. */
  readonly directory?: string;
  /** Whether Jaeger and Zipkin run too; default true. */
  readonly tracing?: boolean;
  /** Whether Loki and OpenSearch run too; default true. */
  readonly logging?: boolean;
  readonly signal?: AbortSignal;
  /** Told of each step of the start once it is done. */
  readonly onStep?: (step: string, tookMs: number) => void;
  /** Told before something that takes minutes: a program that is built from source, once. */
  readonly onSlow?: (what: string) => void;
}

export const defaultDirectory: string = fileURLToPath(new URL("../../.mesh", import.meta.url));

/** Starts the mesh, or finds the one that already runs in the directory. A failed start leaves nothing running. */
export async function meshUp(options: MeshOptions = {}): Promise<RunningMesh> {
  const { signal, tracing = true, logging = true } = options;
  const directory = path.resolve(options.directory ?? defaultDirectory);
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    signal?.throwIfAborted();
    const startMs = performance.now();
    const result = await work();
    options.onStep?.(name, performance.now() - startMs);
    return result;
  };

  const recorded = readState(directory);
  if (recorded.length > 0 && recorded.every(isRunning)) {
    if (tracing && !isTracing(recorded)) {
      throw new Error(`the mesh in ${directory} runs without Jaeger and Zipkin; end it first, or do without them`);
    }
    if (logging && !isLogging(recorded)) {
      throw new Error(`the mesh in ${directory} runs without Loki and OpenSearch; end it first, or do without them`);
    }
    await step("already running", async () => {});
    return runningMesh(directory, { tracing: isTracing(recorded), logging: isLogging(recorded) });
  }
  if (recorded.length > 0) await step("end what is left of an earlier mesh", () => meshDown(directory));
  await step("check that the ports are free", () => requireFreePorts({ tracing, logging }));
  const programs = await step("install what is missing", () =>
    install({ tracing, logging, ...(signal && { signal }), ...(options.onSlow && { onSlow: options.onSlow }) }),
  );
  clear(directory);
  const at = (...parts: string[]): string => path.join(directory, ...parts);
  const output = (name: string): string => at("output", `${name}.txt`);
  const ready = (name: string, port: number, target: string): Promise<void> =>
    answers(name, port, target, output(name), signal);
  await step("issue certificates", () => issueCertificates(at("certificates"), undefined, signal));

  const started: Started[] = [];
  const record = (each: Started): void => {
    started.push(each);
    writeFileSync(stateFile(directory), JSON.stringify(started));
  };
  // Test runners replace import.meta.resolve; a require of this module's own finds the same file.
  const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const startNode = (name: string, ...args: string[]): Promise<Started> =>
    start(name, process.execPath, ["--import", loader, ...args], output(name));
  const logBackends = programs.logging && logBackendCommands(programs.logging, directory);
  try {
    if (logBackends !== undefined) {
      await step("start OpenSearch, Loki and their shipper", async () => {
        for (const { name, program, args, environment } of logBackends) {
          record(await start(name, program, args, output(name), environment));
        }
        record(await startNode("log-shipper", shipperProgram, at("logs")));
      });
    }
    const backends = programs.tracing && backendCommands(programs.tracing);
    if (backends !== undefined) {
      await step("start Zipkin, Jaeger and their collector", async () => {
        for (const { name, program, args, environment } of backends) {
          record(await start(name, program, args, output(name), environment));
        }
        record(await startNode("collector", collectorProgram));
      });
    }
    // Early, since it takes 5 s to look at its targets.
    await step("start Prometheus", async () => {
      writeFileSync(at("prometheus.json"), JSON.stringify(prometheusConfig(), null, 1));
      const args = [
        `--config.file=${at("prometheus.json")}`,
        `--storage.tsdb.path=${at("prometheus")}`,
        `--web.listen-address=${localAddress}:${prometheusPort}`,
        "--log.level=warn",
      ];
      record(await start("prometheus", programs.prometheus, args, output("prometheus")));
    });
    await step("start the apps", async () => {
      const program = fileURLToPath(new URL("apps.ts", import.meta.url));
      record(await startNode("apps", program, at("journal")));
      await ready("apps", workloadNamed("frontend").ports.app, "/");
    });
    await step(`start ${proxied.length} Envoy proxies`, async () => {
      for (const workload of proxied) {
        const { name } = workload;
        const paths = { certificates: at("certificates"), logFile: at("logs", `${name}.log`) };
        writeFileSync(at("envoy", `${name}.json`), JSON.stringify(envoyConfig(workload, paths), null, 1));
        const args = [
          "-c",
          at("envoy", `${name}.json`),
          "--use-dynamic-base-id",
          "--concurrency",
          "1",
          "--file-flush-interval-msec",
          "1000",
        ];
        record(await start(name, programs.envoy, [...args, "--log-level", "error"], output(name)));
      }
      for (const { name, ports } of proxied) await ready(name, ports.admin, "/ready");
    });
    await step("wait until Prometheus has scraped every proxy", async () => {
      await ready("prometheus", prometheusPort, "/-/ready");
      await until("Prometheus to scrape every proxy", 15_000, allScraped, signal);
    });
    if (backends !== undefined) {
      await step("wait until Jaeger and Zipkin answer", async () => {
        for (const { name, port, target } of readyTargets) await ready(name, port, target);
      });
    }
    if (logBackends !== undefined) {
      await step("wait until OpenSearch and Loki answer", async () => {
        for (const { name, port, target } of logReadyTargets) await ready(name, port, target);
      });
    }
  } catch (cause) {
    await meshDown(directory);
    throw cause;
  }
  return runningMesh(directory, { tracing, logging });
}

/** Ends what `meshUp` started in the directory and returns once it is gone; journals and logs stay. */
export async function meshDown(directory: string = defaultDirectory): Promise<void> {
  await stop(readState(directory));
  rmSync(stateFile(directory), { force: true });
}

function runningMesh(directory: string, parts: MeshParts): RunningMesh {
  return {
    prometheusUrl,
    jaegerUrl,
    zipkinUrl,
    lokiUrl,
    opensearchUrl,
    directory,
    ports: {
      gateway: workloadNamed("istio-ingressgateway").ports.outbound,
      prometheus: prometheusPort,
      collector: collectorPort,
      jaeger: jaegerPorts,
      zipkin: zipkinPort,
      workloads: Object.fromEntries(workloads.map((each) => [each.name, each.ports])),
    },
    traffic: (options) => playTraffic(directory, parts, options),
    down: () => meshDown(directory),
  };
}

const isTracing = (recorded: readonly Started[]): boolean => recorded.some((each) => each.name === "collector");

const isLogging = (recorded: readonly Started[]): boolean => recorded.some((each) => each.name === "log-shipper");

const stateFile = (directory: string): string => path.join(directory, "processes.json");

function readState(directory: string): Started[] {
  const file = stateFile(directory);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Started[]) : [];
}

/** Counters begin at nothing with each start, so what was written about earlier ones must go too. */
function clear(directory: string): void {
  for (const each of [
    "certificates",
    "envoy",
    "journal",
    "logs",
    "loki",
    "opensearch",
    "output",
    "prometheus",
    "prometheus.json",
    "truth.json",
  ]) {
    rmSync(path.join(directory, each), { recursive: true, force: true });
  }
  for (const each of ["envoy", "journal", "logs", "output"]) mkdirSync(path.join(directory, each), { recursive: true });
}

async function answers(
  name: string,
  port: number,
  target: string,
  output: string,
  signal?: AbortSignal,
): Promise<void> {
  const url = `http://${localAddress}:${port}${target}`;
  const ok = async (): Promise<boolean> => (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  await until(`${name} at ${url}; read ${output}`, 40_000, ok, signal);
}

async function requireFreePorts({ tracing, logging }: MeshParts): Promise<void> {
  const wanted = [
    prometheusPort,
    ...(tracing ? tracingPorts : []),
    ...(logging ? loggingPorts : []),
    ...workloads.flatMap((each) => Object.values(each.ports) as number[]),
  ];
  const taken: number[] = [];
  await Promise.all(wanted.map(async (port) => (await isListening(port)) && taken.push(port)));
  if (taken.length > 0) {
    throw new Error(`ports ${taken.join(", ")} are taken, perhaps by a mesh of another directory; end it first`);
  }
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: localAddress, port });
    const settle = (listening: boolean): void => {
      socket.destroy();
      resolve(listening);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
