/**
 * Follows every link of the built site, files and anchors: `npm run docs` runs it behind typedoc.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { root } from "./document.ts";

const site = join(root, "docs/api");
const names = readdirSync(site, { recursive: true, encoding: "utf8" }).filter((name) => /\.(html|svg)$/.test(name));
const markup = new Map(names.map((name) => [join(site, name), readFileSync(join(site, name), "utf8")]));
const anchors = new Map(
  Array.from(markup, ([file, html]) => [file, new Set(Array.from(html.matchAll(/ id="([^"]+)"/g), ([, id]) => id))]),
);

const unescaped = (text: string): string =>
  text.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'");

let followed = 0;
const broken = new Set<string>();
const elsewhere = new Set<string>();
for (const [page, html] of markup) {
  for (const [, written = ""] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
    const target = unescaped(written);
    if (/^[a-z]+:/i.test(target)) {
      elsewhere.add(target);
      continue;
    }
    followed++;
    const [path = "", anchor = ""] = target.split("#");
    const file = path === "" ? page : join(dirname(page), decodeURIComponent(path.split("?")[0] ?? ""));
    const isThere = existsSync(file) && statSync(file).isFile();
    if (!isThere || (anchor !== "" && !anchors.get(file)?.has(decodeURIComponent(anchor)))) {
      broken.add(`${relative(site, page)}: ${target}`);
    }
  }
}
for (const link of broken) console.error(`leads nowhere: ${link}`);
for (const link of [...elsewhere].sort()) console.log(`not followed: ${link}`);
console.log(`${names.length} files, ${followed} links followed, ${broken.size} lead nowhere`);
if (broken.size > 0 || followed === 0) process.exitCode = 1;
