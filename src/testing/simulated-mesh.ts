import type { LogBackend } from "../logs/backend.ts";
import type { MetricsBackend } from "../metrics/backend.ts";
import { formatDuration } from "../time.ts";
import type { TraceBackend } from "../traces/backend.ts";
import { declarationOf } from "./declaration.ts";
import { SIMULATED } from "./description.ts";
import { telemetryOf } from "./emission.ts";
import { telemetryLogs } from "./log-backend.ts";
import { seriesMetricsOf } from "./metrics-backend.ts";
import type { SimulatedMeshOptions } from "./options.ts";
import type { SimulatedServer } from "./server/listen.ts";
import { untilNow } from "./server/present.ts";
import { Simulation } from "./simulation.ts";
import type { Telemetry } from "./telemetry.ts";
import { telemetryTraces } from "./trace-backend.ts";

/** What `createMesh` takes to ask a simulated mesh. */
export interface SimulatedBackends {
  readonly metrics: MetricsBackend;
  readonly traces: TraceBackend;
  readonly logs: LogBackend;
  /** The mesh's present, in epoch milliseconds. */
  readonly now: () => number;
}

/** A mesh that is not there: everything it emits is a function of the time that is asked for. */
export interface SimulatedMesh {
  /** Its series, traces and lines as they would reach the backends, those of times to come too. */
  readonly telemetry: Telemetry;
  /** The present of questions that name no time, in epoch milliseconds. */
  readonly now: () => number;
  /**
   * The backends of the mesh within this process, for `createMesh`. They know what has happened until now.
   *
   * @example
   * const mesh = createMesh(simulatedMesh({ seed: 7 }).backends());
   * await mesh.edge("frontend", "backend").success("5m");
   */
  backends(): SimulatedBackends;
  /**
   * The same backends over HTTP on 127.0.0.1, for the drivers or whatever else speaks to them.
   *
   * @param options the port; a free one when left out
   * @throws {QueryError} `code: "config"` for a port that is none
   * @example
   * await using server = await simulatedMesh({ seed: 7 }).listen();
   * createMesh({ metrics: prometheus(server.prometheus), traces: jaeger(server.jaeger), logs: loki(server.loki) });
   */
  listen(options?: { readonly port?: number | undefined }): Promise<SimulatedServer>;
}

/**
 * A mesh that emits consistent metrics, traces and access logs of the same requests, for any instant since its start
 * and the same ones every time. Nothing runs and nothing is kept: weeks of history cost what is asked of them.
 *
 * Without services, clients and flows it is a small shop, in which most of what can go wrong in a mesh does at some time
 * of every day.
 *
 * @throws {QueryError} `code: "config"` with the path of the option that cannot be meant as it stands
 * @example
 * const sim = simulatedMesh({
 *   seed: 7,
 *   services: { web: {}, api: { versions: { v1: { weight: 9 }, v2: { weight: 1 } }, failures: { 503: 0.01 } } },
 *   clients: { gateway: { kind: "gateway" } },
 *   flows: [{ from: "gateway", to: "web", perSecond: 20, calls: [{ to: "api", path: "/items" }] }],
 *   incidents: [{ kind: "slow", service: "api", version: "v2", factor: 8, daily: "13:20", for: "20m" }],
 * });
 * await createMesh(sim.backends()).edge("web", "api").latency(0.99, "5m");
 */
export function simulatedMesh(options: SimulatedMeshOptions = {}): SimulatedMesh {
  const declared = declarationOf(options);
  const telemetry = telemetryOf(new Simulation(declared));
  const { now, scrapeIntervalMs } = declared;
  const known = untilNow(telemetry, now);
  return Object.freeze({
    telemetry,
    now,
    backends: () =>
      Object.freeze({
        metrics: seriesMetricsOf(SIMULATED, known.series, { scrapeInterval: formatDuration(scrapeIntervalMs), now }),
        traces: telemetryTraces(known, now),
        logs: telemetryLogs(known, now),
        now,
      }),
    // Whoever stays within the process needs no server.
    listen: async (given = {}) => (await import("./server/listen.ts")).listen(telemetry, { ...given, now }),
  });
}
