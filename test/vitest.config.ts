import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { reporters } from "./reporters.ts";

/** Everything that needs no server of its own making: `npm test`. */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("..", import.meta.url)),
    include: ["test/**/*.test.ts"],
    exclude: ["test/live/**"],
    reporters: reporters("unit"),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    typecheck: {
      enabled: true,
      include: ["test/types/**/*.test-d.ts"],
      tsconfig: "tsconfig.json",
    },
  },
});
