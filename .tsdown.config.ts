import { defineConfig } from "tsdown";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    "promql/index": "src/promql/index.ts",
    "alerts/index": "src/alerts/index.ts",
    "testing/index": "src/testing/index.ts",
  },
  format: "esm",
  fixedExtension: false,
  // For Node, but not by the condition "node": under that one yaml is CommonJS, which would bring createRequire() along,
  // and that does not survive a bundle as CommonJS.
  platform: "neutral",
  external: /^node:/,
  // Opening their hundred files takes longer than all the rest of an import. NOTICE holds their licences.
  inlineOnly: ["yaml", "zod"],
  target: "node20.19",
  dts: true,
  // Nothing happens at import, and else it is by chance which chunks are imported for nothing.
  treeshake: { moduleSideEffects: false },
  sourcemap: true,
  clean: true,
});
