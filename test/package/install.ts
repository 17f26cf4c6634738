import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** What `test/package/consumer/ask.mjs` gives, whoever runs it. */
export const EXPECTED = {
  promql:
    'sum(rate(istio_requests_total{reporter="destination",source_workload="frontend",destination_workload="backend"}[5m]))',
  value: 41.7,
  unit: "req/s",
  asked: ["/api/v1/query", "/api/v1/status/buildinfo"],
  kept: true,
  text: "rate(up[5m])",
  ofSeries: 2,
  rules: [
    'Busy: sum(rate(istio_requests_total{reporter="destination",source_workload="frontend",destination_workload="backend"}[5m])) > 40 for 5m',
  ],
};

/** A project of its own with the packed package in its `node_modules`. */
export interface Consumer {
  readonly folder: string;
  readonly tarball: string;
  /** The paths in the tarball. */
  readonly files: readonly string[];
  remove(): void;
}

/** Builds and packs the package as it stands, and installs the tarball like anyone would. */
export async function installPackage(): Promise<Consumer> {
  const folder = mkdtempSync(join(tmpdir(), "meshquery-consumer-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const { tarball, files } = await pack(join(folder, "staged"));
    const types = readFileSync(join(root, "node_modules/@types/node/package.json"), "utf8");
    const { version } = JSON.parse(types) as { readonly version: string };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
    const quiet = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    await run("npm", ["install", ...quiet, tarball, `@types/node@${version}`], folder);
    cpSync(join(root, "test/package/consumer"), folder, { recursive: true });
    return { folder, tarball, files, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Packs a build made beside the checkout, so that no other work on `dist` is met half-way. */
async function pack(staged: string): Promise<{ readonly tarball: string; readonly files: readonly string[] }> {
  mkdirSync(staged);
  for (const name of ["package.json", "README.md", "LICENSE", "NOTICE"]) cpSync(join(root, name), join(staged, name));
  await run(process.execPath, ["node_modules/tsdown/dist/run.mjs", "--out-dir", join(staged, "dist")], root);
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts"], staged);
  const [packed] = JSON.parse(stdout) as { readonly filename: string; readonly files: readonly { path: string }[] }[];
  if (packed === undefined) throw new Error(`npm pack made nothing: ${stdout}`);
  return { tarball: join(staged, packed.filename), files: packed.files.map(({ path }) => path) };
}

const execute = promisify(execFile);

/** Runs a program to its end; its output is part of the error when it fails. */
export async function run(
  program: string,
  args: readonly string[],
  folder: string,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  try {
    return await execute(program, args, { cwd: folder, maxBuffer: 16_000_000 });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`${program} ${args.join(" ")} failed\n${stdout}${stderr}`, { cause: error });
  }
}
