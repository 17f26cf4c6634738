import { expect, test } from "vitest";
import { compile } from "./compile.ts";
import { examplePrograms, pageProgram, pages, sources, textOf } from "./document.ts";

const programs = [
  ...pages.map((file) => pageProgram(file, textOf(file))),
  ...sources.flatMap((file) => examplePrograms(file, textOf(file))),
]
  .map(({ file, blocks }) => ({ file, blocks: blocks.filter(({ isForeign }) => !isForeign) }))
  .filter(({ blocks }) => blocks.length > 0);

test("the code on every page and in every docstring compiles", () => {
  expect(compile(programs)).toEqual([]);
}, 120_000);

test("what does not compile is named with its line", () => {
  const page = "# A page\n\n```ts\nconst rate = edge.rate(5);\n```\n\n```ts\nrate.by('response_cod');\nnothing;\n```\n";
  expect(compile([pageProgram("docs/page.md", page)])).toEqual([
    expect.stringMatching(/^docs\/page\.md:4: Argument of type 'number' is not assignable/),
    expect.stringMatching(/^docs\/page\.md:8: Argument of type '"response_cod"' is not assignable/),
    "docs/page.md:9: Cannot find name 'nothing'.",
  ]);
}, 120_000);
