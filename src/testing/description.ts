import type { ServerDescription } from "../results/server-description.ts";
import type { AskOptions } from "../time.ts";

/** What a backend within the process is: it has no version beside the library's own. */
export async function inProcess(product: string, { signal }: AskOptions = {}): Promise<ServerDescription> {
  signal?.throwIfAborted();
  return { product, version: undefined, dialect: "in-process" };
}

/** What the backends of a simulated mesh are. */
export const SIMULATED = "a simulated mesh";
