import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { blocksIn, tableText, withBlocks } from "./page.ts";
import { SECTIONS } from "./sections.ts";

const PAGE = `# Title

<!-- bench: decode -->
\`\`\`txt
old
\`\`\`
<!-- end -->
Words between.
<!-- bench: import -->
<!-- end -->
`;

test("texts go between their marks, and nothing else changes", () => {
  const page = withBlocks(PAGE, new Map([["decode", "new $1"]]));
  expect(page).toBe(PAGE.replace("old", () => "new $1"));
  expect(withBlocks(page, new Map([["import", "ms"]]))).toContain(
    "<!-- bench: import -->\n```txt\nms\n```\n<!-- end -->\n",
  );
});

test("a text without a place is an error", () => {
  expect(() => withBlocks(PAGE, new Map([["socket", "ms"]]))).toThrow("the page has no <!-- bench: socket -->");
});

test("words stand to the left and numbers to the right", () => {
  const rows = [
    ["text", "ours", "9.5", "-"],
    ["JSON", "JSON.parse", "10.5", "1.1"],
  ];
  expect(tableText(["task", "way", "ms", "×"], rows)).toBe(
    ["task   way            ms     ×", "text   ours          9.5     -", "JSON   JSON.parse   10.5   1.1"].join("\n"),
  );
});

test("the page on performance has a place for every table, and for no other", () => {
  const page = readFileSync(new URL("../../docs/performance.md", import.meta.url), "utf8");
  expect([...blocksIn(page)].sort()).toEqual(["machine", ...Object.keys(SECTIONS)].sort());
});
