import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createMesh, label } from "../../src/index.ts";

/*
 * Blocks of a title, a call and the text it gives:
 *
 *   # title
 *   call
 *   ==>
 *   text
 *
 * GOLDEN=write writes the texts anew.
 */
const FILE = new URL("signals.txt", import.meta.url);

interface Block {
  readonly title: string;
  readonly call: string;
  readonly text: string;
}

function read(file: string): readonly Block[] {
  return file
    .split(/^# /m)
    .slice(1)
    .map((block) => {
      const [, title, call, text] = /^(.*?)\n(.*?)\n==>\n(.*)$/s.exec(block) ?? [];
      if (title === undefined || call === undefined || text === undefined) throw new Error(`no block: ${block}`);
      return { title, call, text: text.trim() };
    });
}

const mesh = createMesh();
const evaluate = (call: string): string => new Function("mesh", "label", `return (${call}).promql`)(mesh, label);

const blocks = read(readFileSync(FILE, "utf8"));
if (process.env.GOLDEN === "write") {
  writeFileSync(FILE, blocks.map(({ title, call }) => `# ${title}\n${call}\n==>\n${evaluate(call)}\n`).join("\n"));
}

describe("the PromQL of", () => {
  test.each(read(readFileSync(FILE, "utf8")))("$title", ({ call, text }) => {
    expect(evaluate(call)).toBe(text);
  });
});

test("each block has a title of its own and a text", () => {
  expect(new Set(blocks.map((block) => block.title)).size).toBe(blocks.length);
  expect(blocks.filter((block) => block.text === "")).toEqual([]);
});
