/** `npm run mesh -- up | traffic [--seed 7] [--seconds 75] | verify | down`, each with `--directory DIR`. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { defaultDirectory, meshDown, meshUp } from "./mesh.ts";
import type { Truth } from "./truth.ts";
import { compare, isExact, table, worstIncreasePercent } from "./verify.ts";

const usage = "npm run mesh -- up | traffic [--seed 7] [--seconds 75] | verify | down   [--directory .mesh]";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    directory: { type: "string", default: defaultDirectory },
    seed: { type: "string", default: "7" },
    seconds: { type: "string", default: "75" },
  },
});

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => interrupted.abort(new Error(`ended by ${name}`)));
}

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
  const { directory } = values;
  const { signal } = interrupted;
  switch (command) {
    case "up": {
      const mesh = await meshUp({ directory, signal, onStep });
      say(
        `Prometheus ${mesh.prometheusUrl}, gateway http://127.0.0.1:${mesh.ports.gateway}, files in ${mesh.directory}`,
      );
      return;
    }
    case "traffic": {
      const mesh = await meshUp({ directory, signal, onStep });
      const truth = await mesh.traffic({ seed: whole("seed"), seconds: whole("seconds"), signal });
      const requests = truth.flows.reduce((sum, flow) => sum + flow.count, 0);
      const playSeconds = (truth.measuredToMs - truth.measuredFromMs) / 1000;
      say(
        `played ${playSeconds.toFixed(1)} s: ${requests} reports in ${truth.flows.length} flows; silent: ${truth.silent.join(", ")}`,
      );
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
      if (off.length > 0) process.exitCode = 1;
      return;
    }
    case "down":
      return meshDown(directory);
    default:
      throw new Error(`mesh: ${command === undefined ? "no command" : `unknown command "${command}"`}; ${usage}`);
  }
}

function whole(name: "seed" | "seconds"): number {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 0) throw new Error(`mesh: --${name} ${values[name]} is not a whole number`);
  return value;
}

function describe(error: Error): string {
  return error.cause instanceof Error ? `${error.message}\n  because: ${describe(error.cause)}` : error.message;
}
