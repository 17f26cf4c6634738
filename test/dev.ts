/** The loop of `npm run dev`: types as they are written, and the tests of what is not committed yet. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);
const bin = (name: string, path: string): string => join(dirname(require.resolve(`${name}/package.json`)), path);

const programs = [
  [bin("typescript", "bin/tsc"), "--noEmit", "--incremental", "--watch", "--preserveWatchOutput"],
  [bin("vitest", "vitest.mjs"), "watch", "--changed", "--config", "test/vitest.config.ts", "--typecheck.enabled=false"],
];
programs[0]?.push("--tsBuildInfoFile", join(root, "node_modules/.cache/dev.tsbuildinfo"));
const running = programs.map((args) => spawn(process.execPath, args, { cwd: root, stdio: "inherit" }));
// Whichever ends, by a key or by the terminal, takes the other with it.
for (const one of running) one.on("exit", () => running.forEach((other) => void other.kill()));
