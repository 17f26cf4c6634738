import { expect, test } from "vitest";
import { pages, root, textOf } from "./document.ts";
import { brokenLinks, isExternal, linksOf } from "./links.ts";

const links = pages.flatMap((file) => linksOf(file, textOf(file)));

test("every link of a page leads to a file, and to a heading where it names one", () => {
  expect(brokenLinks(links, root, textOf)).toEqual([]);
});

test("links that lead elsewhere are encrypted", () => {
  expect(links.filter(isExternal).filter(({ target }) => !target.startsWith("https://"))).toEqual([]);
});

test("every page is reached from the README", () => {
  const reached = new Set(linksOf("README.md", textOf("README.md")).map(({ target }) => target.split("#")[0]));
  expect(pages.filter((page) => page.startsWith("docs/") && !reached.has(page))).toEqual([]);
});

test("a link to nothing is named with its line", () => {
  const text =
    "# A page\n\n[to](docs/signals.md#what-failed) [to](#a-page) `[no](x.md)`\n[no](nothing.md), [no](#nothing)\n";
  expect(brokenLinks(linksOf("README.md", text), root, (file) => (file === "README.md" ? text : textOf(file)))).toEqual(
    ["README.md:4: nothing.md", "README.md:4: #nothing"],
  );
});
