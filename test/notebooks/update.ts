/** Runs the notebooks anew and keeps what they came to: `npm run notebooks`, and what changed is for a reader to see. */
import path from "node:path";
import { installPackage } from "../package/install.ts";
import { kernelEnvironment } from "./kernels.ts";
import { NOTEBOOKS, notebookNames, runNotebook } from "./notebook.ts";

const env = await kernelEnvironment();
const { folder, remove } = await installPackage();
try {
  for (const name of notebookNames()) {
    const file = path.join(NOTEBOOKS, name);
    await runNotebook(file, { env, folder, target: file, page: path.join(folder, `${name}.html`) });
    console.log(name);
  }
} finally {
  remove();
}
