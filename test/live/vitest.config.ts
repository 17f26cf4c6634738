import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { reporters } from "../reporters.ts";

/**
 * What asks real servers: `npm run test:live`. The files under `mesh/` ask one mesh, started for all of them; those
 * under `servers/` start what they ask themselves, so that `--project servers` needs no mesh.
 */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../..", import.meta.url)),
    reporters: reporters("live"),
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 600_000,
    projects: [
      {
        extends: true,
        test: { name: "mesh", include: ["test/live/mesh/*.test.ts"], globalSetup: ["test/live/mesh/mesh.setup.ts"] },
      },
      { extends: true, test: { name: "servers", include: ["test/live/servers/*.test.ts"] } },
    ],
  },
});
