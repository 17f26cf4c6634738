/** The kernels that notebooks run with, and what runs them: fetched once from the registries, in fixed versions. */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { cached } from "../mesh/cache.ts";
import { pythonPackages } from "../mesh/install.ts";

const run = promisify(execFile);

const DENO = "2.9.6";
const TSLAB = "1.0.22";
/** What speaks to kernels, and what makes pages of notebooks. */
const JUPYTER = ["jupyter_client==8.10.0", "nbclient==0.11.0", "nbconvert==7.17.2", "nbformat==5.11.1"];

/** The environment in which Python knows Jupyter, and Jupyter the kernels `deno` and `tslab`. */
export async function kernelEnvironment(): Promise<NodeJS.ProcessEnv> {
  const python = await pythonPackages("jupyter", JUPYTER);
  // Deno comes as a binary for Linux on x64, and tslab's ZeroMQ with one for each system: nothing runs on installation.
  const programs = await cached(`kernels-deno-${DENO}-tslab-${TSLAB}`, async (folder) => {
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ private: true }));
    const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", `deno@${DENO}`, `tslab@${TSLAB}`];
    await run("npm", args, { cwd: folder, timeout: 300_000 });
  });
  const modules = path.join(programs, "node_modules");
  // Written each time, since it names the Node that runs now.
  const jupyter = path.join(programs, "jupyter");
  const deno = [path.join(modules, "@deno/linux-x64-glibc/deno"), "jupyter", "--kernel", "--conn", "{connection_file}"];
  const tslab = [
    process.execPath,
    path.join(modules, "tslab/bin/tslab"),
    "kernel",
    "--config-path",
    "{connection_file}",
  ];
  for (const [name, argv] of Object.entries({ deno, tslab })) {
    const folder = path.join(jupyter, "kernels", name);
    mkdirSync(folder, { recursive: true });
    const spec = { argv, display_name: name, language: "typescript" };
    writeFileSync(path.join(folder, "kernel.json"), JSON.stringify(spec));
  }
  return {
    ...process.env,
    PYTHONPATH: python,
    JUPYTER_PATH: [jupyter, path.join(python, "share/jupyter")].join(path.delimiter),
    IPYTHONDIR: jupyter,
    DENO_DIR: path.join(jupyter, "deno"),
    DENO_NO_UPDATE_CHECK: "1",
  };
}
