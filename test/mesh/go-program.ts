/** Builds a program from a Go module, for those that no package carries: `recipes/<name>/go.mod` says which version. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cached, isCached } from "./cache.ts";

const run = promisify(execFile);

/** On two cores Jaeger takes 7 minutes, Prometheus 9, Thanos 4 to 9. */
const buildDeadlineMs = 30 * 60_000;
const oldestGo = [1, 26] as const;

export interface GoProgram {
  /** Folder under `recipes`, whose `go.mod` requires the module. */
  readonly recipe: string;
  readonly module: string;
  /** Package within the module; the binary bears the last part of its name. */
  readonly command: string;
  /** Build constraints that must hold. */
  readonly tags?: string;
}

export interface BuildOptions {
  readonly signal?: AbortSignal;
  /** Told before something that takes minutes. */
  readonly onSlow?: (what: string) => void;
}

export const recipeFile = (recipe: string, file: string): string =>
  fileURLToPath(new URL(`recipes/${recipe}/${file}`, import.meta.url));

/** The binary, built now unless the cache has one of the same recipe. */
export async function goProgram(program: GoProgram, options: BuildOptions = {}): Promise<string> {
  const { module, command, tags } = program;
  const goMod = readFileSync(recipeFile(program.recipe, "go.mod"), "utf8");
  const hash = createHash("sha256")
    .update([goMod, module, command, ...(tags === undefined ? [] : [tags])].join("\0"))
    .digest("hex")
    .slice(0, 12);
  const name = path.posix.basename(command);
  const folder = `${name}-${hash}`;
  if (!isCached(folder)) await requireGo(name);
  const built = await cached(folder, async (directory) => {
    const version = versionIn(goMod, module);
    options.onSlow?.(`building ${name} ${version} from source, which takes minutes unless Go's own cache has it`);
    writeFileSync(path.join(directory, "go.mod"), goMod);
    const go = builder(`${name} ${version}`, directory, options.signal);
    // The module's own checksums hold for what its own build takes; `go build` adds the few that are missing.
    const { Dir } = JSON.parse(await go("mod", "download", "-json", `${module}@${version}`)) as { Dir: string };
    copyFileSync(path.join(Dir, "go.sum"), path.join(directory, "go.sum"));
    // The module cache is read-only, and so is a copy of its files.
    chmodSync(path.join(directory, "go.sum"), 0o644);
    await go("build", ...(tags === undefined ? [] : ["-tags", tags]), "-o", name, `${module}/${command}`);
  });
  return path.join(built, name);
}

function versionIn(goMod: string, module: string): string {
  const words = goMod.split("\n").map((line) =>
    line
      .trim()
      .replace(/^require\s+/, "")
      .split(/\s+/),
  );
  const version = words.find(([first, second]) => first === module && second?.startsWith("v"))?.[1];
  if (version === undefined) throw new Error(`go-program: the recipe's go.mod requires no version of ${module}`);
  return version;
}

/** Runs `go` in the folder; resolves to what it printed. */
function builder(what: string, cwd: string, signal: AbortSignal | undefined): (...args: string[]) => Promise<string> {
  const env = {
    ...process.env,
    CGO_ENABLED: "0",
    GOFLAGS: "-mod=mod -buildvcs=false",
    GOTOOLCHAIN: "local",
    GOWORK: "off",
  };
  return async (...args) => {
    try {
      const options = { cwd, env, timeout: buildDeadlineMs, maxBuffer: 64 << 20, ...(signal && { signal }) };
      return (await run("go", args, options)).stdout;
    } catch (cause) {
      signal?.throwIfAborted();
      const { killed, stderr = "" } = cause as { killed?: boolean; stderr?: string };
      const why = killed ? `not done after ${buildDeadlineMs / 60_000} minutes` : lastLines(stderr);
      throw new Error(`go-program: ${what}: "go ${args.join(" ")}" failed: ${why || String(cause)}`);
    }
  };
}

const lastLines = (text: string): string => text.trimEnd().split("\n").slice(-8).join("\n  ");

async function requireGo(name: string): Promise<void> {
  const wanted = oldestGo.join(".");
  const advice = `install Go ${wanted} or newer from https://go.dev/dl and put it on the PATH (Debian's is too old)`;
  const env = { ...process.env, GOTOOLCHAIN: "local" };
  const found = await run("go", ["env", "GOVERSION"], { env, timeout: 30_000 }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  if (found === undefined) throw new Error(`go-program: ${name} is built from source and there is no "go"; ${advice}`);
  const [major = 0, minor = 0] = found
    .replace(/^go/, "")
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  if (major < oldestGo[0] || (major === oldestGo[0] && minor < oldestGo[1])) {
    throw new Error(`go-program: ${name} is built from source and "go" is ${found}; ${advice}`);
  }
}
