import type { LogBackend, LogLine, LogPage, LogQuery } from "../../src/logs/backend.ts";
import { createMesh } from "../../src/mesh/mesh.ts";
import { collect } from "./collect.ts";

/** What streaming and joining so many calls of an edge takes. */
export interface LogStreamRow {
  readonly calls: number;
  readonly callsPerSecond: number;
  /** The most that the heap held beyond what it held before, garbage collected. */
  readonly peakMegabytes: number;
  readonly ratio: number;
}

const START = Date.parse("2026-11-24T10:00:00Z");
const PER_PAGE = 1_000;
const PER_SECOND = 1_000;

const client = (i: number): string =>
  `[${new Date(START + i).toISOString()}] "GET /orders/${i} HTTP/1.1" 200 - via_upstream - "-" 0 2 9 8 "-" "curl/8" ` +
  `"request-${i}" "backend:9090" "10.0.0.2:9090" outbound|9090||backend.default.svc.cluster.local ` +
  `10.0.0.1:${20_000 + (i % 40_000)} 10.96.0.1:9090 10.0.0.1:4711 - default`;
const server = (i: number): string =>
  `[${new Date(START + i + 1).toISOString()}] "GET /orders/${i} HTTP/1.1" 200 - via_upstream - "-" 0 2 7 7 "-" "curl/8" ` +
  `"request-${i}" "backend:9090" "127.0.0.1:9090" inbound|9090|| 127.0.0.6:5000 10.0.0.2:9090 ` +
  `10.0.0.1:${20_000 + (i % 40_000)} outbound_.9090_._.backend.default.svc.cluster.local default`;

/** A log that writes its lines as they are asked for: a thousand calls a second, from one workload to another. */
class Endless implements LogBackend {
  readonly name = "endless";
  readonly measure = unasked;
  readonly follow = unasked;
  readonly #calls: number;

  constructor(calls: number) {
    this.#calls = calls;
  }

  async *entries({ origin, lines = [] }: LogQuery): AsyncGenerator<LogPage> {
    const isClient = typeof origin.pod === "object" && origin.pod.pattern.startsWith("frontend");
    // Callers that show no mutual TLS: there are none.
    if (
      !isClient &&
      lines.some((condition) => condition.not === true && "text" in condition && condition.text === "outbound_.")
    )
      return;
    const workload = isClient ? "frontend" : "backend";
    const place = { namespace: "default", pod: `${workload}-6c9f7d5b48-k2x9p`, container: "istio-proxy" };
    for (let i = 0; i < this.#calls; i += PER_PAGE) {
      const entries = Array.from({ length: Math.min(PER_PAGE, this.#calls - i) }, (_, j): LogLine => {
        const ms = START + Math.floor(((i + j) * 1000) / PER_SECOND) + (isClient ? 9 : 8);
        const line = isClient ? client(i + j) : server(i + j);
        return { timestampNs: BigInt(ms) * 1_000_000n, line, origin: place, labels: place };
      });
      yield { entries, missing: [], warnings: [], complete: true };
    }
  }
}

const unasked = (): never => {
  throw new Error("the bench asks for lines alone");
};

/** Streams an edge's calls, both sides joined, and looks at the heap on the way. */
export async function benchLogStream(sizes: readonly number[] = [50_000, 500_000]): Promise<LogStreamRow[]> {
  const rows: Omit<LogStreamRow, "ratio">[] = [];
  for (const calls of sizes) {
    const mesh = createMesh({ logs: new Endless(calls) });
    collect();
    const before = process.memoryUsage().heapUsed;
    let peak = before;
    let found = 0;
    const start = performance.now();
    let looking = 0;
    const range = { from: START, to: START + calls * 10, order: "forward" } as const;
    for await (const call of mesh.edge("frontend", { service: "backend" }).calls(range)) {
      if (call.attempts.length !== 1) throw new Error("a call lost its other half");
      if (++found % 25_000 !== 0) continue;
      const sinceMs = performance.now();
      collect();
      peak = Math.max(peak, process.memoryUsage().heapUsed);
      looking += performance.now() - sinceMs;
    }
    if (found !== calls) throw new Error(`${found} of ${calls} calls came`);
    const seconds = (performance.now() - start - looking) / 1000;
    rows.push({ calls, callsPerSecond: calls / seconds, peakMegabytes: (peak - before) / 2 ** 20 });
  }
  return rows.map((row) => ({ ...row, ratio: row.peakMegabytes / (rows[0]?.peakMegabytes ?? 1) }));
}
