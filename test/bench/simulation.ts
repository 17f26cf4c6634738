import { createMesh } from "../../src/index.ts";
import { simulatedMesh } from "../../src/testing/index.ts";
import { median } from "./median.ts";

/** What a question to a simulated mesh takes in this process, in milliseconds; the median of some. */
export interface SimulationRow {
  readonly question: string;
  readonly ms: number;
  /** Of what there were so many in the answer. */
  readonly count: number;
}

const NOW = Date.parse("2026-11-20T10:00:00Z");
const MINUTE = 60_000;
const ROUNDS = 5;

/** Asks the shop that is simulated where nothing is declared. */
export async function benchSimulation(): Promise<SimulationRow[]> {
  const { telemetry, backends } = simulatedMesh({ seed: 7, now: NOW });
  const mesh = createMesh(backends());
  const day = { last: "1d", step: "5m" } as const;
  const quarter = { from: BigInt(NOW - 15 * MINUTE) * 1_000_000n, to: BigInt(NOW) * 1_000_000n };
  return [
    await timed("a new mesh, and a rate now", async () => {
      const fresh = createMesh(simulatedMesh({ seed: 7, now: NOW }).backends());
      return (await fresh.all().rate("5m").by("destination_workload")).length;
    }),
    await timed("an edge's rate over a day", async () => {
      return (await mesh.edge("frontend", "backend").rate("5m").over(day)).length;
    }),
    await timed("everybody's latency over a day", async () => {
      return (await mesh.all().latency(0.99, "5m").by("destination_workload").over(day)).length;
    }),
    await timed("the lines of a quarter of an hour", () => {
      return Array.from(telemetry.lines(quarter.from, quarter.to, "forward"), ({ text }) => text).length;
    }),
    await timed("the traces of a quarter of an hour", () => {
      return Array.from(telemetry.traces(NOW - 15 * MINUTE, NOW)).length;
    }),
  ];
}

async function timed(question: string, ask: () => Promise<number> | number): Promise<SimulationRow> {
  let count = await ask();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = performance.now();
    count = await ask();
    times.push(performance.now() - startedMs);
  }
  return { question, ms: median(times), count };
}
