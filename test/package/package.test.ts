import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Consumer, EXPECTED, installPackage, root, run } from "./install.ts";

let consumer: Consumer;

beforeAll(async () => {
  consumer = await installPackage();
}, 120_000);

afterAll(() => consumer?.remove());

describe("the tarball", () => {
  test("holds the build, its licence and its introduction, and nothing else", () => {
    const others = consumer.files.filter((path) => !path.startsWith("dist/"));
    expect(others.sort()).toEqual(["LICENSE", "NOTICE", "README.md", "package.json"]);
    expect(consumer.files.filter((path) => !/\.(?:js|js\.map|d\.ts)$/.test(path)).sort()).toEqual(others);
    expect(consumer.files).toEqual(expect.arrayContaining(["dist/index.js", "dist/index.d.ts"]));
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

describe("a program", () => {
  test.each([
    ["imports", "imports.mjs"],
    ["requires", "requires.cjs"],
  ])("that %s it runs", async (_, script) => {
    const { stdout } = await run(process.execPath, [script], consumer.folder);
    expect(JSON.parse(stdout)).toEqual(EXPECTED);
  });

  test("that reaches past the entries is refused", async () => {
    const reach = run(process.execPath, ["-e", 'import("meshquery/dist/index.js")'], consumer.folder);
    await expect(reach).rejects.toThrow("ERR_PACKAGE_PATH_NOT_EXPORTED");
  });

  test("that bundles only PromQL has nothing of HTTP or of configuration in its bundle", async () => {
    const { metafile, outputFiles } = await build({
      stdin: {
        contents: 'import { print, selector } from "meshquery/promql"; console.log(print(selector("up")));',
        resolveDir: consumer.folder,
      },
      bundle: true,
      format: "esm",
      platform: "node",
      metafile: true,
      write: false,
    });
    const packages = Object.keys(metafile.inputs).flatMap((path) => /node_modules\/([^/]+)/.exec(path)?.[1] ?? []);
    expect([...new Set(packages)].sort()).toEqual(["meshquery"]);
    const bundle = join(consumer.folder, "bundle.mjs");
    writeFileSync(bundle, outputFiles[0]?.text ?? "");
    expect((await run(process.execPath, [bundle], consumer.folder)).stdout).toBe("up\n");
  });
});

const PROGRAM = `
import { createMesh, label, prometheus, type Matrix, type Sample, type Vector } from "meshquery";
import { alert, type AlertRule } from "meshquery/alerts";
import { memoryStorage, print, selector, type Expr } from "meshquery/promql";
import { seriesMetrics } from "meshquery/testing";

const mesh = createMesh({ metrics: prometheus("http://prometheus:9090") });
const rate = mesh.edge("frontend", "backend").where({ response_code: { not: /5../ } }).rate("5m");

export async function answers(): Promise<[Sample<"req/s">, Vector<"response_code" | "team", "req/s">, Matrix<never, "req/s">]> {
  return [await rate, await rate.by("response_code", label("team")), await rate.over({ last: "6h" })];
}

export const own = createMesh({ metrics: seriesMetrics(memoryStorage()) });
export const rule: AlertRule<"req/s", never> = alert("Busy", rate.above(40)).for("5m");
export const expr: Expr = selector("up");
export const text: string = print(expr);
export const share: "ratio" = rate.dividedBy(rate.offset("1d")).unit;

// @ts-expect-error none of Istio's labels
rate.by("response_cod");
`;

describe("a TypeScript program that checks its libraries too", () => {
  test.each([
    { title: "nodenext", module: "nodenext", moduleResolution: "nodenext", file: "index.ts" },
    { title: "nodenext, from CommonJS", module: "nodenext", moduleResolution: "nodenext", file: "index.cts" },
    { title: "node16", module: "node16", moduleResolution: "node16", file: "index.ts" },
    { title: "bundler", module: "esnext", moduleResolution: "bundler", file: "index.ts" },
  ])(
    "compiles under $title resolution",
    async ({ title, module, moduleResolution, file }) => {
      const folder = join(consumer.folder, title.replace(/\W+/g, "-"));
      mkdirSync(folder);
      const compilerOptions = {
        module,
        moduleResolution,
        target: "es2022",
        lib: ["es2022"],
        types: ["node"],
        strict: true,
        skipLibCheck: false,
        noEmit: true,
      };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: [file] }));
      writeFileSync(join(folder, file), PROGRAM);
      await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder], folder);
    },
    60_000,
  );
});
