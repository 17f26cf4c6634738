/** Runs a notebook of the examples with its kernel, and reads what its cells came to. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify, stripVTControlCharacters } from "node:util";

export const NOTEBOOKS = fileURLToPath(new URL("../../examples/notebooks/", import.meta.url));

export const notebookNames = (): readonly string[] =>
  readdirSync(NOTEBOOKS)
    .filter((name) => name.endsWith(".ipynb"))
    .sort();

interface Output {
  readonly output_type: string;
  readonly name?: string;
  readonly text?: string | readonly string[];
  readonly data?: Readonly<Record<string, string | readonly string[]>>;
}

interface Cell {
  readonly cell_type: string;
  readonly source: string | readonly string[];
  readonly outputs?: readonly Output[];
}

interface Notebook {
  readonly metadata: { readonly kernelspec: { readonly name: string } };
  readonly cells: readonly Cell[];
}

export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Where the kernel runs: a project that has the package. */
  readonly folder: string;
  /** Where the notebook is written with its outputs. */
  readonly target: string;
  /** Where it is written as a page. */
  readonly page?: string;
}

/** @throws where a cell fails, with what it said */
export async function runNotebook(file: string, { env, folder, target, page }: RunOptions): Promise<void> {
  const kernel = read(file).metadata.kernelspec.name;
  const execute = fileURLToPath(new URL("execute.py", import.meta.url));
  const args = [execute, kernel, file, folder, target, ...(page === undefined ? [] : [page])];
  try {
    await promisify(execFile)("python3", args, { env, timeout: 120_000, maxBuffer: 64 << 20 });
  } catch (cause) {
    const { stderr = "" } = cause as { readonly stderr?: string };
    throw new Error(`${path.basename(file)}: ${stripVTControlCharacters(stderr).trim() || "no answer"}`, { cause });
  }
}

/** Each cell of code above the text that it came to, without colours; what only some media types have is left out. */
export function shownIn(file: string): string {
  const code = read(file).cells.filter(({ cell_type }) => cell_type === "code");
  return code.map(({ source, outputs = [] }) => [joined(source), ...outputs.map(textOf)].join("\n---\n")).join("\n\n");
}

function textOf({ output_type, name, text, data }: Output): string {
  if (text !== undefined) return `${name}: ${stripVTControlCharacters(joined(text))}`;
  const plain = data?.["text/plain"];
  const types = Object.keys(data ?? {}).sort();
  return [
    `${output_type}: ${types.join(", ")}`,
    ...(plain === undefined ? [] : [stripVTControlCharacters(joined(plain))]),
  ].join("\n");
}

const joined = (text: string | readonly string[]): string => (typeof text === "string" ? text : text.join(""));

const read = (file: string): Notebook => JSON.parse(readFileSync(path.resolve(file), "utf8")) as Notebook;
