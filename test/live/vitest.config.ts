import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { reporters } from "../reporters.ts";

/** What asks real servers: `npm run test:live`. One mesh is started for all files. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    include: ["test/live/**/*.test.ts"],
    globalSetup: ["test/live/mesh.setup.ts"],
    reporters: reporters("live"),
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 600_000,
  },
});
