import { installPackage, run } from "../package/install.ts";
import { median } from "./median.ts";

/** How long one cold import takes in a fresh process; medians. */
export interface ImportRow {
  readonly module: string;
  readonly ms: number;
  /** How many times longer than axios alone it takes. */
  readonly ratio: number;
  /** Of all threads together; other work on the machine changes it little. */
  readonly processorMs: number;
  readonly processorRatio: number;
}

const MODULES = ["axios", "meshquery", "meshquery/promql", "meshquery/testing", "@opentelemetry/api", "dayjs"];
const TIMED = `
  const start = performance.now();
  const before = process.cpuUsage();
  await import(process.argv[1]);
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify([performance.now() - start, (user + system) / 1000]));
`;

/** Imports the packed package and what it stands on, each time in a new process, by turns. */
export async function benchImport(rounds = 15): Promise<ImportRow[]> {
  const consumer = await installPackage();
  try {
    const times = MODULES.map((module) => ({ module, ms: [] as number[], processorMs: [] as number[] }));
    for (let round = -1; round < rounds; round++) {
      for (const { module, ms, processorMs } of times) {
        const args = ["--input-type=module", "--eval", TIMED, module];
        const { stdout } = await run(process.execPath, args, consumer.folder);
        const [took = Number.NaN, processor = Number.NaN] = JSON.parse(stdout) as readonly number[];
        if (round < 0) continue;
        ms.push(took);
        processorMs.push(processor);
      }
    }
    const [floor, processorFloor] = [median(times[0]?.ms ?? []), median(times[0]?.processorMs ?? [])];
    return times.map(({ module, ms, processorMs }) => ({
      module,
      ms: median(ms),
      ratio: median(ms) / floor,
      processorMs: median(processorMs),
      processorRatio: median(processorMs) / processorFloor,
    }));
  } finally {
    consumer.remove();
  }
}
