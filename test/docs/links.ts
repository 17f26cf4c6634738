import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** A link as it is written, and where. */
export interface Link {
  readonly file: string;
  readonly line: number;
  readonly target: string;
}

/** The links of a page of Markdown; what stands in code is none. */
export function linksOf(file: string, text: string): readonly Link[] {
  let isCode = false;
  return text.split("\n").flatMap((line, i) => {
    if (line.startsWith("```")) isCode = !isCode;
    if (isCode) return [];
    const prose = line.replaceAll(/`[^`]*`/g, (code) => " ".repeat(code.length));
    return Array.from(prose.matchAll(/\]\(([^()\s]+)\)/g), ([, target = ""]) => ({ file, line: i + 1, target }));
  });
}

/** The names that headings of a page can be linked by, as GitHub makes them. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  let isCode = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("```")) isCode = !isCode;
    const [, heading] = isCode ? [] : (/^#+ (.+)$/.exec(line) ?? []);
    if (heading !== undefined)
      anchors.add(
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
          .replaceAll(" ", "-"),
      );
  }
  return anchors;
}

export const isExternal = ({ target }: Link): boolean => /^[a-z]+:/.test(target);

/** Links that lead nowhere: to no file, or to no heading of a page. */
export function brokenLinks(links: readonly Link[], root: string, read: (file: string) => string): readonly string[] {
  return links
    .filter((link) => !isExternal(link))
    .filter(({ file, target }) => {
      const [path = "", anchor] = target.split("#");
      const found = path === "" ? file : normalize(join(dirname(file), path));
      if (!existsSync(join(root, found))) return true;
      return anchor !== undefined && !anchorsOf(read(found)).has(anchor);
    })
    .map(({ file, line, target }) => `${file}:${line}: ${target}`);
}
