import { installPackage, run } from "../package/install.ts";
import { median } from "./median.ts";

/** How long one cold import takes in a fresh process; the median, in milliseconds. */
export interface ImportRow {
  readonly module: string;
  readonly ms: number;
  /** How many times longer than axios alone it takes. */
  readonly ratio: number;
}

const MODULES = ["axios", "meshquery", "meshquery/promql", "meshquery/testing", "@opentelemetry/api", "dayjs"];
const TIMED = "const t = performance.now(); await import(process.argv[1]); console.log(performance.now() - t);";

/** Imports the packed package and what it stands on, each time in a new process, by turns. */
export async function benchImport(rounds = 9): Promise<ImportRow[]> {
  const consumer = await installPackage();
  try {
    const times = MODULES.map((module) => ({ module, ms: [] as number[] }));
    for (let round = -1; round < rounds; round++) {
      for (const { module, ms } of times) {
        const args = ["--input-type=module", "--eval", TIMED, module];
        const { stdout } = await run(process.execPath, args, consumer.folder);
        if (round >= 0) ms.push(Number(stdout));
      }
    }
    const floor = median(times[0]?.ms ?? []);
    return times.map(({ module, ms }) => ({ module, ms: median(ms), ratio: median(ms) / floor }));
  } finally {
    consumer.remove();
  }
}
