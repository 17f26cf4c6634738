import type { Cells } from "./sections.ts";

/** A table as text: the first column to the left, the others to the right. */
export function tableText(columns: Cells, rows: readonly Cells[]): string {
  const lines = [columns, ...rows];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const isText = columns.map((_, i) => i === 0 || rows.some((row) => /^[^\d-]/.test(row[i] ?? "")));
  return lines
    .map((line) =>
      line
        .map((cell, i) => (isText[i] ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join("   ")
        .trimEnd(),
    )
    .join("\n");
}

const BLOCK = /<!-- bench: ([\w-]+) -->\n[\s\S]*?<!-- end -->/g;

/** The names of the blocks that a page has a place for, in its order. */
export const blocksIn = (page: string): readonly string[] => [...page.matchAll(BLOCK)].map(([, name = ""]) => name);

/**
 * The page with these texts between their marks; a block without a text stays as it is.
 *
 * @throws {Error} when a text has no place in the page
 */
export function withBlocks(page: string, texts: ReadonlyMap<string, string>): string {
  const places = new Set(blocksIn(page));
  const lost = [...texts.keys()].filter((name) => !places.has(name));
  if (lost.length > 0) throw new Error(`the page has no <!-- bench: ${lost[0]} -->`);
  return page.replace(BLOCK, (block, name: string) => {
    const text = texts.get(name);
    return text === undefined ? block : `<!-- bench: ${name} -->\n\`\`\`txt\n${text}\n\`\`\`\n<!-- end -->`;
  });
}
