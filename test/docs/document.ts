import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A piece of code on a page or in a docstring. */
export interface Block {
  /** The line of the file on which its first line stands, from 1. */
  readonly line: number;
  readonly code: string;
  /** `"fails"`: each statement of it throws. */
  readonly how: "fails" | "runs";
  /** Why it is not run, if it is not. */
  readonly unrun?: string | undefined;
  /** Whether it is not even compiled, since it needs what is not installed here. */
  readonly isForeign?: boolean | undefined;
  /** The lines of the file, from 1, that say what it prints: from the first up to the one after the last. */
  readonly printed?: readonly [from: number, to: number] | undefined;
}

/** Blocks that are one program, from top to bottom. */
export interface Program {
  /** The file from the repository's root. */
  readonly file: string;
  readonly blocks: readonly Block[];
}

/**
 * The code of a page, which is one program: a block goes on from those above it, and may declare a name anew.
 *
 * `ts` opens a block, `ts fails` one whose every statement throws, `ts unrun: why` one that is only compiled, and
 * `ts needs: what` one that is not even that. A block of `text` that comes next is what it prints. An HTML comment that
 * begins with `ts` is code that is not shown.
 */
export function pageProgram(file: string, text: string): Program {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const opening = /^(?:```|(<!-- ))(ts|text|\w*)(?: (.*))?$/.exec(lines[i] ?? "");
    if (opening === null || (opening[1] !== undefined && opening[2] !== "ts")) continue;
    const [, hidden, language, words = ""] = opening;
    const end = lines.indexOf(hidden === undefined ? "```" : "-->", i + 1);
    if (end === -1) throw new Error(`${file}:${i + 1}: this block has no end`);
    const last = blocks.at(-1);
    if (language === "ts") {
      const code = lines.slice(i + 1, end).join("\n");
      blocks.push({ line: i + 2, code, ...treatment(words, `${file}:${i + 1}`) });
    } else if (language === "text" && last !== undefined && isNextTo(last, lines, i)) {
      blocks[blocks.length - 1] = { ...last, printed: [i + 2, end + 1] };
    }
    i = end;
  }
  return { file, blocks };
}

/** What is to be done with a block by the words behind its language. */
function treatment(words: string, place: string): Pick<Block, "how" | "isForeign" | "unrun"> {
  if (words === "" || words === "fails") return { how: words === "" ? "runs" : "fails" };
  const [, kind, why] = /^(unrun|needs): (.+)$/.exec(words) ?? [];
  if (kind === undefined) throw new Error(`${place}: "${words}" is none of "fails", "unrun: why" and "needs: what"`);
  return { how: "runs", unrun: why, isForeign: kind === "needs" };
}

/** Whether no other fence stands between a block and the line. */
function isNextTo(block: Block, lines: readonly string[], line: number): boolean {
  const end = block.line + block.code.split("\n").length;
  return block.printed === undefined && !lines.slice(end, line).some((text) => text.startsWith("```"));
}

/** The examples of a source's docstrings, each a program of its own; fences are needed for `unrun: why` only. */
export function examplePrograms(file: string, text: string): readonly Program[] {
  const lines = text.split("\n");
  const programs: Program[] = [];
  lines.forEach((line, i) => {
    if (!/^\s*\* @example$/.test(line)) return;
    const end = lines.findIndex((next, n) => n > i && /^\s*\*(\/| @\w)/.test(next));
    const code = lines.slice(i + 1, end).map((one) => one.replace(/^\s*\* ?/, ""));
    const [, words = ""] = /^```ts (.+)$/.exec(code[0] ?? "") ?? [];
    const shown = code.map((one) => (one.startsWith("```") ? "" : one)).join("\n");
    programs.push({ file, blocks: [{ line: i + 2, code: shown, ...treatment(words, `${file}:${i + 2}`) }] });
  });
  return programs;
}

export const textOf = (file: string): string => readFileSync(`${root}${file}`, "utf8");

/** The written pages. */
export const pages: readonly string[] = ["", "docs/"].flatMap((folder) =>
  readdirSync(`${root}${folder}`)
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}${name}`),
);

/** The sources of the library. */
export const sources: readonly string[] = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => `src/${name.replaceAll("\\", "/")}`)
  .sort();
