import { fork } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { tableText, withBlocks } from "./page.ts";
import { type Cells, SECTIONS } from "./sections.ts";

/*
 * npm run bench                                  prints every table
 * npm run bench -- decode socket                 prints these
 * npm run bench -- --write docs/performance.md   also writes what is printed between the marks of that page
 */

/** Longer than this no table takes, even beside other work. */
const PATIENCE_MS = 600_000;

/** Measures in a process of its own, so that no section meets code or a heap that another has shaped. */
function measured(name: string): Promise<readonly Cells[]> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ["--child", name], { execArgv: ["--import", "tsx"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    let rows: readonly Cells[] | undefined;
    child.on("message", (message) => {
      rows = message as readonly Cells[];
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      if (rows !== undefined && code === 0) resolve(rows);
      else reject(new Error(`${name} ended with ${signal ?? code}`));
    });
  });
}

async function measureAsChild(name: string): Promise<void> {
  const rows = await SECTIONS[name]?.measure();
  process.send?.(rows, () => process.disconnect());
}

function machine(): string {
  const [load = 0] = loadavg();
  const processor = cpus()[0]?.model.trim() ?? "unknown";
  return `Node ${process.version} on ${cpus().length} × ${processor}, a load of ${load.toFixed(1)} before the first table`;
}

async function main(names: readonly string[], path: string | undefined): Promise<void> {
  const unknown = names.find((name) => !Object.hasOwn(SECTIONS, name));
  if (unknown !== undefined) throw new Error(`no table ${unknown}; there are ${Object.keys(SECTIONS).join(", ")}`);
  const texts = new Map([["machine", machine()]]);
  console.log(texts.get("machine"));
  for (const [name, { title, columns }] of Object.entries(SECTIONS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const startMs = performance.now();
    try {
      const text = tableText(columns, await measured(name));
      const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
      console.log(`\n${title} (${name}, measured in ${seconds} s)\n${text.replace(/^/gm, "  ")}`);
      texts.set(name, text);
    } catch (error) {
      console.error(`\n${title}: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    }
  }
  if (path !== undefined) writeFileSync(path, withBlocks(readFileSync(path, "utf8"), texts));
}

const { values, positionals } = parseArgs({
  options: { write: { type: "string" }, child: { type: "string" } },
  allowPositionals: true,
});
if (values.child === undefined) await main(positionals, values.write);
else await measureAsChild(values.child);
