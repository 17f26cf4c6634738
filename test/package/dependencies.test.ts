import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { root, run } from "./install.ts";
import { BUILT_IN, neededBy, packageAt, runTimePackages } from "./run-time.ts";

const PERMISSIVE = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "ISC", "MIT"]);

test("three packages are needed at run time", () => {
  expect(neededBy(packageAt("")).sort()).toEqual(["@opentelemetry/api", "axios", "dayjs"]);
});

test.each(BUILT_IN)("the licence of %s, which is built in, comes along", (name) => {
  const licence = readFileSync(new URL(`../../node_modules/${name}/LICENSE`, import.meta.url), "utf8").trim();
  expect(PERMISSIVE).toContain(packageAt(`node_modules/${name}`).license);
  expect(readFileSync(new URL("../../NOTICE", import.meta.url), "utf8")).toContain(licence);
});

test("all that comes with them may be used by anyone", () => {
  const packages = runTimePackages();
  expect(packages.size).toBeGreaterThan(4);
  const others = [...packages].filter(([, { license }]) => !PERMISSIVE.has(license ?? "none"));
  expect(others.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
});

test("a bill of materials names each of them, with its licence", async () => {
  const { stdout } = await run("npm", ["run", "--silent", "sbom"], root);
  const { bomFormat, metadata, components } = JSON.parse(stdout) as {
    readonly bomFormat: string;
    readonly metadata: { readonly component: { readonly purl: string } };
    readonly components: readonly {
      readonly purl: string;
      readonly licenses?: readonly { readonly license?: { readonly id?: string } }[];
    }[];
  };
  expect([bomFormat, metadata.component.purl.replace(/@.*/, "")]).toEqual(["CycloneDX", "pkg:npm/meshquery"]);
  const installed = Array.from(runTimePackages(), ([path]) => path.replace(/^.*node_modules\//, ""));
  const named = components.map(({ purl }) => decodeURIComponent(purl).replace(/^pkg:npm\/|@[^@]*$/g, ""));
  expect(new Set(named)).toEqual(new Set([...installed, ...BUILT_IN]));
  const licences = new Set(components.flatMap(({ licenses = [] }) => licenses.map(({ license }) => license?.id)));
  expect([...licences].filter((id) => !PERMISSIVE.has(id ?? "none"))).toEqual([]);
}, 120_000);
