import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { EXPECTED, installPackage, run } from "./install.ts";

/** The Node releases that the package must run on, beside the one that runs this. */
const RELEASES = ["20.19", "22", "24", "26"];

/** `npx -y node@22 script`: the registry carries Node itself. */
const releases = RELEASES.map((release) => ({ program: "npx", args: ["-y", `node@${release}`] }));
const nodes = [{ program: process.execPath, args: [] as readonly string[] }, ...releases];

const consumer = await installPackage();
try {
  for (const { program, args } of nodes) {
    const { stdout: version } = await attempt(() => run(program, [...args, "--version"], consumer.folder));
    for (const script of ["imports.mjs", "requires.cjs"]) {
      const outcome = await run(program, [...args, script], consumer.folder).then(verdict, String);
      if (outcome !== "ok") process.exitCode = 1;
      console.log(`${version.trim().padEnd(10)} ${script.padEnd(13)} ${outcome}`);
    }
  }
  // The package is tested with the oldest compiler of its time and the repository's own; this is whichever is newest.
  const strict = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--types", "node"];
  const compiler = ["-y", "--package", "typescript@latest", "tsc"];
  const { stdout: version } = await attempt(() => run("npx", [...compiler, "--version"], consumer.folder));
  const compiled = await run("npx", [...compiler, ...strict, "program.ts"], consumer.folder).then(() => "ok", String);
  if (compiled !== "ok") process.exitCode = 1;
  console.log(`TypeScript ${version.trim().replace("Version ", "")} program.ts ${compiled}`);
} finally {
  consumer.remove();
}

function verdict({ stdout }: { readonly stdout: string }): string {
  return isDeepStrictEqual(JSON.parse(stdout), EXPECTED) ? "ok" : `answered ${stdout}`;
}

/** A release is downloaded at its first use, which a busy registry may refuse once. */
async function attempt<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch {
    await sleep(2_000);
    return work();
  }
}
