/** Writes down what the package's entries declare, for `api.test.ts` to hold it: `npm run api`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { apiReports } from "./api-report.ts";
import { pack, root } from "./install.ts";

const folder = mkdtempSync(join(tmpdir(), "meshquery-api-"));
try {
  const { tarball } = await pack(join(folder, "staged"));
  mkdirSync(join(root, "test/package/api"), { recursive: true });
  for (const [name, text] of apiReports(join(dirname(tarball), "dist"))) {
    writeFileSync(join(root, "test/package/api", `${name}.md`), text);
    console.log(`test/package/api/${name}.md: ${text.split("\n").length} lines`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
