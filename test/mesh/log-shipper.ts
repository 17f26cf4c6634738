/**
 * Ships the proxies' access logs as the collectors of a cluster do: each whole line once, with the time at which it was
 * read, to Loki with promtail's labels and to OpenSearch as fluentd's documents. `tsx log-shipper.ts FOLDER`
 *
 * `GET /counts` answers with `ShipperCounts`.
 */
import { fstatSync, openSync, readSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Forwarding } from "./forwarding.ts";
import { lineReceivers } from "./logging.ts";
import type { ShipperCounts } from "./shipper-counts.ts";
import { localAddress, proxied, shipperPort, type Workload } from "./topology.ts";

const everyMs = 200;
const forwarding = { mostWaitingBytes: 256 << 20, giveUpAfterMs: 60_000, requestsAtOnce: 1 };

interface Line {
  readonly workload: Workload;
  readonly text: string;
  readonly takenNs: bigint;
}

/** Reads a file as it grows. */
class Tail {
  readonly #workload: Workload;
  readonly #file: string;
  #descriptor: number | undefined;
  #at = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(workload: Workload, file: string) {
    this.#workload = workload;
    this.#file = file;
  }

  /** Bytes of a line whose end is not written yet. */
  get unfinishedBytes(): number {
    return this.#rest.length;
  }

  lines(now: () => bigint): Line[] {
    this.#descriptor ??= opened(this.#file);
    if (this.#descriptor === undefined) return [];
    const { size } = fstatSync(this.#descriptor);
    if (size <= this.#at) return [];
    const added = Buffer.alloc(size - this.#at);
    this.#at += readSync(this.#descriptor, added, 0, added.length, this.#at);
    const all = Buffer.concat([this.#rest, added]);
    const end = all.lastIndexOf(10) + 1;
    this.#rest = all.subarray(end);
    const texts = all.subarray(0, end).toString("utf8").split("\n").slice(0, -1);
    return texts.map((text) => ({ workload: this.#workload, text, takenNs: now() }));
  }
}

function opened(file: string): number | undefined {
  try {
    return openSync(file, "r");
  } catch {
    return undefined;
  }
}

/** Promtail's request: the lines of each pod are a stream. */
function lokiBody(lines: readonly Line[]): Buffer {
  const streams = proxied.flatMap((workload) => {
    const values = lines
      .filter((line) => line.workload === workload)
      .map(({ text, takenNs }) => [String(takenNs), text]);
    const { namespace, pod, app } = workload;
    return values.length === 0 ? [] : [{ stream: { namespace, pod, container: "istio-proxy", app }, values }];
  });
  return Buffer.from(JSON.stringify({ streams }));
}

/** Fluentd's documents, into the index of their day. */
function bulkBody(lines: readonly Line[]): Buffer {
  const text = lines.map(({ workload, text: log, takenNs }) => {
    const time = new Date(Number(takenNs / 1_000_000n)).toISOString();
    const nanoseconds = String(takenNs % 1_000_000_000n).padStart(9, "0");
    const document = {
      "@timestamp": `${time.slice(0, 19)}.${nanoseconds}Z`,
      log,
      stream: "stdout",
      kubernetes: {
        namespace_name: workload.namespace,
        pod_name: workload.pod,
        container_name: "istio-proxy",
        host: "node-1",
        labels: { app: workload.app, version: workload.version },
      },
    };
    const index = `logstash-${time.slice(0, 10).replaceAll("-", ".")}`;
    return `${JSON.stringify({ index: { _index: index } })}\n${JSON.stringify(document)}\n`;
  });
  return Buffer.from(text.join(""));
}

const [folder = "."] = process.argv.slice(2);
const tails = proxied.map((workload) => new Tail(workload, path.join(folder, `${workload.name}.log`)));
const loki = new Forwarding(lineReceivers.loki, forwarding);
const opensearch = new Forwarding(lineReceivers.opensearch, forwarding);
let takenLines = 0;
let lastNs = 0n;

/** No two lines are taken at one instant. */
function now(): bigint {
  const ns = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
  lastNs = ns > lastNs ? ns : lastNs + 1n;
  return lastNs;
}

const server = createServer((_, response) => {
  const counts: ShipperCounts = {
    takenLines,
    unfinishedBytes: tails.reduce((sum, tail) => sum + tail.unfinishedBytes, 0),
    backends: { loki: loki.counts, opensearch: opensearch.counts },
  };
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(counts));
});
server.listen(shipperPort, localAddress);

for (;;) {
  const lines = tails.flatMap((tail) => tail.lines(now));
  if (lines.length > 0) {
    takenLines += lines.length;
    const takenAtMs = performance.now();
    loki.take({ body: lokiBody(lines), items: lines.length, takenAtMs });
    opensearch.take({ body: bulkBody(lines), items: lines.length, takenAtMs });
  }
  await sleep(everyMs);
}
