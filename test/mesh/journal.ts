/** What each app and client sent or received itself, one JSON line per exchange: the truth the metrics are held to. */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import path from "node:path";
import type { Protocol } from "./topology.ts";

export interface Exchange {
  readonly side: "sent" | "received";
  readonly workload: string;
  /** Service that was called. */
  readonly service: string;
  readonly protocol: Protocol;
  /** Name of the driver's call that caused it, carried along in `x-call`. */
  readonly call: string;
  readonly path: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly ended: Ending;
  /** HTTP status; 0 when none arrived or none was sent. */
  readonly code: number;
  readonly grpcStatus?: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Messages, for gRPC only. */
  readonly requestMessages?: number;
  readonly responseMessages?: number;
  /** `workload/version` of the app that answered; absent when a proxy did. */
  readonly servedBy?: string;
  /** First bytes of an answer that no app gave. */
  readonly proxyBody?: string;
  readonly requestId?: string;
  /** As the request's headers gave it: a client that begins a trace, or an app that was told of it by its proxy. */
  readonly traceId?: string;
  /** Part of the scenario, for what the driver sent. */
  readonly part?: string;
  readonly peer?: string;
}

/** `aborted`: the caller went away. `broken`: the other side closed without an answer. */
export type Ending = "complete" | "aborted" | "broken";

/** Wall clock that never steps back within a process. */
export const nowMs = (): number => performance.timeOrigin + performance.now();

export class Journal {
  readonly workload: string;
  readonly #file: number;

  constructor(directory: string, workload: string) {
    mkdirSync(directory, { recursive: true });
    this.workload = workload;
    this.#file = openSync(path.join(directory, `${workload}.jsonl`), "a");
  }

  append(exchange: Omit<Exchange, "workload">): void {
    writeSync(this.#file, `${JSON.stringify({ workload: this.workload, ...exchange })}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

export function readJournals(directory: string): Exchange[] {
  const files = readdirSync(directory).filter((each) => each.endsWith(".jsonl"));
  return files.flatMap((each) =>
    readFileSync(path.join(directory, each), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Exchange),
  );
}
