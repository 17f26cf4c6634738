import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packaged } from "../../mesh/install.ts";
import { kernelEnvironment } from "../../notebooks/kernels.ts";
import { NOTEBOOKS, notebookNames, runNotebook, shownIn } from "../../notebooks/notebook.ts";
import { type Consumer, installPackage, run } from "../../package/install.ts";

describe("the notebooks of the examples", () => {
  const results = mkdtempSync(path.join(tmpdir(), "meshquery-notebooks-"));
  let env: NodeJS.ProcessEnv;
  let project: Consumer;

  const kept = (name: string) => path.join(results, `${name}-kept.ipynb`);

  /** A notebook for Deno's kernel with these cells. */
  function notebook(name: string, sources: readonly string[]): string {
    const cell = { cell_type: "code", metadata: {}, execution_count: null, outputs: [] };
    const cells = sources.map((source, i) => ({ ...cell, id: `cell-${i}`, source }));
    const kernelspec = { name: "deno", display_name: "Deno", language: "typescript" };
    const file = path.join(results, `${name}.ipynb`);
    writeFileSync(file, JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }));
    return file;
  }

  beforeAll(async () => {
    env = await kernelEnvironment();
    project = await installPackage();
  });

  afterAll(() => {
    project?.remove();
    rmSync(results, { recursive: true, force: true });
  });

  it.each(notebookNames())("%s runs with its kernel, and shows what it is kept with", async (name) => {
    const [target, page] = [path.join(results, name), path.join(results, `${name}.html`)];
    await runNotebook(path.join(NOTEBOOKS, name), { env, folder: project.folder, target, page });
    expect(shownIn(target)).toBe(shownIn(path.join(NOTEBOOKS, name)));
    // A page of a notebook has the results in it, and a browser draws it.
    expect(readFileSync(page, "utf8")).toContain('class="mq"');
    const picture = path.join(results, `${name}.png`);
    const headless = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1100,2000"];
    const chromium = await packaged("chromium", "chromium");
    await run(chromium, [...headless, `--screenshot=${picture}`, `file://${page}`], results);
    expect(statSync(picture).size).toBeGreaterThan(50_000);
  });

  it("show progress below the cell that runs, until it has ended", async () => {
    const begin = `
      import { showProgress } from "meshquery";
      const tell = async (show, done) => {
        show({ what: "range", unit: "piece", done, total: 4, ratio: done / 4, ended: done === 4 });
        await new Promise((resolve) => setTimeout(resolve, 600));
      };`;
    const whole = "const show = showProgress(); await tell(show, 3); await tell(show, 4);";
    const [file, target] = [notebook("progress", [begin, "await tell(showProgress(), 2);", whole]), kept("progress")];
    await runNotebook(file, { env, folder: project.folder, target });
    const [, second, third] = shownIn(target).split("\n\n");
    expect(second).toContain("display_data: text/plain\nrange ▕██████████          ▏ 50 %  2 of 4 pieces");
    expect(third).not.toContain("▕");
  });

  it("fail where a cell fails, with what it said", async () => {
    const source = 'import { createMesh } from "meshquery"; createMesh().service("backend").rate("5 minutes")';
    const [file, target] = [notebook("failing", [source]), kept("failing")];
    const options = { env, folder: project.folder, target };
    await expect(runNotebook(file, options)).rejects.toThrow(
      /a cell failed(.|\n)*"5 minutes" is not a positive PromQL duration/,
    );
  });
});
