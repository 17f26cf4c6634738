import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
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
  simulated: 0.95315,
  rules: [
    'Busy: sum(rate(istio_requests_total{reporter="destination",source_workload="frontend",destination_workload="backend"}[5m])) > 40 for 5m',
  ],
};

/** The oldest TypeScript that reads the types: 4.9 does not know `const` type parameters. */
export const OLDEST_TYPESCRIPT = "5.0";

/** The package as it would be published. */
export interface Packed {
  readonly tarball: string;
  /** The paths in the tarball. */
  readonly files: readonly string[];
  readonly packedBytes: number;
  readonly unpackedBytes: number;
}

/** A project of its own with the packed package in its `node_modules`. */
export interface Consumer extends Packed {
  readonly folder: string;
  remove(): void;
}

/** Builds and packs the package as it stands, and installs the tarball like anyone would. */
export async function installPackage(): Promise<Consumer> {
  const folder = mkdtempSync(join(tmpdir(), "meshquery-consumer-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const packed = await pack(join(folder, "staged"));
    const types = readFileSync(join(root, "node_modules/@types/node/package.json"), "utf8");
    const { version } = JSON.parse(types) as { readonly version: string };
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
    const quiet = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"];
    const beside = [`@types/node@${version}`, `typescript@${OLDEST_TYPESCRIPT}`];
    await run("npm", ["install", ...quiet, packed.tarball, ...beside], folder);
    cpSync(join(root, "test/package/consumer"), folder, { recursive: true });
    return { folder, ...packed, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** What a build is made of, beside what is installed. */
const SOURCES = [
  ...["src", "package.json", "package-lock.json", "tsconfig.json", ".tsdown.config.ts"],
  ...["README.md", "LICENSE", "NOTICE", "docs/changelog.md"],
];

/** Builds and packs a copy of the sources, so that no other work on `dist` is met half-way. */
export async function pack(staged: string): Promise<Packed> {
  mkdirSync(staged);
  for (const name of SOURCES) cpSync(join(root, name), join(staged, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(staged, "node_modules"));
  await run(process.execPath, ["node_modules/tsdown/dist/run.mjs", "--config", ".tsdown.config.ts"], staged);
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts"], staged);
  const [packed] = JSON.parse(stdout) as {
    readonly filename: string;
    readonly size: number;
    readonly unpackedSize: number;
    readonly files: readonly { path: string }[];
  }[];
  if (packed === undefined) throw new Error(`npm pack made nothing: ${stdout}`);
  return {
    tarball: join(staged, packed.filename),
    files: packed.files.map(({ path }) => path),
    packedBytes: packed.size,
    unpackedBytes: packed.unpackedSize,
  };
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
