/** `npm run mesh -- up | traffic | load-traces | verify | down`; `usage` has the options. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { loadTraces } from "./load-traces.ts";
import { defaultDirectory, meshDown, meshUp } from "./mesh.ts";
import type { Truth } from "./truth.ts";
import { compare, isExact, table, worstIncreasePercent } from "./verify.ts";
import { compareTraces, traceTable } from "./verify-traces.ts";

const usage = `npm run mesh -- COMMAND [--directory .mesh]
  up           [--no-tracing] without Jaeger and Zipkin, [--no-logging] without Loki and OpenSearch
  traffic      [--seed 7] [--seconds 75] [--no-tracing] [--no-logging]
  load-traces  [--count 5000] [--minutes 60] [--ago 120]  synthetic traces over 60 minutes, from 120 minutes ago
  verify
  down`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    directory: { type: "string", default: defaultDirectory },
    seed: { type: "string", default: "7" },
    seconds: { type: "string", default: "75" },
    tracing: { type: "boolean", default: true },
    logging: { type: "boolean", default: true },
    count: { type: "string", default: "5000" },
    minutes: { type: "string", default: "60" },
    ago: { type: "string", default: "120" },
  },
});

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => interrupted.abort(new Error(`ended by ${name}`)));
}

const onSlow = (what: string): void => say(`          ${what}`);
const onStep = (step: string, tookMs: number): void => say(`${(tookMs / 1000).toFixed(1).padStart(6)} s  ${step}`);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await runCommand(positionals[0]);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? describe(error) : String(error)}\n`);
  process.exitCode = 1;
}

async function runCommand(command: string | undefined): Promise<void> {
  const { directory, tracing, logging } = values;
  const { signal } = interrupted;
  const up = () => meshUp({ directory, tracing, logging, signal, onStep, onSlow });
  switch (command) {
    case "up": {
      const mesh = await up();
      say(
        `Prometheus ${mesh.prometheusUrl}, gateway http://127.0.0.1:${mesh.ports.gateway}, files in ${mesh.directory}`,
      );
      if (logging) say(`Loki ${mesh.lokiUrl}, OpenSearch ${mesh.opensearchUrl}`);
      if (tracing) say(`Jaeger ${mesh.jaegerUrl}, Zipkin ${mesh.zipkinUrl}`);
      return;
    }
    case "traffic": {
      const mesh = await up();
      const truth = await mesh.traffic({ seed: whole("seed"), seconds: whole("seconds"), signal });
      const requests = truth.flows.reduce((sum, flow) => sum + flow.count, 0);
      const playSeconds = (truth.measuredToMs - truth.measuredFromMs) / 1000;
      say(
        `played ${playSeconds.toFixed(1)} s: ${requests} reports in ${truth.flows.length} flows, ${truth.traces.length} traces; silent: ${truth.silent.join(", ")}`,
      );
      return;
    }
    case "load-traces": {
      const fromMs = Date.now() - whole("ago") * 60_000;
      const startMs = performance.now();
      const loaded = await loadTraces({
        count: whole("count"),
        fromMs,
        toMs: fromMs + whole("minutes") * 60_000,
        signal,
      });
      onStep(`load ${loaded.length} traces from ${new Date(fromMs).toISOString()} on`, performance.now() - startMs);
      return;
    }
    case "verify": {
      const truth = JSON.parse(readFileSync(path.join(directory, "truth.json"), "utf8")) as Truth;
      const compared = await compare(truth);
      const off = compared.filter((each) => !isExact(each));
      say(table(compared));
      say(
        `${compared.length} series compared, ${off.length} off; increase() is off by ${worstIncreasePercent(compared).toFixed(2)} % at most`,
      );
      const traces = await compareTraces(truth.traces);
      say(truth.traces.length === 0 ? "no traces were played" : traceTable(traces));
      if (off.length > 0 || traces.backends.some((each) => each.off.length > 0)) process.exitCode = 1;
      return;
    }
    case "down":
      return meshDown(directory);
    default:
      throw new Error(`mesh: ${command === undefined ? "no command" : `unknown command "${command}"`}; ${usage}`);
  }
}

function whole(name: "seed" | "seconds" | "count" | "minutes" | "ago"): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 0) throw new Error(`mesh: --${name} ${values[name]} is not a whole number`);
  return value;
}

function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message}\n  because: ${describe(error.cause)}` : error.message;
}
