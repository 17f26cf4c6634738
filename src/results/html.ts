import { plain } from "./text.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Text as HTML takes it, within elements and attributes. Names come from the network: they are text, whatever they
 * hold. Line ends are kept for hints.
 */
export const escaped = (text: string): string =>
  text
    .split("\n")
    .map((line) => plain(line).replace(/[&<>"']/g, (c) => ESCAPES[c] ?? c))
    .join("\n");
