import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Package {
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8")) as {
  readonly packages: Readonly<Record<string, Package>>;
};

const PERMISSIVE = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "ISC", "MIT"]);

const neededBy = ({ dependencies, optionalDependencies }: Package): string[] =>
  Object.keys({ ...dependencies, ...optionalDependencies });

/** Where the lock file keeps what `name` means to the package at `from`: beside it, or further up. */
function locate(name: string, from: string): string {
  const beside = `${from === "" ? "" : `${from}/`}node_modules/${name}`;
  if (beside in lock.packages) return beside;
  if (from === "") throw new Error(`package-lock.json has no ${name}`);
  return locate(name, from.slice(0, Math.max(0, from.lastIndexOf("/node_modules/"))));
}

/** Everything that an installation brings along, by where it lies. */
function closure(): ReadonlyMap<string, Package> {
  const found = new Map<string, Package>();
  const add = (from: string): void => {
    const one = lock.packages[from];
    if (one === undefined || found.has(from)) return;
    found.set(from, one);
    for (const name of neededBy(one)) add(locate(name, from));
  };
  add("");
  found.delete("");
  return found;
}

test("three packages are needed at run time", () => {
  expect(neededBy(lock.packages[""] ?? {}).sort()).toEqual(["@opentelemetry/api", "axios", "dayjs"]);
});

test.each(["yaml", "zod"])("the licence of %s, which is built in, comes along", (name) => {
  const licence = readFileSync(new URL(`../../node_modules/${name}/LICENSE`, import.meta.url), "utf8").trim();
  expect(PERMISSIVE).toContain(lock.packages[`node_modules/${name}`]?.license);
  expect(readFileSync(new URL("../../NOTICE", import.meta.url), "utf8")).toContain(licence);
});

test("all that comes with them may be used by anyone", () => {
  const packages = closure();
  expect(packages.size).toBeGreaterThan(4);
  const others = [...packages].filter(([, { license }]) => !PERMISSIVE.has(license ?? "none"));
  expect(others.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
});
