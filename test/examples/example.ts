import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { root } from "../package/install.ts";

/** What came of a program. */
export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** When the simulated mesh of the examples is, so that they print what they always do. */
export const AT = "2026-11-20T10:00:00Z";

/** Starts an example as its reader would; none of the variables that name backends are passed on. */
export function startExample(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const clean = Object.entries(process.env).filter(([key]) => !/_(URL|TOKEN)$/.test(key));
  const tsx = join(root, "node_modules/tsx/dist/cli.mjs");
  return spawn(process.execPath, [tsx, `examples/${name}.ts`, ...args], {
    cwd: root,
    env: { ...Object.fromEntries(clean), ...env },
    timeout: 240_000,
  });
}

/** Runs one to its end, with `input` as what is typed. */
export async function runExample(
  name: string,
  args: readonly string[],
  { env = {}, input = "" }: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<Ran> {
  const child = startExample(name, args, env);
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error("the streams of an example are pipes");
  stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  const [out, errors, code] = await Promise.all([text(stdout), text(stderr), ended]);
  return { stdout: out, stderr: errors, code };
}
