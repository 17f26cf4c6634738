import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { apiReports, ENTRIES, type EntryName } from "./api-report.ts";
import { bundled, bundleOf } from "./bundle.ts";
import { type Consumer, EXPECTED, installPackage, OLDEST_TYPESCRIPT, pack, root, run } from "./install.ts";

/** What an entry may weigh: raised only on purpose. */
const SIZES = [
  ['export { parse, print } from "meshquery/promql"', 25],
  ['export * from "meshquery/promql"', 55],
  ['export * from "meshquery/alerts"', 200],
  ['export * from "meshquery/testing"', 190],
  ['export * from "meshquery"', 265],
] as const;
/** Most of it are source maps, which have the sources in them. */
const MOST_MEGABYTES = { packed: 2, unpacked: 7.5 };

let consumer: Consumer;

// Compilers and bundlers of whole projects, on a machine that may have much else to do.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

beforeAll(async () => {
  consumer = await installPackage();
});

afterAll(() => consumer?.remove());

describe("the tarball", () => {
  test("holds the build, its licences, its introduction and its changes, and nothing else", () => {
    const others = consumer.files.filter((path) => !path.startsWith("dist/"));
    expect(others.sort()).toEqual(["LICENSE", "NOTICE", "README.md", "docs/changelog.md", "package.json"]);
    expect(consumer.files.filter((path) => !/\.(?:js|js\.map|d\.ts)$/.test(path)).sort()).toEqual(others);
    expect(consumer.files).toEqual(expect.arrayContaining(["dist/index.js", "dist/index.d.ts"]));
  });

  test("is no larger than it was made to be", () => {
    expect(consumer.packedBytes / 1e6).toBeLessThan(MOST_MEGABYTES.packed);
    expect(consumer.unpackedBytes / 1e6).toBeLessThan(MOST_MEGABYTES.unpacked);
  });

  test("is the same, byte for byte, when it is made again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "meshquery-again-"));
    const again = await pack(join(folder, "staged"));
    const same = readFileSync(again.tarball).equals(readFileSync(consumer.tarball));
    rmSync(folder, { recursive: true });
    expect(same).toBe(true);
  });

  test("runs nothing when it is installed", () => {
    const manifest = JSON.parse(readFileSync(join(consumer.folder, "node_modules/meshquery/package.json"), "utf8")) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const run = ["preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"];
    expect(Object.keys(manifest.scripts).filter((name) => run.includes(name))).toEqual([]);
  });

  test("has every file that a source map or an entry points to", () => {
    const installed = join(consumer.folder, "node_modules/meshquery");
    for (const path of consumer.files.filter((one) => one.endsWith(".js"))) {
      const [, map] = /\/\/# sourceMappingURL=(.+)/.exec(readFileSync(join(installed, path), "utf8")) ?? [];
      if (map !== undefined) expect(existsSync(join(installed, dirname(path), map)), `${path} → ${map}`).toBe(true);
    }
    for (const path of consumer.files.filter((one) => one.endsWith(".map"))) {
      const map = JSON.parse(readFileSync(join(installed, path), "utf8")) as {
        readonly sources: readonly string[];
        readonly sourcesContent?: readonly (string | null)[];
      };
      const missing = map.sources.filter((_, i) => typeof map.sourcesContent?.[i] !== "string");
      expect(missing, path).toEqual([]);
    }
  });

  test("asks for nothing but Node, its dependencies and its optional peers", () => {
    const installed = join(consumer.folder, "node_modules/meshquery");
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    const asked = consumer.files
      .filter((path) => path.endsWith(".js"))
      .flatMap((path) => [
        ...readFileSync(join(installed, path), "utf8").matchAll(/(?:^(?:im|ex)port [^"]*|\bimport\()"([^."][^"]*)"/gm),
      ])
      .map(([, specifier = ""]) => specifier)
      .filter((specifier) => !specifier.startsWith("node:"));
    expect(Object.keys({ ...dependencies, ...peerDependencies })).toEqual(expect.arrayContaining([...new Set(asked)]));
    expect(asked).toContain("axios");
  });

  test("satisfies publint", async () => {
    const tarball = readFileSync(consumer.tarball);
    const buffer = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  test("has types that resolve as its modules do, wherever modules are ECMAScript's", async () => {
    const result = await checkPackage(createPackageFromTarballData(readFileSync(consumer.tarball)));
    if (result.types === false) throw new Error("the package has no types");
    // What is left out: resolution of Node 10, which knows no exports, and require() of before Node 20.19.
    const left = result.problems.filter(
      (problem) => !("resolutionKind" in problem && ["node10", "node16-cjs"].includes(problem.resolutionKind)),
    );
    expect(left).toEqual([]);
  });
});

describe("the public API", () => {
  let reports: ReturnType<typeof apiReports>;
  beforeAll(() => {
    reports = apiReports(join(dirname(consumer.tarball), "dist"));
  });

  test.each(Object.keys(ENTRIES) as EntryName[])("of %s is the one that is written down", (name) => {
    const written = readFileSync(join(root, "test/package/api", `${name}.md`), "utf8");
    const told = `The public API of ${name} has changed. Where that is meant: npm run api, and a line in docs/changelog.md`;
    expect(reports.get(name), told).toBe(written);
  });
});

describe("a program", () => {
  test.each([
    ["imports", "imports.mjs"],
    ["requires", "requires.cjs"],
  ])("that %s it runs", async (_, script) => {
    const { stdout } = await run(process.execPath, [script], consumer.folder);
    expect(JSON.parse(stdout)).toEqual(EXPECTED);
  });

  test("without the optional packages is told which to install", async () => {
    const program = `
      import { createMesh } from "meshquery";
      import { simulatedMesh } from "meshquery/testing";
      const mesh = createMesh(simulatedMesh({ seed: 7 }).backends());
      const matrix = await mesh.all().rate("5m").over({ last: "10m" });
      const messages = await Promise.allSettled([matrix.toSVG(), matrix.toArrow()]);
      console.log(JSON.stringify(messages.map(({ reason }) => [reason.code, reason.message])));
    `;
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program], consumer.folder);
    expect(JSON.parse(stdout)).toEqual([
      ["peer", expect.stringContaining("npm install vega vega-lite")],
      ["peer", expect.stringContaining("npm install apache-arrow")],
    ]);
  });

  test("that reaches past the entries is refused", async () => {
    const reach = run(process.execPath, ["-e", 'import("meshquery/dist/index.js")'], consumer.folder);
    await expect(reach).rejects.toThrow("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });

  test("that runs in Deno does the same, and compiles there", async () => {
    const deno = (...args: readonly string[]) =>
      run(process.execPath, [join(root, "node_modules/deno/bin.cjs"), ...args], consumer.folder);
    const { stdout } = await deno("run", "--allow-all", "--node-modules-dir=manual", "imports.mjs");
    expect(JSON.parse(stdout)).toEqual(EXPECTED);
    await deno("check", "--node-modules-dir=manual", "program.ts");
  });

  test.each(["esbuild, to ECMAScript modules", "esbuild, to CommonJS", "vite"] as const)(
    "that is bundled does the same: %s",
    async (bundler) => {
      const program = await bundled(bundler, consumer.folder);
      const { stdout } = await run(process.execPath, [program], consumer.folder);
      expect(JSON.parse(stdout)).toEqual(EXPECTED);
    },
  );
});

describe("a bundle", () => {
  test("of PromQL alone has nothing of HTTP, of configuration or of YAML in it", async () => {
    const code = 'import { print, selector } from "meshquery/promql"; console.log(print(selector("up")));';
    const { packages, text } = await bundleOf(code, consumer.folder);
    expect(packages).toEqual(["meshquery"]);
    const bundle = join(consumer.folder, "bundle.mjs");
    writeFileSync(bundle, text);
    expect((await run(process.execPath, [bundle], consumer.folder)).stdout).toBe("up\n");
  });

  test.each(SIZES)("of %s is less than %d kB, minified and compressed, its dependencies aside", async (code, most) => {
    const { text } = await bundleOf(code, consumer.folder, { alone: true });
    const kilobytes = gzipSync(text).length / 1000;
    expect(kilobytes).toBeLessThan(most);
    // A limit far above it would hold nothing.
    expect(kilobytes).toBeGreaterThan(most * 0.7);
  });
});

describe("a TypeScript program that checks its libraries too", () => {
  const FOLDERS = { current: join(root, "node_modules/typescript"), oldest: "node_modules/typescript" };

  test.each([
    { resolution: "nodenext", compiler: "current", file: "index.ts" },
    { resolution: "nodenext", compiler: "current", file: "index.cts" },
    { resolution: "node16", compiler: "current", file: "index.ts" },
    { resolution: "bundler", compiler: "current", file: "index.ts" },
    { resolution: "nodenext", compiler: "oldest", file: "index.ts" },
    { resolution: "bundler", compiler: "oldest", file: "index.ts" },
  ] as const)(
    "compiles under $resolution resolution by the $compiler compiler, as $file",
    async ({ resolution, compiler, file }) => {
      const folder = mkdtempSync(join(consumer.folder, "program-"));
      const compilerOptions = {
        module: resolution === "bundler" ? "esnext" : resolution,
        moduleResolution: resolution,
        target: "es2022",
        lib: ["es2022"],
        types: ["node"],
        strict: true,
        skipLibCheck: false,
        noEmit: true,
      };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }));
      copyFileSync(join(consumer.folder, "program.ts"), join(folder, file));
      await run(process.execPath, [join(FOLDERS[compiler], "bin/tsc"), "-p", folder], consumer.folder);
    },
  );

  test("which one is the oldest is stated", () => {
    const manifest = readFileSync(join(consumer.folder, "node_modules/typescript/package.json"), "utf8");
    const { version } = JSON.parse(manifest) as { readonly version: string };
    expect(version.startsWith(`${OLDEST_TYPESCRIPT}.`)).toBe(true);
    expect(readFileSync(join(root, "README.md"), "utf8")).toContain(`TypeScript ${OLDEST_TYPESCRIPT}`);
  });
});
