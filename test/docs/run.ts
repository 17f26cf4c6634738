import { formatWithOptions } from "node:util";
import { transformSync } from "esbuild";
import { correction, readCode, type Statement } from "./code.ts";
import { entries, importsOf, PREAMBLE } from "./compile.ts";
import type { Block, Program } from "./document.ts";
import * as preamble from "./preamble.ts";

/** What a program was found to do. */
export interface Run {
  /** Lines of the file, from 1, that say something else than what is; each with what it has to be. */
  readonly corrections: ReadonlyMap<number, string>;
  /** What blocks printed, by the block. */
  readonly printed: ReadonlyMap<Block, string>;
  /** What went wrong, with its line. */
  readonly faults: readonly string[];
}

/** What a program is given beside its imports: it says where it is, what a statement gave, and what one threw. */
interface Witness {
  at(line: number): void;
  said<T>(line: number, value: T): T;
  fails(line: number, statement: () => unknown): Promise<void>;
}

/**
 * Runs a program's blocks in one function, each within the scope of the one above.
 *
 * @param urls texts of the code, such as servers' addresses, by what stands in for them
 */
export async function run(program: Program, text: string, urls: ReadonlyMap<string, string>): Promise<Run> {
  const lines = text.split("\n");
  const corrections = new Map<number, string>();
  const printed = new Map<Block, string>();
  const faults: string[] = [];
  const claims = new Map<number, { readonly line: number; readonly text: string }>();
  const blocks = program.blocks.filter(({ unrun }) => unrun === undefined);
  let place = blocks[0]?.line ?? 1;
  const blockAt = (line: number): Block | undefined => blocks.findLast((block) => block.line <= line);
  const print = (words: string): void => {
    const block = blockAt(place);
    let shown = words;
    for (const [written, real] of urls) shown = shown.replaceAll(real, written);
    if (block !== undefined) printed.set(block, `${printed.get(block) ?? ""}${shown}\n`);
  };
  const witness: Witness = {
    at: (line) => {
      place = line;
    },
    said: (line, value) => {
      const claim = claims.get(line);
      const right = claim && correction(claim.text, value);
      if (claim === undefined || right === undefined) return value;
      const written = lines[claim.line - 1] ?? "";
      if (claim.text.includes("\n")) faults.push(`${program.file}:${claim.line}: it is ${right}`);
      else corrections.set(claim.line, written.slice(0, written.lastIndexOf(claim.text)) + right);
      return value;
    },
    fails: async (line, statement) => {
      place = line;
      try {
        await statement();
      } catch (error) {
        const { name, code, message } = error as Error & { readonly code?: string };
        print(`${name} ${code}: ${message}`);
        return;
      }
      faults.push(`${program.file}:${line}: this does not fail`);
    },
  };
  const log = (...values: readonly unknown[]): void => print(formatWithOptions({ colors: false }, ...values));
  const bodies = blocks.map((block) => instrumented(block, claims));
  if (bodies.length === 0) return { corrections, printed, faults };
  const source = `{${bodies.join("\n{")}\n${"}".repeat(bodies.length)}`;
  const names = new Map<string, unknown>([
    ["witness", witness],
    ["console", { log, error: log, warn: log, debug: log }],
    ...(await imported({ ...program, blocks })),
  ]);
  let body = source;
  for (const [written, real] of urls) body = body.replaceAll(`"${written}`, `"${real}`);
  const { code } = transformSync(body, { loader: "ts", format: "esm", target: "node20" });
  try {
    await new AsyncFunction(...names.keys(), code)(...names.values());
  } catch (error) {
    faults.push(`${program.file}:${place}: ${String(error)}`);
  }
  return { corrections, printed, faults };
}

const AsyncFunction = (async () => {}).constructor as new (
  ...texts: readonly string[]
) => (...values: readonly unknown[]) => Promise<void>;

/** A block's code that tells the witness of each statement. */
function instrumented(block: Block, claims: Map<number, NonNullable<Statement["claim"]>>): string {
  const { text, statements } = readCode(block.code);
  let code = text;
  for (const { start, end, line, expression, claim } of statements.toReversed()) {
    const at = block.line + line;
    if (block.how === "fails" && expression !== undefined) {
      code = `${code.slice(0, start)}await witness.fails(${at}, async () => { ${code.slice(start, end)} });${code.slice(end)}`;
      continue;
    }
    if (expression !== undefined && claim !== undefined) {
      const [from, to] = expression;
      claims.set(at, { line: block.line + claim.line, text: claim.text });
      code = `${code.slice(0, from)}witness.said(${at}, ${code.slice(from, to)});${code.slice(end)}`;
    }
    code = `${code.slice(0, start)}witness.at(${at}); ${code.slice(start)}`;
  }
  return code;
}

/** The names that a program imports, with what they are. */
async function imported(program: Program): Promise<ReadonlyMap<string, unknown>> {
  const all = new Map<string, unknown>();
  for (const [from, names] of importsOf(program)) {
    const module: Record<string, unknown> = Object.hasOwn(entries, from)
      ? entries[from as keyof typeof entries]
      : from === PREAMBLE
        ? preamble
        : await import(from);
    for (const name of names) {
      if (name.startsWith("* as ")) all.set(name.slice(5), module);
      else if (!name.startsWith("type ")) all.set(name, module[name]);
    }
  }
  return all;
}

/** The file with everything as it is. */
export function corrected(text: string, runs: readonly Run[]): string {
  const lines: (string | undefined)[] = text.split("\n");
  for (const { corrections, printed } of runs) {
    for (const [line, right] of corrections) lines[line - 1] = right;
    for (const [{ printed: place }, words] of printed) {
      if (place === undefined) continue;
      const [from, to] = place;
      for (let line = from; line < to; line++) lines[line - 1] = undefined;
      lines[from - 2] += `\n${words.trimEnd().replaceAll(/ +$/gm, "")}`;
    }
  }
  return lines.filter((line) => line !== undefined).join("\n");
}
