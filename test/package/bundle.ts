import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { build as viteBuild } from "vite";

/** What a program need not have: charts and columns load it when they are asked for. */
const OPTIONAL = ["apache-arrow", "vega", "vega-lite"];
const NEEDED = ["@opentelemetry/api", "axios", "dayjs"];

/** What is missing of CommonJS in a bundle of ECMAScript modules, which axios's own dependencies take. */
const REQUIRE = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';

export type Bundler = "esbuild, to CommonJS" | "esbuild, to ECMAScript modules" | "vite";

/** Bundles the consumer's program with all that it depends on, and gives where it lies. */
export async function bundled(bundler: Bundler, folder: string): Promise<string> {
  const at = (name: string) => join(folder, name);
  const common: BuildOptions = { bundle: true, platform: "node", external: OPTIONAL };
  switch (bundler) {
    case "esbuild, to CommonJS":
      await build({ ...common, entryPoints: [at("requires.cjs")], format: "cjs", outfile: at("bundled.cjs") });
      return at("bundled.cjs");
    case "esbuild, to ECMAScript modules":
      await build({
        ...{ ...common, entryPoints: [at("imports.mjs")], format: "esm", outfile: at("bundled.mjs") },
        banner: { js: REQUIRE },
      });
      return at("bundled.mjs");
    case "vite":
      await viteBuild({
        root: folder,
        logLevel: "error",
        build: { ssr: "imports.mjs", outDir: "vite", rolldownOptions: { external: OPTIONAL } },
        ssr: { noExternal: true, target: "node" },
      });
      return at("vite/imports.js");
  }
}

/** What is left of a few lines of code and all they import. */
export interface Bundle {
  readonly text: string;
  /** Whose modules are in it. */
  readonly packages: readonly string[];
}

/** @param alone without the packages that meshquery depends on */
export async function bundleOf(code: string, folder: string, { alone = false } = {}): Promise<Bundle> {
  const { metafile, outputFiles } = await build({
    stdin: { contents: code, resolveDir: folder },
    external: alone ? [...OPTIONAL, ...NEEDED] : OPTIONAL,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    metafile: true,
    write: false,
  });
  const packages = Object.keys(metafile.inputs).flatMap((path) => /node_modules\/([^/]+)/.exec(path)?.[1] ?? []);
  return { text: outputFiles[0]?.text ?? "", packages: [...new Set(packages)].sort() };
}
