/** What is slow to come by is made once and kept in the user's cache folder. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";

/**
 * The folder of that name in the cache; `make` fills it when it is not there.
 *
 * It is filled beside its final place and then renamed, so that half of it is never used.
 */
export async function cached(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const target = cachedAt(name);
  if (existsSync(target)) return target;
  const partial = `${target}.partial-${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    await make(partial);
    // Whoever else made it meanwhile made the same.
    if (!existsSync(target)) renameSync(partial, target);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return target;
}

export const isCached = (name: string): boolean => existsSync(cachedAt(name));

function cachedAt(name: string): string {
  const root = process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache");
  return path.join(root, "meshquery", name);
}
