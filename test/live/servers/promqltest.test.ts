import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { recipeFile } from "../../mesh/go-program.ts";
import { type CaseResult, runScript } from "./promql-script.ts";

/**
 * Prometheus's own scripts are the specification. They are read from its Go module, of the version that the recipe
 * builds; what a server takes under flags alone and is not evaluated here must be refused by name: start timestamps, names
 * without quotes, and native histograms under `anchored` and `smoothed`.
 */
const scripts = await scriptFolder();
const names = readdirSync(scripts).filter((name) => name.endsWith(".test"));

async function scriptFolder(): Promise<string> {
  const module = "github.com/prometheus/prometheus";
  const goMod = readFileSync(recipeFile("prometheus", "go.mod"), "utf8");
  const [, version] = new RegExp(`${module} (v\\S+)`).exec(goMod) ?? [];
  const env = { ...process.env, GOFLAGS: "-mod=mod", GOTOOLCHAIN: "local", GOWORK: "off" };
  const args = ["mod", "download", "-json", `${module}@${version}`];
  const { stdout } = await promisify(execFile)("go", args, { cwd: tmpdir(), env });
  const { Dir } = JSON.parse(stdout) as { readonly Dir: string };
  return path.join(Dir, "promql", "promqltest", "testdata");
}

const figures: { readonly script: string; readonly passed: number; readonly refused: number }[] = [];
const count = (results: readonly CaseResult[], outcome: CaseResult["outcome"]): number =>
  results.filter((result) => result.outcome === outcome).length;

describe("Prometheus's own scripts give what they expect, or are refused by name", () => {
  test.each(names)("%s", (name) => {
    const results = runScript(readFileSync(path.join(scripts, name), "utf8"));
    figures.push({ script: name, passed: count(results, "passed"), refused: count(results, "unsupported") });
    const failed = results.filter(({ outcome }) => outcome === "failed");
    expect(failed.map(({ line, why }) => `${name}:${line}: ${why}`)).toEqual([]);
    expect(results.length).toBeGreaterThan(0);
  });

  test("what a server takes without flags is not refused at all", () => {
    const passed = figures.reduce((sum, figure) => sum + figure.passed, 0);
    expect(passed).toBeGreaterThan(2300);
    const whole = [
      "aggregators",
      "at_modifier",
      "collision",
      "duration_expression",
      "fill-modifier",
      "functions",
      "histograms",
      "info",
      "limit",
      "literals",
      "name_label_dropping",
      "native_histograms",
      "operators",
      "range_queries",
      "selectors",
      "staleness",
      "subquery",
      "trig_functions",
      "type_and_unit",
    ];
    const refused = figures.filter(({ script }) => whole.includes(script.replace(".test", "")));
    expect(refused.filter((figure) => figure.refused > 0)).toEqual([]);
    expect(refused.length).toBe(whole.length);
  });
});

afterAll(() => {
  const lines = figures.map(
    ({ script, passed, refused }) => `${script.padEnd(28)}${String(passed).padStart(6)}${String(refused).padStart(9)}`,
  );
  console.log(["script                      passed  refused", ...lines].join("\n"));
});
