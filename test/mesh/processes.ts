/** Child processes that outlive the command which started them, recorded by id and start time. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface Started {
  readonly name: string;
  readonly pid: number;
  /** Clock ticks since boot at which the kernel started it: a reused id has another. */
  readonly startTicks: string;
}

/**
 * Starts a program in its own session, with both outputs in one file.
 *
 * A shell in between makes it an orphan at once: this build of Envoy asks the kernel to end it with its parent.
 */
export async function start(
  name: string,
  command: string,
  args: readonly string[],
  outputFile: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const script = 'output="$1"; shift; "$@" </dev/null >>"$output" 2>&1 & echo $!';
  const shell = spawn("/bin/sh", ["-c", script, "sh", outputFile, command, ...args], {
    detached: true,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  shell.stdout.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
  });
  await new Promise<void>((resolve, reject) => {
    shell.once("close", resolve);
    shell.once("error", (cause) => reject(new Error(`${name}: could not start ${command}`, { cause })));
  });
  const pid = Number(printed.trim());
  const startTicks = pid > 0 ? startTicksOf(pid) : undefined;
  if (startTicks === undefined) throw new Error(`${name}: ${command} ended at once; read ${outputFile}`);
  return { name, pid, startTicks };
}

export const isRunning = (started: Started): boolean => startTicksOf(started.pid) === started.startTicks;

/** Ends the processes and returns once all are gone; those deaf to SIGTERM are killed after 5 s. */
export async function stop(all: readonly Started[]): Promise<void> {
  signalRunning(all, "SIGTERM");
  if (await allGone(all, 5000)) return;
  signalRunning(all, "SIGKILL");
  if (await allGone(all, 5000)) return;
  const left = all.filter(isRunning).map((each) => `${each.name} (${each.pid})`);
  throw new Error(`these processes survived SIGKILL: ${left.join(", ")}; end them by hand`);
}

/** Repeats `probe` until it holds. */
export async function until(
  what: string,
  deadlineMs: number,
  probe: () => Promise<boolean>,
  signal?: AbortSignal,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    signal?.throwIfAborted();
    if (await probe().catch(() => false)) return;
    if (performance.now() > endMs) throw new Error(`gave up after ${deadlineMs} ms waiting for ${what}`);
    await sleep(50);
  }
}

function signalRunning(all: readonly Started[], signal: NodeJS.Signals): void {
  for (const each of all) {
    if (!isRunning(each)) continue;
    try {
      process.kill(each.pid, signal);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ESRCH") throw cause;
    }
  }
}

async function allGone(all: readonly Started[], deadlineMs: number): Promise<boolean> {
  const endMs = performance.now() + deadlineMs;
  while (all.some(isRunning)) {
    if (performance.now() > endMs) return false;
    await sleep(25);
  }
  return true;
}

function startTicksOf(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The name in parentheses may hold spaces; the fields after it do not.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : fields[19];
}
