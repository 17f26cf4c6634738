import { BackendError } from "../../errors.ts";
import type { ServerDescription } from "../../results/server-description.ts";
import { type AskOptions, formatDuration } from "../../time.ts";
import { type Check, checked, type Finding, failedFinding, looked, type Signal } from "./check.ts";

/** A clock that is further off than this moves answers. */
const LATEST_MS = 5_000;

/** A backend to look at. */
export interface Server {
  readonly signal: Signal;
  /** The question that shows whether it answers. */
  readonly ask: () => Promise<Finding>;
  /** What it is, where its driver can find that out. */
  readonly describe: (() => Promise<ServerDescription>) | undefined;
  readonly now: () => number;
}

/** Asks a backend what it is, where its driver can. */
export function describer(backend: Describable, options: AskOptions): Server["describe"] {
  if (backend.describe === undefined) return undefined;
  const describe = backend.describe.bind(backend);
  return () => describe(options);
}

interface Describable {
  describe?(options?: AskOptions): Promise<ServerDescription>;
}

/** What was found of a backend, and whether more can be asked of it. */
export interface Arrival {
  readonly answers: boolean;
  readonly checks: readonly Check[];
}

/** Looks whether a backend answers, lets questions through, and is what its driver takes it for. */
export async function arrive({ signal, ask, describe, now }: Server): Promise<Arrival> {
  try {
    const finding = await ask();
    const checks = [
      checked(signal, "reachable", finding),
      checked(signal, "authorised", { status: "ok", message: "it lets questions through" }),
    ];
    return { answers: true, checks: [...checks, ...(await described(signal, describe, now))] };
  } catch (error) {
    const failed = failedFinding(error);
    const isRefusal = error instanceof BackendError && (error.code === "forbidden" || error.code === "unauthorized");
    if (!isRefusal) return { answers: false, checks: [checked(signal, "reachable", failed)] };
    const reachable = checked(signal, "reachable", { status: "ok", message: "it answers" });
    return { answers: false, checks: [reachable, checked(signal, "authorised", failed)] };
  }
}

async function described(signal: Signal, describe: Server["describe"], now: () => number): Promise<readonly Check[]> {
  if (describe === undefined) {
    const message = "this backend does not tell what it is";
    return [checked(signal, "server", { status: "skipped", message })];
  }
  let clock: readonly Check[] = [];
  const server = await looked(signal, "server", async () => {
    const description = await describe();
    const { clockMs } = description;
    if (clockMs !== undefined) clock = [checked(signal, "clock", clockFinding(clockMs, now()))];
    return serverFinding(description);
  });
  return [server, ...clock];
}

function serverFinding({ product, version, dialect, remedy }: ServerDescription): Finding {
  const found = { product, version, dialect };
  const message = serverText(product, version, dialect);
  return remedy === undefined ? { status: "ok", message, found } : { status: "warning", message, remedy, found };
}

function serverText(product: string, version: string | undefined, dialect: string): string {
  // There is no server then, and nothing to have a version of its own.
  if (dialect === "in-process") return `${product}, within this process`;
  const named = version === undefined ? `${product}, which does not tell its version` : `${product} ${version}`;
  return `${named}, spoken to as ${dialect}`;
}

/** How far a server's clock is from this one. */
export function clockFinding(serverMs: number, nowMs: number): Finding {
  const aheadMs = Math.round(serverMs - nowMs);
  const found = { clockAheadMs: aheadMs };
  if (Math.abs(aheadMs) <= LATEST_MS) return { status: "ok", message: "it has the same time", found };
  const message = `its clock is ${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead of" : "behind"} this one`;
  return { status: "warning", message, remedy: "set both clocks by NTP", found };
}
