import { readFileSync } from "node:fs";

/** A package as the lock file has it. */
export interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8")) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

/** Those of which the build holds parts. */
export const BUILT_IN = ["yaml", "zod"] as const;

export const neededBy = ({ dependencies, optionalDependencies }: LockedPackage): string[] =>
  Object.keys({ ...dependencies, ...optionalDependencies });

/** The package at a path of the lock file; `""` is this one. */
export function packageAt(path: string): LockedPackage {
  const one = lock.packages[path];
  if (one === undefined) throw new Error(`package-lock.json has nothing at ${path}`);
  return one;
}

/** Everything that an installation brings along, by where it lies. */
export function runTimePackages(): ReadonlyMap<string, LockedPackage> {
  const found = new Map<string, LockedPackage>();
  const add = (from: string): void => {
    if (found.has(from)) return;
    const one = packageAt(from);
    found.set(from, one);
    for (const name of neededBy(one)) add(locate(name, from));
  };
  add("");
  found.delete("");
  return found;
}

/** Where the lock file keeps what `name` means to the package at `from`: beside it, or further up. */
function locate(name: string, from: string): string {
  const beside = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
  if (beside in lock.packages) return beside;
  if (from === "") throw new Error(`package-lock.json has no ${name}`);
  return locate(name, from.slice(0, Math.max(0, from.lastIndexOf("/node_modules/"))));
}
